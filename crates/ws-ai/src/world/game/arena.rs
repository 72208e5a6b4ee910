//! A match in an arena: players hit each other, take objectives, and the first with enough points wins.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::Draft;
use crate::narrative::{Mood, Narrative, Said};
use crate::world::data::joined;
use crate::world::{Dice, cast};

const NICKS: &[&str] = &[
    "Nightowl", "PixelFox", "IronMoth", "Rook", "Vex", "Sparrow", "Blitz", "Marrow", "Cinder", "Echo7", "Juno",
    "Kestrel", "Lynx", "Onyx", "Quill", "Ratchet", "Saffron", "Talon", "Umbra", "Wisp",
];
const MAPS: &[&str] = &["Harbor", "Old Foundry", "Glacier Pass", "Skyline", "Canyon", "Subway"];
const WEAPONS: &[(&str, i64)] =
    &[("rifle", 100), ("bow", 120), ("shotgun", 100), ("sword", 130), ("grenade", 90), ("sniper", 120)];
const OBJECTIVES: &[&str] = &["bridge", "tower", "generator", "north gate"];
const TARGET: i64 = 1_500;
const MOST_PLAYERS: usize = 32;
const MOST_ANSWERS: usize = 8;

#[derive(Debug)]
struct Player {
    name: String,
    points: i64,
    kills: i64,
    deaths: i64,
    streak: i64,
    /// How good one is: 1 to 10.
    skill: i64,
}

#[derive(Debug)]
pub(in crate::world) struct Arena {
    players: Vec<Player>,
    map: String,
    maps: Vec<String>,
    number: i64,
    seconds: i64,
    is_on: bool,
    busy: bool,
    leader: Option<String>,
    pending: VecDeque<Draft>,
    events: i64,
}

impl Arena {
    pub(super) fn new(narrative: &Narrative, dice: &mut Dice) -> Self {
        let mut named = narrative.people().to_vec();
        named.extend(narrative.quoted().iter().cloned());
        let count = narrative.count_of(&["player", "gamer", "user", "team", "people", "hero"]);
        let count = count.unwrap_or(if named.len() > 1 { named.len() } else { 6 }).clamp(2, MOST_PLAYERS);
        let mut names = cast::filled_up(&named, NICKS, count, dice);
        names.truncate(MOST_PLAYERS);
        let places = narrative.places().to_vec();
        Self {
            players: names.into_iter().map(|name| Player::new(name, dice)).collect(),
            map: String::new(),
            maps: if places.is_empty() { MAPS.iter().map(|map| (*map).to_owned()).collect() } else { places },
            number: dice.between(1_000, 9_000),
            seconds: 0,
            is_on: false,
            busy: narrative.has(Mood::Busy),
            leader: None,
            pending: VecDeque::new(),
            events: 0,
        }
    }

    fn draft(&self, kind: &str, more: Value) -> Draft {
        let data = json!({"match_id": format!("match-{}", self.number), "elapsed_seconds": self.seconds});
        Draft { kind: kind.to_owned(), data: joined(data, more) }
    }

    fn start(&mut self, dice: &mut Dice) -> Draft {
        self.number += 1;
        self.seconds = 0;
        self.is_on = true;
        self.leader = None;
        self.events = 0;
        self.map = dice.pick(&self.maps).clone();
        for player in &mut self.players {
            (player.points, player.kills, player.deaths, player.streak) = (0, 0, 0, 0);
        }
        let names: Vec<&str> = self.players.iter().map(|player| player.name.as_str()).collect();
        self.draft("match_started", json!({"map": self.map, "players": names, "target_points": TARGET}))
    }

    fn standings(&self) -> Vec<Value> {
        let mut players: Vec<&Player> = self.players.iter().collect();
        players.sort_by_key(|player| -player.points);
        let row = |player: &&Player| json!({"player": player.name, "score_points": player.points, "kills": player.kills, "deaths": player.deaths});
        players.iter().take(5).map(row).collect()
    }

    fn kill(&mut self, dice: &mut Dice) -> Draft {
        let weights: Vec<(i64, usize)> =
            self.players.iter().enumerate().map(|(at, player)| (player.skill, at)).collect();
        let killer = dice.weighted(&weights);
        let victims: Vec<(i64, usize)> = self
            .players
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != killer)
            .map(|(at, player)| (11 - player.skill, at))
            .collect();
        let victim = dice.weighted(&victims);
        let (weapon, points) = *dice.pick(WEAPONS);
        let headshot = matches!(weapon, "rifle" | "sniper" | "bow") && dice.chance(22);
        let points = if headshot { points + 25 } else { points };
        self.players[victim].deaths += 1;
        self.players[victim].streak = 0;
        let player = &mut self.players[killer];
        player.kills += 1;
        player.streak += 1;
        player.points += points;
        let mut data = json!({
            "player": player.name,
            "victim": self.players[victim].name,
            "weapon": weapon,
            "points": points,
            "score_points": self.players[killer].points,
        });
        if headshot {
            data["headshot"] = json!(true);
        }
        let player = &self.players[killer];
        if player.streak >= 3 {
            data["streak"] = json!(player.streak);
        }
        self.after(killer);
        self.draft("kill", data)
    }

    fn capture(&mut self, dice: &mut Dice) -> Draft {
        let at = dice.place(self.players.len());
        let player = &mut self.players[at];
        player.points += 150;
        let objective = *dice.pick(OBJECTIVES);
        let data = json!({"player": player.name, "objective": objective, "points": 150, "score_points": player.points});
        self.after(at);
        self.draft("objective_captured", data)
    }

    /// A new leader, or the end of the match.
    fn after(&mut self, at: usize) {
        let player = &self.players[at];
        let leads = self.players.iter().all(|other| other.name == player.name || other.points < player.points);
        if player.points >= TARGET && leads {
            self.pending.push_back(self.draft(
                "match_ended",
                json!({"winner": player.name, "map": self.map, "winner_points": player.points, "standings": self.standings()}),
            ));
            self.is_on = false;
        } else if leads && self.leader.as_ref() != Some(&player.name) && self.events > 8 {
            let data = json!({"leader": player.name, "leader_points": player.points, "standings": self.standings()});
            let draft = self.draft("lead_changed", data);
            self.leader = Some(player.name.clone());
            self.pending.push_back(draft);
        }
    }

    pub(super) fn next(&mut self, dice: &mut Dice) -> Draft {
        if let Some(draft) = self.pending.pop_front() {
            return draft;
        }
        if !self.is_on {
            return self.start(dice);
        }
        self.events += 1;
        self.seconds += dice.between(1, if self.busy { 4 } else { 9 });
        match dice.between(1, 100) {
            1..=66 => self.kill(dice),
            67..=78 => self.capture(dice),
            79..=92 => {
                let player = dice.pick(&self.players);
                let item = *dice.pick(&["shield", "medkit", "speed boost", "ammo crate", "double damage"]);
                let data = json!({"player": player.name, "item": item, "score_points": player.points});
                self.draft("item_picked_up", data)
            }
            _ => {
                let data = json!({"map": self.map, "standings": self.standings()});
                self.draft("leaderboard", data)
            }
        }
    }

    pub(super) fn hear(&mut self, said: &Said, dice: &mut Dice) {
        let narrative = said.narrative();
        if narrative.has(Mood::Busy) {
            self.busy = true;
        }
        if narrative.has(Mood::Quiet) {
            self.busy = false;
        }
        let Some(name) = said.speaker().or_else(|| narrative.people().first().cloned()) else { return };
        let known = self.players.iter().position(|player| player.name == name);
        let full = self.players.len() >= MOST_PLAYERS || self.pending.len() >= MOST_ANSWERS || !self.is_on;
        match known {
            None if !full => {
                let player = Player::new(name, dice);
                let draft = self.draft(
                    "player_joined",
                    json!({"player": player.name, "players": self.players.len() + 1, "score_points": 0}),
                );
                self.players.push(player);
                self.pending.push_back(draft);
            }
            // Who is spoken of plays better.
            Some(at) => self.players[at].skill = (self.players[at].skill + 3).min(10),
            None => {}
        }
    }
}

impl Player {
    fn new(name: String, dice: &mut Dice) -> Self {
        Self { name, points: 0, kills: 0, deaths: 0, streak: 0, skill: dice.between(3, 9) }
    }
}
