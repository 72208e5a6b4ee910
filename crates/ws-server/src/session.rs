//! One connection from its upgrade to its end, in one task.
//!
//! Three phases: open (the [`Pump`] runs until something ends the connection), farewell (the closing handshake), and
//! afterwards (`on_disconnect`, rooms, observers). Each is bounded in time, so every session ends by itself.

mod chain;
mod driver;
mod ending;
mod heartbeat;
mod inbox;
mod intercept;
mod link;
mod message_span;
mod paced;
mod pump;
#[cfg(test)]
mod tests;

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Fuse};
use tokio::time::timeout;
use tracing::{Instrument, Span, debug, field, info, warn};
use ws_conditions::{ConnectionFault, ConnectionPlan};
use ws_core::engine::{Outbound, OutboundQueue, SessionContext, outbound_queue};
use ws_core::{CloseFrame, Connection, Direction, EndStatus, HandlerError, Message, Origin, SessionEnd, SessionPart};
use ws_metrics::{create_ws_connection_span, record_ws_connection_end};
use ws_wire::Wire;

pub(crate) use self::chain::{Chain, Metered};
use self::driver::Failures;
pub(crate) use self::driver::panic_text;
use self::ending::Ending;
use self::inbox::Inbox;
pub(crate) use self::paced::Paced;
use self::pump::Pump;
use crate::WsConfig;
use crate::live::Live;
use crate::realm::Realm;
use crate::shared::{Shared, Slot};
use crate::transport::Transport;

/// How long handlers and parts of a session may take for each of their last steps, beside the closing handshake.
const PARTING: Duration = Duration::from_secs(1);

/// How long `on_disconnect` of a handler and the leaving of rooms may take.
const AFTERWARDS: Duration = Duration::from_secs(10);

/// A connection that was accepted and is not yet served. Dropped unserved, it counts as ended by an error.
pub(crate) struct Session {
    shared: Arc<Shared>,
    /// As it was at the handshake.
    config: Arc<WsConfig>,
    chain: Chain,
    realm: Arc<Realm>,
    live: Arc<Live>,
    /// All that happens to the connection happens in it. Boxed: where nobody wants it, there is none.
    span: Option<Box<Span>>,
    queue: OutboundQueue,
    plan: Option<Box<ConnectionPlan>>,
    has_ended: bool,
    _slot: Slot,
}

impl Session {
    /// Opens the books for a connection: from here on it is counted as active.
    pub(crate) fn open(
        shared: Arc<Shared>,
        realm: Arc<Realm>,
        config: Arc<WsConfig>,
        chain: Chain,
        connection: Connection,
        plan: Option<ConnectionPlan>,
        slot: Slot,
    ) -> Box<Self> {
        let (sender, queue) = outbound_queue(config.outbound_queue);
        let connection = Arc::new(connection);
        let span = create_ws_connection_span(connection.handshake());
        span.record("ws.connection.id", connection.id());
        let rooms = Arc::clone(chain.rooms());
        let live = Arc::new(Live::new(Arc::clone(&connection), sender, rooms, chain.is_managed()));
        shared.live.insert(Arc::clone(&live));
        realm.observers.tell(|observer| observer.on_open(&connection));
        let (span, plan) = ((!span.is_disabled()).then(|| Box::new(span)), plan.map(Box::new));
        Box::new(Self { shared, realm, live, config, chain, span, queue, plan, has_ended: false, _slot: slot })
    }

    fn connection(&self) -> &Arc<Connection> {
        self.live.connection()
    }

    fn span(&self) -> Span {
        self.span.as_deref().map_or_else(Span::none, Span::clone)
    }

    /// Closes the connection as soon as it is served.
    pub(crate) fn close(&self, frame: CloseFrame) {
        self.live.close(frame);
    }

    /// Says that the connection is established; where the handshake has no peer, the socket is `asked`.
    pub(crate) fn log_established(&self, asked: impl FnOnce() -> Option<SocketAddr>) {
        let (span, connection) = (self.span(), self.connection());
        let _in_span = span.enter();
        let known = connection.handshake().peer();
        let peer = known.or_else(asked);
        if let Some(peer) = peer.filter(|_| known.is_none()) {
            span.record("network.peer.address", field::display(peer));
        }
        match peer {
            Some(peer) => info!(connection = connection.id(), "WebSocket connection established from {peer}"),
            None => info!(connection = connection.id(), "WebSocket connection established"),
        }
    }

    /// Serves the connection until it has ended.
    ///
    /// What it is given stays where it is: moved, it would stand twice in the memory of every connection.
    pub(crate) fn serve<S: Transport>(mut self: Box<Self>, mut wire: Wire<Paced<S>>) -> BoxFuture<'static, ()> {
        let span = self.span.as_deref().cloned();
        let served = async move {
            let Self { shared, config, chain, realm, live, queue, plan, .. } = &mut *self;
            let (shared, config, chain, live, observers) = (&**shared, &**config, &*chain, &**live, &realm.observers);
            let inbox = Inbox::new(&config.inbound_queue);
            let failures = Failures::of(live.connection(), observers);
            let (connection, rooms) = (Arc::clone(live.connection()), Arc::clone(chain.rooms()));
            let mut context = SessionContext::new(connection, rooms, live.sender().clone());
            let spawn_queue = context.spawn_queue();
            let mut pump = Pump::new(&mut wire, queue, &inbox, chain, shared, observers, config, live, spawn_queue);
            pump.set_plan(plan.take());

            // Boxed, as is all that comes at the end: an open connection does not hold room for it.
            let (status, close_frame) = {
                let mut driver = pin!(driver::drive(&mut context, chain, &inbox, live, config, &failures).fuse());
                let ending = pump.run(driver.as_mut()).await;
                Box::pin(close(&mut pump, ending, driver, &failures)).await
            };
            drop(pump);
            drop(wire);
            Box::pin(self.afterwards(context, status, close_frame)).await;
        };
        match span {
            Some(span) => Box::pin(served.instrument(span)),
            None => Box::pin(served),
        }
    }
}

impl Session {
    /// What is left when the connection has ended: its handlers are told, it leaves its rooms, the books are closed.
    async fn afterwards(
        mut self: Box<Self>,
        mut context: SessionContext,
        status: EndStatus,
        close_frame: Option<CloseFrame>,
    ) {
        let (connection, chain) = (self.connection(), &self.chain);
        context.set_close_frame(close_frame.clone());
        let failures = Failures::of(connection, &self.realm.observers);
        let disconnecting = driver::disconnect(&mut context, chain, AFTERWARDS, &failures);
        self.shared.unless_abandoned(disconnecting).await;
        let leaving = chain.rooms().leave_all(connection.id());
        if !matches!(timeout(AFTERWARDS, leaving).await, Ok(Ok(()))) {
            warn!(connection = connection.id(), "not all rooms could be left");
        }
        self.close_books(status, close_frame);
    }

    fn close_books(&mut self, status: EndStatus, close_frame: Option<CloseFrame>) {
        self.has_ended = true;
        let connection = self.connection();
        info!(
            connection = connection.id(),
            path = connection.path(),
            status = status.as_str(),
            "WebSocket connection closed"
        );
        record_ws_connection_end(&self.span(), status);
        self.shared.live.remove(connection.id());
        let end = SessionEnd::new(status, close_frame, connection.opened_at().elapsed());
        self.realm.observers.tell(|observer| observer.on_end(connection, &end));
        connection.clear_extensions();
        self.realm.leave();
    }
}

impl Drop for Session {
    /// Closes the books, whatever has happened.
    fn drop(&mut self) {
        if !self.has_ended {
            self.close_books(EndStatus::Error, None);
        }
    }
}

/// What handlers may still do when the connection has ended.
enum Unfinished<'a, D> {
    Nothing,
    /// The rest of the call that closed the connection.
    Call(Pin<&'a mut D>),
    /// What the client said before it closed.
    Messages(Pin<&'a mut D>),
}

/// The farewell, as long as it may take. Gives back how the session is counted, and the Close frame of the side that closed
/// first.
async fn close<S: Transport, D: Future<Output = Result<(), String>>>(
    pump: &mut Pump<'_, S>,
    ending: Ending,
    mut driver: Pin<&mut Fuse<D>>,
    failures: &Failures<'_>,
) -> (EndStatus, Option<CloseFrame>) {
    let (shared, live, inbox) = (pump.shared, pump.live, pump.inbox);
    log(&ending, live.connection());
    let mut parts = std::mem::take(&mut pump.parts);
    // What a handler attached in a turn that a panic cut short is told, too.
    parts.extend(pump.spawn_queue.take().parts);
    // After our own Close frame the running call may finish. After the client's, parts that forward what it said get the rest
    // of it. After anything else the call is dropped here.
    let unfinished = match ending {
        Ending::ClosedByUs(..) => {
            inbox.close();
            Unfinished::Call(driver)
        }
        Ending::ClosedByClient(_) if !parts.is_empty() => {
            inbox.finish();
            Unfinished::Messages(driver)
        }
        _ => {
            inbox.close();
            driver.set(Fuse::terminated());
            Unfinished::Nothing
        }
    };
    // A half-open connection stays for as long as its client does.
    let limit = match ending {
        Ending::Broken(ConnectionFault::HalfOpen) => Duration::MAX,
        _ => pump.config.close_timeout,
    };
    // Boxed: each layer around it would double it.
    let closing = Box::pin(closing(pump, &ending, unfinished, parts, failures));
    let closing = shared.unless_abandoned(contained(failures, closing));
    // Who wants to be rid of it waits for no client.
    let closing = async {
        tokio::select! {
            _ = closing => {}
            () = live.suffers_again() => {}
        }
    };
    let _ = timeout(limit, closing).await;
    pump.queue.close();
    // A Close frame that waited in the queue went out in the place of ours.
    let close_frame = pump.closed_with.take().map_or_else(|| ending.close_frame(), |frame| *frame);
    (ending.status(), close_frame)
}

/// The closing handshake, and beside it what handlers and parts have left to do.
async fn closing<S: Transport, D: Future<Output = Result<(), String>>>(
    pump: &mut Pump<'_, S>,
    ending: &Ending,
    unfinished: Unfinished<'_, D>,
    mut parts: Vec<Box<dyn SessionPart>>,
    failures: &Failures<'_>,
) {
    let handlers_and_parts = async {
        match unfinished {
            Unfinished::Nothing => part_ways(&mut parts, ending).await,
            Unfinished::Call(driver) => {
                let call = contained(failures, driver.map(drop));
                tokio::join!(call, part_ways(&mut parts, ending));
            }
            Unfinished::Messages(mut driver) => {
                let handled = poll_fn(|cx| {
                    let handled = driver.as_mut().poll(cx);
                    parts.retain_mut(|part| part.poll(cx).is_pending());
                    handled.map(drop)
                });
                let _ = timeout(PARTING, contained(failures, handled)).await;
                part_ways(&mut parts, ending).await;
            }
        }
    };
    tokio::join!(farewell(pump, ending, failures), contained(failures, handlers_and_parts));
}

/// Tells the parts of the session that it has ended, and gives them the time to tell their own side.
async fn part_ways(parts: &mut Vec<Box<dyn SessionPart>>, ending: &Ending) {
    if parts.is_empty() {
        return;
    }
    let news = ending.news();
    let parted = poll_fn(|cx| {
        parts.retain_mut(|part| part.poll_end(cx, &news).is_pending());
        if parts.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    });
    let _ = timeout(PARTING, parted).await;
}

/// Runs what other people's code is part of: a panic in it is reported, and does not keep the rest from being done.
async fn contained(failures: &Failures<'_>, work: impl Future<Output = ()>) {
    if let Err(panic) = AssertUnwindSafe(work).catch_unwind().await {
        failures.report("a handler", &HandlerError::Generic(panic_text(&*panic)));
    }
}

/// Sends what still has to go, and waits for the client's side of the closing handshake.
async fn farewell<S: Transport>(pump: &mut Pump<'_, S>, ending: &Ending, failures: &Failures<'_>) {
    match ending {
        Ending::Lost | Ending::SendFailed(_) => return,
        Ending::Broken(fault) => return broken(pump, fault).await,
        _ => {}
    }
    if let Some(frame) = ending.farewell() {
        if !matches!(ending, Ending::SlowConsumer) {
            contained(failures, drain(pump)).await;
            if let Some(Ending::Broken(fault)) = pump.ending.take().map(|ending| *ending) {
                return broken(pump, &fault).await;
            }
        }
        if pump.closed_with.is_none() {
            if poll_fn(|cx| pump.wire.poll_ready(cx)).await.is_err() {
                return;
            }
            // It reports itself as our Close frame; that is what we are at.
            let _ = pump.feed(Outbound::new(Message::Close(Some(frame)), Origin::Session));
        }
    }
    pump.queue.close();
    if poll_fn(|cx| pump.wire.poll_flush(cx)).await.is_err() {
        return;
    }
    if matches!(ending, Ending::ReadFailed(_)) {
        return pump.wire.linger().await;
    }
    let next_flushed = |cx: &mut Context<'_>, wire: &mut Wire<Paced<S>>| {
        let next = wire.poll_next(cx);
        // The answer to a ping that came late. A failure of it shows at the next read.
        let _ = wire.poll_flush(cx);
        next
    };
    while let Some(Ok(message)) = poll_fn(|cx| next_flushed(cx, pump.wire)).await {
        pump.observe(Direction::Inbound, Origin::Client, &message);
    }
}

/// How long what was sent before a fault may take to leave.
const BEFORE_FAULT: Duration = Duration::from_millis(100);

/// Ends, or leaves, the transport as a fault wants it.
async fn broken<S: Transport>(pump: &mut Pump<'_, S>, fault: &ConnectionFault) {
    if matches!(fault, ConnectionFault::HalfOpen) {
        pump.live.become_half_open();
    }
    pump.queue.close();
    match fault {
        ConnectionFault::Reset => {
            let _ = timeout(BEFORE_FAULT, poll_fn(|cx| pump.wire.poll_flush(cx))).await;
            if !pump.wire.transport().reset_on_drop() {
                debug!("this transport cannot be reset: the client sees its end");
            }
        }
        ConnectionFault::HalfOpen => {
            // What was sent before is on its way; nothing else is done for a connection that may stay for ever.
            let _ = timeout(BEFORE_FAULT, poll_fn(|cx| pump.wire.poll_flush(cx))).await;
            pump.spawned = None;
            let shutdown = pump.shared.shutdown.cancelled();
            tokio::select! {
                () = pump.wire.discard() => {}
                () = shutdown => {}
            }
        }
        // The client takes what else is sent for the rest of the frame: it has the word, until the time is up.
        ConnectionFault::Unfinished(_) => {
            if poll_fn(|cx| pump.wire.poll_flush(cx)).await.is_ok() {
                pump.wire.discard().await;
            }
        }
        ConnectionFault::Disconnect | ConnectionFault::Close(_) => {
            if poll_fn(|cx| pump.wire.poll_flush(cx)).await.is_ok() {
                pump.wire.linger().await;
            }
        }
    }
}

/// Lets out what waits in the queue, up to a Close frame or another end, which is left in `ending`.
async fn drain<S: Transport>(pump: &mut Pump<'_, S>) {
    if let Some(link) = &mut pump.link {
        link.outbound.hurry(pump.now);
    }
    loop {
        if poll_fn(|cx| pump.wire.poll_ready(cx)).await.is_err() {
            return;
        }
        match poll_fn(|cx| Poll::Ready(pump.poll_feed(cx))).await {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(ending)) => {
                pump.ending = Some(Box::new(ending));
                return;
            }
            Poll::Pending => return,
        }
    }
}

fn log(ending: &Ending, connection: &Connection) {
    match ending {
        Ending::ReadFailed(error) | Ending::SendFailed(error) => {
            warn!(connection = connection.id(), "WebSocket error: {error}");
        }
        Ending::Lost => debug!(connection = connection.id(), "the client was gone without a Close frame"),
        Ending::Broken(fault) => {
            info!(connection = connection.id(), "ended on purpose, without a Close frame: {}", fault.name());
        }
        Ending::HeartbeatLost => warn!(connection = connection.id(), "WebSocket error: no answer to a ping"),
        Ending::SlowConsumer => warn!(connection = connection.id(), "WebSocket error: the client reads too slowly"),
        _ => {}
    }
}
