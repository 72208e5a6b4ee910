//! Playing a script, as decisions alone: what to do now, given the time and what has come.
//!
//! It does no IO and reads no clock but the one that `{{now}}` shows, so that all rules of time are tested exactly.
//!
//! The script's clock starts with the session. It stands still while a wait waits; an incoming entry that was matched
//! puts it forward at once. So when an entry is done the clock shows the time of that entry, and all that is kept of it
//! is the session time at which it showed that. An entry goes through these stages:
//!
//! condition, wait, assertions and values, time, rooms, text (repeated), answer, close, and then where it goes on.

mod background;
mod clock;
mod course;
mod inbox;
mod making;
mod outcomes;
mod rounds;
mod waiting;
mod ways;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use background::Background;
use clock::Clock;
use inbox::{Arrived, Inbox};
use outcomes::Outcomes;
use rounds::Rounds;
use waiting::Taken;
use ws_core::{Message, NearMiss};

use crate::memory::Memory;
use crate::released::Released;
use crate::script::{Learned, Session};
use crate::template::Values;
use crate::{CheckOutcome, CheckResult, ReplayOptions, ReplayScript, SessionVerdict};

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Send this message, then ask again. A Close message is the last action.
    Send(Message),
    /// Nothing before this time since the session's start, whatever comes in.
    SleepUntil(Duration),
    /// Nothing before the next client message.
    AwaitMessage,
    /// Nothing before the next client message, or this time since the session's start.
    AwaitMessageUntil(Duration),
    /// Send this message to all members of a room, then ask again.
    Broadcast {
        /// The name of the room.
        room: String,
        /// What is sent.
        message: Message,
    },
    /// Make the connection a member of a room, then ask again.
    Join(String),
    /// End its membership, then ask again.
    Leave(String),
    /// End the connection without a Close frame. This is the last action.
    Disconnect,
    /// Nothing any more.
    Finished,
}

/// One session of a script, on one connection.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use ws_core::Message;
/// use ws_replay::{Action, Player, ReplayOptions, ReplayScript};
///
/// let script = ReplayScript::parse(
///     r#"{"ts": 100, "text": "welcome {{name}}", "waitFor": "^I am (?<name>.+)$"}"#,
///     "welcome.jsonl",
/// )?;
/// let mut player = Player::new(Arc::new(script), &ReplayOptions::default(), "/ws", 0);
///
/// let second = Duration::from_secs(1);
/// assert_eq!(player.poll(Duration::ZERO), Action::AwaitMessage);
/// player.on_message(5 * second, Message::text("I am Ann"));
/// assert_eq!(player.poll(5 * second), Action::SleepUntil(Duration::from_millis(5100)));
/// assert_eq!(player.poll(6 * second), Action::Send(Message::text("welcome Ann")));
/// assert_eq!(player.poll(6 * second), Action::Finished);
/// # Ok::<(), ws_replay::ReplayErrors>(())
/// ```
#[derive(Debug)]
pub struct Player {
    script: Arc<ReplayScript>,
    /// Which of its sessions.
    session: usize,
    options: ReplayOptions,
    path: Box<str>,
    nth: u64,
    values: Values,
    memory: Memory,
    learned: Learned,
    /// The number of the present step; behind the last is the end.
    step: usize,
    stage: Stage,
    clock: Clock,
    inbox: Inbox,
    /// A message that came last and was not taken at once.
    offered: Option<Offered>,
    /// What has ended the open wait, when it is not dealt with yet.
    taken: Option<(Duration, Taken)>,
    /// The alternative that the step's message is like: it says where to go when the step is done.
    choice: Option<usize>,
    released: Option<Arc<Released>>,
    /// How many messages no wait had taken when the last one was released.
    untaken_before: u64,
    /// How many waits have begun.
    waits_begun: u64,
    /// The step that said what a silent client leads to.
    silence: Option<usize>,
    /// When the client said something last.
    heard: Duration,
    /// What is to be done before the script goes on.
    ready: VecDeque<Action>,
    background: Background,
    rounds: Rounds,
    jumps_back: JumpsBack,
    outcomes: Outcomes,
    ended: Option<Ended>,
    /// The last time that it was told.
    now: Duration,
}

/// A wait that is open: its message has not come yet.
pub(crate) struct OpenWait {
    /// Which wait of the session it is.
    pub(crate) number: u64,
    /// Its line in the file, from 1.
    pub(crate) line: usize,
    /// What it waits for, in words.
    pub(crate) expected: String,
    /// How many messages came, since the wait before was released, that do not match.
    pub(crate) mismatched: u64,
}

/// What became of a message at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    /// The open wait took it.
    Taken,
    /// A wait is open and did not take it.
    Refused,
    /// No wait is open, or the message is none that waits look at.
    NotLookedAt,
}

/// A message that was shown and not taken.
#[derive(Debug)]
struct Offered {
    came: Duration,
    message: Arrived,
    /// How many waits had begun then: a wait that begins later has not seen it.
    waits_begun: u64,
}

/// How far the present step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing of it was looked at.
    Entered,
    /// It waits, since then and at the longest until then.
    Waiting { opened: Duration, deadline: Option<Duration> },
    /// What is next is to be sent when its time comes.
    Due,
    /// Its text was sent so many times.
    Sending(u64),
    /// All was sent, and perhaps answered.
    Done,
}

/// Why nothing comes any more.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ended {
    /// The script has closed the connection.
    ByScript,
    /// The connection is gone.
    ByPeer,
    /// The script went round and round, in the step of this line.
    Endless { line: usize, told: bool },
}

/// Jumps back since time passed or a message was taken.
#[derive(Debug, Default)]
struct JumpsBack {
    count: u32,
    since: Duration,
}

impl Player {
    /// The session of the `nth` connection on `path`, from 0. Both matter to what is random, if there is a seed, and to
    /// which session it is, if the script has several: the n-th of those that were recorded on this path, or of all if
    /// none was; behind the last, it starts over.
    #[must_use]
    pub fn new(script: Arc<ReplayScript>, options: &ReplayOptions, path: &str, nth: u64) -> Self {
        let memory = Memory::default();
        memory.set_number(nth.saturating_add(1));
        if script.reads_last_message() {
            memory.keep_messages();
        }
        Self::with_memory(script, options, path, nth, memory)
    }

    /// As [`new`](Self::new), with what others on the connection remember too.
    pub(crate) fn with_memory(
        script: Arc<ReplayScript>,
        options: &ReplayOptions,
        path: &str,
        nth: u64,
        memory: Memory,
    ) -> Self {
        let number = script.session_for(path, nth);
        let session = script.session(number);
        Self {
            values: Values::new(options, path, nth),
            options: options.clone(),
            path: path.into(),
            nth,
            memory,
            learned: Learned::default(),
            session: number,
            step: 0,
            stage: Stage::Entered,
            clock: Clock::starting_at(Duration::from_millis(session.opened.start), options.speed),
            outcomes: Outcomes::of(session.checks.len()),
            script,
            inbox: Inbox::default(),
            offered: None,
            taken: None,
            choice: None,
            released: None,
            untaken_before: 0,
            waits_begun: 0,
            silence: None,
            heard: Duration::ZERO,
            ready: VecDeque::new(),
            background: Background::default(),
            rounds: Rounds::default(),
            jumps_back: JumpsBack::default(),
            ended: None,
            now: Duration::ZERO,
        }
    }

    /// Takes note of a client message that came at `now`, counted from the session's start, and says whether the wait that
    /// is open took it at once. Control frames are no messages.
    ///
    /// A message is kept until a wait takes it, as long as the script has waits before it; up to 1,024 messages and
    /// 1 MiB are kept, then the oldest give way.
    pub fn on_message(&mut self, now: Duration, message: Message) -> bool {
        // On a connection, its handler tells the memory of each message.
        if matches!(message, Message::Text(_) | Message::Binary(_)) {
            self.memory.message_came(self.memory.messages() + 1, &message);
        }
        let offer = self.offer(now, &message);
        self.keep();
        offer == Offer::Taken
    }

    /// The first half of [`on_message`](Self::on_message): shows a message to the wait that is open.
    pub(crate) fn offer(&mut self, now: Duration, message: &Message) -> Offer {
        self.offered = None;
        let Some(arrived) = Arrived::of(message) else { return Offer::NotLookedAt };
        self.heard = now;
        self.now = now;
        let looks = match self.stage {
            // Those that came before it were all refused, so it is its turn.
            Stage::Waiting { deadline, .. } => {
                let in_time = deadline.is_none_or(|deadline| now <= deadline);
                in_time && self.taken.is_none() && self.inbox.is_refused() && self.ended.is_none()
            }
            _ => false,
        };
        let script = Arc::clone(&self.script);
        let step = script.session(self.session).step(self.step).filter(|_| looks);
        if let Some(taken) = step.and_then(|step| waiting::accept(step, &arrived, true, &mut self.learned)) {
            self.inbox.released_by_latest();
            self.taken = Some((now, taken));
            return Offer::Taken;
        }
        self.offered = Some(Offered { came: now, message: arrived, waits_begun: self.waits_begun });
        if looks && step.is_some_and(|step| step.takes_message()) { Offer::Refused } else { Offer::NotLookedAt }
    }

    /// The second half: keeps the message that was shown and not taken for later waits, unless somebody else took it.
    pub(crate) fn keep(&mut self) {
        let Some(Offered { came, message, waits_begun }) = self.offered.take() else { return };
        if !self.waits_ahead() {
            return self.inbox.pass_by();
        }
        let is_waiting = matches!(self.stage, Stage::Waiting { .. }) && self.waits_begun == waits_begun;
        let is_refused = self.inbox.is_refused() && is_waiting && self.taken.is_none();
        self.inbox.push(came, message);
        // What came too late is looked at by the next wait.
        if let Stage::Waiting { deadline, .. } = self.stage
            && is_refused
            && deadline.is_none_or(|deadline| came <= deadline)
        {
            self.inbox.refuse_all();
        }
    }

    /// How the message that was shown last differs from what is waited for, nearest first.
    pub(crate) fn near_misses(&self) -> Vec<NearMiss> {
        let step = self.present().step(self.step);
        let Some((step, offered)) = step.zip(self.offered.as_ref()) else { return Vec::new() };
        waiting::near_misses(step, &offered.message, &self.learned, &self.awaits_at())
    }

    /// Where the present wait stands.
    pub(crate) fn awaits_at(&self) -> String {
        let step = self.present().step(self.step);
        step.map_or_else(
            || self.script.name().to_owned(),
            |step| self.place(step.wait.as_ref().map_or(step.line, |wait| wait.line)),
        )
    }

    /// What to do at `now`, counted from the session's start. Times never go back.
    pub fn poll(&mut self, now: Duration) -> Action {
        self.now = self.now.max(now);
        let script = Arc::clone(&self.script);
        self.advance(script.session(self.session), now)
    }

    /// The connection has ended: messages that came still release waits, and a script that waited for the client to close is
    /// played to its end. Nothing is sent any more, and no wait runs out of time.
    pub fn on_close(&mut self, now: Duration) {
        if self.ended.is_some() {
            return;
        }
        self.now = self.now.max(now);
        let script = Arc::clone(&self.script);
        let session = script.session(self.session);
        self.see_off(session, now);
        self.ended.get_or_insert(Ended::ByPeer);
    }

    /// Nothing is played any more, from now on: as if the connection had ended, but that no message releases anything.
    pub(crate) fn stop(&mut self) {
        self.ended.get_or_insert(Ended::ByPeer);
    }

    /// The line of the entry that it is at; none at its end.
    pub(crate) fn line(&self) -> Option<usize> {
        let step = self.present().step(self.step).filter(|_| self.ended.is_none())?;
        let wait = step.wait.as_ref().filter(|_| matches!(self.stage, Stage::Waiting { .. }));
        Some(wait.map_or(step.line, |wait| wait.line))
    }

    /// Whether the script was played to its end. Entries that repeat in the background go on beyond it.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        match self.ended {
            Some(Ended::ByScript) => true,
            Some(Ended::Endless { .. }) => false,
            Some(Ended::ByPeer) | None => self.ready.is_empty() && self.step >= self.present().end(),
        }
    }

    /// What the checks of the script have found so far.
    #[must_use]
    pub fn verdict(&self) -> SessionVerdict {
        let name = self.script.name();
        let checks = self.present().checks.iter().enumerate().map(|(number, check)| {
            let (outcome, at) = self.outcomes.get(number);
            CheckResult::new(self.place(check.line), &*check.description, outcome).at(at)
        });
        let verdict = SessionVerdict::new(name).took(self.now);
        let verdict = checks.fold(verdict, SessionVerdict::check);
        match self.stands_at() {
            None => verdict,
            Some(reason) => verdict.unfinished(reason),
        }
    }

    /// How many client messages no wait has taken so far.
    #[must_use]
    pub fn untaken(&self) -> u64 {
        self.inbox.untaken()
    }

    /// The wait that holds the script, as [`poll`](Self::poll) left it.
    pub(crate) fn open_wait(&self) -> Option<OpenWait> {
        let step = self.present().step(self.step)?;
        let is_open = matches!(self.stage, Stage::Waiting { .. }) && self.taken.is_none();
        if !is_open || !step.takes_message() {
            return None;
        }
        let line = step.wait.as_ref().map_or(step.line, |wait| wait.line);
        let mismatched = self.inbox.untaken().saturating_sub(self.untaken_before);
        Some(OpenWait { number: self.waits_begun, line, expected: step.awaited(), mismatched })
    }

    /// What the log may show of the message that came last, if it is still kept.
    pub(crate) fn latest_excerpt(&self) -> Option<String> {
        self.inbox.latest().map(Arrived::excerpt)
    }

    /// The checks that have failed since this was asked for last, each in a line.
    pub(crate) fn take_failures(&mut self) -> Vec<String> {
        let failed = self.outcomes.take_failed();
        let tell = |number: usize| {
            let check = self.present().checks.get(number)?;
            let (CheckOutcome::Failed(reason), _) = self.outcomes.get(number) else { return None };
            Some(format!("{}: {}: {reason}", self.place(check.line), check.description))
        };
        failed.into_iter().filter_map(tell).collect()
    }

    /// The place of the step in which the script went round without end, if it did; it is said once.
    pub(crate) fn take_endless(&mut self) -> Option<String> {
        match &mut self.ended {
            Some(Ended::Endless { line, told }) if !*told => {
                *told = true;
                let line = *line;
                Some(self.place(line))
            }
            _ => None,
        }
    }

    /// Whether the script went round without end.
    pub(crate) fn is_endless(&self) -> bool {
        matches!(self.ended, Some(Ended::Endless { .. }))
    }

    /// Whether there is something to be played at all.
    pub(crate) fn has_entries(&self) -> bool {
        self.present().end() > 0
    }

    /// Why the script is not at its end.
    fn stands_at(&self) -> Option<String> {
        if self.is_finished() {
            return None;
        }
        if let Some(Ended::Endless { line, .. }) = self.ended {
            return Some(format!("{}: the script went round here without end", self.place(line)));
        }
        let Some(step) = self.present().step(self.step) else {
            return Some("something was still to be sent".to_owned());
        };
        Some(match self.stage {
            Stage::Waiting { .. } => {
                let line = step.wait.as_ref().map_or(step.line, |wait| wait.line);
                format!("{}: still waits for {}", self.place(line), step.awaited())
            }
            _ => format!("{}: this entry was still to come", self.place(step.line)),
        })
    }

    fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.script.name())
    }

    fn present(&self) -> &Session {
        self.script.session(self.session)
    }

    /// Whether a message may still be waited for. A wait that was released counts until its step is done, which keeps a
    /// message too many, never one too few.
    pub(crate) fn waits_ahead(&self) -> bool {
        self.present().waits_from(self.step)
    }
}
