//! What one connection makes of the messages that come: answers, deliveries of a broadcast, surprises. No IO.

use std::hash::{DefaultHasher, Hasher};

use crate::answers::{Answered, Answers};
use crate::asked::{Answer, Asked, Question};
use crate::clock::Nanos;
use crate::hearing::Hearing;
use crate::marker::Marker;
use crate::payload::{Recorded, leaf};
use crate::plan::Plan;
use crate::tally::Tally;

/// The lowest 24 bits of a user's number are what a marker has of it.
const USER_MASK: u32 = 0xff_ffff;

/// The user that sends a broadcast.
pub(super) const PUBLISHER: u32 = 1;

#[derive(Debug)]
pub(super) struct Ears {
    user: u32,
    asked: Asked,
    /// Of sessions: what answers to those that wait for one have in their field.
    values: Vec<(String, u32)>,
    /// Of a broadcast.
    hearing: Hearing,
    /// The last number that has been published.
    published: u32,
    has_answer: bool,
    compares: bool,
}

impl Ears {
    /// `next` is the number of the first message on this connection.
    pub(super) fn new(plan: &Plan, user: u32, next: u32) -> Self {
        let compares = plan.checks.iter().any(crate::answers::Check::compares);
        let (asked, hearing) = (Asked::new(next), Hearing::default());
        Self { user, asked, values: Vec::new(), hearing, published: 0, has_answer: false, compares }
    }

    /// A message leaves that wants an answer.
    pub(super) fn ask(&mut self, plan: &Plan, message: &[u8], from: Nanos, sent: Nanos) {
        if plan.answers != Answers::None && !plan.broadcast {
            let hash = if self.compares { hash(message) } else { 0 };
            self.asked.ask(Question { from, sent, hash });
        }
    }

    /// A line of a session leaves that has an answer.
    pub(super) fn ask_for(&mut self, answer: &Recorded, message: &[u8], now: Nanos) {
        let hash = if self.compares { hash(message) } else { 0 };
        let number = self.asked.ask(Question { from: now, sent: now, hash });
        if let Recorded::With(value) = answer {
            self.values.push((value.clone(), number));
        }
    }

    /// A message has come.
    pub(super) fn hear(&mut self, plan: &Plan, message: &[u8], now: Nanos, tally: &mut Tally) {
        tally.received += 1;
        tally.received_bytes += message.len() as u64;
        if plan.broadcast {
            self.hear_broadcast(plan, message, now, tally);
            return;
        }
        if plan.plays() {
            self.hear_recorded(plan, message, now, tally);
            return;
        }
        let answer = match plan.answers.of(message) {
            Answered::Nothing => Answer::Unknown,
            Answered::Oldest => self.asked.answer_oldest(),
            Answered::Number(number) => self.asked.answer(number),
            Answered::Marked(marker) if marker.user == self.user & USER_MASK => self.asked.answer(marker.number),
            Answered::Marked(_) => Answer::Unknown,
        };
        match answer {
            Answer::To(question) => {
                self.has_answer = true;
                self.understand(plan, message, question, now, tally);
            }
            // However late it is, how long it took is known: percentiles without it would hide the slowest.
            Answer::Late(question) => {
                tally.late += 1;
                self.understand(plan, message, question, now, tally);
            }
            Answer::Doubled => tally.doubled += 1,
            Answer::Unknown => tally.unexpected += 1,
        }
    }

    /// Of a session, in which not every message is an answer.
    fn hear_recorded(&mut self, plan: &Plan, message: &[u8], now: Nanos, tally: &mut Tally) {
        let answer = match &plan.answers {
            Answers::InOrder if self.asked.open() > 0 => self.asked.answer_oldest(),
            Answers::ByField(path) => {
                let json = serde_json::from_slice(message).ok();
                let value = json.as_ref().and_then(|json| path.of(json)).and_then(leaf);
                let Some(index) = self.values.iter().position(|(known, _)| Some(known) == value.as_ref()) else {
                    return;
                };
                let (_, number) = self.values.remove(index);
                self.asked.answer(number)
            }
            _ => return,
        };
        if let Answer::Late(_) = answer {
            tally.late += 1;
        }
        if let Answer::To(question) | Answer::Late(question) = answer {
            self.understand(plan, message, question, now, tally);
        }
    }

    /// Measures and checks an answer.
    fn understand(&self, plan: &Plan, message: &[u8], question: Question, now: Nanos, tally: &mut Tally) {
        tally.round_trips.record(now.saturating_sub(question.from));
        let is_same = self.compares && hash(message) == question.hash;
        check(plan, message, is_same, tally);
    }

    /// Of a broadcast: messages up to here can come.
    pub(super) fn expect_up_to(&mut self, published: u32) {
        self.published = published;
    }

    fn hear_broadcast(&mut self, plan: &Plan, message: &[u8], now: Nanos, tally: &mut Tally) {
        let marker = Marker::find(message);
        // Somebody else may speak in the same room, with the same kind of ids.
        match marker.filter(|it| it.user == PUBLISHER && (1..=self.published).contains(&it.number)) {
            None => tally.unexpected += 1,
            Some(marker) if self.hearing.hear(marker.number) => {
                tally.round_trips.record(marker.age(now));
                check(plan, message, false, tally);
            }
            Some(_) => tally.doubled += 1,
        }
    }

    /// Whether an answer has come since this was asked last.
    pub(super) fn take_answer(&mut self) -> bool {
        std::mem::take(&mut self.has_answer)
    }

    pub(super) fn asked(&self) -> &Asked {
        &self.asked
    }

    /// How many different messages of a broadcast were heard.
    pub(super) fn heard(&self) -> u64 {
        self.hearing.heard()
    }

    /// Gives up what was sent before then.
    pub(super) fn give_up(&mut self, before: Nanos, tally: &mut Tally) {
        tally.lost += self.asked.give_up(before);
    }
}

fn check(plan: &Plan, message: &[u8], is_same: bool, tally: &mut Tally) {
    for (check, (passed, failed)) in plan.checks.iter().zip(&mut tally.checks) {
        *(if check.passes(message, is_same) { passed } else { failed }) += 1;
    }
}

fn hash(message: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(message);
    hasher.finish()
}
