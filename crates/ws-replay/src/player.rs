//! Playing a script, as decisions alone: what to do now, given the time and what has come.
//!
//! It does no IO and reads no clock but the one that `{{now}}` shows, so that all rules of time are tested exactly.
//!
//! The script's clock starts with the session. It stands still while a wait waits; an incoming entry that was matched
//! sets it to its own `ts`. So when an entry is done the clock shows the `ts` of that entry, and all that is kept of it
//! is the session time at which it showed that. Deadlines follow from each other and not from when something was really
//! sent, so delays do not add up.

mod inbox;

use std::sync::Arc;
use std::time::Duration;

use inbox::{Arrived, Inbox};
use ws_core::Message;
use ws_patterns::MessageText;

use crate::released::Released;
use crate::script::{Content, Ending, Session, Wait};
use crate::template::Values;
use crate::{ReplayDirection, ReplayOptions, ReplayScript};

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Send this message, then ask again. A Close message is the last action.
    Send(Message),
    /// Nothing before this time since the session's start, whatever comes in.
    SleepUntil(Duration),
    /// Nothing before the next client message.
    AwaitMessage,
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
    values: Values,
    /// The number of the present step.
    step: usize,
    stage: Stage,
    /// What the script's clock showed at `since`, in milliseconds; it has run from there, unless a wait holds it.
    clock: u64,
    since: Duration,
    inbox: Inbox,
    released: Option<Released>,
    /// How many messages no wait had taken when the last one was released.
    untaken_before: u64,
}

/// A wait that is open: its message has not come yet.
pub(crate) struct OpenWait<'p> {
    /// The number of its step.
    pub(crate) step: usize,
    pub(crate) wait: &'p Wait,
    /// How many messages came, since the wait before was released, that do not match.
    pub(crate) mismatched: u64,
}

/// How far the present step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    /// Released; what is next is to be sent when its time comes.
    Due,
    /// Sent; what is left is to close.
    Closing,
}

impl Player {
    /// The session of the `nth` connection on `path`, from 0. Both matter to what is random, if there is a seed, and to
    /// which session it is, if the script has several: the n-th of those that were recorded on this path, or of all if
    /// none was; behind the last, it starts over.
    #[must_use]
    pub fn new(script: Arc<ReplayScript>, options: &ReplayOptions, path: &str, nth: u64) -> Self {
        let session = script.session_for(path, nth);
        Self {
            values: Values::new(options, path, nth),
            session,
            step: 0,
            stage: Stage::Waiting,
            clock: script.session(session).start,
            script,
            since: Duration::ZERO,
            inbox: Inbox::default(),
            released: None,
            untaken_before: 0,
        }
    }

    /// Takes note of a client message that came at `now`, counted from the session's start. Control frames are no messages.
    ///
    /// A message is kept until a wait takes it, as long as the script has waits before it; up to 1,024 messages and
    /// 1 MiB are kept, then the oldest give way.
    pub fn on_message(&mut self, now: Duration, message: Message) {
        let arrived = match message {
            Message::Text(text) => Arrived::Text(MessageText::new(String::from(text))),
            Message::Binary(data) => Arrived::Binary(data),
            _ => return,
        };
        if self.waits_ahead() {
            self.inbox.push(now, arrived);
        } else {
            self.inbox.pass_by();
        }
    }

    /// What to do at `now`, counted from the session's start. Times never go back.
    pub fn poll(&mut self, now: Duration) -> Action {
        let script = Arc::clone(&self.script);
        let session = script.session(self.session);
        while let Some(step) = session.step(self.step) {
            match self.stage {
                Stage::Waiting => {
                    if let Some(wait) = &step.wait {
                        let Some((came, released)) = self.inbox.take(&wait.expected) else {
                            return Action::AwaitMessage;
                        };
                        // What came before the wait began has held nothing up.
                        self.since = self.since.max(came);
                        self.released = Some(released);
                        self.untaken_before = self.inbox.untaken();
                    }
                    if step.direction == ReplayDirection::In {
                        self.clock = step.ts;
                        self.next_step();
                    } else {
                        self.stage = Stage::Due;
                    }
                }
                Stage::Due => {
                    let due = self.since.saturating_add(Duration::from_millis(step.ts - self.clock));
                    if now < due {
                        return Action::SleepUntil(due);
                    }
                    self.since = due;
                    self.clock = step.ts;
                    self.stage = Stage::Closing;
                    if let Some(content) = &step.content {
                        return Action::Send(self.make(content, step.ts));
                    }
                }
                Stage::Closing => {
                    let close = step.close.clone();
                    self.next_step();
                    match close {
                        Some(Ending::Close(frame)) => return Action::Send(Message::Close(frame)),
                        Some(Ending::Disconnect) => return Action::Disconnect,
                        None => {}
                    }
                }
            }
        }
        Action::Finished
    }

    /// How many client messages no wait has taken so far.
    #[must_use]
    pub fn untaken(&self) -> u64 {
        self.inbox.untaken()
    }

    /// The wait that holds the script, as [`poll`](Self::poll) left it.
    pub(crate) fn open_wait(&self) -> Option<OpenWait<'_>> {
        let wait = self.present().step(self.step).filter(|_| self.stage == Stage::Waiting)?.wait.as_ref()?;
        let mismatched = self.inbox.untaken().saturating_sub(self.untaken_before);
        wait.is_for_message().then_some(OpenWait { step: self.step, wait, mismatched })
    }

    /// What the log may show of the message that came last, if it is still kept.
    pub(crate) fn latest_excerpt(&self) -> Option<String> {
        self.inbox.latest().map(Arrived::excerpt)
    }

    fn make(&mut self, content: &Content, ts: u64) -> Message {
        match content {
            Content::Binary(data) => Message::Binary(data.clone()),
            Content::Ping(data) => Message::Ping(data.clone()),
            Content::Text(template) => {
                let script_time = Duration::from_millis(ts);
                Message::Text(template.render(script_time, &mut self.values, self.released.as_ref()))
            }
        }
    }

    fn present(&self) -> &Session {
        self.script.session(self.session)
    }

    fn next_step(&mut self) {
        self.step += 1;
        self.stage = Stage::Waiting;
        if !self.waits_ahead() {
            self.inbox.clear();
        }
    }

    /// Whether a message may still be waited for. A wait that was released counts until its step is done, which keeps a
    /// message too many, never one too few.
    fn waits_ahead(&self) -> bool {
        self.present().waits_from(self.step)
    }
}
