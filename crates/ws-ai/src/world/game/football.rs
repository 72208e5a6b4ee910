//! A football match, from kick-off to full time.

use serde_json::{Value, json};

use crate::Draft;
use crate::narrative::{Mood, Narrative, Said};
use crate::world::data::joined;
use crate::world::{Dice, cast};

const TEAMS: &[&str] = &["Harbour City", "Northgate United", "Riverside", "Old Town Rovers", "Lakeside", "FC Meridian"];

/// Eleven, and three on the bench.
const SQUAD: usize = 14;

#[derive(Debug)]
struct Team {
    name: String,
    goals: i64,
    players: Vec<String>,
    bench: Vec<String>,
    booked: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Before,
    FirstHalf,
    Break,
    SecondHalf,
    After,
}

#[derive(Debug)]
pub(in crate::world) struct Football {
    teams: [Team; 2],
    stage: Stage,
    minute: i64,
    number: i64,
    named: Vec<String>,
    busy: bool,
    /// A goal is called for.
    goal: bool,
}

impl Football {
    pub(super) fn new(narrative: &Narrative, dice: &mut Dice) -> Self {
        let mut named: Vec<String> = narrative.quoted().to_vec();
        named.extend(narrative.people().iter().cloned());
        named.extend(narrative.places().iter().cloned());
        let mut football = Self {
            teams: [Team::new(String::new(), &[]), Team::new(String::new(), &[])],
            stage: Stage::Before,
            minute: 0,
            number: dice.between(100, 900),
            named,
            busy: narrative.has(Mood::Busy),
            goal: false,
        };
        football.line_up(dice);
        football
    }

    fn line_up(&mut self, dice: &mut Dice) {
        let names = cast::filled_up(&self.named, TEAMS, 2, dice);
        let [home, away] = [names[0].clone(), names[1].clone()];
        let players = dice.sample(cast::LAST_NAMES, 2 * SQUAD);
        let (ours, theirs) = players.split_at(SQUAD);
        self.teams = [Team::new(home, ours), Team::new(away, theirs)];
        self.minute = 0;
        self.number += 1;
    }

    fn draft(&self, kind: &str, more: Value) -> Draft {
        let [home, away] = &self.teams;
        let data = json!({
            "match_id": format!("match-{}", self.number),
            "minute": self.minute,
            "home": home.name,
            "away": away.name,
            "home_goals": home.goals,
            "away_goals": away.goals,
        });
        Draft { kind: kind.to_owned(), data: joined(data, more) }
    }

    fn play(&mut self, dice: &mut Dice) -> Draft {
        let side = dice.place(2);
        let goal = std::mem::take(&mut self.goal) || dice.chance(if self.busy { 14 } else { 8 });
        if goal {
            self.teams[side].goals += 1;
            let team = &self.teams[side];
            let scorer = dice.pick(&team.players[1..]).clone();
            let helpers: Vec<&String> = team.players[1..].iter().filter(|name| **name != scorer).collect();
            let how = *dice.pick(&["header", "long shot", "free kick", "after a corner", "counter-attack", "penalty"]);
            let mut more = json!({"team": team.name, "player": scorer, "how": how});
            if !matches!(how, "free kick" | "penalty") {
                more["assist"] = json!(dice.pick(&helpers));
            }
            return self.draft("goal", more);
        }
        let other = &self.teams[1 - side];
        let keeper = other.players[0].clone();
        let team = &mut self.teams[side];
        let player = dice.pick(&team.players[1..]).clone();
        let (kind, more) = match dice.between(1, 100) {
            1..=30 => {
                let outcome = *dice.pick(&["saved", "wide", "over the bar", "blocked", "hits the post"]);
                let mut more = json!({"team": team.name, "player": player, "outcome": outcome, "distance_metres": dice.between(6, 32)});
                if outcome == "saved" {
                    more["keeper"] = json!(keeper);
                }
                ("shot", more)
            }
            31..=52 => ("corner", json!({"team": team.name, "player": player, "side": *dice.pick(&["left", "right"])})),
            53..=72 => (
                "foul",
                json!({"team": team.name, "player": player, "free_kick_distance_metres": dice.between(16, 60)}),
            ),
            73..=82 if !team.booked.contains(&player) => {
                team.booked.push(player.clone());
                (
                    "yellow_card",
                    json!({"team": team.name, "player": player, "reason": *dice.pick(&["late tackle", "handball", "time wasting"])}),
                )
            }
            83..=90 if self.stage == Stage::SecondHalf && !team.bench.is_empty() => {
                let on = team.bench.remove(0);
                let off = 1 + dice.place(team.players.len() - 1);
                let off = std::mem::replace(&mut team.players[off], on.clone());
                ("substitution", json!({"team": team.name, "player_on": on, "player_off": off}))
            }
            _ => {
                ("possession", json!({"team": team.name, "player": player, "possession_percent": dice.between(44, 63)}))
            }
        };
        self.draft(kind, more)
    }

    pub(super) fn next(&mut self, dice: &mut Dice) -> Draft {
        match self.stage {
            Stage::Before | Stage::Break => {
                let half = if self.stage == Stage::Before { 1 } else { 2 };
                self.stage = if half == 1 { Stage::FirstHalf } else { Stage::SecondHalf };
                let team = self.teams[half - 1].name.clone();
                return self.draft("kick_off", json!({"half": half, "team": team}));
            }
            Stage::After => {
                self.stage = Stage::Before;
                self.line_up(dice);
                return self.next(dice);
            }
            Stage::FirstHalf | Stage::SecondHalf => {}
        }
        let end = if self.stage == Stage::FirstHalf { 45 } else { 90 };
        self.minute += dice.between(1, 4);
        if self.minute >= end {
            self.minute = end;
            if self.stage == Stage::FirstHalf {
                self.stage = Stage::Break;
                return self.draft("half_time", json!({}));
            }
            self.stage = Stage::After;
            let [home, away] = &self.teams;
            let winner = match home.goals.cmp(&away.goals) {
                std::cmp::Ordering::Greater => json!(home.name),
                std::cmp::Ordering::Less => json!(away.name),
                std::cmp::Ordering::Equal => Value::Null,
            };
            return self.draft("full_time", json!({"winner": winner}));
        }
        self.play(dice)
    }

    pub(super) fn hear(&mut self, said: &Said, _: &mut Dice) {
        let narrative = said.narrative();
        self.goal |= narrative.says(&["goal", "score"]);
        if narrative.has(Mood::Busy) {
            self.busy = true;
        }
        if narrative.has(Mood::Quiet) {
            self.busy = false;
        }
    }
}

impl Team {
    /// The first of the squad is the keeper; the last ones sit on the bench.
    fn new(name: String, squad: &[&str]) -> Self {
        let mut players: Vec<String> = squad.iter().map(|name| (*name).to_owned()).collect();
        let bench = players.split_off(players.len().min(11));
        Self { name, goals: 0, players, bench, booked: Vec::new() }
    }
}
