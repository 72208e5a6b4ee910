//! Replay files as clients see them: what is sent when, what is waited for, and what else goes on meanwhile.

use std::time::{Duration, Instant};

use ws_core::{CloseFrame, Message, Origin, Verdict, WsMessage};
use ws_server::{WsConfig, WsServer};
use ws_testing::{TestClient, TestServer};

use crate::eventually::eventually;
use crate::journal::Journal;
use crate::playing::{play, play_with};
use crate::programmed::Programmed;
use crate::scrape::{self, ACTIVE, ERRORS, RECEIVED, SENT, all_ended, ended_with};

/// Far beyond what any test waits for.
const NEVER: &str = r#"{"ts":3600000,"text":"never"}"#;

async fn expect(client: &mut TestClient, texts: &[&str]) {
    for text in texts {
        assert_eq!(client.recv_text().await.unwrap(), *text);
    }
}

/// A client that has sent these texts.
async fn said(server: &TestServer, texts: &[&str]) -> TestClient {
    let mut client = server.connect("/ws").await.unwrap();
    for text in texts {
        client.send_text(text).await.unwrap();
    }
    client
}

/// M01: entries are sent in their order, none before its time. The exact times are tested without a socket, beside the
/// session.
#[tokio::test]
async fn entries_are_sent_in_order_and_never_early() {
    let server = play(
        r#"{"ts":0,"text":"a"}
           {"ts":100,"text":"b"}
           {"ts":100,"text":"c"}
           {"ts":300,"text":"d"}"#,
    )
    .await;
    let start = Instant::now();
    let mut client = server.connect("/ws").await.unwrap();
    for (text, ms) in [("a", 0), ("b", 100), ("c", 100), ("d", 300)] {
        expect(&mut client, &[text]).await;
        let time = start.elapsed();
        assert!(time >= Duration::from_millis(ms), "{text} is early: {time:?}");
        assert!(time < Duration::from_millis(ms + 5000), "{text} is late: {time:?}");
    }
}

/// M02: a wait for a regex is released by a text that matches it, and by no other.
#[tokio::test]
async fn a_regex_releases_a_wait() {
    let server = play(
        r#"{"text":"released by {{request.ws.message}}","waitFor":"^ACK$"}
           {"text":"id {{1}}","waitFor":"^id=(\\d{3})$"}"#,
    )
    .await;
    let mut client = said(&server, &["NACK", "xACKx", "ack", "ACK", "id=42", "id=0423", "id=042"]).await;
    expect(&mut client, &["released by ACK", "id 042"]).await;
}

/// M03: no text is special.
#[tokio::test]
async fn client_ready_is_a_regex_like_any_other() {
    let server = play(r#"{"ts":0,"text":"HELLO after {{request.ws.message}}","waitFor":"^CLIENT_READY$"}"#).await;
    let mut client = said(&server, &["hello"]).await;
    client.expect_silence(Duration::from_millis(100)).await.unwrap();
    client.send_text("CLIENT_READY").await.unwrap();
    expect(&mut client, &["HELLO after CLIENT_READY"]).await;
}

/// M04, M05: a wait for JSONPath is released by JSON that has something there, however it is written; tokens take from
/// it.
#[tokio::test]
async fn jsonpath_releases_a_wait_and_fills_tokens() {
    let server = play(
        r#"{"text":"User {{$.user.name}} authenticated","waitFor":"$.user.id"}
           {"text":"{{$.type}} {{$.items[0].status}} {{$.items}} {{$.none}}","waitFor":"$.items[0]"}"#,
    )
    .await;
    let released = "  {\n \"user\" : {\"id\":\t1, \"name\":\"Ann\"} }";
    let mut client = said(&server, &[r#"{"user":{}}"#, "user.id", r#"{"user":{"id":1}"#, released]).await;
    expect(&mut client, &["User Ann authenticated"]).await;
    for text in [r#"{"items":[]}"#, r#"{"type":"order","items":[{"status":"paid"}]}"#] {
        client.send_text(text).await.unwrap();
    }
    expect(&mut client, &[r#"order paid [{"status":"paid"}] {{$.none}}"#]).await;
}

/// M06: entries of the client are never sent; a message that is equal to one advances the script.
#[tokio::test]
async fn incoming_entries_are_expectations() {
    let server = play(
        r#"{"ts":0,"dir":"out","text":"login?"}
           {"ts":10,"dir":"in","text":"{\"user\":\"ann\"}"}
           {"ts":20,"dir":"out","text":"welcome"}
           {"ts":30,"dir":"in","binary":true,"text":"AAEC"}
           {"ts":40,"dir":"out","text":"thanks for {{request.ws.message}}"}"#,
    )
    .await;
    let mut client = server.connect("/ws").await.unwrap();
    expect(&mut client, &["login?"]).await;
    client.send_text(r#"{"user":"bob"}"#).await.unwrap();
    client.expect_silence(Duration::from_millis(100)).await.unwrap();
    client.send_text(r#"{"user":"ann"}"#).await.unwrap();
    expect(&mut client, &["welcome"]).await;
    client.send(Message::binary(vec![0, 1])).await.unwrap();
    client.send(Message::binary(vec![0, 1, 2])).await.unwrap();
    expect(&mut client, &["thanks for AAEC"]).await;
}

/// M09: with a seed, two runs give the same bytes: the n-th connection of a path what the n-th had, and no other
/// path's. The order in which connections of different paths come does not matter.
#[tokio::test]
async fn a_seed_repeats_everything() {
    const SCRIPT: &str = r#"{"ts":0,"text":"{{uuid}} {{now}} {{randInt 1 1000000}} {{rand.float}} {{faker.name}}"}
                            {"ts":20,"text":"{{now+1h}} {{uuid}} {{1}}","waitFor":"^say (.*)$"}
                            {"ts":50,"text":"{{now}} {{faker.sentence}}"}"#;
    async fn transcript(server: &TestServer, path: &str) -> String {
        let mut client = server.connect(path).await.unwrap();
        client.send_text("say it").await.unwrap();
        let mut texts = Vec::new();
        for _ in 0..3 {
            texts.push(client.recv_text().await.unwrap());
        }
        texts.join("\n")
    }
    async fn run(seed: u64, order: [&str; 5]) -> Vec<(String, String)> {
        let server = play_with(WsServer::builder(), WsConfig { seed: Some(seed), ..WsConfig::default() }, SCRIPT).await;
        let mut transcripts = Vec::new();
        for path in order {
            transcripts.push((path.to_owned(), transcript(&server, path).await));
        }
        transcripts.sort_by(|(path, _), (other, _)| path.cmp(other));
        transcripts
    }
    let first = run(7, ["/ws", "/ws", "/ws/b", "/ws", "/ws/b"]).await;
    let second = run(7, ["/ws/b", "/ws", "/ws/b", "/ws", "/ws"]).await;
    assert_eq!(first, second);
    for (number, (_, transcript)) in first.iter().enumerate() {
        assert!(transcript.contains("2024-01-01T00:00:00Z") && transcript.contains("2024-01-01T01:00:00.020Z"));
        assert!(
            first[..number].iter().all(|(_, earlier)| earlier != transcript),
            "connection {number} is like another"
        );
    }
    let other_seed = run(8, ["/ws", "/ws", "/ws/b", "/ws", "/ws/b"]).await;
    assert!(first.iter().zip(&other_seed).all(|(one, other)| one.1 != other.1));
}

/// M10, O02: a replay is counted exactly: what it sent, and what it was sent.
#[tokio::test]
async fn a_replay_is_counted_exactly() {
    let entries: Vec<_> = (0..9).map(|n| format!(r#"{{"ts":{n},"text":"{n}"}}"#)).collect();
    let text = format!(
        r#"{}
        {{"ts":9,"text":"tenth","waitFor":"^go$"}}"#,
        entries.join("\n")
    );
    let server = play(&text).await;
    for _ in 0..3 {
        let mut client = said(&server, &["noise", "go", "more noise"]).await;
        client.send(Message::Ping(vec![1].into())).await.unwrap();
        for n in 0..9 {
            expect(&mut client, &[&n.to_string()]).await;
        }
        expect(&mut client, &["tenth"]).await;
        client.close(1000, "").await.unwrap();
    }
    all_ended(&server).await;
    assert_eq!((scrape::value(&server, RECEIVED), scrape::value(&server, SENT)), (9.0, 30.0));
    assert_eq!((ended_with(&server, "client_close"), scrape::value(&server, ERRORS)), (3.0, 0.0));
}

/// M11: whatever the script waits for, the end of the connection is the end of it.
#[tokio::test]
async fn the_client_may_leave_at_any_time() {
    for script in [NEVER, r#"{"text":"never","waitFor":"^never$"}"#] {
        let server = play(&format!("{{\"text\":\"begun\"}}\n{script}")).await;
        let mut closing = server.connect("/ws").await.unwrap();
        let mut dropping = server.connect("/ws").await.unwrap();
        for client in [&mut closing, &mut dropping] {
            expect(client, &["begun"]).await;
        }
        assert_eq!(scrape::value(&server, ACTIVE), 2.0);
        assert_eq!(closing.close(4001, "").await.unwrap().unwrap().code, 4001);
        eventually("one is gone", || ended_with(&server, "client_close") == 1.0).await;
        drop(dropping);
        all_ended(&server).await;
        let mut left = server.connect("/ws").await.unwrap();
        expect(&mut left, &["begun"]).await;
        tokio::join!(server.shutdown(Duration::from_secs(20)), async {
            assert_eq!(left.recv_close().await.unwrap().unwrap().code, 1001);
        });
    }
}

/// M12: what comes before its wait counts for it, once, and in the order in which it came.
#[tokio::test]
async fn early_messages_are_neither_lost_nor_mixed_up() {
    let server = play(
        r#"{"ts":150,"text":"start"}
           {"ts":150,"text":"first {{1}}","waitFor":"^A(.)$"}
           {"ts":150,"text":"then {{1}}","waitFor":"^B(.)$"}
           {"ts":150,"text":"second {{1}}","waitFor":"^A(.)$"}
           {"ts":150,"text":"third {{1}}","waitFor":"^A(.)$"}"#,
    )
    .await;
    let mut client = said(&server, &["B1", "A1", "noise", "A2"]).await;
    expect(&mut client, &["start", "first 1", "then 1", "second 2"]).await;
    client.expect_silence(Duration::from_millis(100)).await.unwrap();
    client.send_text("A3").await.unwrap();
    expect(&mut client, &["third 3"]).await;
}

/// M18: an entry closes with a code and a reason, at once behind its text; the session counts as ended by us.
#[tokio::test]
async fn an_entry_closes_the_connection() {
    let server = play(
        r#"{"ts":0,"text":"hello"}
           {"ts":10,"waitFor":"^quit$","text":"bye","close":true,"code":4002,"reason":"as you wish"}"#,
    )
    .await;
    let mut client = said(&server, &["quit"]).await;
    expect(&mut client, &["hello", "bye"]).await;
    assert_eq!(client.recv_close().await.unwrap(), Some(CloseFrame::new(4002, "as you wish").unwrap()));
    assert_eq!(client.recv().await.unwrap(), None);
    all_ended(&server).await;
    assert_eq!((ended_with(&server, "normal"), scrape::value(&server, SENT)), (1.0, 2.0));

    let without_code = play(r#"{"close":true}"#).await;
    let close = without_code.connect("/ws").await.unwrap().recv_close().await.unwrap();
    assert_eq!(close, Some(CloseFrame::new(1000, "").unwrap()));
}

/// M18: a binary entry is sent as the bytes that its base64 means.
#[tokio::test]
async fn a_binary_entry_sends_bytes() {
    let server = play(
        r#"{"binary":true,"text":"AAH/gA=="}
                         {"binary":true,"text":""}
                         {"text":"AAH/gA=="}"#,
    )
    .await;
    let mut client = server.connect("/ws").await.unwrap();
    assert_eq!(client.recv_binary().await.unwrap(), b"\x00\x01\xff\x80");
    assert_eq!(client.recv_binary().await.unwrap(), b"");
    expect(&mut client, &["AAH/gA=="]).await;
}

/// While a script plays there is no echo, and when it has ended, the connection stays open.
#[tokio::test]
async fn a_replay_is_no_echo() {
    let server = play(r#"{"text":"all","waitFor":"^that is$"}"#).await;
    let mut client = said(&server, &["hello?", "that is"]).await;
    expect(&mut client, &["all"]).await;
    client.send_text("anybody?").await.unwrap();
    client.expect_silence(Duration::from_millis(100)).await.unwrap();
    assert_eq!(scrape::value(&server, ACTIVE), 1.0);
    client.close(1000, "").await.unwrap();
}

/// C01, C02: handlers go on beside a replay, on the same connection; both see each message, unless a handler stops it.
#[tokio::test]
async fn handlers_and_a_replay_share_a_connection() {
    let handler = Programmed::new().welcoming("welcome").on_message(|ctx, msg| {
        Box::pin(async move {
            let WsMessage::Text(text) = msg else { return Ok(()) };
            if text == "mine" {
                ctx.stop();
            }
            ctx.send_text(&format!("handler: {text}")).await
        })
    });
    let script = r#"{"text":"replay: hello"}
                    {"text":"replay: {{request.ws.message}}","waitFor":"e$"}
                    {"text":"replay: {{request.ws.message}}","waitFor":"e$"}"#;
    let server = play_with(WsServer::builder().handler(handler), WsConfig::default(), script).await;
    let mut client = server.connect("/ws").await.unwrap();
    expect(&mut client, &["welcome", "replay: hello"]).await;
    for (text, answers) in [
        ("nothing to it", &["handler: nothing to it"][..]),
        ("mine", &["handler: mine"]),
        ("one", &["handler: one", "replay: one"]),
        ("three", &["handler: three", "replay: three"]),
        ("there is no more", &["handler: there is no more"]),
    ] {
        client.send_text(text).await.unwrap();
        expect(&mut client, answers).await;
    }
    client.expect_silence(Duration::from_millis(100)).await.unwrap();
}

/// C03: handlers see what a replay sends before the client does, and may change or drop it.
#[tokio::test]
async fn handlers_intercept_what_a_replay_sends() {
    let journal = Journal::default();
    let noting = journal.clone();
    let handler = Programmed::new().on_outbound(move |_, message, origin| {
        noting.note(format!("{origin:?}"));
        match message.as_text() {
            Some("secret") => Verdict::Drop,
            Some(text) if origin == Origin::Replay => Verdict::Replace(Message::text(text.to_uppercase())),
            _ => Verdict::Pass,
        }
    });
    let script = r#"{"text":"hello {{1}}","waitFor":"^I am (.*)$"}
                    {"text":"secret"}
                    {"text":"goodbye"}"#;
    let server = play_with(WsServer::builder().handler(handler), WsConfig::default(), script).await;
    let mut client = said(&server, &["I am Ann"]).await;
    expect(&mut client, &["HELLO ANN", "GOODBYE"]).await;
    assert_eq!(journal.events(), ["Replay"; 3]);
    assert_eq!(scrape::value(&server, SENT), 2.0);
}

/// B01: a script does not run ahead of a client that does not read; when it reads, everything comes, in order.
#[tokio::test]
async fn a_replay_waits_for_its_reader() {
    let piece = "x".repeat(100_000);
    let lines: Vec<_> = (0..600).map(|n| format!(r#"{{"ts":0,"text":"{n} {piece}"}}"#)).collect();
    let server = play(&lines.join("\n")).await;
    let mut client = server.connect("/ws").await.unwrap();
    expect(&mut client, &[&format!("0 {piece}")]).await;
    // 60 MB are more than queues and buffers of the system take, unless something grows without bound.
    eventually("some was sent", || scrape::value(&server, SENT) > 10.0).await;
    for n in 1..600 {
        let text = client.recv_text().await.unwrap();
        assert_eq!(text.split(' ').next(), Some(n.to_string().as_str()));
    }
    assert_eq!(scrape::value(&server, SENT), 600.0);
}
