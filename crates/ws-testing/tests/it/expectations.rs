//! What is expected here and now.

use std::time::{Duration, Instant};

use serde_json::json;
use ws_core::Message;
use ws_patterns::MessagePattern;
use ws_server::{EventFilter, HandledAs, JournalConfig, WsConfig, WsServer, router};
use ws_testing::TestServer;

use crate::{echo, exchange};

#[tokio::test]
async fn what_has_come_and_what_comes_is_expected() {
    let server = echo().await;
    exchange(&server, "/ws/shop", &[r#"{"type":"order","id":1}"#, "hello"]).await;
    let orders = server.expect(json!({"type": "order"})).on("/ws/*").times(1).await.unwrap();
    assert_eq!(orders[0].text(), Some(r#"{"type":"order","id":1}"#));
    server.expect("^hello$").to_client().on("/ws/shop").await.unwrap();
    server.expect(MessagePattern::exact("bye")).never().within(Duration::from_millis(20)).await.unwrap();
    let later = async { server.expect("bye").at_least(2).await.unwrap() };
    let (byes, ()) = tokio::join!(later, exchange(&server, "/ws", &["bye 1", "bye 2"]));
    assert_eq!(byes.len(), 2);
}

#[tokio::test]
async fn the_report_says_what_was_expected_what_came_and_what_was_nearest() {
    let server = echo().await;
    exchange(&server, "/ws/shop", &[r#"{"type":"order"}"#, r#"{"type":"ordr"}"#, "two\nlines"]).await;
    exchange(&server, "/ws/other", &["elsewhere"]).await;
    let unmet =
        server.expect(r#"$.type:"order""#).on("/ws/shop").times(2).within(Duration::from_millis(20)).await.unwrap_err();
    assert_eq!(unmet.count(), 1);
    let expected = r#"expected exactly 2 messages from clients of /ws/shop like `$.type:"order"` within 20ms, found 1
  #2 /ws/shop: {"type":"order"}
nearest:
  #4 {"type":"ordr"}
    `$.type`: expected "order", found "ordr"
  #6 two lines
    `$.type`: expected "order", found no JSON
what came last:
  #2 /ws/shop: {"type":"order"}
  #4 /ws/shop: {"type":"ordr"}
  #6 /ws/shop: two lines"#;
    let report = unmet.to_string();
    // What a pattern says of a text that is no JSON at all is its own affair.
    let lines = |text: &str| text.lines().filter(|line| !line.contains("JSON")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&report), lines(expected), "{report}");
    assert_eq!(format!("{unmet:?}"), report, "what a failed test prints");
}

#[tokio::test]
async fn what_comes_too_often_is_told() {
    let server = echo().await;
    exchange(&server, "/ws", &["a", "a", "b"]).await;
    let unmet = server.expect("a").never().within(Duration::from_millis(20)).await.unwrap_err().to_string();
    assert!(
        unmet.starts_with("expected no message from clients like `a` within 20ms, found 2\n  #2 /ws: a\n  #4 /ws: a\n"),
        "{unmet}"
    );
    assert!(!unmet.contains("nearest"), "{unmet}");
    // Nobody looks for five seconds for what must not come.
    let unmet = server.expect("a").never().await.unwrap_err().to_string();
    assert!(unmet.starts_with("expected no message from clients like `a` within 500ms, found 2\n"), "{unmet}");
    let began = Instant::now();
    let unmet = server.expect("a").times(1).await.unwrap_err();
    assert_eq!(unmet.count(), 2);
    assert!(began.elapsed() < Duration::from_secs(4), "it is known at once");
    let nothing = server.expect("x").on("/ws/nobody").at_least(1).within(Duration::ZERO).await.unwrap_err().to_string();
    assert!(nothing.ends_with("found 0\nno such message came at all"), "{nothing}");
}

/// Who took a message is told, long ones are shortened, and of many the first.
#[tokio::test]
async fn a_report_is_short_and_says_who_took_what() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shop.yaml");
    std::fs::write(&file, "rules: [{ match: ^order, response: done }]").unwrap();
    let config = WsConfig { rules_file: Some(file), ..WsConfig::default() };
    let server = TestServer::start(WsServer::builder().config(config).build().unwrap()).await;
    let mut client = server.connect("/ws").await.unwrap();
    for n in 0..12 {
        client.send_text(&format!("order {n:02} {}", "x".repeat(200))).await.unwrap();
        client.recv_text().await.unwrap();
    }
    let taken = EventFilter { handled: Some(HandledAs::Matched), ..EventFilter::default() };
    let journal = server.journal().unwrap();
    assert!(journal.wait_for(&taken.compile(None).unwrap(), 12, Duration::from_secs(20)).await.matched);
    let report = server.expect("^order").never().within(Duration::ZERO).await.unwrap_err().to_string();
    let lines: Vec<_> = report.lines().collect();
    let is_of = |line: &str, n: usize| {
        line.contains(&format!("/ws: order {n:02} {}... (taken by ", "x".repeat(111))) && line.ends_with("shop.yaml:1)")
    };
    assert!(is_of(lines[1], 0) && is_of(lines[10], 9), "{report}");
    assert_eq!((lines[11], lines[12]), ("  ...", "what came last:"), "{report}");
    assert!(is_of(lines[13], 2) && is_of(lines[22], 11), "{report}");
    assert_eq!(lines.len(), 23, "{report}");
}

/// What the journal could not keep is told: nobody knows what it was.
#[tokio::test]
async fn a_report_says_what_nobody_knows() {
    let journal = JournalConfig { events: 2, body: 10, ..JournalConfig::default() };
    let config = WsConfig { journal, raw_echo: true, ..WsConfig::default() };
    let server = TestServer::start(WsServer::builder().config(config).build().unwrap()).await;
    exchange(&server, "/ws", &["one", "two", "three", "longer than is kept"]).await;
    let report = server.expect("kept$").within(Duration::ZERO).await.unwrap_err().to_string();
    assert!(report.contains("found 0"), "{report}");
    assert!(report.contains("\nevents no longer kept, though perhaps meant: 3"), "{report}");
    assert!(report.ends_with("\nmessages that are cut, so that nobody knows whether they are meant: 1"), "{report}");
}

/// A message more may be on its way when there are enough.
#[tokio::test]
async fn an_exact_number_is_waited_for_a_little_longer() {
    let server = echo().await;
    let exactly = async { server.expect("x").times(1).await };
    let (unmet, ()) = tokio::join!(exactly, exchange(&server, "/ws", &["x", "x"]));
    assert_eq!(unmet.unwrap_err().count(), 2);
}

/// A test that has stopped the clock waits all the same, and not for ever.
#[tokio::test]
async fn deadlines_are_real() {
    let server = echo().await;
    tokio::time::pause();
    let began = Instant::now();
    server.expect("x").within(Duration::from_millis(200)).await.unwrap_err();
    assert!(began.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn what_was_received_and_sent_is_told() {
    let server = echo().await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send(Message::binary(vec![1])).await.unwrap();
    client.recv_binary().await.unwrap();
    client.send_text("a").await.unwrap();
    client.recv_text().await.unwrap();
    let messages = |events: Vec<ws_server::JournalEvent>| {
        events.iter().filter_map(|event| event.message().cloned()).collect::<Vec<_>>()
    };
    let expected = [Message::binary(vec![1]), Message::text("a")];
    assert_eq!(messages(server.received()), expected);
    assert_eq!(messages(server.sent()), expected);
}

#[tokio::test]
#[should_panic(expected = "use `TestServer::start`")]
async fn a_router_tells_nothing() {
    let server = TestServer::new(router()).await;
    let _ = server.expect("x");
}

#[tokio::test]
#[should_panic(expected = "keeps a journal")]
async fn nor_does_a_server_without_a_journal() {
    let journal = JournalConfig { enabled: false, ..JournalConfig::default() };
    let config = WsConfig { journal, ..WsConfig::default() };
    let server = TestServer::start(WsServer::builder().config(config).build().unwrap()).await;
    let _ = server.received();
}

#[tokio::test]
#[should_panic(expected = "regular expression `(`")]
async fn what_is_no_pattern_fails_the_test() {
    let _ = echo().await.expect("(");
}
