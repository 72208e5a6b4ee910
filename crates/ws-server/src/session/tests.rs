//! The session's times, exactly: over an in-memory transport, on a paused clock.

mod conditions;
mod exchanged;
mod paces;
mod parts;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Instant, advance, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as WireMessage;
use tokio_tungstenite::tungstenite::protocol::Role;
use ws_core::{
    HandlerRegistry, HandlerResult, HandlerSet, Handshake, NoRooms, QueueLimits, SessionObserver, WsContext, WsHandler,
    WsMessage,
};
use ws_metrics::MetricsRegistry;
use ws_replay::{ReplayHandler, ReplayOptions, ReplayScript};

use ws_wire::WireOptions;

use super::*;
use crate::assemble::{Given, Lasting};
use crate::observers::Observers;
use crate::realm::{Realms, RoomSource, Watchers};
use crate::reload::Reloader;
use crate::{ReloadPolicy, WsConfig};

const SECOND: Duration = Duration::from_secs(1);
/// The default interval of heartbeats.
const BEAT: Duration = Duration::from_secs(30);

/// Takes as long as it is told to.
#[derive(Default)]
struct Slow {
    on_message: Duration,
    on_disconnect: Duration,
    connected: Option<(u16, &'static str)>,
}

#[async_trait]
impl WsHandler for Slow {
    async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        match self.connected {
            Some((code, reason)) => ctx.close(code, reason).await,
            None => Ok(()),
        }
    }

    async fn on_message(&self, _: &mut WsContext, _: WsMessage) -> HandlerResult<()> {
        tokio::time::sleep(self.on_message).await;
        Ok(())
    }

    async fn on_disconnect(&self, _: &mut WsContext) -> HandlerResult<()> {
        tokio::time::sleep(self.on_disconnect).await;
        Ok(())
    }
}

/// Keeps how the session ended, and counts the failures of handlers.
#[derive(Clone, Default)]
struct LastEnd {
    status: Arc<Mutex<Option<EndStatus>>>,
    failures: Arc<AtomicUsize>,
}

impl SessionObserver for LastEnd {
    fn on_end(&self, _: &Arc<Connection>, end: &SessionEnd) {
        *self.status.lock().unwrap() = Some(end.status);
    }

    fn on_handler_error(&self, _: &Arc<Connection>, _: &HandlerError) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }
}

/// A session that runs, and the other end of its transport.
struct Running {
    start: Instant,
    transport: DuplexStream,
    session: JoinHandle<()>,
    shared: Arc<Shared>,
    registry: Arc<HandlerRegistry>,
    end: LastEnd,
}

/// A session that is in the books, and not yet served.
struct Opened {
    session: Box<Session>,
    config: Arc<WsConfig>,
    shared: Arc<Shared>,
    registry: Arc<HandlerRegistry>,
    end: LastEnd,
}

/// Starts a session; its transport holds 64 bytes each way.
async fn start(config: WsConfig, handler: impl WsHandler + 'static) -> Running {
    open(config, handler).serve()
}

fn open(config: WsConfig, handler: impl WsHandler + 'static) -> Opened {
    let registry = Arc::new(HandlerRegistry::new());
    registry.register(handler);
    let end = LastEnd::default();
    let observers = Observers::new(vec![Arc::new(end.clone())]);
    let metrics = MetricsRegistry::new();
    let reloader = Reloader::new(None, Lasting::new(metrics.clone()), Watchers::default(), metrics);
    let given = Given { handlers: Arc::clone(&registry), modes: HandlerSet::new(), on_verdict: None };
    let realms = Realms::new(reloader.begin(config).unwrap(), given, RoomSource::Given(Arc::new(NoRooms)), observers);
    let shared = Arc::new(Shared::new(realms, reloader, None, Vec::new(), false, MetricsRegistry::new()));
    let version = shared.version();
    let (config, scope) = (Arc::clone(&version.config), Arc::clone(&version.default));
    let connection = Connection::new(Handshake::new("/ws", Default::default(), None), None, Default::default());
    let slot = shared.take_slot().unwrap();
    let numbered = scope.conditions.as_ref().map(|conditions| conditions.next(Instant::now()).1);
    let plan = numbered.map(|numbered| numbered.open(connection.opened_at()));
    let realm = Arc::clone(shared.realms.server());
    let chain = Chain::new(scope, Some((version, realm.versions.subscribe())), "/ws", None);
    let session = Session::open(Arc::clone(&shared), realm, Arc::clone(&config), chain, connection, plan, slot);
    Opened { session, config, shared, registry, end }
}

impl Opened {
    fn serve(self) -> Running {
        let Self { session, config, shared, registry, end } = self;
        let (ours, transport) = duplex(64);
        let options = WireOptions { max_message_size: config.max_message_size, ..WireOptions::default() };
        let wire = Wire::server(Paced::new(ours), bytes::Bytes::new(), options);
        let session = shared.tasks.spawn(session.serve(wire));
        Running { start: Instant::now(), transport, session, shared, registry, end }
    }
}

impl Running {
    /// A client that answers pings and Close frames as it reads.
    async fn client(self) -> (Client, Rest) {
        let stream = WebSocketStream::from_raw_socket(self.transport, Role::Client, None).await;
        (Client { stream, start: self.start }, Rest { start: self.start, session: self.session, end: self.end })
    }

    /// A client that answers nothing.
    fn silent(self) -> (DuplexStream, Rest) {
        (self.transport, Rest { start: self.start, session: self.session, end: self.end })
    }
}

/// What is left of a session whose client was taken out.
struct Rest {
    start: Instant,
    session: JoinHandle<()>,
    end: LastEnd,
}

impl Rest {
    /// When and how the session ended.
    async fn ended(self) -> (Duration, EndStatus) {
        self.session.await.unwrap();
        let status = self.end.status.lock().unwrap().expect("the books are closed");
        (self.start.elapsed(), status)
    }
}

struct Client {
    stream: WebSocketStream<DuplexStream>,
    start: Instant,
}

impl Client {
    /// The next message, and when it came.
    async fn next(&mut self) -> (Duration, WireMessage) {
        let message = self.stream.next().await.unwrap().unwrap();
        (self.start.elapsed(), message)
    }

    async fn next_is_ping_at(&mut self, time: Duration) {
        assert_eq!(self.next().await, (time, WireMessage::Ping(Default::default())));
    }

    /// The code of the Close frame that comes next, and when it came.
    async fn close(&mut self) -> (Duration, u16) {
        match self.next().await {
            (time, WireMessage::Close(Some(frame))) => (time, frame.code.into()),
            other => panic!("no Close frame: {other:?}"),
        }
    }
}

/// The next bytes, and when they came.
async fn read(transport: &mut DuplexStream, start: Instant, count: usize) -> (Duration, Vec<u8>) {
    let mut bytes = vec![0; count];
    transport.read_exact(&mut bytes).await.unwrap();
    (start.elapsed(), bytes)
}

/// K04.
#[tokio::test(start_paused = true)]
async fn pings_come_at_the_interval_as_long_as_they_are_answered() {
    let (mut client, rest) = start(WsConfig::default(), Slow::default()).await.client().await;
    for beat in 1..=1000 {
        client.next_is_ping_at(BEAT * beat).await;
    }
    client.stream.close(None).await.unwrap();
    assert_eq!(rest.ended().await, (BEAT * 1000, EndStatus::ClientClose));
}

/// K04.
#[tokio::test(start_paused = true)]
async fn a_client_that_answers_no_ping_is_closed_at_the_next() {
    let (mut client, rest) = start(WsConfig::default(), Slow::default()).await.silent();
    assert_eq!(read(&mut client, rest.start, 2).await, (BEAT, vec![0x89, 0]));
    let (time, close) = read(&mut client, rest.start, 4).await;
    assert_eq!((time, &close[2..]), (BEAT * 2, &1011_u16.to_be_bytes()[..]));
    // It does not answer that either.
    assert_eq!(rest.ended().await, (BEAT * 2 + 5 * SECOND, EndStatus::Error));
}

/// K04: also a part of a message, in the middle of which no client can answer a ping.
#[tokio::test(start_paused = true)]
async fn whatever_comes_is_a_sign_of_life() {
    let (mut client, rest) = start(WsConfig::default(), Slow::default()).await.silent();
    let message = [&[0x82, 0x80 | 100, 0, 0, 0, 0][..], &[0; 100]].concat();
    for (beat, piece) in (1..).zip(message.chunks(10)) {
        assert_eq!(read(&mut client, rest.start, 2).await, (BEAT * beat, vec![0x89, 0]));
        advance(BEAT - SECOND).await;
        client.write_all(piece).await.unwrap();
    }
    drop(client);
    assert_eq!(rest.ended().await.1, EndStatus::Error);
}

/// K04: a session that gets its turn late hears first, and judges then.
#[tokio::test(start_paused = true)]
async fn an_answer_that_has_come_counts_also_when_it_is_read_late() {
    let (mut client, rest) = start(WsConfig::default(), Slow::default()).await.silent();
    read(&mut client, rest.start, 2).await;
    // Both wake for this moment, and this one runs first.
    sleep_until(rest.start + BEAT * 2).await;
    let pong = [0x8a, 0x80, 0, 0, 0, 0];
    client.write_all(&pong).await.unwrap();
    assert_eq!(read(&mut client, rest.start, 2).await, (BEAT * 2, vec![0x89, 0]));
}

/// K04: while handlers lag, nothing is read, so silence is not the client's.
#[tokio::test(start_paused = true)]
async fn a_client_is_not_judged_while_handlers_lag() {
    let inbound_queue = QueueLimits { messages: 1, bytes: 1000 };
    let config = WsConfig { inbound_queue, ..WsConfig::default() };
    let slow = Slow { on_message: BEAT * 10, ..Slow::default() };
    let (mut client, _rest) = start(config, slow).await.client().await;
    for _ in 0..2 {
        client.stream.send(WireMessage::text("x")).await.unwrap();
    }
    // The first is handled for ten beats, the second is waiting: the answers to pings are not read.
    for beat in 1..=30 {
        client.next_is_ping_at(BEAT * beat).await;
    }
}

/// The closing handshake is bounded, whoever began it and whatever the client does not do.
#[tokio::test(start_paused = true)]
async fn a_closing_handshake_ends_by_itself() {
    let slow = || Slow { connected: Some((4000, "done")), ..Slow::default() };
    let config = || WsConfig { close_timeout: 3 * SECOND, ..WsConfig::default() };
    // It keeps the connection open, and does not read.
    let (_client, rest) = start(config(), slow()).await.silent();
    assert_eq!(rest.ended().await, (3 * SECOND, EndStatus::Normal));
    // It has answered, and the server ends the connection at once.
    let (mut client, rest) = start(config(), slow()).await.client().await;
    assert_eq!(client.close().await, (Duration::ZERO, 4000));
    assert!(client.stream.next().await.is_none());
    assert_eq!(rest.ended().await, (Duration::ZERO, EndStatus::Normal));
    // It began, and does not end its half.
    let (mut client, rest) = start(config(), Slow::default()).await.silent();
    client.write_all(&[0x88, 0x80, 0, 0, 0, 0]).await.unwrap();
    assert_eq!(read(&mut client, rest.start, 2).await, (Duration::ZERO, vec![0x88, 0]));
    assert_eq!(rest.ended().await, (Duration::ZERO, EndStatus::ClientClose));
}

/// A violation is closed with its code, and the rest of what the client sends is thrown away for as long as closing may
/// take.
#[tokio::test(start_paused = true)]
async fn a_violator_is_listened_to_for_a_while() {
    let config = WsConfig { close_timeout: 3 * SECOND, ..WsConfig::default() };
    let (mut client, rest) = start(config, Slow::default()).await.silent();
    client.write_all(&[0x83, 0x80, 0, 0, 0, 0]).await.unwrap();
    let (_, close) = read(&mut client, rest.start, 4).await;
    assert_eq!(close[2..], 1002_u16.to_be_bytes());
    // More than the transport holds: it is read.
    client.write_all(&[0; 1000]).await.unwrap();
    assert_eq!(rest.ended().await, (3 * SECOND, EndStatus::Error));
}

/// A call of a handler may take as long as it may, and not longer.
#[tokio::test(start_paused = true)]
async fn a_call_is_bounded_in_time() {
    let config = || WsConfig { handler_timeout: Some(2 * SECOND), ..WsConfig::default() };
    let (mut client, _rest) = start(config(), Slow { on_message: SECOND, ..Slow::default() }).await.client().await;
    for _ in 0..3 {
        // One after the other they may take longer.
        client.stream.send(WireMessage::text("x")).await.unwrap();
    }
    client.next_is_ping_at(BEAT).await;

    let (mut client, rest) = start(config(), Slow { on_message: 3 * SECOND, ..Slow::default() }).await.client().await;
    advance(SECOND).await;
    client.stream.send(WireMessage::text("x")).await.unwrap();
    assert_eq!(client.close().await, (3 * SECOND, 1011));
    assert!(client.stream.next().await.is_none());
    assert_eq!(rest.ended().await, (3 * SECOND, EndStatus::HandlerError));
}

/// M01, M12: a script's entries are on the wire at their times exactly, also those after a wait.
#[tokio::test(start_paused = true)]
async fn a_script_keeps_its_times() {
    let script = r#"{"ts":0,"text":"a"}
                    {"ts":100,"text":"b"}
                    {"ts":300,"text":"c"}
                    {"ts":350,"text":"d","waitFor":"^early$"}
                    {"ts":400,"text":"e","waitFor":"^late$"}
                    {"ts":450,"text":"f","close":true,"code":4000}"#;
    let script = ReplayScript::parse(script, "times.jsonl").unwrap();
    let replay = ReplayHandler::new(Arc::new(script), ReplayOptions::default());
    let (mut client, rest) = start(WsConfig::default(), replay).await.client().await;
    client.stream.send(WireMessage::text("early")).await.unwrap();
    for (ms, text) in [(0, "a"), (100, "b"), (300, "c"), (350, "d")] {
        assert_eq!(client.next().await, (Duration::from_millis(ms), WireMessage::text(text)));
    }
    advance(Duration::from_millis(650)).await;
    client.stream.send(WireMessage::text("late")).await.unwrap();
    for (ms, text) in [(1050, "e"), (1100, "f")] {
        assert_eq!(client.next().await, (Duration::from_millis(ms), WireMessage::text(text)));
    }
    assert_eq!(client.close().await, (Duration::from_millis(1100), 4000));
    assert!(client.stream.next().await.is_none());
    assert_eq!(rest.ended().await, (Duration::from_millis(1100), EndStatus::Normal));
}

/// M11: a script ends at once with its connection.
#[tokio::test(start_paused = true)]
async fn a_script_ends_with_its_connection() {
    for script in [r#"{"ts":60000,"text":"never"}"#, r#"{"text":"never","waitFor":"^never$"}"#] {
        let script = ReplayScript::parse(script, "never.jsonl").unwrap();
        let replay = ReplayHandler::new(Arc::new(script), ReplayOptions::default());
        let (mut client, rest) = start(WsConfig::default(), replay).await.client().await;
        advance(SECOND).await;
        client.stream.close(None).await.unwrap();
        assert!(matches!(client.next().await, (SECOND, WireMessage::Close(_))));
        assert_eq!(rest.ended().await, (SECOND, EndStatus::ClientClose));
    }
}

/// H04: `on_disconnect` has ten seconds.
#[tokio::test(start_paused = true)]
async fn on_disconnect_is_bounded_in_time() {
    for (takes, ends) in [(7 * SECOND, 7 * SECOND), (60 * SECOND, 10 * SECOND)] {
        let slow = Slow { on_disconnect: takes, ..Slow::default() };
        let (client, rest) = start(WsConfig::default(), slow).await.silent();
        drop(client);
        assert_eq!(rest.ended().await, (ends, EndStatus::Error));
    }
}

/// A08: shutdown waits for the grace at most, for clients and for handlers.
#[tokio::test(start_paused = true)]
async fn shutdown_takes_no_longer_than_its_grace() {
    // The client does not answer: the closing handshake takes 5 s, unless the grace is shorter.
    for (grace, takes) in [(SECOND, SECOND), (60 * SECOND, 5 * SECOND), (Duration::ZERO, Duration::ZERO)] {
        let running = start(WsConfig::default(), Slow::default()).await;
        running.shared.shut_down(grace).await;
        let (_client, rest) = running.silent();
        assert_eq!(rest.ended().await, (takes, EndStatus::Shutdown), "{grace:?}");
    }
    // The client answers, but the handler is slow to take leave.
    for (grace, takes) in [(SECOND, SECOND), (60 * SECOND, 4 * SECOND)] {
        let running = start(WsConfig::default(), Slow { on_disconnect: 4 * SECOND, ..Slow::default() }).await;
        let shared = Arc::clone(&running.shared);
        let (mut client, rest) = running.client().await;
        let reading = async {
            assert_eq!(client.close().await, (Duration::ZERO, 1001));
            assert!(client.stream.next().await.is_none());
        };
        tokio::join!(shared.shut_down(grace), reading);
        assert_eq!(rest.ended().await, (takes, EndStatus::Shutdown), "{grace:?}");
    }
}

/// L02: under the policy that closes connections, an exchange of handlers is told at once, also to an idle one.
#[tokio::test(start_paused = true)]
async fn a_reload_closes_at_once_where_it_is_to() {
    let config = WsConfig { reload_policy: ReloadPolicy::Close, ..WsConfig::default() };
    let running = start(config, Slow::default()).await;
    let registry = Arc::clone(&running.registry);
    let (mut client, rest) = running.client().await;
    advance(SECOND).await;
    registry.clear();
    assert_eq!(client.close().await, (SECOND, 1012));
    assert!(client.stream.next().await.is_none());
    assert_eq!(rest.ended().await, (SECOND, EndStatus::Normal));
}
