//! Rules on one connection, as decisions: what is done for a message, for a time, and at the end. It sends nothing itself.
//!
//! A reload exchanges the rules of a session, and not the session: what it has planned, and what it remembers, goes on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::debug;
use ws_core::{Direction, Message, NearMiss};
use ws_patterns::MessageText;

use super::RuleSet;
use super::incoming::Incoming;
use super::plan::{Deed, Plan};
use super::present::{Life, Present};
use super::turn::Turn;
use crate::memory::Memory;
use crate::template::Values;

/// The rules of one connection, shared by the handlers that tell it of messages and by the work that keeps its time.
pub(crate) struct RuleSession {
    name: Arc<str>,
    opened_at: Instant,
    followed: Mutex<Followed>,
    /// Something was planned, or another time is the next one.
    pub(super) changed: Notify,
    /// Something that was planned has been done.
    pub(super) delivered: Notify,
}

/// What is under the lock.
struct Followed {
    rules: Arc<RuleSet>,
    /// Whether nobody else gets what the rules do not take: no script, and nobody behind them.
    is_alone: bool,
    /// The script beside which they are followed, if there is one.
    script: Option<Arc<str>>,
    /// Whether there is work that keeps the time.
    has_keeper: bool,
    present: Present,
}

/// What is to be done for a message at once.
#[derive(Debug, Default)]
#[must_use]
pub(crate) struct Reaction {
    pub(super) deeds: Vec<Deed>,
    /// What is to be done later, counted from then: planned when the rest is done, so that nothing of it overtakes that.
    pub(super) later: (Duration, Plan),
    /// Which rule or machine took the message, if any did.
    pub(crate) taken_by: Option<Arc<str>>,
    /// If it was taken because it is not JSON, why that is required.
    pub(super) refused_because: Option<&'static str>,
    /// What came nearest, of a message that nobody took.
    pub(super) near_misses: Vec<NearMiss>,
}

/// What is to be done about time.
#[derive(Debug)]
pub(super) enum Next {
    Do(Deed),
    /// Nothing before this time since the connection was opened.
    At(Duration),
    /// Nothing before something happens.
    Nothing,
    Over,
}

impl RuleSession {
    pub(super) fn new(rules: &Arc<RuleSet>, memory: Memory, values: Values, opened_at: Instant) -> Self {
        let present = Present::new(rules, memory, values, opened_at.elapsed());
        let rules = Arc::clone(rules);
        Self {
            name: Arc::clone(&rules.name),
            opened_at,
            followed: Mutex::new(Followed { rules, is_alone: false, script: None, has_keeper: false, present }),
            changed: Notify::new(),
            delivered: Notify::new(),
        }
    }

    /// The file of the rules.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn opened_at(&self) -> Instant {
        self.opened_at
    }

    /// The time since the connection was opened.
    pub(crate) fn now(&self) -> Duration {
        self.opened_at.elapsed()
    }

    /// Whether these are its rules, and not another version of them.
    pub(super) fn follows(&self, rules: &Arc<RuleSet>) -> bool {
        Arc::ptr_eq(&self.followed().rules, rules)
    }

    /// Takes note of who follows the rules now: who plays that script, or none; and of whether what they do not take is
    /// nobody's.
    pub(super) fn belongs_to(&self, script: Option<&str>, is_alone: bool) {
        let followed = &mut *self.followed();
        followed.is_alone = is_alone;
        if followed.script.as_deref() != script {
            followed.script = script.map(Arc::from);
        }
    }

    /// From now on follows another version of the rules. What time has brought until now is that of the old ones.
    pub(super) fn exchange(&self, rules: &Arc<RuleSet>, values: Values) {
        let now = self.now();
        let followed = &mut *self.followed();
        followed.turn(now).keep_time();
        followed.present.renew(&followed.rules, rules, values, now);
        followed.rules = Arc::clone(rules);
        debug!(rules = &*self.name, "an open connection follows the new rules");
        self.changed.notify_one();
    }

    /// Whether something happens by time alone and nobody keeps it yet; then somebody does from now on.
    pub(super) fn takes_keeper(&self) -> bool {
        let followed = &mut *self.followed();
        let is_missing = !followed.has_keeper && followed.rules.takes_time();
        followed.has_keeper |= is_missing;
        is_missing
    }

    /// Whether as much is planned as may be.
    pub(super) fn is_full(&self) -> bool {
        let present = &self.followed().present;
        present.life != Life::Over && present.schedule.is_full()
    }

    /// Decides about a message that came in. `is_taken`: somebody before the rules took it; then they do not answer it.
    pub(super) fn on_message(&self, now: Duration, message: &Message, is_taken: bool) -> Reaction {
        let mut reaction = Reaction::default();
        let Some(incoming) = Incoming::new(message) else { return reaction };
        let followed = &mut *self.followed();
        followed.present.note(message);
        let mut turn = followed.turn(now);
        turn.keep_time();
        let mut plan = Plan::default();
        let outcomes = match incoming.text() {
            Some(text) => turn.correlate(Direction::Inbound, text),
            None => Vec::new(),
        };
        if let Some(text) = incoming.text() {
            reaction.taken_by = turn.move_machines(text, &mut plan);
        }
        if !is_taken && reaction.taken_by.is_none() {
            turn.answer(&incoming, &mut plan, &mut reaction);
        }
        turn.act_on(outcomes, &mut plan);
        reaction.deeds = plan.take_present();
        reaction.later = (now, plan);
        if followed.has_keeper {
            self.changed.notify_one();
        }
        reaction
    }

    /// Messages have come that it was not told of: so many, with those that it was.
    pub(super) fn count_to(&self, messages: u64) {
        self.followed().present.count_to(messages);
    }

    /// Plans what a message has brought about for later; `now` is when it came.
    pub(super) fn plan(&self, now: Duration, later: Plan) {
        if !later.is_empty() {
            self.followed().present.schedule.extend(now, later);
            self.changed.notify_one();
        }
    }

    /// Takes note of a message that goes out, whoever sent it.
    pub(super) fn on_outbound(&self, now: Duration, message: &Message) {
        let followed = &mut *self.followed();
        let is_seen = followed.rules.sees_outbound() && followed.present.life == Life::Following;
        if let Some(text) = message.as_text().filter(|_| is_seen) {
            followed.turn(now).on_outbound(&MessageText::new(text));
            self.changed.notify_one();
        }
    }

    /// What time brings. To be asked again after each deed, and when [`changed`](Self::changed) says so.
    pub(super) fn next(&self, now: Duration) -> Next {
        let followed = &mut *self.followed();
        if followed.present.life == Life::Over {
            return Next::Over;
        }
        // Where too much is planned, that goes first.
        if followed.present.life == Life::Following && !followed.present.schedule.is_full() {
            followed.turn(now).keep_time();
        }
        let schedule = &mut followed.present.schedule;
        if let Some(deed) = schedule.take_due(now) {
            return Next::Do(deed);
        }
        let planned = schedule.next_time();
        let deadline = match followed.present.life {
            Life::Following if !followed.present.schedule.is_full() => followed.turn(now).deadline(),
            Life::Resigned if planned.is_none() => return Next::Over,
            _ => None,
        };
        deadline.into_iter().chain(planned).min().map_or(Next::Nothing, Next::At)
    }

    /// Who plays `script` does not follow the rules any more: they decide nothing from now on, and what they have planned is
    /// still done. If somebody else follows them now, nothing changes, and this is false.
    pub(crate) fn resign(&self, script: &str) -> bool {
        let now = self.now();
        let followed = &mut *self.followed();
        if followed.script.as_deref() != Some(script) || followed.present.life != Life::Following {
            return false;
        }
        followed.turn(now).keep_time();
        followed.present.life = Life::Resigned;
        self.changed.notify_one();
        true
    }

    /// The connection has ended: what was still to come never will. Only the first call does something.
    pub(crate) fn finish(&self, now: Duration) {
        let followed = &mut *self.followed();
        if followed.present.life == Life::Following {
            followed.turn(now).finish();
        }
        followed.present.end();
        self.changed.notify_one();
    }

    /// Lets `look` look at the rules as they are now, and at what has become of them.
    pub(super) fn with<T>(&self, look: impl FnOnce(&RuleSet, &Present) -> T) -> T {
        let followed = &*self.followed();
        look(&followed.rules, &followed.present)
    }

    /// No code of others runs under it.
    fn followed(&self) -> MutexGuard<'_, Followed> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Followed {
    fn turn(&mut self, now: Duration) -> Turn<'_> {
        Turn { rules: &self.rules, is_alone: self.is_alone, present: &mut self.present, now }
    }
}
