//! A game: one match after another, whose scores only grow, of football or in an arena.

mod arena;
mod football;

use super::{Dice, World};
use crate::Draft;
use crate::narrative::{Narrative, Said};
use arena::Arena;
use football::Football;

pub(super) const WORDS: &[(u32, &[&str])] = &[
    (
        3,
        &[
            "game",
            "gaming",
            "gamer",
            "esports",
            "esport",
            "multiplayer",
            "football",
            "soccer",
            "tournament",
            "shooter",
            "mmo",
            "rpg",
            "leaderboard",
            "battle",
            "pvp",
        ],
    ),
    (
        2,
        &[
            "match",
            "player",
            "score",
            "team",
            "goal",
            "arena",
            "quest",
            "level",
            "kill",
            "league",
            "lobby",
            "championship",
            "stadium",
        ],
    ),
    (1, &["win", "round", "sport", "play", "boss", "commentary", "race", "cup", "kick"]),
];

/// Which game is played.
pub(super) enum Game {
    Arena(Arena),
    Football(Football),
}

impl Game {
    pub(super) fn new(narrative: &Narrative, dice: &mut Dice) -> Self {
        let is_football =
            narrative.says(&["football", "soccer", "goal", "stadium", "fifa", "referee", "kick", "league", "cup"]);
        if is_football {
            Self::Football(Football::new(narrative, dice))
        } else {
            Self::Arena(Arena::new(narrative, dice))
        }
    }
}

impl World for Game {
    fn next(&mut self, dice: &mut Dice) -> Draft {
        match self {
            Self::Arena(arena) => arena.next(dice),
            Self::Football(football) => football.next(dice),
        }
    }

    fn hear(&mut self, said: &Said, dice: &mut Dice) {
        match self {
            Self::Arena(arena) => arena.hear(said, dice),
            Self::Football(football) => football.hear(said, dice),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::{Value, json};

    use super::super::testing::{begun, dice, events, hear};
    use super::*;

    #[test]
    fn scores_in_the_arena_only_grow_within_a_match() {
        let mut ended = 0;
        for seed in 0..30 {
            let mut scores: HashMap<String, i64> = HashMap::new();
            let mut open: Option<Value> = None;
            let mut clock = 0;
            for draft in
                events::<Game>(["multiplayer shooter", "a busy game with 8 players"][seed as usize % 2], seed, 700)
            {
                let data = &draft.data;
                match draft.kind.as_str() {
                    "match_started" => {
                        assert!(open.replace(data["match_id"].clone()).is_none());
                        scores.clear();
                        clock = 0;
                    }
                    "match_ended" => {
                        ended += 1;
                        assert_eq!(open.take(), Some(data["match_id"].clone()));
                        let best = scores.values().max().copied().unwrap();
                        assert_eq!(scores[data["winner"].as_str().unwrap()], best);
                    }
                    _ => assert_eq!(open.as_ref(), Some(&data["match_id"]), "{data}"),
                }
                let now = data["elapsed_seconds"].as_i64().unwrap_or(clock);
                assert!(now >= clock);
                clock = now;
                if let (Some(player), Some(score)) = (data["player"].as_str(), data["score_points"].as_i64()) {
                    let before = scores.insert(player.to_owned(), score).unwrap_or(0);
                    assert!(score >= before, "{data}");
                    assert_ne!(data["player"], data["victim"]);
                }
                if let Some(board) = data["standings"].as_array() {
                    let points: Vec<i64> = board.iter().map(|row| row["score_points"].as_i64().unwrap()).collect();
                    assert!(points.is_sorted_by(|one, other| one >= other), "{data}");
                }
            }
        }
        assert!(ended > 10, "{ended}");
    }

    #[test]
    fn football_goals_add_up_and_minutes_go_on() {
        let mut ended = 0;
        for seed in 0..30 {
            let (mut home, mut away, mut minute) = (0, 0, 0);
            for draft in events::<Game>("a football match between Ajax and Porto United", seed, 300) {
                let data = &draft.data;
                let score = |key: &str| data[key].as_i64().unwrap();
                if draft.kind == "kick_off" && score("minute") == 0 {
                    (home, away, minute) = (0, 0, 0);
                }
                let more = (score("home_goals") - home) + (score("away_goals") - away);
                assert_eq!(more, i64::from(draft.kind == "goal"), "{data}");
                assert!(score("minute") >= minute, "{data}");
                (home, away, minute) = (score("home_goals"), score("away_goals"), score("minute"));
                ended += i32::from(draft.kind == "full_time");
            }
        }
        assert!(ended > 30, "{ended}");
    }

    #[test]
    fn a_client_joins_the_arena_and_calls_for_a_goal() {
        let mut dice = dice(3);
        let mut world = begun::<Game>("shooter game", &mut dice);
        (0..5).for_each(|_| drop(world.next(&mut dice)));
        hear(&mut world, r#"{"action": "join", "player": "Zelda"}"#, &mut dice);
        let draft = world.next(&mut dice);
        assert_eq!((draft.kind.as_str(), &draft.data["player"]), ("player_joined", &json!("Zelda")));
        let mut world = begun::<Game>("football", &mut dice);
        (0..5).for_each(|_| drop(world.next(&mut dice)));
        hear(&mut world, "we want a goal!", &mut dice);
        assert!((0..4).any(|_| world.next(&mut dice).kind == "goal"));
    }
}
