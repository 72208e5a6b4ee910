//! What lives beside the handlers: when it has its turns, what it is told of the end, and how long it may take.

use std::sync::atomic::AtomicBool;

use tokio::time::sleep;
use ws_core::{HandlerError, SessionEnding};

use super::*;

const BIT: Duration = Duration::from_millis(100);

/// Keeps what it sees; what it does is told by the flags.
#[derive(Clone, Default)]
struct Watching {
    turns: Arc<AtomicUsize>,
    handled: Arc<AtomicUsize>,
    /// How the session ended, and how many messages were handled by then.
    ending: Arc<Mutex<Option<(SessionEnding, usize)>>>,
    never_parts: bool,
    failing: Arc<AtomicBool>,
    dropped: Arc<DropFlag>,
    takes: Duration,
}

#[derive(Default)]
struct DropFlag(AtomicBool);

struct Part {
    watching: Watching,
}

impl Drop for Part {
    fn drop(&mut self) {
        self.watching.dropped.0.store(true, Ordering::Relaxed);
    }
}

impl SessionPart for Part {
    fn poll(&mut self, _: &mut Context<'_>) -> Poll<HandlerResult<()>> {
        self.watching.turns.fetch_add(1, Ordering::Relaxed);
        if self.watching.failing.load(Ordering::Relaxed) {
            return Poll::Ready(Err(HandlerError::Generic("no upstream".into())));
        }
        Poll::Pending
    }

    fn poll_end(&mut self, _: &mut Context<'_>, ending: &SessionEnding) -> Poll<()> {
        let handled = self.watching.handled.load(Ordering::Relaxed);
        self.watching.ending.lock().unwrap().get_or_insert((ending.clone(), handled));
        if self.watching.never_parts { Poll::Pending } else { Poll::Ready(()) }
    }
}

#[async_trait]
impl WsHandler for Watching {
    async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        ctx.attach(Part { watching: self.clone() });
        Ok(())
    }

    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        sleep(self.takes).await;
        self.handled.fetch_add(1, Ordering::Relaxed);
        match msg {
            WsMessage::Text(text) if text == "close" => ctx.close(4000, "done").await,
            WsMessage::Text(text) if text == "fail" => {
                self.failing.store(true, Ordering::Relaxed);
                Ok(())
            }
            WsMessage::Text(text) if text == "panic" => panic!("on purpose"),
            _ => Ok(()),
        }
    }
}

impl Watching {
    fn ending(&self) -> SessionEnding {
        self.ending.lock().unwrap().clone().expect("the part was told").0
    }
}

/// A part has a turn whenever the session has one, whatever woke it.
#[tokio::test(start_paused = true)]
async fn a_part_has_its_turn_with_every_turn_of_the_session() {
    let watching = Watching::default();
    let (mut client, _rest) = start(WsConfig::default(), watching.clone()).await.client().await;
    client.next_is_ping_at(BEAT).await;
    let mut before = watching.turns.load(Ordering::Relaxed);
    assert!(before >= 2, "at the start and at the ping: {before}");
    for _ in 0..3 {
        client.stream.send(WireMessage::text("x")).await.unwrap();
        sleep(BIT).await;
        let turns = watching.turns.load(Ordering::Relaxed);
        assert!(turns > before, "{turns}");
        before = turns;
    }
}

/// A part learns who ended the connection, and with which Close frame, for each kind of end.
#[tokio::test(start_paused = true)]
async fn a_part_is_told_of_every_kind_of_end() {
    const MASK: [u8; 4] = [0; 4];
    let frame = |first: u8, payload: &[u8]| [&[first, 0x80 | payload.len() as u8][..], &MASK, payload].concat();
    let closed = |code, reason: &'static str| Some(Some(ws_core::CloseFrame { code, reason: reason.into() }));
    let table = [
        ("a Close frame", frame(0x88, b"\x0f\xa0bye"), EndStatus::ClientClose, closed(4000, "bye")),
        ("a Close frame without a code", frame(0x88, b""), EndStatus::ClientClose, Some(None)),
        ("no Close frame", vec![], EndStatus::Error, None),
        ("a handler", frame(0x81, b"close"), EndStatus::Normal, closed(4000, "done")),
        ("a panic", frame(0x81, b"panic"), EndStatus::HandlerError, closed(1011, "panicked: on purpose")),
        ("a part", frame(0x81, b"fail"), EndStatus::HandlerError, closed(1011, "no upstream")),
        ("a violation", frame(0x81, b"\xff"), EndStatus::Error, closed(1007, "")),
        ("a fault", frame(0x81, b"disconnect"), EndStatus::Normal, None),
        ("a shutdown", vec![], EndStatus::Shutdown, closed(1001, "the server shuts down")),
    ];
    for (ended_by, sent, status, close_frame) in table {
        let watching = Watching::default();
        let fault = r#"{ "faults": [{ "fault": "disconnect", "matching": "^disconnect$", "direction": "in" }] }"#;
        let config = WsConfig { conditions: Some(serde_json::from_str(fault).unwrap()), ..WsConfig::default() };
        let running = start(config, watching.clone()).await;
        let shared = Arc::clone(&running.shared);
        let (mut transport, rest) = running.silent();
        sleep(BIT).await;
        transport.write_all(&sent).await.unwrap();
        if ended_by == "a shutdown" {
            shared.start_shutdown();
        }
        if ended_by == "no Close frame" {
            drop(transport);
        } else {
            // It reads and does not answer.
            let _ = transport.read_to_end(&mut Vec::new()).await;
        }
        assert_eq!(rest.ended().await.1, status, "{ended_by}");
        assert!(watching.dropped.0.load(Ordering::Relaxed), "{ended_by}");
        if ended_by == "a part" {
            // Nobody has to tell it.
            assert!(watching.ending.lock().unwrap().is_none());
            continue;
        }
        let ending = watching.ending();
        assert_eq!(ending.status, status, "{ended_by}");
        let told = ending.close_frame.map(|frame| frame.map(|frame| (frame.code, frame.reason)));
        let expected = close_frame.map(|frame| frame.map(|frame| (frame.code, frame.reason)));
        match (told, expected) {
            // The words are the wire's.
            (Some(Some((told, _))), Some(Some((1007, _)))) => assert_eq!(told, 1007),
            (told, expected) => assert_eq!(told, expected, "{ended_by}"),
        }
    }
}

/// A part that does not come to an end is dropped after a second; the closing handshake goes on beside it.
#[tokio::test(start_paused = true)]
async fn a_part_has_a_second_to_part() {
    for (text, status) in [("close", EndStatus::Normal), ("panic", EndStatus::HandlerError)] {
        let watching = Watching { never_parts: true, ..Watching::default() };
        let (mut client, rest) = start(WsConfig::default(), watching.clone()).await.client().await;
        client.stream.send(WireMessage::text(text)).await.unwrap();
        assert_eq!(client.close().await.0, Duration::ZERO);
        assert!(client.stream.next().await.is_none_or(|next| next.is_err()));
        assert_eq!(rest.ended().await, (SECOND, status));
        assert!(watching.dropped.0.load(Ordering::Relaxed));
    }
}

/// Where there is a part, what the client said before it closed is handled first, for a second at most.
#[tokio::test(start_paused = true)]
async fn a_part_is_told_when_what_came_before_is_handled() {
    for (takes, handled, ends) in [(BIT, 5, 5 * BIT), (4 * BIT, 2, SECOND)] {
        let watching = Watching { takes, ..Watching::default() };
        let (mut client, rest) = start(WsConfig::default(), watching.clone()).await.client().await;
        for _ in 0..5 {
            client.stream.send(WireMessage::text("x")).await.unwrap();
        }
        client.stream.close(None).await.unwrap();
        assert_eq!(rest.ended().await, (ends, EndStatus::ClientClose));
        let (_, by_then) = watching.ending.lock().unwrap().clone().unwrap();
        assert_eq!(by_then, handled);
    }
}

/// Who answers a client that has closed by now has done nothing wrong.
#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_too_late_is_no_failure() {
    struct Answering;
    struct Nothing;
    impl SessionPart for Nothing {
        fn poll(&mut self, _: &mut Context<'_>) -> Poll<HandlerResult<()>> {
            Poll::Pending
        }
    }
    #[async_trait]
    impl WsHandler for Answering {
        async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
            ctx.attach(Nothing);
            Ok(())
        }

        async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
            sleep(BIT).await;
            ctx.send(msg).await
        }
    }
    let running = start(WsConfig::default(), Answering).await;
    let failures = Arc::clone(&running.end.failures);
    let (mut client, rest) = running.client().await;
    for _ in 0..3 {
        client.stream.send(WireMessage::text("x")).await.unwrap();
    }
    client.stream.close(None).await.unwrap();
    assert_eq!(rest.ended().await, (3 * BIT, EndStatus::ClientClose));
    assert_eq!(failures.load(Ordering::Relaxed), 0);
}

/// A handler that panics after the Close frame does not keep a part from its good-bye.
#[tokio::test(start_paused = true)]
async fn a_late_panic_does_not_keep_a_part_from_parting() {
    let watching = Watching { takes: BIT, ..Watching::default() };
    let (mut client, rest) = start(WsConfig::default(), watching.clone()).await.client().await;
    client.stream.send(WireMessage::text("panic")).await.unwrap();
    client.stream.close(None).await.unwrap();
    assert_eq!(rest.ended().await, (BIT, EndStatus::ClientClose));
    assert_eq!(watching.ending().status, EndStatus::ClientClose);
}
