//! Something goes on: pieces of work begin, get on, fail and succeed. It is the world of narratives that name no other.

use std::collections::VecDeque;

use serde_json::json;

use super::fill::slug;
use super::{Dice, World, cast};
use crate::Draft;
use crate::narrative::{Mood, Narrative, Said};

/// Words that say how to write, not of what.
const NO_SUBJECTS: &[&str] = &[
    "about",
    "above",
    "across",
    "after",
    "again",
    "along",
    "always",
    "around",
    "because",
    "before",
    "being",
    "believable",
    "between",
    "client",
    "clients",
    "create",
    "during",
    "every",
    "event",
    "events",
    "example",
    "fake",
    "from",
    "generate",
    "generated",
    "give",
    "have",
    "hours",
    "into",
    "like",
    "live",
    "make",
    "many",
    "message",
    "messages",
    "minute",
    "minutes",
    "mock",
    "more",
    "most",
    "over",
    "please",
    "produce",
    "random",
    "real",
    "real-time",
    "realistic",
    "realtime",
    "second",
    "seconds",
    "several",
    "show",
    "simulate",
    "simulated",
    "simulation",
    "some",
    "stream",
    "streaming",
    "that",
    "their",
    "them",
    "then",
    "there",
    "these",
    "they",
    "this",
    "those",
    "through",
    "time",
    "typical",
    "update",
    "updates",
    "very",
    "websocket",
    "what",
    "when",
    "where",
    "which",
    "while",
    "with",
    "within",
    "without",
    "write",
    "your",
    "hours",
    "hour",
];
const DEFAULT_SUBJECTS: &[&str] = &["job", "task", "request", "report"];
const MOST_RUNNING: usize = 6;
const MOST_SUBJECTS: usize = 6;
const MOST_ANSWERS: usize = 16;

pub(super) struct Activity {
    subjects: Vec<String>,
    people: Vec<String>,
    running: Vec<Work>,
    most: usize,
    failing: bool,
    next: i64,
    answers: VecDeque<Draft>,
}

#[derive(Debug, Clone)]
struct Work {
    id: String,
    subject: String,
    owner: String,
    percent: i64,
    attempt: i64,
    seconds: i64,
    failed: bool,
}

impl Work {
    fn draft(&self, kind: &str, status: &str) -> Draft {
        let data = json!({
            "id": self.id,
            "subject": self.subject,
            "owner": self.owner,
            "status": status,
            "progress_percent": self.percent,
            "attempt": self.attempt,
            "elapsed_seconds": self.seconds,
        });
        Draft { kind: kind.to_owned(), data }
    }
}

impl Activity {
    pub(super) fn new(narrative: &Narrative, dice: &mut Dice) -> Self {
        let mut subjects = subjects(narrative);
        if subjects.is_empty() {
            subjects = DEFAULT_SUBJECTS.iter().map(|subject| (*subject).to_owned()).collect();
        }
        let most = if narrative.has(Mood::Busy) {
            MOST_RUNNING
        } else if narrative.has(Mood::Quiet) {
            2
        } else {
            4
        };
        let count = narrative.count_of(&["user", "people", "person", "worker", "player", "member"]).unwrap_or(4);
        Self {
            subjects,
            people: cast::people(narrative, count.clamp(1, 50), dice),
            running: Vec::new(),
            most,
            failing: narrative.has(Mood::Failing),
            next: dice.between(100, 900),
            answers: VecDeque::new(),
        }
    }

    fn start(&mut self, subject: String, dice: &mut Dice) -> Draft {
        self.next += 1;
        let work = Work {
            id: format!("{}-{}", slug(&subject), self.next),
            subject,
            owner: dice.pick(&self.people).clone(),
            percent: 0,
            attempt: 1,
            seconds: 0,
            failed: false,
        };
        let draft = work.draft("started", "running");
        self.running.push(work);
        draft
    }
}

/// What the narrative is about: its longer words, without those of every narrative.
fn subjects(narrative: &Narrative) -> Vec<String> {
    let mut subjects: Vec<String> = Vec::new();
    for quoted in narrative.quoted() {
        subjects.push(quoted.clone());
    }
    let is_name =
        |word: &str| narrative.people().iter().chain(narrative.places()).any(|name| name.to_lowercase().contains(word));
    let words: Vec<&str> = narrative.lower_words().collect();
    for (at, word) in words.iter().copied().enumerate() {
        // Where it happens is not what happens: `elevators in a hospital`.
        let before = &words[at.saturating_sub(2)..at];
        let is_place = before.iter().any(|before| ["in", "at", "on", "inside", "for", "from", "near"].contains(before));
        let is_subject = !is_place
            && word.chars().count() >= 4
            && word.chars().all(char::is_alphabetic)
            && !NO_SUBJECTS.contains(&word);
        if is_subject && !is_name(word) && !subjects.iter().any(|known| known == word) {
            subjects.push(word.to_owned());
        }
    }
    subjects.truncate(MOST_SUBJECTS);
    subjects
}

impl World for Activity {
    fn next(&mut self, dice: &mut Dice) -> Draft {
        if let Some(answer) = self.answers.pop_front() {
            return answer;
        }
        let starts = self.running.is_empty() || (self.running.len() < self.most && dice.chance(25));
        if starts {
            let subject = dice.pick(&self.subjects).clone();
            return self.start(subject, dice);
        }
        for work in &mut self.running {
            work.seconds += dice.between(1, 9);
        }
        let place = dice.place(self.running.len());
        let work = &mut self.running[place];
        if work.failed {
            work.failed = false;
            work.attempt += 1;
            work.percent = 0;
            return work.draft("retried", "running");
        }
        if dice.chance(if self.failing { 20 } else { 4 }) {
            work.failed = true;
            let mut draft = work.draft("failed", "failed");
            let reason =
                *dice.pick(&["timed out", "a dependency was not available", "the input was invalid", "no capacity"]);
            draft.data["reason"] = json!(reason);
            // After three attempts nobody tries again.
            if work.attempt >= 3 {
                draft.data["status"] = json!("given_up");
                self.running.remove(place);
            }
            return draft;
        }
        work.percent = (work.percent + dice.between(8, 35)).min(100);
        if work.percent == 100 {
            let work = self.running.remove(place);
            return work.draft("completed", "completed");
        }
        work.draft("progress", "running")
    }

    fn hear(&mut self, said: &Said, dice: &mut Dice) {
        let narrative = said.narrative();
        if narrative.has(Mood::Failing) {
            self.failing = true;
        }
        if narrative.has(Mood::Normal) {
            self.failing = false;
        }
        if narrative.has(Mood::Busy) {
            self.most = MOST_RUNNING;
        }
        if narrative.has(Mood::Quiet) {
            self.most = 2;
        }
        let Some(subject) = subjects(narrative).into_iter().next() else { return };
        if self.subjects.contains(&subject) || self.answers.len() >= MOST_ANSWERS {
            return;
        }
        if self.subjects.len() >= MOST_SUBJECTS {
            self.subjects.remove(0);
        }
        self.subjects.push(subject.clone());
        if self.running.len() < MOST_RUNNING {
            let draft = self.start(subject, dice);
            self.answers.push_back(draft);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::testing::{begun, dice, events, hear};
    use super::*;

    #[test]
    fn work_only_gets_on_and_ends_once() {
        for seed in 0..30 {
            let mut work: HashMap<String, (i64, i64)> = HashMap::new();
            for draft in events::<Activity>("failing elevators in a busy hospital", seed, 400) {
                let id = draft.data["id"].as_str().unwrap().to_owned();
                let percent = draft.data["progress_percent"].as_i64().unwrap();
                let attempt = draft.data["attempt"].as_i64().unwrap();
                assert!((0..=100).contains(&percent));
                match draft.kind.as_str() {
                    "started" => assert!(work.insert(id, (0, 1)).is_none()),
                    "retried" => assert_eq!(work.insert(id, (0, attempt)).unwrap().1 + 1, attempt),
                    "progress" => assert!(work.insert(id, (percent, attempt)).unwrap().0 < percent),
                    "completed" => assert!(percent == 100 && work.remove(&id).is_some()),
                    _ if draft.data["status"] == "given_up" => assert!(work.remove(&id).is_some()),
                    "failed" => assert!(work.contains_key(&id)),
                    other => panic!("{other}"),
                }
            }
        }
    }

    #[test]
    fn it_is_about_what_the_narrative_is_about() {
        let drafts = events::<Activity>("Simulate elevators", 1, 10);
        assert!(drafts.iter().all(|draft| draft.data["subject"] == "elevators"));
        let mut dice = dice(1);
        let mut world = begun::<Activity>("", &mut dice);
        world.next(&mut dice);
        hear(&mut world, "escalator please", &mut dice);
        let draft = world.next(&mut dice);
        assert_eq!((draft.kind.as_str(), draft.data["subject"].as_str()), ("started", Some("escalator")));
    }
}
