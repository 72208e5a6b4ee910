//! The simulated network, exactly: what comes when, in which order, and how much of it waits meanwhile.

use tokio::task::yield_now;
use tokio::time::sleep;
use ws_conditions::MAX_HOLD;

use super::*;

/// A configuration with these conditions.
pub(super) fn under(conditions: &str) -> WsConfig {
    WsConfig { conditions: Some(serde_json::from_str(conditions).unwrap()), ..WsConfig::default() }
}

const LATE: &str = r#"{ "latency": { "base_ms": 500 } }"#;
const HALF_A_SECOND: Duration = ms(500);

pub(super) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Does what it is told, and keeps what it was told.
#[derive(Clone, Default)]
pub(super) struct Obedient {
    told: Arc<Mutex<Vec<String>>>,
}

impl Obedient {
    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }
}

#[async_trait]
impl WsHandler for Obedient {
    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        let WsMessage::Text(text) = msg else { return Ok(()) };
        self.told.lock().unwrap().push(text.clone());
        match text.split_once(' ') {
            Some(("say", words)) => {
                for word in words.split(' ') {
                    ctx.send_text(word).await?;
                }
            }
            Some(("ping", data)) => ctx.send(WsMessage::Ping(data.into())).await?,
            _ if text == "close" => ctx.close(4000, "done").await?,
            _ if text == "hang up" => ctx.disconnect()?,
            _ if text == "panic" => panic!("on purpose"),
            _ => ctx.send_text(&text).await?,
        }
        Ok(())
    }
}

impl Client {
    pub(super) async fn say(&mut self, text: &str) {
        self.stream.send(WireMessage::text(text)).await.unwrap();
    }

    pub(super) async fn next_is_at(&mut self, time: Duration, text: &str) {
        assert_eq!(self.next().await, (time, WireMessage::text(text)));
    }

    async fn says_no_more(&mut self) {
        assert!(self.stream.next().await.is_none_or(|next| next.is_err()));
    }
}

/// A03: a fixed latency is exact; ten messages at once are all late once, not ten times.
#[tokio::test(start_paused = true)]
async fn a_fixed_latency_is_exact_and_does_not_add_up() {
    let (mut client, rest) = start(under(LATE), Obedient::default()).await.client().await;
    client.say("say 1 2 3 4 5 6 7 8 9 10").await;
    for n in 1..=10 {
        client.next_is_at(HALF_A_SECOND, &n.to_string()).await;
    }
    client.say("x").await;
    client.next_is_at(2 * HALF_A_SECOND, "x").await;
    client.stream.close(None).await.unwrap();
    assert_eq!(rest.ended().await, (2 * HALF_A_SECOND, EndStatus::ClientClose));
}

/// A03: the time in which messages are under way overlaps also when they are sent one after the other.
#[tokio::test(start_paused = true)]
async fn messages_are_under_way_at_the_same_time() {
    let (mut client, _rest) = start(under(LATE), Obedient::default()).await.client().await;
    for n in 0..10 {
        sleep_until(client.start + ms(n * 10)).await;
        client.say(&n.to_string()).await;
    }
    for n in 0..10 {
        client.next_is_at(HALF_A_SECOND + ms(n * 10), &n.to_string()).await;
    }
}

/// Jitter changes when messages come, and never their order.
#[tokio::test(start_paused = true)]
async fn jitter_does_not_change_the_order() {
    let config = under(r#"{ "seed": 7, "latency": { "base_ms": 100, "jitter_ms": 100 } }"#);
    let (client, _rest) = start(config, Obedient::default()).await.client().await;
    let start = client.start;
    let (mut sink, mut stream) = client.stream.split();
    let sending = async {
        for n in 0..50 {
            sleep_until(start + ms(n * 10)).await;
            sink.send(WireMessage::text(n.to_string())).await.unwrap();
        }
    };
    let receiving = async {
        let mut delays = Vec::new();
        for n in 0..50 {
            assert_eq!(stream.next().await.unwrap().unwrap(), WireMessage::text(n.to_string()));
            delays.push(start.elapsed() - ms(n * 10));
        }
        delays
    };
    let ((), mut delays) = tokio::join!(sending, receiving);
    assert!(delays.iter().all(|delay| *delay <= ms(200)), "{delays:?}");
    delays.sort_unstable();
    delays.dedup();
    assert!(delays.len() > 10, "{delays:?}");
}

/// A06: an override for the connection's path is the delay there, without a draw.
#[tokio::test(start_paused = true)]
async fn a_path_has_its_own_latency() {
    for (path, late) in [("/ws", 2000), ("/ws/other", 10)] {
        let overriding = format!(r#"{{ "latency": {{ "base_ms": 10, "tag_overrides": {{ "{path}": 2000 }} }} }}"#);
        let (mut client, _rest) = start(under(&overriding), Obedient::default()).await.client().await;
        client.say("x").await;
        client.next_is_at(ms(late), "x").await;
    }
}

/// What a handler sent before it closed comes before the Close frame, each at its own time.
#[tokio::test(start_paused = true)]
async fn a_close_frame_stays_behind_delayed_messages() {
    let (mut client, rest) = start(under(LATE), Obedient::default()).await.client().await;
    client.say("say a b").await;
    sleep(ms(100)).await;
    client.say("close").await;
    client.next_is_at(HALF_A_SECOND, "a").await;
    client.next_is_at(HALF_A_SECOND, "b").await;
    // It was sent 100 ms later, and is as late as everything else.
    assert_eq!(client.close().await, (ms(600), 4000));
    client.says_no_more().await;
    assert_eq!(rest.ended().await, (ms(600), EndStatus::Normal));
}

/// Who ends the connection without a Close frame does so behind what is under way, and behind what is held back.
#[tokio::test(start_paused = true)]
async fn an_end_without_a_close_frame_stays_behind_delayed_messages() {
    let conditions = r#"{ "latency": { "base_ms": 500 }, "faults": [{ "fault": "reorder", "nth": 2 }] }"#;
    let (mut client, rest) = start(under(conditions), Obedient::default()).await.client().await;
    client.say("say a b").await;
    client.say("hang up").await;
    client.next_is_at(HALF_A_SECOND, "a").await;
    client.next_is_at(HALF_A_SECOND + MAX_HOLD, "b").await;
    assert!(client.stream.next().await.is_none_or(|next| next.is_err()));
    drop(client);
    assert_eq!(rest.ended().await, (HALF_A_SECOND + MAX_HOLD, EndStatus::Normal));
}

/// Who ends the connection lets out what is under way, in order, before the Close frame.
#[tokio::test(start_paused = true)]
async fn an_end_on_our_side_lets_out_what_is_under_way() {
    for (ended_by, code, status) in [
        ("shutdown", 1001, EndStatus::Shutdown),
        ("reload", 1012, EndStatus::Normal),
        ("panic", 1011, EndStatus::HandlerError),
    ] {
        // The first message is held back for the next one: that does not come any more.
        let conditions = r#"{ "latency": { "base_ms": 500 }, "faults": [{ "fault": "reorder", "nth": 3 }] }"#;
        let config = WsConfig { reload_policy: ReloadPolicy::Close, ..under(conditions) };
        let running = start(config, Obedient::default()).await;
        let (shared, registry) = (Arc::clone(&running.shared), Arc::clone(&running.registry));
        let (mut client, rest) = running.client().await;
        client.say("say a b c").await;
        sleep(ms(100)).await;
        match ended_by {
            "shutdown" => shared.start_shutdown(),
            "reload" => registry.clear(),
            panic => client.say(panic).await,
        }
        for text in ["a", "b", "c"] {
            client.next_is_at(ms(100), text).await;
        }
        assert_eq!(client.close().await, (ms(100), code), "{ended_by}");
        client.says_no_more().await;
        assert_eq!(rest.ended().await, (ms(100), status), "{ended_by}");
    }
}

/// What is let out at the end suffers its faults all the same: nothing is sent behind a frame that is never finished.
#[tokio::test(start_paused = true)]
async fn nothing_is_sent_behind_a_frame_that_is_never_finished() {
    let conditions =
        r#"{ "latency": { "base_ms": 500 }, "faults": [{ "fault": "oversized", "bytes": 100, "nth": 2 }] }"#;
    let running = start(under(conditions), Obedient::default()).await;
    let shared = Arc::clone(&running.shared);
    let (mut transport, rest) = running.silent();
    transport.write_all(&[0x81, 0x87, 0, 0, 0, 0]).await.unwrap();
    transport.write_all(b"say a b").await.unwrap();
    sleep(ms(100)).await;
    shared.start_shutdown();
    let mut bytes = Vec::new();
    transport.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes, b"\x81\x01a\x81\x64b");
    assert_eq!(rest.ended().await, (ms(100) + 5 * SECOND, EndStatus::Shutdown));
}

/// Messages of the client are late as well, where a fault says so; they come in order.
#[tokio::test(start_paused = true)]
async fn what_comes_from_the_client_can_be_late() {
    let config = under(r#"{ "faults": [{ "fault": "delay", "delay_ms": 300, "direction": "in", "nth": 1 }] }"#);
    let (mut client, _rest) = start(config, Obedient::default()).await.client().await;
    client.say("a").await;
    client.say("b").await;
    client.next_is_at(ms(300), "a").await;
    client.next_is_at(ms(300), "b").await;
    client.say("c").await;
    client.next_is_at(ms(300), "c").await;
}

/// However the client ends the connection, what it said before reaches the handlers first.
#[tokio::test(start_paused = true)]
async fn an_end_on_the_clients_side_stays_behind_its_messages() {
    for (polite, status) in [(true, EndStatus::ClientClose), (false, EndStatus::Error)] {
        let handler = Obedient::default();
        let config = under(r#"{ "faults": [{ "fault": "delay", "delay_ms": 300, "direction": "in" }] }"#);
        let (mut client, rest) = start(config, handler.clone()).await.client().await;
        client.say("a").await;
        client.say("b").await;
        sleep(ms(100)).await;
        if polite {
            client.stream.close(None).await.unwrap();
        } else {
            drop(client);
        }
        assert_eq!(rest.ended().await, (ms(100), status));
        assert_eq!(handler.told(), ["a", "b"]);
    }
}

/// Two messages change places. When no other comes, the first one goes on alone, after a second.
#[tokio::test(start_paused = true)]
async fn a_message_changes_places_with_the_next_or_goes_on_alone() {
    for late in [Duration::ZERO, HALF_A_SECOND] {
        let base = late.as_millis();
        let conditions =
            format!(r#"{{ "latency": {{ "base_ms": {base} }}, "faults": [{{ "fault": "reorder", "every": 3 }}] }}"#);
        let (mut client, _rest) = start(under(&conditions), Obedient::default()).await.client().await;
        client.say("say 1 2 3 4 5").await;
        for text in ["1", "2", "4", "3", "5"] {
            client.next_is_at(late, text).await;
        }
        // A control frame is no message to change places with.
        client.say("6").await;
        client.say("ping !").await;
        assert_eq!(client.next().await, (2 * late, WireMessage::Ping("!".into())));
        client.next_is_at(2 * late + MAX_HOLD, "6").await;
        // In time for the next one.
        client.say("say 7 8 9").await;
        for text in ["7", "8"] {
            client.next_is_at(3 * late + MAX_HOLD, text).await;
        }
        sleep(ms(900)).await;
        client.say("10").await;
        client.next_is_at(4 * late + MAX_HOLD + ms(900), "10").await;
        client.next_is_at(4 * late + MAX_HOLD + ms(900), "9").await;
    }
}

/// What is lost changes places with nothing; who closes lets out what is held first.
#[tokio::test(start_paused = true)]
async fn what_is_held_is_not_lost() {
    let faults = r#"{ "faults": [{ "fault": "reorder", "nth": 1 }, { "fault": "drop", "nth": 2 }] }"#;
    let (mut client, _rest) = start(under(faults), Obedient::default()).await.client().await;
    client.say("say held lost").await;
    sleep(ms(10)).await;
    client.say("next").await;
    client.next_is_at(ms(10), "next").await;
    client.next_is_at(ms(10), "held").await;

    let (mut client, _rest) = start(under(faults), Obedient::default()).await.client().await;
    client.say("held").await;
    client.say("close").await;
    client.next_is_at(Duration::ZERO, "held").await;
    assert_eq!(client.close().await, (Duration::ZERO, 4000));
}

/// A fault on a schedule comes at its time exactly, also to an idle connection.
#[tokio::test(start_paused = true)]
async fn a_schedule_is_kept_to_the_millisecond() {
    let restart =
        r#"{ "faults": [{ "fault": "close", "code": 1012, "reason": "restart", "at_ms": 10000, "every_ms": 30000 }] }"#;
    let (mut client, rest) = start(under(restart), Obedient::default()).await.client().await;
    assert_eq!(client.close().await, (10 * SECOND, 1012));
    client.says_no_more().await;
    assert_eq!(rest.ended().await, (10 * SECOND, EndStatus::Normal));

    let gone = r#"{ "faults": [{ "fault": "disconnect", "after_ms": 1500 }] }"#;
    let (mut client, rest) = start(under(gone), Obedient::default()).await.silent();
    let mut bytes = Vec::new();
    client.read_to_end(&mut bytes).await.unwrap();
    assert_eq!((rest.start.elapsed(), bytes), (ms(1500), vec![]));
    drop(client);
    assert_eq!(rest.ended().await, (ms(1500), EndStatus::Normal));
}

/// A half-open connection says nothing any more: no answer, no pong, no heartbeat. What was said before is on its way.
/// It ends when the client goes, or when the server shuts down.
#[tokio::test(start_paused = true)]
async fn a_half_open_connection_is_silent_until_somebody_ends_it() {
    for client_goes in [true, false] {
        let config = under(r#"{ "faults": [{ "fault": "half_open", "nth": 3 }] }"#);
        let running = start(config, Obedient::default()).await;
        let shared = Arc::clone(&running.shared);
        let (mut transport, rest) = running.silent();
        transport.write_all(&[0x81, 0x89, 0, 0, 0, 0]).await.unwrap();
        transport.write_all(b"say a b c").await.unwrap();
        assert_eq!(read(&mut transport, rest.start, 6).await, (Duration::ZERO, b"\x81\x01a\x81\x01b".to_vec()));
        // A ping, and more than the transport holds: it is read.
        transport.write_all(&[0x89, 0x80, 0, 0, 0, 0]).await.unwrap();
        transport.write_all(&[0; 1000]).await.unwrap();
        let mut byte = [0];
        let silence = timeout(Duration::from_secs(24 * 3600), transport.read(&mut byte));
        assert!(silence.await.is_err());
        if client_goes {
            drop(transport);
        } else {
            shared.start_shutdown();
        }
        assert_eq!(rest.ended().await, (Duration::from_secs(24 * 3600), EndStatus::Normal));
    }
}

/// What was read together with the message that ended the connection is not answered, a ping neither.
#[tokio::test(start_paused = true)]
async fn what_stands_behind_an_inbound_fault_is_not_answered() {
    for fault in ["half_open", "disconnect", "reset"] {
        let config = under(&format!(r#"{{ "faults": [{{ "fault": "{fault}", "direction": "in", "nth": 2 }}] }}"#));
        let (mut transport, rest) = start(config, Obedient::default()).await.silent();
        // In one piece: a text, a ping, the text that ends it, another ping, another text.
        let text = |text: u8| [0x81, 0x81, 0, 0, 0, 0, text];
        let ping = |data: u8| [0x89, 0x81, 0, 0, 0, 0, data];
        transport.write_all(&[text(b'a'), ping(b'1'), text(b'b'), ping(b'2'), text(b'c')].concat()).await.unwrap();
        let mut bytes = Vec::new();
        let _ = timeout(Duration::from_secs(3600), transport.read_to_end(&mut bytes)).await;
        assert!(bytes.windows(3).any(|frame| frame == b"\x8a\x011"), "{fault}: {bytes:x?}");
        assert!(!bytes.contains(&b'2') && !bytes.contains(&b'c'), "{fault}: {bytes:x?}");
        drop(transport);
        rest.ended().await;
    }
}

/// A call that runs when its connection becomes half-open is dropped: what it holds is not held for ever.
#[tokio::test(start_paused = true)]
async fn a_half_open_connection_holds_no_call() {
    struct Holding(Arc<tokio::sync::Mutex<()>>);
    #[async_trait]
    impl WsHandler for Holding {
        async fn on_message(&self, ctx: &mut WsContext, _: WsMessage) -> HandlerResult<()> {
            let _held = self.0.lock().await;
            ctx.send_text("x").await?;
            std::future::pending().await
        }
    }
    let lock = Arc::new(tokio::sync::Mutex::new(()));
    let config = under(r#"{ "faults": [{ "fault": "half_open", "after_ms": 1000 }] }"#);
    let (mut client, _rest) = start(config, Holding(Arc::clone(&lock))).await.client().await;
    client.say("lock").await;
    client.next_is_at(Duration::ZERO, "x").await;
    let _free = timeout(2 * SECOND, lock.lock()).await.expect("the call is gone");
}

/// A delay holds back a bounded number of messages, and of bytes; then senders wait.
#[tokio::test(start_paused = true)]
async fn what_is_under_way_is_bounded() {
    struct Flooding(Arc<AtomicUsize>);
    #[async_trait]
    impl WsHandler for Flooding {
        async fn on_message(&self, ctx: &mut WsContext, _: WsMessage) -> HandlerResult<()> {
            for _ in 0..10_000 {
                ctx.send_binary(vec![0; 1000]).await?;
                self.0.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        }
    }
    for (limits, most) in [
        // The queue, the line, and a batch of the queue on its way between them.
        (QueueLimits { messages: 8, bytes: 1 << 30 }, 8 + 8 + 2),
        (QueueLimits { messages: 1 << 20, bytes: 10_000 }, 10 + 10 + 17),
    ] {
        let sent = Arc::new(AtomicUsize::new(0));
        let config = WsConfig { outbound_queue: limits, ..under(r#"{ "latency": { "base_ms": 3600000 } }"#) };
        let (mut client, _rest) = start(config, Flooding(Arc::clone(&sent))).await.client().await;
        client.say("go").await;
        sleep(SECOND).await;
        let sent = sent.load(Ordering::Relaxed);
        assert!((8..=most).contains(&sent), "{sent} of at most {most}");
    }
}

/// A client that is cut because too much waits for it gets nothing of what is under way any more.
#[tokio::test(start_paused = true)]
async fn a_cut_does_not_wait_for_what_is_under_way() {
    struct Shouting;
    #[async_trait]
    impl WsHandler for Shouting {
        async fn on_message(&self, ctx: &mut WsContext, _: WsMessage) -> HandlerResult<()> {
            while ctx.sender().offer(ws_core::Message::text("x"), ws_core::WhenFull::Cut) == ws_core::Offered::Sent {
                sleep(ms(10)).await;
            }
            Ok(())
        }
    }
    let outbound_queue = QueueLimits { messages: 4, bytes: 1000 };
    let (mut client, rest) = start(WsConfig { outbound_queue, ..under(LATE) }, Shouting).await.client().await;
    client.say("go").await;
    // Four in the line, four in the queue; the ninth is too much.
    assert_eq!(client.close().await, (ms(80), 1013));
    client.says_no_more().await;
    assert_eq!(rest.ended().await, (ms(80), EndStatus::SlowConsumer));
}

/// Limits that leave room for nothing leave room for one message.
#[tokio::test(start_paused = true)]
async fn one_message_always_fits() {
    let limits = QueueLimits { messages: 0, bytes: 0 };
    let config = WsConfig { outbound_queue: limits, ..under(LATE) };
    let (mut client, _rest) = start(config, Obedient::default()).await.client().await;
    client.say("say a b").await;
    client.next_is_at(HALF_A_SECOND, "a").await;
    client.next_is_at(2 * HALF_A_SECOND, "b").await;
}

/// When the way in is full, nothing is read; when it is free again, reading goes on, without anything else to start it.
/// A client that is not read is not judged by its silence.
#[tokio::test(start_paused = true)]
async fn a_full_way_in_is_read_on_when_it_is_free() {
    let delay = r#"{ "faults": [{ "fault": "delay", "delay_ms": 100000, "direction": "in" }] }"#;
    let outbound_queue = QueueLimits { messages: 2, bytes: 1 << 20 };
    for heartbeat_interval in [Duration::ZERO, BEAT] {
        let config = WsConfig { outbound_queue, heartbeat_interval, ..under(delay) };
        let (mut client, _rest) = start(config, Obedient::default()).await.client().await;
        for n in 0..6 {
            client.say(&n.to_string()).await;
        }
        for n in 0..6 {
            let (time, message) = loop {
                match client.next().await {
                    (_, WireMessage::Ping(_)) => {}
                    other => break other,
                }
            };
            assert_eq!((time, message), (100 * SECOND * (n / 2 + 1), WireMessage::text(n.to_string())));
        }
    }
}

/// When the way out is full, heartbeats pass it.
#[tokio::test(start_paused = true)]
async fn heartbeats_are_no_traffic() {
    let outbound_queue = QueueLimits { messages: 2, bytes: 1 << 20 };
    let config = WsConfig { outbound_queue, ..under(r#"{ "latency": { "base_ms": 100000 } }"#) };
    let (mut client, _rest) = start(config, Obedient::default()).await.client().await;
    client.say("say 1 2 3 4 5 6 7 8").await;
    for beat in 1..=3 {
        client.next_is_ping_at(BEAT * beat).await;
    }
    client.next_is_at(100 * SECOND, "1").await;
}

/// What is due and waits for a client that does not read costs no work meanwhile.
#[tokio::test(start_paused = true)]
async fn what_waits_for_the_socket_keeps_nobody_busy() {
    #[derive(Clone, Default)]
    struct Turns(Arc<AtomicUsize>);
    impl SessionPart for Turns {
        fn poll(&mut self, _: &mut Context<'_>) -> Poll<HandlerResult<()>> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Poll::Pending
        }
    }
    #[async_trait]
    impl WsHandler for Turns {
        async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
            ctx.attach(self.clone());
            // More than the transport and the buffer before it take.
            for _ in 0..20 {
                ctx.send_binary(vec![0; 4000]).await?;
            }
            Ok(())
        }

        async fn on_message(&self, _: &mut WsContext, _: WsMessage) -> HandlerResult<()> {
            Ok(())
        }
    }
    let turns = Turns::default();
    let (mut client, rest) = start(under(LATE), turns.clone()).await.silent();
    sleep_until(rest.start + HALF_A_SECOND).await;
    for _ in 0..10 {
        yield_now().await;
    }
    let before = turns.0.load(Ordering::Relaxed);
    for _ in 0..1000 {
        yield_now().await;
    }
    assert_eq!(turns.0.load(Ordering::Relaxed), before);
    // All of it comes, once the client reads.
    let whole = vec![[&[0x82, 126, 0x0f, 0xa0], &[0; 4000][..]].concat(); 20].concat();
    assert_eq!(read(&mut client, rest.start, whole.len()).await, (HALF_A_SECOND, whole));
}

/// What came behind a message that ends the connection is lost with it; so is what waited to change places with it.
#[tokio::test(start_paused = true)]
async fn nothing_is_heard_behind_the_end() {
    let gone = r#"{ "fault": "disconnect", "matching": "^gone$", "direction": "in" }"#;
    let held = r#"{ "fault": "reorder", "nth": 1, "direction": "in" }"#;
    for (faults, told) in [(gone.to_owned(), vec!["a"]), (format!("{gone}, {held}"), vec![])] {
        let handler = Obedient::default();
        let (mut transport, rest) =
            start(under(&format!(r#"{{ "faults": [{faults}] }}"#)), handler.clone()).await.silent();
        // In one piece, so that it is read in one turn.
        transport.write_all(b"\x81\x81\0\0\0\0a\x81\x84\0\0\0\0gone\x89\x80\0\0\0\0\x81\x81\0\0\0\0b").await.unwrap();
        let mut answered = Vec::new();
        transport.read_to_end(&mut answered).await.unwrap();
        assert!(!answered.contains(&0x8a), "{answered:?}");
        drop(transport);
        assert_eq!(rest.ended().await.1, EndStatus::Normal);
        assert_eq!(handler.told(), told);
    }
}

/// Conditions that do nothing change nothing: the same bytes at the same time.
#[tokio::test(start_paused = true)]
async fn conditions_without_effect_have_none() {
    let said = b"\x81\x89\0\0\0\0say a b c\x89\x81\0\0\0\0!\x81\x85\0\0\0\0close";
    let mut transcripts = Vec::new();
    for conditions in
        [None, Some("{}"), Some(r#"{ "latency": {}, "faults": [{ "fault": "drop", "probability": 0 }] }"#)]
    {
        let config = conditions.map_or_else(WsConfig::default, under);
        let (mut transport, rest) = start(config, Obedient::default()).await.silent();
        transport.write_all(said).await.unwrap();
        let mut heard = Vec::new();
        let reading = timeout(SECOND, transport.read_to_end(&mut heard));
        let _ = reading.await;
        drop(transport);
        transcripts.push((heard, rest.ended().await));
    }
    assert_eq!(transcripts[0].0.len(), 9 + 3 + 8);
    assert!(transcripts.iter().all(|other| *other == transcripts[0]), "{transcripts:?}");
}
