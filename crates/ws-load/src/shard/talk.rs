//! One connection from its handshake to its Close frame. It is polled by hand: all that is there is read, all that is due is
//! said, and what is said together leaves in one write.

use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::answers::Answers;
use crate::clock::{Nanos, SECOND, nanos};
use crate::marker::Marker;
use crate::payload::{Facts, Line, Said};
use crate::plan::{Lifetime, Pace, Plan};
use crate::shared::Phase;
use crate::tally::Failure;
use crate::wire::{Heard, Inbox, Opcode, Stream, push_frame};

use super::Shard;
use super::dial::Dialled;
use super::ears::{Ears, PUBLISHER};
use super::playing::{Next, Playing};
use super::slot::{NEVER, Slot};
use super::user::User;

/// How long a server may take to answer a Close frame.
const CLOSE_PATIENCE: Nanos = 2 * SECOND;
/// Bytes that may wait for the socket; what is due beyond that waits as a number.
const MOST_OUTBOX: usize = 256 << 10;
/// What a connection keeps of its memory while it has nothing to write.
const KEPT_OUTBOX: usize = 16 << 10;
/// Who has published and has heard nothing of it for so long is not meant to.
const LEFT_OUT: Nanos = SECOND;
/// Reads, and writes, of one connection in a row, when others want to be polled, too.
const TURNS: usize = 16;
const NORMAL: u16 = 1000;
/// What there is instead of a code, when there was a Close frame, and when there was none.
const NO_CODE: u16 = 1005;
const NO_CLOSE: u16 = 1006;

/// How a connection ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// When we wanted, with the code of the server's Close frame.
    Done(u16),
    /// When we wanted, with such a code, because the server did not close it with the one that was recorded.
    NotByServer {
        code: u16,
        recorded: u16,
    },
    /// The server closed it, and said why.
    ByServer(u16, String),
    Failed(Failure, String),
}

impl Ending {
    pub(super) fn close_code(&self) -> u16 {
        match self {
            Self::Done(code) | Self::NotByServer { code, .. } | Self::ByServer(code, _) => *code,
            Self::Failed(..) => NO_CLOSE,
        }
    }
}

pub(super) struct Talk<'t> {
    shard: &'t Shard,
    slot: &'t Slot,
    user: &'t mut User,
    stream: Stream,
    /// What came behind the handshake and was not looked at yet.
    rest: Vec<u8>,
    inbox: Inbox,
    ears: Ears,
    outbox: Vec<u8>,
    written: usize,
    /// Since when the socket has taken nothing.
    stuck_since: Option<Nanos>,
    state: State,
    opened_at: Nanos,
    sent_here: u32,
    thinking: Option<Pin<Box<Sleep>>>,
    /// If it plays a session.
    playing: Option<Playing<'t>>,
    /// When `thinking` ends, then.
    pauses_until: Nanos,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Talking,
    /// For answers; nothing is said any more.
    Waiting {
        since: Nanos,
        until: Nanos,
    },
    /// Our Close frame is out.
    Closing {
        until: Nanos,
    },
}

impl<'t> Talk<'t> {
    pub(super) fn new(
        shard: &'t Shard,
        slot: &'t Slot,
        user: &'t mut User,
        dialled: Dialled,
        opened_at: Nanos,
    ) -> Self {
        let plan = &shard.shared.plan;
        let ears = Ears::new(plan, user.number, user.sent + 1);
        let playing = match plan.pace {
            Pace::Recorded { speed } => Some(Playing::new(user.part(&shard.shared), speed, plan.timeout)),
            _ => None,
        };
        let Dialled { stream, rest } = dialled;
        Self {
            shard,
            slot,
            user,
            stream,
            rest,
            inbox: Inbox::default(),
            ears,
            outbox: Vec::new(),
            written: 0,
            stuck_since: None,
            state: State::Talking,
            opened_at,
            sent_here: 0,
            thinking: None,
            playing,
            pauses_until: NEVER,
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        self.slot.attend(cx.waker());
        let mut has_more = match self.read(cx) {
            Ok(has_more) => has_more,
            Err(ending) => return Poll::Ready(ending),
        };
        let mut says_more = true;
        for _ in 0..TURNS {
            if !says_more {
                break;
            }
            says_more = self.speak(cx);
            match self.write(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(self.broken(&error.to_string())),
                // The socket wakes us.
                Poll::Pending => says_more = false,
            }
        }
        has_more |= says_more;
        let now = self.shard.shared.clock.now();
        if let State::Closing { until } = self.state
            && now >= until
        {
            return Poll::Ready(Ending::Failed(Failure::CloseTimeout, String::new()));
        }
        // In other states the time is short in any case.
        if self.state == State::Talking && self.stuck_until().is_some_and(|until| now >= until) {
            return Poll::Ready(Ending::Failed(Failure::Stuck, String::new()));
        }
        if has_more {
            cx.waker().wake_by_ref();
        }
        self.slot.want_attention_at(self.next_moment());
        self.slot.has_room_for(self.room());
        Poll::Pending
    }

    /// Counts what is missing, or was played, now that it is over.
    pub(super) fn finish(&self, ending: &Ending) {
        let has_played = matches!(ending, Ending::Done(_)) && self.playing.as_ref().is_some_and(Playing::has_ended);
        let shared = &self.shard.shared;
        let mut tally = self.shard.tally.borrow_mut();
        tally.lost += self.ears.asked().open() as u64;
        tally.played += u64::from(has_played);
        if let Some(playing) = &self.playing {
            tally.missing += playing.missing();
            tally.held_up += playing.held_up();
            tally.cut += u64::from(matches!(ending, Ending::Done(_)) && !has_played);
            // Silence is a part of it.
            self.shard.busy_until.set(shared.clock.now());
        }
        if self.publishes() {
            tally.publisher_hears = Some(self.ears.heard() > 0);
            tally.published = u64::from(self.user.sent);
            shared.has_published_all.store(true, Ordering::Release);
        }
    }

    fn plan(&self) -> &'t Plan {
        &self.shard.shared.plan
    }

    /// Reads all that is there; tells whether there may be more.
    fn read(&mut self, cx: &mut Context<'_>) -> Result<bool, Ending> {
        let rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            self.understand(cx, &rest)?;
        }
        let shard = self.shard;
        let mut scratch = shard.scratch.borrow_mut();
        for _ in 0..TURNS {
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Pending => return Ok(false),
                Poll::Ready(Err(error)) => return Err(self.broken(&error.to_string())),
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => return Err(self.broken("")),
                Poll::Ready(Ok(())) => self.understand(cx, buffer.filled())?,
            }
        }
        Ok(true)
    }

    /// Hears what is whole, and answers a Close frame.
    fn understand(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Result<(), Ending> {
        match self.take(bytes)? {
            None => Ok(()),
            Some((code, _)) if matches!(self.state, State::Closing { .. }) => Err(self.closed(code)),
            Some((code, reason)) => {
                let is_planned = self.ends_with(code);
                self.push_close(if code == NO_CODE { NORMAL } else { code });
                // It is an answer: whether it arrives is the server's business.
                let _ = self.write(cx);
                Err(if is_planned { Ending::Done(code) } else { Ending::ByServer(code, reason) })
            }
        }
    }

    /// Hears what is whole; gives back the code and the reason of a Close frame.
    fn take(&mut self, bytes: &[u8]) -> Result<Option<(u16, String)>, Ending> {
        let shard = self.shard;
        let now = shard.shared.clock.now();
        let (plan, ears, outbox, playing) = (self.plan(), &mut self.ears, &mut self.outbox, &mut self.playing);
        let mut tally = self.shard.tally.borrow_mut();
        if plan.broadcast {
            ears.expect_up_to(shard.shared.published.load(Ordering::Acquire));
        }
        let mask = self.user.random.u32(..);
        let mut closed = None;
        let taken = self.inbox.take(bytes, |heard| match heard {
            // What stands behind a Close frame is nothing.
            _ if closed.is_some() => {}
            Heard::Text(message) | Heard::Binary(message) => {
                shard.busy_until.set(now);
                if let Some(playing) = playing {
                    playing.hear(now);
                }
                ears.hear(plan, message, now, &mut tally);
            }
            // Who pings and does not read gets no more pongs.
            Heard::Ping(payload) if outbox.len() < MOST_OUTBOX => push_frame(outbox, Opcode::Pong, mask, payload),
            Heard::Ping(_) => {}
            Heard::Pong => {}
            Heard::Close(code, reason) => {
                closed = Some((code.unwrap_or(NO_CODE), String::from_utf8_lossy(reason).into_owned()));
            }
        });
        taken.map(|()| closed).map_err(|why| Ending::Failed(Failure::Protocol, why))
    }

    /// How it ended when the connection is gone.
    fn broken(&mut self, why: &str) -> Ending {
        if matches!(self.state, State::Closing { .. }) {
            self.closed(NO_CLOSE)
        } else if self.ends_with(NO_CLOSE) {
            Ending::Done(NO_CLOSE)
        } else {
            Ending::Failed(Failure::Broken, why.to_owned())
        }
    }

    /// The server has answered our Close frame.
    fn closed(&self, code: u16) -> Ending {
        match self.playing.as_ref().and_then(Playing::awaited_close) {
            Some(recorded) => Ending::NotByServer { code, recorded },
            None => Ending::Done(code),
        }
    }

    /// Whether the session that is played may end like this.
    fn ends_with(&mut self, code: u16) -> bool {
        self.playing.as_mut().is_some_and(|playing| playing.ends_with(code))
    }

    /// Says what is due; tells whether there is more when that is written.
    fn speak(&mut self, cx: &mut Context<'_>) -> bool {
        let now = self.shard.shared.clock.now();
        if let Some(before) = now.checked_sub(nanos(self.plan().timeout))
            && self.ears.asked().oldest().is_some_and(|oldest| oldest.sent < before)
        {
            self.ears.give_up(before, &mut self.shard.tally.borrow_mut());
        }
        match self.state {
            State::Talking => {
                let has_more = self.say_what_is_due(cx, now);
                if !self.is_done(now) {
                    return has_more;
                }
                self.shard.tally.borrow_mut().unsent += self.slot.drop_assigned();
                if self.publishes() {
                    self.shard.shared.has_published_all.store(true, Ordering::Release);
                }
                self.state = State::Waiting { since: now, until: now.saturating_add(self.shard.patience()) };
                self.speak(cx)
            }
            State::Waiting { since, until } => {
                if now >= until || self.has_heard_all(now - since) {
                    self.push_close(NORMAL);
                    self.state = State::Closing { until: now + CLOSE_PATIENCE };
                }
                false
            }
            State::Closing { .. } => false,
        }
    }

    /// Tells whether there is more when that is written.
    fn say_what_is_due(&mut self, cx: &mut Context<'_>, now: Nanos) -> bool {
        if !matches!(self.shard.phase.get(), Phase::Running { .. } | Phase::Ending { .. }) {
            return false;
        }
        match self.plan().pace {
            Pace::Open { .. } => {
                while self.has_space() {
                    let Some(due) = self.slot.take_assigned() else { return false };
                    self.say(due, now);
                }
                true
            }
            Pace::Closed { in_flight, think } => {
                if self.ears.take_answer() && !think.is_zero() {
                    self.thinking = Some(Box::pin(sleep(think)));
                }
                while !self.is_done(now) && self.ears.asked().open() < in_flight {
                    if !self.has_space() {
                        return true;
                    }
                    if let Some(thought) = &mut self.thinking {
                        match thought.as_mut().poll(cx) {
                            Poll::Pending => return false,
                            Poll::Ready(()) => self.thinking = None,
                        }
                    }
                    self.say(now, now);
                    if self.plan().answers == Answers::None && !think.is_zero() {
                        self.thinking = Some(Box::pin(sleep(think)));
                    }
                }
                false
            }
            Pace::Recorded { .. } => self.play(cx, now),
        }
    }

    /// Goes on in the session as far as it is time for it; tells whether there is more when that is written.
    fn play(&mut self, cx: &mut Context<'_>, now: Nanos) -> bool {
        while !self.is_done(now) {
            let has_space = self.has_space();
            let Some(playing) = &mut self.playing else { return false };
            let due = playing.due(now);
            if due > now {
                self.pause_until(cx, due, now);
                return false;
            }
            if !has_space {
                return true;
            }
            if let Next::Say(line) = playing.advance(now) {
                self.say_line(line, now);
            }
        }
        false
    }

    /// Has it polled again then.
    fn pause_until(&mut self, cx: &mut Context<'_>, due: Nanos, now: Nanos) {
        if self.pauses_until != due {
            self.pauses_until = due;
            self.thinking = Some(Box::pin(sleep(Duration::from_nanos(due - now))));
        }
        if let Some(pause) = &mut self.thinking
            && pause.as_mut().poll(cx).is_ready()
        {
            (self.thinking, self.pauses_until) = (None, NEVER);
            cx.waker().wake_by_ref();
        }
    }

    fn say_line(&mut self, line: &Line, now: Nanos) {
        let (opcode, message) = match &line.said {
            Said::Text(text) => (Opcode::Text, text.as_bytes()),
            Said::Binary(bytes) => (Opcode::Binary, bytes.as_slice()),
        };
        self.user.sent += 1;
        self.send(opcode, message, now);
        if let Some(answer) = &line.answer {
            self.ears.ask_for(answer, message, now);
        }
    }

    fn say(&mut self, from: Nanos, now: Nanos) {
        let (plan, shard) = (self.plan(), self.shard);
        self.user.sent += 1;
        let marker = Marker { user: self.user.number, number: self.user.sent, due: from };
        let mut message = shard.message.borrow_mut();
        message.clear();
        let facts = &mut Facts { marker, position: self.sent_here, random: &mut self.user.random };
        plan.payload.render(&mut message, facts);
        let opcode = if plan.payload.is_binary() { Opcode::Binary } else { Opcode::Text };
        self.send(opcode, &message, now);
        self.ears.ask(plan, &message, from, now);
        if self.publishes() {
            shard.shared.published.store(self.user.sent, Ordering::Release);
        }
    }

    fn send(&mut self, opcode: Opcode, message: &[u8], now: Nanos) {
        self.sent_here += 1;
        push_frame(&mut self.outbox, opcode, self.user.random.u32(..), message);
        self.shard.busy_until.set(now);
        let mut tally = self.shard.tally.borrow_mut();
        tally.sent += 1;
        tally.sent_bytes += message.len() as u64;
    }

    /// Whether nothing more is to be said on this connection.
    fn is_done(&self, now: Nanos) -> bool {
        self.shard.is_ending()
            || self.slot.is_retired()
            || self.plan().messages.is_some_and(|messages| self.user.sent >= messages)
            || self.shard.has_lived(self.sent_here, self.opened_at, now)
            || self.playing.as_ref().is_some_and(Playing::has_ended)
    }

    fn has_heard_all(&self, waited: Nanos) -> bool {
        let shared = &self.shard.shared;
        if !shared.plan.broadcast {
            let awaits_close = self.playing.as_ref().and_then(Playing::awaited_close).is_some();
            return self.ears.asked().open() == 0 && !awaits_close;
        }
        let published = u64::from(shared.published.load(Ordering::Acquire));
        // A server may leave out who has sent.
        let is_left_out = self.publishes() && self.ears.heard() == 0 && waited >= LEFT_OUT;
        shared.has_published_all.load(Ordering::Acquire) && (self.ears.heard() >= published || is_left_out)
    }

    fn publishes(&self) -> bool {
        self.plan().broadcast && self.user.number == PUBLISHER
    }

    fn has_space(&self) -> bool {
        self.outbox.len() - self.written < MOST_OUTBOX
    }

    /// How many messages it could be given.
    fn room(&self) -> usize {
        if self.state != State::Talking || !self.has_space() {
            return 0;
        }
        let plan = self.plan();
        let left = plan.messages.map_or(u32::MAX, |messages| messages.saturating_sub(self.user.sent));
        let here = match plan.lifetime {
            Some(Lifetime::Messages(messages)) => messages.saturating_sub(self.sent_here),
            _ => u32::MAX,
        };
        plan.most_in_flight.saturating_sub(self.ears.asked().open()).min(left.min(here) as usize)
    }

    /// When the time alone changes something.
    fn next_moment(&self) -> Nanos {
        let oldest = self.ears.asked().oldest().map_or(NEVER, |oldest| oldest.sent + nanos(self.plan().timeout));
        match self.state {
            // It is told to no one when others have said all.
            State::Waiting { .. } if self.plan().broadcast => 0,
            State::Waiting { until, .. } | State::Closing { until } => until.min(oldest),
            State::Talking => {
                let ends = match self.plan().lifetime {
                    Some(Lifetime::Time(time)) => self.opened_at + nanos(time),
                    _ => NEVER,
                };
                oldest.min(ends).min(self.stuck_until().unwrap_or(NEVER))
            }
        }
    }

    /// When it is given up because the socket takes nothing.
    fn stuck_until(&self) -> Option<Nanos> {
        self.stuck_since.map(|since| since.saturating_add(nanos(self.plan().timeout)))
    }

    fn push_close(&mut self, code: u16) {
        let mask = self.user.random.u32(..);
        push_frame(&mut self.outbox, Opcode::Close, mask, &code.to_be_bytes());
    }

    fn write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let had_any = !self.outbox.is_empty();
        while self.written < self.outbox.len() {
            match Pin::new(&mut self.stream).poll_write(cx, &self.outbox[self.written..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => {
                    self.written += written;
                    self.stuck_since = None;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    // What is written goes away, or a buffer that is never empty would only grow.
                    self.outbox.drain(..self.written);
                    self.written = 0;
                    self.stuck_since.get_or_insert_with(|| self.shard.shared.clock.now());
                    return Poll::Pending;
                }
            }
        }
        self.written = 0;
        if self.outbox.capacity() > KEPT_OUTBOX {
            self.outbox = Vec::new();
        } else {
            self.outbox.clear();
        }
        if had_any && matches!(self.stream, Stream::Encrypted(_)) {
            return Pin::new(&mut self.stream).poll_flush(cx);
        }
        Poll::Ready(Ok(()))
    }
}
