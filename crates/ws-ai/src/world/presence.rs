//! Presence: who is online, away, busy or gone, and on which device. Everybody only changes from what they were.

use std::collections::VecDeque;

use serde_json::json;

use super::{Dice, World, cast};
use crate::Draft;
use crate::narrative::{Mood, Narrative, Said};

pub(super) const WORDS: &[(u32, &[&str])] = &[
    (3, &["presence", "online", "offline", "availability", "whereabouts"]),
    (
        2,
        &[
            "away",
            "status",
            "collaboration",
            "collaborative",
            "cursor",
            "whiteboard",
            "coworker",
            "logged",
            "login",
            "logout",
            "session",
        ],
    ),
    (1, &["user", "team", "member", "connect", "document", "office", "editor", "visitor", "activity"]),
];

const MOST_USERS: usize = 100;
const MOST_ANSWERS: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Online,
    Away,
    Busy,
    Offline,
}

impl Status {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Away => "away",
            Self::Busy => "busy",
            Self::Offline => "offline",
        }
    }
}

#[derive(Debug)]
struct User {
    name: String,
    status: Status,
    device: &'static str,
    /// How many minutes ago the status changed.
    since: i64,
    page: &'static str,
}

pub(super) struct Presence {
    users: Vec<User>,
    answers: VecDeque<Draft>,
    change: i64,
    busy: bool,
    quiet: bool,
    has_begun: bool,
}

const DEVICES: &[&str] = &["desktop", "desktop", "mobile", "web", "tablet"];
const PAGES: &[&str] = &["Roadmap", "Budget 2025", "Meeting notes", "Design draft", "Onboarding", "Release plan"];

impl Presence {
    pub(super) fn new(narrative: &Narrative, dice: &mut Dice) -> Self {
        let count = narrative.count_of(&[
            "user",
            "people",
            "person",
            "member",
            "player",
            "friend",
            "colleague",
            "coworker",
            "employee",
            "visitor",
        ]);
        let named = narrative.people().len();
        let count = count.unwrap_or(if named > 1 { named } else { 8 }).clamp(1, MOST_USERS);
        let names =
            if count > 40 { cast::full_names(narrative, count, dice) } else { cast::people(narrative, count, dice) };
        let users = names.into_iter().map(|name| User::new(name, dice)).collect();
        Self {
            users,
            answers: VecDeque::new(),
            change: 0,
            busy: narrative.has(Mood::Busy),
            quiet: narrative.has(Mood::Quiet) || narrative.says(&["night"]),
            has_begun: false,
        }
    }

    fn online(&self) -> usize {
        self.users.iter().filter(|user| user.status != Status::Offline).count()
    }

    fn turn(&mut self, at: usize, status: Status, dice: &mut Dice) -> Draft {
        self.change += 1;
        let user = &mut self.users[at];
        let previous = std::mem::replace(&mut user.status, status);
        if previous == Status::Offline {
            user.device = *dice.pick(DEVICES);
        }
        let minutes = user.since.max(1);
        user.since = 0;
        let user = &self.users[at];
        let data = json!({
            "user": user.name,
            "status": status.as_str(),
            "previous_status": previous.as_str(),
            "device": user.device,
            "previous_for_minutes": minutes,
            "online_count": self.online(),
            "change": self.change,
        });
        Draft { kind: "presence".to_owned(), data }
    }

    /// What somebody does next: mostly what one does at work.
    fn following(&self, status: Status, dice: &mut Dice) -> Status {
        let leaves = if self.quiet { 40 } else { 12 };
        match status {
            Status::Offline => Status::Online,
            Status::Online => dice.weighted(&[(45, Status::Away), (30, Status::Busy), (leaves, Status::Offline)]),
            Status::Away => dice.weighted(&[(70, Status::Online), (leaves, Status::Offline)]),
            Status::Busy => dice.weighted(&[(75, Status::Online), (15, Status::Away)]),
        }
    }

    fn roster(&self) -> Draft {
        let users: Vec<_> =
            self.users.iter().take(25).map(|user| json!({"user": user.name, "status": user.status.as_str()})).collect();
        let data = json!({"users": users, "online_count": self.online(), "total_count": self.users.len(), "change": self.change});
        Draft { kind: "roster".to_owned(), data }
    }
}

impl World for Presence {
    fn next(&mut self, dice: &mut Dice) -> Draft {
        if let Some(answer) = self.answers.pop_front() {
            return answer;
        }
        if !self.has_begun {
            self.has_begun = true;
            return self.roster();
        }
        self.users.iter_mut().for_each(|user| user.since += dice.between(1, 4));
        // Who has just changed is left alone for a while; who is gone comes back sooner in a busy place.
        let weight = |user: &User| {
            let rested = user.since.min(30) + 1;
            match user.status {
                Status::Offline if self.busy => rested * 3,
                Status::Offline if !self.quiet => rested * 2,
                _ => rested,
            }
        };
        let weights: Vec<(i64, usize)> = self.users.iter().enumerate().map(|(at, user)| (weight(user), at)).collect();
        let at = dice.weighted(&weights);
        let user = &mut self.users[at];
        if user.status == Status::Online && dice.chance(30) {
            let others: Vec<&'static str> = PAGES.iter().copied().filter(|page| *page != user.page).collect();
            let previous = std::mem::replace(&mut user.page, *dice.pick(&others));
            self.change += 1;
            let data = json!({
                "user": user.name, "page": user.page, "previous_page": previous, "device": user.device, "change": self.change,
            });
            return Draft { kind: "viewing".to_owned(), data };
        }
        let status = user.status;
        let status = self.following(status, dice);
        self.turn(at, status, dice)
    }

    fn hear(&mut self, said: &Said, dice: &mut Dice) {
        let narrative = said.narrative();
        if self.answers.len() >= MOST_ANSWERS {
            return;
        }
        let spoken_of =
            self.users.iter().find(|user| narrative.lower_words().any(|word| word == user.name.to_lowercase()));
        let name = said.speaker().or_else(|| spoken_of.map(|user| user.name.clone()));
        let wanted = [
            (Status::Offline, &["offline", "leave", "logout", "bye", "gone"][..]),
            (Status::Away, &["away", "break", "lunch", "brb", "afk"]),
            (Status::Busy, &["busy", "dnd", "meeting"]),
            (Status::Online, &["online", "back", "login", "join", "hello", "here"]),
        ];
        let wanted = wanted.iter().find(|(_, words)| narrative.says(words)).map(|(status, _)| *status);
        if let Some(name) = name {
            let known = self.users.iter().position(|user| user.name == name);
            let at = match known {
                Some(at) => at,
                None if self.users.len() < MOST_USERS => {
                    self.users.push(User { status: Status::Offline, ..User::new(name, dice) });
                    self.users.len() - 1
                }
                None => return,
            };
            let status = wanted.unwrap_or(if known.is_none() { Status::Online } else { self.users[at].status });
            if status != self.users[at].status {
                let draft = self.turn(at, status, dice);
                self.answers.push_back(draft);
            }
            return;
        }
        // It is the place that is busy, not somebody.
        if narrative.has(Mood::Busy) {
            (self.busy, self.quiet) = (true, false);
        }
        if narrative.has(Mood::Quiet) {
            (self.busy, self.quiet) = (false, true);
        }
        if narrative.says(&["who", "roster", "list", "subscribe", "everyone"]) {
            self.change += 1;
            let roster = self.roster();
            self.answers.push_back(roster);
        }
    }
}

impl User {
    fn new(name: String, dice: &mut Dice) -> Self {
        let status = dice.weighted(&[(5, Status::Online), (2, Status::Away), (1, Status::Busy), (4, Status::Offline)]);
        Self { name, status, device: *dice.pick(DEVICES), since: dice.between(1, 60), page: *dice.pick(PAGES) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::testing::{begun, dice, events, hear};
    use super::*;

    #[test]
    fn everybody_only_changes_from_what_they_were() {
        for seed in 0..40 {
            let narrative = ["presence of 5 users", "busy presence of Alice, Bob and Eve", "quiet online status"]
                [seed as usize % 3];
            let mut statuses: HashMap<String, String> = HashMap::new();
            for draft in events::<Presence>(narrative, seed, 500) {
                let text = |key: &str| draft.data[key].as_str().unwrap().to_owned();
                match draft.kind.as_str() {
                    "roster" => {
                        for user in draft.data["users"].as_array().unwrap() {
                            statuses.insert(
                                user["user"].as_str().unwrap().to_owned(),
                                user["status"].as_str().unwrap().to_owned(),
                            );
                        }
                    }
                    "presence" => {
                        assert_ne!(text("status"), text("previous_status"));
                        assert_eq!(statuses.insert(text("user"), text("status")), Some(text("previous_status")));
                        let online = statuses.values().filter(|status| *status != "offline").count();
                        assert_eq!(draft.data["online_count"], online);
                    }
                    "viewing" => assert_eq!(statuses[&text("user")], "online"),
                    other => panic!("{other}"),
                }
            }
        }
    }

    #[test]
    fn a_client_comes_and_goes() {
        let mut dice = dice(5);
        let mut world = begun::<Presence>("presence", &mut dice);
        (0..5).for_each(|_| drop(world.next(&mut dice)));
        hear(&mut world, r#"{"type": "hello", "user": "Zelda"}"#, &mut dice);
        let draft = world.next(&mut dice);
        assert_eq!((&draft.data["user"], &draft.data["status"]), (&json!("Zelda"), &json!("online")));
        hear(&mut world, r#"{"user": "Zelda", "status": "away"}"#, &mut dice);
        assert_eq!(world.next(&mut dice).data["status"], "away");
        hear(&mut world, "who is here?", &mut dice);
        assert_eq!(world.next(&mut dice).kind, "roster");
    }
}
