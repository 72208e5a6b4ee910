//! The open phase of a session: one poll loop over socket, handlers, spawned work, outbound queue and heartbeat.
//!
//! All of it runs in the connection's own task. Everything that is ready is read, handled and fed, then flushed once.

mod network;

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;
use tracing::debug;
use ws_conditions::ConnectionFault;
use ws_core::engine::{Outbound, OutboundQueue, SpawnQueue, SpawnedFuture, prefetch};
use ws_core::{
    CloseFrame, Connection, Direction, HandlerError, Message, ObservedFrame, ObservedRun, Origin, SessionPart,
};
use ws_wire::Wire;

use super::chain::{Chain, Metered};
use super::driver::{Failures, panic_text};
use super::ending::Ending;
use super::heartbeat::{Beat, Heartbeat};
use super::inbox::{Inbound, Inbox};
use super::intercept::{Shown, inbound, outbound, outbound_run};
use super::link::Link;
use super::message_span::MessageSpan;
use super::paced::Paced;
use crate::live::Live;
use crate::observers::Observers;
use crate::path_conditions::PathConditions;
use crate::shared::Shared;
use crate::transport::Transport;
use crate::{ReloadPolicy, WsConfig};

/// What heartbeat pings carry where handlers answer pings, so that their answers are known from those to other pings.
const HEARTBEAT: &[u8] = b"heartbeat";

/// How often a busy session goes round before other tasks get their turn.
const ROUNDS: usize = 4;

type Exchange = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Moves messages between a socket, its handlers and its queue.
pub(super) struct Pump<'a, S> {
    pub(super) wire: &'a mut Wire<Paced<S>>,
    pub(super) queue: &'a mut OutboundQueue,
    /// How far the next messages of `queue` have come.
    shown: Shown,
    /// Messages that hooks made of one, waiting for the socket.
    pub(super) fed_later: VecDeque<Outbound>,
    pub(super) inbox: &'a Inbox<'a>,
    /// Whether the handlers are about to take up what the connection is to play.
    play_changes: bool,
    pub(super) chain: &'a Chain,
    /// Whose hooks see what goes out, as of the last time this session had its turn.
    handlers: Arc<[Metered]>,
    pub(super) shared: &'a Shared,
    pub(super) observers: &'a Observers,
    pub(super) live: &'a Live,
    /// Not by way of `live`, which nobody else looks at in a turn.
    pub(super) connection: Arc<Connection>,
    pub(super) spawn_queue: SpawnQueue,
    pub(super) spawned: Option<Box<FuturesUnordered<SpawnedFuture>>>,
    pub(super) parts: Vec<Box<dyn SessionPart>>,
    pub(super) heartbeat: Option<Heartbeat>,
    /// The simulated network, if there is one.
    pub(super) link: Option<Box<Link>>,
    /// What it does, where somebody has said so.
    pub(super) conditions: Option<Arc<PathConditions>>,
    pub(super) config: &'a WsConfig,
    /// Under the policy that closes connections: ready when the handlers were exchanged.
    exchange: Option<Exchange>,
    pub(super) ending: Option<Box<Ending>>,
    /// Our Close frame, once it is on its way.
    pub(super) closed_with: Option<Box<Option<CloseFrame>>>,
    pub(super) now: Instant,
}

impl<'a, S: Transport> Pump<'a, S> {
    #[expect(clippy::too_many_arguments, reason = "what a session consists of, and each of it is another type")]
    pub(super) fn new(
        wire: &'a mut Wire<Paced<S>>,
        queue: &'a mut OutboundQueue,
        inbox: &'a Inbox<'a>,
        chain: &'a Chain,
        shared: &'a Shared,
        observers: &'a Observers,
        config: &'a WsConfig,
        live: &'a Live,
        spawn_queue: SpawnQueue,
    ) -> Self {
        let exchange: Option<Exchange> = match config.reload_policy {
            ReloadPolicy::Keep => None,
            ReloadPolicy::Close => Some(Box::pin(chain.exchanged())),
        };
        Self {
            wire,
            queue,
            shown: Shown::default(),
            fed_later: VecDeque::new(),
            inbox,
            play_changes: false,
            handlers: chain.current(),
            chain,
            shared,
            observers,
            live,
            connection: Arc::clone(live.connection()),
            spawn_queue,
            spawned: None,
            parts: Vec::new(),
            heartbeat: Heartbeat::new(config.heartbeat_interval),
            link: None,
            conditions: chain.first_conditions().cloned(),
            config,
            exchange,
            ending: None,
            closed_with: None,
            now: Instant::now(),
        }
    }

    /// Runs until something ends the connection; `driver` runs the handlers.
    ///
    /// Messages that came before the end are still given to the handlers, as long as these do not wait.
    pub(super) fn run(
        &mut self,
        mut driver: Pin<&mut impl Future<Output = Result<(), String>>>,
    ) -> impl Future<Output = Ending> {
        if self.config.reload_policy == ReloadPolicy::Keep {
            // They may be others than at the handshake already.
            self.take_up_conditions();
        }
        poll_fn(move |cx| {
            // Handlers, hooks, middleware and observers are other people's code: a panic in any ends this session only.
            catch_unwind(AssertUnwindSafe(|| self.poll(cx, driver.as_mut()))).unwrap_or_else(|panic| {
                let text = panic_text(&*panic);
                Failures::of(&self.connection, self.observers)
                    .report("a handler", &HandlerError::Generic(text.clone()));
                Poll::Ready(Ending::HandlerFailed(text))
            })
        })
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        mut driver: Pin<&mut impl Future<Output = Result<(), String>>>,
    ) -> Poll<Ending> {
        // Before anything is looked at that is not there yet.
        self.prefetch();
        prefetch(&*driver);
        self.now = Instant::now();
        self.chain.bring_up_to_date(&mut self.handlers);
        self.poll_signals(cx);
        self.wire.set_auto_pong(!self.connection.leaves_pings());
        for round in 0..ROUNDS {
            self.read(cx);
            let lagging = !self.may_take_on();
            self.poll_link();
            if round == 0 {
                // Behind the reading: an answer that has come counts, however late this session gets its turn.
                self.poll_heartbeat(cx);
            }
            // Handlers that wait for the next message, and there is none, have nothing to do.
            if !self.inbox.is_idle() {
                if let Poll::Ready(Err(reason)) = driver.as_mut().poll(cx) {
                    self.end(Ending::HandlerFailed(reason));
                }
                self.take_up_spawned();
            }
            if self.play_changes && !self.inbox.has_changed_play() {
                // What is played sees its own first message go out.
                self.play_changes = false;
                self.chain.bring_up_to_date(&mut self.handlers);
            }
            self.poll_spawned(cx);
            self.poll_parts(cx);
            if self.ending.is_none() {
                self.write(cx);
            }
            if let Some(ending) = self.ending.take() {
                return Poll::Ready(*ending);
            }
            // All that was there is read and on its way, unless there was no room for it before and there is now.
            if lagging && self.may_take_on() {
                continue;
            }
            if let Some(link) = &mut self.link {
                link.arm(cx, self.now);
            }
            let held_up = !self.wire.may_read();
            let flushed = self.flush(cx);
            if flushed.is_ready() || !(held_up && self.wire.may_read()) {
                return flushed;
            }
        }
        cx.waker().wake_by_ref();
        self.flush(cx)
    }

    /// Has the processor fetch what each turn looks at.
    fn prefetch(&self) {
        self.queue.prefetch();
        self.connection.prefetch();
        prefetch(self.chain);
        prefetch(&*self.wire);
        prefetch(self.inbox);
        self.handlers.first().map(prefetch);
    }

    /// Keeps the first reason to end.
    fn end(&mut self, ending: Ending) {
        self.ending.get_or_insert_with(|| Box::new(ending));
    }

    fn poll_signals(&mut self, cx: &mut Context<'_>) {
        let news = self.queue.awake(cx);
        if news.skipped > 0 {
            self.observers.tell(|observer| observer.on_skip(&self.connection, news.skipped));
        }
        if news.cut {
            self.end(Ending::SlowConsumer);
        }
        if news.interrupted {
            self.play_changes = true;
            self.inbox.change_play();
            if let Some(fault) = self.live.take_fault() {
                self.tell_fault(Some(fault.name()));
                let ending = self.suffer(fault);
                self.end(ending);
            }
            if self.config.reload_policy == ReloadPolicy::Keep {
                // A session without work lets go of the old handlers, too.
                self.chain.bring_up_to_date(&mut self.handlers);
                self.take_up_conditions();
            }
        }
        if self.shared.is_shutting_down() {
            self.end(if self.shared.is_restarting() { Ending::Restart } else { Ending::Shutdown });
        }
        if self.exchange.as_mut().is_some_and(|exchange| exchange.as_mut().poll(cx).is_ready()) {
            self.exchange = None;
            self.end(Ending::Reloaded);
        }
    }

    fn poll_heartbeat(&mut self, cx: &mut Context<'_>) {
        let reading = self.may_take_on();
        let Some(heartbeat) = &mut self.heartbeat else { return };
        if self.wire.take_heard() {
            heartbeat.heard();
        }
        while let Poll::Ready(beat) = heartbeat.poll_beat(cx, self.config.heartbeat_interval, self.now, reading) {
            match beat {
                Beat::Lost => return self.end(Ending::HeartbeatLost),
                Beat::Ping => {
                    let payload = if self.connection.leaves_pings() { HEARTBEAT } else { b"" };
                    let ping = Message::Ping(Bytes::from_static(payload));
                    // In front: a simulated network that is full does not hold it up.
                    self.fed_later.push_front(Outbound::new(ping, Origin::Session));
                }
            }
        }
    }

    /// Reads what is there, as far as it can be kept and answered.
    fn read(&mut self, cx: &mut Context<'_>) {
        while self.ending.is_none() && !self.is_cut_off() && self.may_take_on() && self.wire.may_read() {
            let Poll::Ready(next) = self.wire.poll_next(cx) else { return };
            match next {
                None => self.ended_by_client(Ending::Lost),
                Some(Err(error)) => self.ended_by_client(Ending::from_read_error(error)),
                Some(Ok(message)) => self.received(message),
            }
        }
    }

    /// Whether one more message from the client can be kept.
    fn may_take_on(&self) -> bool {
        self.inbox.has_room() && self.link.as_ref().is_none_or(|link| link.inbound.has_room())
    }

    fn received(&mut self, message: Message) {
        let number = self.observe(Direction::Inbound, Origin::Client, &message);
        match message {
            Message::Close(frame) => self.ended_by_client(Ending::ClosedByClient(frame)),
            // The answer to our own ping is for nobody who answers pings.
            Message::Pong(data) if data == HEARTBEAT && self.connection.leaves_pings() => {}
            message => {
                debug!(connection = self.connection.id(), "Received message: {} bytes", message.len());
                if let Message::Ping(data) = &message
                    && self.wire.auto_pong()
                {
                    self.observe(Direction::Outbound, Origin::Session, &Message::Pong(data.clone()));
                }
                let next = Inbound { message, number };
                match &mut self.link {
                    None => self.deliver(next),
                    Some(link) => {
                        let fault = link.receive(next, self.now);
                        self.tell_fault(fault);
                    }
                }
            }
        }
    }

    /// Ends as the client wants it, behind what of its messages is still on the way.
    fn ended_by_client(&mut self, ending: Ending) {
        if let Some(link) = &mut self.link {
            link.inbound.hurry(self.now);
            self.deliver_due();
        }
        self.end(ending);
    }

    /// Gives a message from the client to the handlers.
    fn deliver(&self, next: Inbound) {
        match inbound(&self.shared.middleware, &self.connection, &next.message) {
            None => self.inbox.push(next),
            Some(messages) => messages.into_iter().for_each(|message| self.inbox.push(Inbound { message, ..next })),
        }
    }

    /// Takes up what handlers have put beside their calls.
    fn take_up_spawned(&mut self) {
        let new = self.spawn_queue.take();
        self.parts.extend(new.parts);
        if !new.futures.is_empty() {
            self.spawned.get_or_insert_default().extend(new.futures);
        }
    }

    fn poll_spawned(&mut self, cx: &mut Context<'_>) {
        while let Some(spawned) = &mut self.spawned {
            match spawned.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(()))) => {}
                Poll::Ready(Some(Err(failure))) => {
                    Failures::of(&self.connection, self.observers).report("spawned work", &failure);
                    return self.end(Ending::HandlerFailed(failure.to_string()));
                }
                Poll::Ready(None) => {
                    self.spawned = None;
                    return;
                }
                Poll::Pending => return,
            }
        }
    }

    fn poll_parts(&mut self, cx: &mut Context<'_>) {
        let mut next = 0;
        while let Some(part) = self.parts.get_mut(next) {
            let Poll::Ready(done) = part.poll(cx) else {
                next += 1;
                continue;
            };
            drop(self.parts.remove(next));
            if let Err(failure) = done {
                Failures::of(&self.connection, self.observers).report("a part of the session", &failure);
                return self.end(Ending::HandlerFailed(failure.to_string()));
            }
        }
    }

    /// Feeds the socket from the queue.
    fn write(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(fed) = self.poll_feed(cx) {
            if let Err(ending) = fed {
                return self.end(ending);
            }
        }
        let is_empty = self.link.as_ref().is_none_or(|link| link.outbound.is_empty());
        if is_empty && self.queue.is_disconnected() {
            self.end(Ending::Broken(ConnectionFault::Disconnect));
        }
    }

    /// Feeds what is next; pending while the socket is blocked or the queue is empty.
    pub(super) fn poll_feed(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Ending>> {
        ready!(self.wire.poll_ready(cx)).map_err(Ending::SendFailed)?;
        if self.link.is_some() {
            return self.poll_feed_through_link(cx);
        }
        if self.fed_later.is_empty() {
            ready!(self.queue.poll_ready(cx));
            return Poll::Ready(self.feed_from_queue());
        }
        Poll::Ready(match self.fed_later.pop_front() {
            Some(next) => self.feed(next),
            None => Ok(()),
        })
    }

    /// The next message on its way to the client, when hooks and middleware have seen it; none, if they dropped it.
    fn poll_outbound(&mut self, cx: &mut Context<'_>) -> Poll<Option<Outbound>> {
        if self.fed_later.is_empty() {
            ready!(self.queue.poll_ready(cx));
            if self.intercept() {
                return Poll::Ready(self.pop_front());
            }
        }
        Poll::Ready(self.fed_later.pop_front())
    }

    /// Shows the queue's next message to hooks and middleware. If they leave it as it is, it stays where it is and this says
    /// so; else what they make of it waits in `fed_later`.
    fn intercept(&mut self) -> bool {
        debug_assert_eq!(self.shown.passed, 0, "these are fed before others are shown");
        self.skip_shown();
        let Some((message, origin)) = self.queue.front() else { return false };
        if matches!(message, Message::Close(_)) {
            return true;
        }
        self.shown.begun = 1;
        let made = outbound(&self.handlers, &self.shared.middleware, &self.connection, message, origin);
        let Some(messages) = made else { return true };
        self.feed_later(messages, origin);
        self.skip_shown();
        false
    }

    fn feed_later(&mut self, messages: Vec<Message>, origin: Origin) {
        self.fed_later.extend(messages.into_iter().map(|message| Outbound::new(message, origin)));
    }

    fn pop_front(&mut self) -> Option<Outbound> {
        self.shown = Shown::default();
        self.queue.pop()
    }

    /// What somebody has panicked at is not shown again.
    fn skip_shown(&mut self) {
        self.queue.skip(std::mem::take(&mut self.shown).begun);
    }

    /// Puts the queue's next message on its way; if others get it, too, also those behind it that they get, as far as nobody makes
    /// anything else of them.
    fn feed_from_queue(&mut self) -> Result<(), Ending> {
        // What was shown before somebody panicked at the one behind it.
        self.feed_passed()?;
        let Some((messages, origin)) = self.queue.front_shared() else {
            let next = if self.intercept() { self.pop_front() } else { None };
            return next.map_or(Ok(()), |next| self.feed(next));
        };
        let (middleware, connection) = (&self.shared.middleware, &self.connection);
        let made = outbound_run(&self.handlers, middleware, connection, messages, origin, &mut self.shown);
        if let Some(messages) = made {
            self.feed_later(messages, origin);
        }
        self.feed_passed()
    }

    /// Puts on their way, all at once, messages that others get, too, and that all have left as they are.
    fn feed_passed(&mut self) -> Result<(), Ending> {
        let passed = std::mem::take(&mut self.shown.passed);
        if passed > 0
            && let Some((messages, origin)) = self.queue.front_shared()
        {
            let messages = messages.first(passed);
            let spans: Vec<_> = match MessageSpan::is_wanted() {
                true => messages.iter().map(|message| MessageSpan::of(Direction::Outbound, message)).collect(),
                false => Vec::new(),
            };
            let fed = self.wire.feed_shared(messages);
            spans.into_iter().for_each(|span| span.came_to(&fed));
            fed.map_err(Ending::SendFailed)?;
            // Before they are flushed: who acts upon what the client gets finds it in the journal.
            let last = self.connection.count_all(Direction::Outbound, messages.len(), messages.bytes());
            let run = ObservedRun::new(origin, messages, self.now, last);
            self.observers.iter().for_each(|observer| observer.on_run(&self.connection, run));
        }
        self.skip_shown();
        Ok(())
    }

    /// Puts a message on its way; a Close frame is the end of the open phase.
    pub(super) fn feed(&mut self, next: Outbound) -> Result<(), Ending> {
        let span = MessageSpan::of(Direction::Outbound, &next.message);
        self.observe(Direction::Outbound, next.origin, &next.message);
        let closing = match &next.message {
            Message::Close(frame) => Some(frame.clone()),
            _ => None,
        };
        let fed = self.wire.feed(next.message);
        span.came_to(&fed);
        fed.map_err(Ending::SendFailed)?;
        match closing {
            None => Ok(()),
            Some(frame) => {
                self.closed_with = Some(Box::new(frame.clone()));
                Err(Ending::ClosedByUs(frame, next.origin))
            }
        }
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        match self.wire.poll_flush(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Ending::SendFailed(error)),
            _ => Poll::Pending,
        }
    }

    /// Counts a frame and tells everybody of it; gives back the how manieth of its direction it is.
    #[inline]
    pub(super) fn observe(&self, direction: Direction, origin: Origin, message: &Message) -> u64 {
        let number = self.connection.count(direction, message.len());
        let frame = ObservedFrame::new(direction, origin, message, self.now).numbered(number);
        for observer in self.observers.iter() {
            observer.on_frame(&self.connection, frame);
        }
        number
    }
}
