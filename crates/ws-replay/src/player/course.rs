//! How a script goes on: from stage to stage of a step, and from step to step.

use std::sync::Arc;
use std::time::Duration;

use ws_core::Message;

use super::background::Tick;
use super::making::Making;
use super::waiting::{self, Taken};
use super::{Action, Ended, Player, Stage};
use crate::ReplayDirection;
use crate::moment::Moment;
use crate::released::Released;
use crate::script::{Ending, Expected, Logic, Repeat, Session, Silence, Step};
use crate::template::Values;

/// How many turns a script may take at once while time passes, and how many a step takes at most.
const MOST_TURNS: usize = 100_000;
const TURNS_OF_A_STEP: usize = 8;

/// How a script goes on at the moment.
enum Turn {
    /// Something was done; there may be more to do.
    GoOn,
    /// Nothing before this time; a message may change that.
    Listen(Option<Duration>),
    /// Nothing before this time.
    Sleep(Duration),
    /// The script is at its end.
    Rest,
}

impl Player {
    /// Goes on until there is something to be done by others, or nothing before some time.
    pub(super) fn advance(&mut self, session: &Session, now: Duration) -> Action {
        // A script without jumps does not come near to this.
        let most = MOST_TURNS.max(TURNS_OF_A_STEP * session.end());
        let mut turns = 0;
        loop {
            if let Some(action) = self.ready.pop_front() {
                return action;
            }
            if self.ended.is_some() {
                return Action::Finished;
            }
            let turn = self.turn(session, now);
            if matches!(turn, Turn::GoOn) {
                turns += 1;
                // A script that is so much behind lets go of what it has missed.
                if turns > most {
                    turns = 0;
                    self.clock.go_on_at(now);
                }
                continue;
            }
            let tick = self.background.next();
            if tick.is_some_and(|tick| tick <= now) {
                self.tick(session, now);
                continue;
            }
            let earlier = |time: Duration| tick.map_or(time, |tick| tick.min(time));
            return match (turn, tick) {
                (Turn::Listen(Some(time)), _) => Action::AwaitMessageUntil(earlier(time)),
                (Turn::Listen(None), Some(tick)) => Action::AwaitMessageUntil(tick),
                (Turn::Listen(None), None) => Action::AwaitMessage,
                (Turn::Sleep(time), _) => Action::SleepUntil(earlier(time)),
                (_, Some(tick)) => Action::SleepUntil(tick),
                (_, None) => Action::Finished,
            };
        }
    }

    /// Lets the messages that came release what they can, now that nothing can be sent any more.
    pub(super) fn see_off(&mut self, session: &Session, now: Duration) {
        self.background.stop_all();
        self.ready.clear();
        while self.ended.is_none() {
            let Some(step) = session.step(self.step) else { return };
            if let Stage::Waiting { deadline, .. } = self.stage {
                if self.taken.is_none() {
                    self.taken = self.take(step, deadline);
                }
                if self.taken.is_none() {
                    if step.wait.as_ref().is_some_and(|wait| matches!(wait.expected, Expected::ClientClose)) {
                        self.in_time(step, now);
                        self.step = session.end();
                    }
                    return;
                }
            }
            if !matches!(self.turn(session, now), Turn::GoOn) {
                return;
            }
            self.ready.clear();
        }
    }

    /// Brings the present step one stage further, if its time has come.
    fn turn(&mut self, session: &Session, now: Duration) -> Turn {
        let Some(step) = session.step(self.step) else { return Turn::Rest };
        let logic = step.logic.as_deref();
        match self.stage {
            Stage::Entered => {
                if let Some(condition) = logic.and_then(|logic| logic.condition.as_ref())
                    && !self.holds(condition)
                {
                    self.clock.skip(lead(step), step.direction);
                    self.go(session, session.behind(self.step));
                    return Turn::GoOn;
                }
                if logic.is_some_and(|logic| logic.silence.is_some()) {
                    self.silence = Some(self.step);
                }
                if step.wait.is_some() {
                    self.open_wait_at(step, now);
                } else {
                    if let Some(logic) = logic.filter(|_| !step.awaits_answer()) {
                        self.assert_and_set(logic);
                    }
                    self.stage = Stage::Due;
                }
                Turn::GoOn
            }
            Stage::Waiting { opened, deadline } => self.wait(session, step, opened, deadline, now),
            Stage::Due => {
                if let Some(turn) = self.sleep(session, lead(step), now) {
                    return turn;
                }
                self.arrive(step);
                Turn::GoOn
            }
            Stage::Sending(times) => self.send(session, step, times, now),
            Stage::Done => {
                let to = self.next(session, step);
                self.go(session, to);
                Turn::GoOn
            }
        }
    }

    /// Lets so much of the script's time pass, if it has not come yet; `None` when it has.
    fn sleep(&mut self, session: &Session, lead: Duration, now: Duration) -> Option<Turn> {
        let due = self.clock.due(lead);
        if now < due {
            return Some(Turn::Sleep(due));
        }
        // What was due in the background before that is sent before.
        if self.background.next().is_some_and(|tick| tick < due) {
            self.tick(session, now);
            return Some(Turn::GoOn);
        }
        self.clock.reach(lead);
        None
    }

    /// The time of the step has come: who is in which room, and what is not to go on any more.
    fn arrive(&mut self, step: &Step) {
        if let Some(logic) = step.logic.as_deref() {
            for room in &logic.join {
                let room = self.render(room);
                self.ready.push_back(Action::Join(room));
            }
            for room in &logic.leave {
                let room = self.render(room);
                self.ready.push_back(Action::Leave(room));
            }
            for stopped in &logic.stop {
                self.background.stop(stopped.to);
            }
        }
        self.stage = Stage::Sending(0);
    }

    /// Sends the text of the step once more, or goes on if that was enough.
    fn send(&mut self, session: &Session, step: &Step, times: u64, now: Duration) -> Turn {
        let repeat = step.logic.as_ref().map_or(&Repeat::Once, |logic| &logic.repeat);
        let more = match repeat {
            _ if step.content.is_none() => false,
            Repeat::Once => times == 0,
            Repeat::Times { count, .. } => times < *count,
            Repeat::Background { .. } => times == 0 && !self.background.is_running(self.step),
        };
        if !more {
            return self.has_sent(step, now);
        }
        if let Repeat::Times { every, .. } = repeat
            && times > 0
            && let Some(turn) = self.sleep(session, *every, now)
        {
            return turn;
        }
        let repetition = step.logic.as_ref().filter(|logic| !matches!(logic.repeat, Repeat::Once)).map(|_| times + 1);
        let made = Making {
            shown: self.clock.shown(),
            released: self.released.as_deref(),
            memory: &self.memory,
            learned: &self.learned,
            repetition,
        };
        self.ready.extend(made.action(step, &mut self.values));
        if let Repeat::Background { every } = repeat {
            let values = Values::new(&self.options, &self.path, self.nth).stream(1 + self.step as u64);
            let released = self.released.clone();
            self.background.start(self.step, *every, self.clock.since(), self.clock.shown(), released, values);
        }
        self.stage = Stage::Sending(times + 1);
        Turn::GoOn
    }

    /// All of the step's text was sent: now an answer is waited for, or the connection closed.
    fn has_sent(&mut self, step: &Step, now: Duration) -> Turn {
        if step.awaits_answer() {
            self.open_wait_at(step, now);
            return Turn::GoOn;
        }
        self.stage = Stage::Done;
        if let Some(close) = &step.close {
            self.background.stop_all();
            self.ended = Some(Ended::ByScript);
            self.ready.push_back(match close {
                Ending::Close(frame) => Action::Send(Message::Close(frame.clone())),
                Ending::Disconnect => Action::Disconnect,
            });
        }
        Turn::GoOn
    }

    /// Sends what is due in the background.
    fn tick(&mut self, session: &Session, now: Duration) {
        let Self { background, memory, learned, ready, .. } = self;
        background.tick(now, |Tick { step, shown, repetition, released, values }| {
            let made = Making { shown, released, memory, learned, repetition: Some(repetition) };
            ready.extend(session.step(step).and_then(|step| made.action(step, values)));
        });
    }

    fn open_wait_at(&mut self, step: &Step, now: Duration) {
        // Counted from when the client could know of it, not from when it should have.
        let opened = self.clock.since().max(now);
        let deadline = step.timeout().map(|timeout| opened.saturating_add(timeout.after));
        self.inbox.begin_wait();
        self.waits_begun += 1;
        self.stage = Stage::Waiting { opened, deadline };
    }

    /// Looks whether something has ended the wait: a message, or time.
    fn wait(
        &mut self,
        session: &Session,
        step: &Step,
        opened: Duration,
        deadline: Option<Duration>,
        now: Duration,
    ) -> Turn {
        if self.taken.is_none() {
            self.taken = self.take(step, deadline);
        }
        if let Some((came, taken)) = self.taken.take() {
            self.release(session, step, came, taken);
            return Turn::GoOn;
        }
        let silence = self.silent_at(session, opened);
        let end = match (deadline, silence) {
            (Some(deadline), Some((silence, _))) => Some(deadline.min(silence)),
            (deadline, silence) => deadline.or(silence.map(|(time, _)| time)),
        };
        let Some(end) = end.filter(|end| *end <= now) else { return Turn::Listen(end) };
        self.clock.go_on_at(end);
        match silence {
            Some((time, to)) if deadline.is_none_or(|deadline| time < deadline) => self.go(session, to),
            _ => self.run_out(session, step),
        }
        Turn::GoOn
    }

    /// The first message of those that were kept which ends the wait.
    fn take(&mut self, step: &Step, until: Option<Duration>) -> Option<(Duration, Taken)> {
        let Self { inbox, learned, .. } = self;
        inbox.take(
            until,
            |message| waiting::is_recorded(step, message),
            |message, fresh| waiting::accept(step, message, fresh, learned),
        )
    }

    /// When the silence of the client leads elsewhere, and where.
    fn silent_at(&self, session: &Session, opened: Duration) -> Option<(Duration, usize)> {
        match session.step(self.silence?)?.logic.as_ref()?.silence.as_ref()? {
            Silence::After(after, jump) => Some((self.heard.max(opened).saturating_add(*after), jump.to)),
            Silence::Ignored => None,
        }
    }

    /// A message has ended the wait.
    fn release(&mut self, session: &Session, step: &Step, came: Duration, taken: Taken) {
        // What came before the wait began has held nothing up.
        self.clock.go_on_at(came);
        self.released = Some(Arc::new(taken.released));
        self.untaken_before = self.inbox.untaken();
        self.jumps_back.count = 0;
        self.choice = taken.choice;
        if !taken.releases {
            if let Some(other) = taken.choice.and_then(|number| step.alternatives().get(number)) {
                self.go(session, other.goto.to);
            }
            return;
        }
        self.in_time(step, came);
        if let Some(logic) = step.logic.as_deref() {
            self.assert_and_set(logic);
        }
        match step.direction {
            _ if step.awaits_answer() => self.stage = Stage::Done,
            ReplayDirection::Out => self.stage = Stage::Due,
            ReplayDirection::In => {
                self.clock.put_forward(lead(step));
                self.arrive(step);
            }
        }
    }

    /// What was waited for has come in time.
    fn in_time(&mut self, step: &Step, now: Duration) {
        if let Some(check) = step.timeout().and_then(|timeout| timeout.check) {
            self.outcomes.decide(check, Ok(()), now);
        }
    }

    /// What was waited for has not come in time.
    fn run_out(&mut self, session: &Session, step: &Step) {
        let Some(timeout) = step.timeout() else { return };
        if let Some(check) = timeout.check {
            let reason = match self.inbox.untaken().saturating_sub(self.untaken_before) {
                0 => "nothing came".to_owned(),
                1 => "a message came that does not match".to_owned(),
                n => format!("{n} messages came that do not match"),
            };
            self.outcomes.decide(check, Err(reason), self.clock.since());
        }
        let to = timeout.goto.as_ref().map_or_else(|| session.behind(self.step), |goto| goto.to);
        self.go(session, to);
    }

    /// What is demanded of the message, and what is kept of it.
    fn assert_and_set(&mut self, logic: &Logic) {
        let released = self.released.clone();
        let message = match released.as_deref() {
            Some(Released::Text(captures)) => Some(captures.message()),
            _ => None,
        };
        for assertion in &logic.assertions {
            let outcome = assertion.examine(message, |condition| self.holds(condition));
            self.outcomes.decide(assertion.check, outcome, self.clock.since());
        }
        for assignment in &logic.set {
            let Self { memory, values, clock, .. } = self;
            let moment = Moment {
                script_time: clock.shown(),
                released: released.as_deref(),
                memory,
                room: None,
                repetition: None,
            };
            let value = assignment.value.value(&mut |template| template.render(&moment, values));
            if let Err(error) = memory.set(&assignment.name, value)
                && error.is_first()
            {
                tracing::warn!("{}: {error}", self.place(assignment.at.line));
            }
        }
    }
}

fn lead(step: &Step) -> Duration {
    Duration::from_millis(step.lead)
}
