//! Replay files of version 2 as clients see them: ways, time-outs, repetition, memory and rooms.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ws_core::{Message, Origin, Verdict};
use ws_replay::Speed;
use ws_server::{WsConfig, WsServer};
use ws_testing::{TestClient, TestServer};

use crate::eventually::eventually;
use crate::journal::Journal;
use crate::playing::{play, play_with};
use crate::programmed::Programmed;
use crate::scrape::{self, ERRORS, RECEIVED, SENT, all_ended, ended_with};
use crate::serving::serve;
use crate::talking::{client_saying, hear, say};

/// Plays the demo of the repository as fast as can be.
async fn demo() -> TestServer {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/ws-replay-v2-demo.jsonl");
    let config = WsConfig { replay_file: Some(file), speed: Speed::MAX, ..WsConfig::default() };
    serve(WsServer::builder().config(config)).await
}

/// The types of what a client hears.
async fn hear_types(client: &mut TestClient, types: &[&str]) -> Value {
    let mut last = Value::Null;
    for expected in types {
        last = client.recv_json().await.unwrap();
        assert_eq!(last["type"], *expected, "{last}");
    }
    last
}

/// M17: the demo goes where its client leads it: ACK delivers, NACK cancels, what is no order is an error, the third order is the
/// last, QUIT ends.
#[tokio::test]
async fn the_demo_goes_where_its_client_leads_it() {
    let server = demo().await;
    let mut client = client_saying(&server, &["hello?", "HELLO"]).await;
    hear_types(&mut client, &["welcome", "heartbeat"]).await;
    client.send_text("an order!").await.unwrap();
    hear_types(&mut client, &["error"]).await;
    client.send_text(r#"{"item":"tea"}"#).await.unwrap();
    let confirm = hear_types(&mut client, &["confirm"]).await;
    assert_eq!(confirm, json!({"type": "confirm", "number": 1, "item": "tea"}));
    client.send_text("ACK").await.unwrap();
    let delivered = hear_types(&mut client, &["progress", "progress", "progress", "progress", "delivered"]).await;
    assert_eq!(delivered["item"], "tea");
    client.send_text(r#"{"item":"cake"}"#).await.unwrap();
    hear_types(&mut client, &["confirm"]).await;
    client.send_text("NACK").await.unwrap();
    let cancelled = hear_types(&mut client, &["cancelled"]).await;
    assert_eq!(cancelled["item"], "cake");
    client.send_text(r#"{"item":"bread"}"#).await.unwrap();
    assert_eq!(hear_types(&mut client, &["confirm"]).await["number"], 3);
    client.send_text("ACK").await.unwrap();
    hear_types(&mut client, &["progress", "progress", "progress", "progress", "delivered", "notice"]).await;
    assert_eq!(hear_types(&mut client, &["goodbye"]).await["orders"], 3);
    assert_eq!(client.recv_close().await.unwrap().unwrap().code, 1000);

    let mut client = client_saying(&server, &["HELLO", "QUIT"]).await;
    hear_types(&mut client, &["welcome", "heartbeat", "goodbye"]).await;
    assert_eq!(client.recv_close().await.unwrap().unwrap().code, 1000);
}

/// M17: a wait that runs out leads where `on_timeout` says, not before its time; a client that answers in time is led elsewhere.
#[tokio::test]
async fn a_wait_runs_out() {
    let server = play(
        r#"{"text":"are you there?"}
           {"waitFor":"^yes$","timeout_ms":300,"on_timeout":"gone","text":"good","next_step":"end"}
           {"step_id":"gone","text":"nobody","close":true,"code":4008,"reason":"time-out"}"#,
    )
    .await;
    let start = Instant::now();
    // What does not match does not make it wait longer.
    let mut silent = client_saying(&server, &["no"]).await;
    let mut quick = client_saying(&server, &["yes"]).await;
    hear(&mut quick, &["are you there?", "good"]).await;
    hear(&mut silent, &["are you there?", "nobody"]).await;
    assert!(start.elapsed() >= Duration::from_millis(300));
    let close = silent.recv_close().await.unwrap().unwrap();
    assert_eq!((close.code, &*close.reason), (4008, "time-out"));
    quick.close(1000, "").await.unwrap();
}

/// M17: who says nothing is asked; every message puts that off, and pings do not.
#[tokio::test]
async fn silence_leads_elsewhere() {
    let server = play(
        r#"{"step_id":"listen","on_silence":{"after_ms":150,"goto_step":"silent"}}
           {"step_id":"next","dir":"in","next_step":"said"}
           {"step_id":"said","text":"{{request.ws.message}}","next_step":"next"}
           {"step_id":"silent","text":"still there?"}
           {"on_silence":false,"waitFor":"^yes$","text":"good"}"#,
    )
    .await;
    let mut client = client_saying(&server, &["a", "b"]).await;
    hear(&mut client, &["a", "b"]).await;
    let start = Instant::now();
    client.send(Message::Ping(vec![1].into())).await.unwrap();
    hear(&mut client, &["still there?"]).await;
    assert!(start.elapsed() < Duration::from_secs(3));
    // It was told once.
    client.expect_silence(Duration::from_millis(300)).await.unwrap();
    say(&mut client, "yes", &["good"]).await;
}

/// M17: an entry repeats so many times, a loop goes round so often, and a heartbeat goes on beside it until it is stopped.
#[tokio::test]
async fn entries_repeat_loop_and_go_on_in_the_background() {
    let server = play(
        r#"{"step_id":"beat","text":"beat {{repetition}}","every":20}
           {"waitFor":"^go$","stop":"beat","text":"stopped"}
           {"text":"part {{repetition}}","repeat":3,"every":5}
           {"step_id":"round","set":{"n":"{{state.n + 1}}"},"text":"round {{state.n}}"}
           {"loop":{"goto_step":"round","times":2}}
           {"text":"the end"}"#,
    )
    .await;
    let mut client = server.connect("/ws").await.unwrap();
    hear(&mut client, &["beat 1", "beat 2", "beat 3"]).await;
    client.send_text("go").await.unwrap();
    let mut beats = 3;
    loop {
        let text = client.recv_text().await.unwrap();
        if text == "stopped" {
            break;
        }
        beats += 1;
        assert_eq!(text, format!("beat {beats}"));
    }
    hear(&mut client, &["part 1", "part 2", "part 3", "round 1", "round 2", "round 3", "the end"]).await;
    client.expect_silence(Duration::from_millis(100)).await.unwrap();
}

/// M17: values that were set and conditions on them choose what is sent; the handshake and the connection are known too.
#[tokio::test]
async fn what_is_remembered_chooses_the_way() {
    let server = play(
        r#"{"waitFor":"^login (?<user>\\w+)$","set":{"user":"{{user}}","admin":"{{user == 'root'}}"},"text":"hello {{state.user}}"}
           {"condition":"state.admin","text":"you are root"}
           {"condition":"request.query.lang == 'de'","text":"guten Tag"}
           {"condition":"!state.admin && connection.messages == 1","text":"first {{request.path}} {{request.headers['x-test']}} {{state.none}}"}
           {"waitFor":"^what","branches":[{"condition":"state.admin","goto_step":"root"}],"text":"well"}
           {"text":"nothing","next_step":"end"}
           {"step_id":"root","text":"all"}"#,
    )
    .await;
    let mut root = client_saying(&server, &["login root", "what?"]).await;
    hear(&mut root, &["hello root", "you are root", "well", "all"]).await;
    let ann = TestClient::builder().header("X-Test", "{{uuid}}");
    let mut ann = ann.connect(&server.url_of("/ws/a?lang=de&lang=en")).await.unwrap();
    say(&mut ann, "login ann", &["hello ann", "guten Tag", "first /ws/a {{uuid}} "]).await;
    say(&mut ann, "what now", &["well", "nothing"]).await;
}

/// M17: a script sends to a room, whoever else is in it; who has left it hears nothing more.
#[tokio::test]
async fn scripts_meet_in_rooms() {
    let server = play(
        r#"{"waitFor":"^join (?<room>\\w+)$","join":"{{room}}","set":{"room":"{{room}}"},"text":"joined"}
           {"step_id":"next","dir":"in","on_match":[{"pattern":"^say (?<said>.+)$","goto_step":"say"},{"pattern":"^leave$","goto_step":"leave"}]}
           {"step_id":"say","send":{"room":"{{state.room}}"},"text":"{{connection.number}}: {{said}}","next_step":"next"}
           {"step_id":"leave","leave":"{{state.room}}","text":"left"}"#,
    )
    .await;
    let mut clients = Vec::new();
    for room in ["tea", "tea", "cake"] {
        let mut client = client_saying(&server, &[&format!("join {room}")]).await;
        hear(&mut client, &["joined"]).await;
        clients.push(client);
    }
    let [ann, bob, eve] = &mut clients[..] else { unreachable!() };
    ann.send_text("say hello").await.unwrap();
    hear(ann, &["1: hello"]).await;
    hear(bob, &["1: hello"]).await;
    say(bob, "say hi", &["2: hi"]).await;
    hear(ann, &["2: hi"]).await;
    say(ann, "leave", &["left"]).await;
    say(bob, "say gone?", &["2: gone?"]).await;
    say(eve, "say alone", &["3: alone"]).await;
    ann.expect_silence(Duration::from_millis(100)).await.unwrap();
    assert_eq!((scrape::value(&server, SENT), scrape::value(&server, RECEIVED)), (10.0, 8.0));
}

/// C03: hooks of handlers see all that a script sends, in the order of their registration: what it repeats, what goes on in the
/// background and what it sends to rooms. What they drop or multiply does not hold it up.
#[tokio::test]
async fn hooks_see_all_that_a_script_sends() {
    let journal = Journal::default();
    let noting = journal.clone();
    let first = Programmed::new().on_outbound(|_, message, _| match message.as_text() {
        Some(text) if text.starts_with("drop") => Verdict::Drop,
        Some("twice") => Verdict::Several(vec![Message::text("one"), Message::text("two")]),
        Some(text) => Verdict::Replace(Message::text(format!("{text} first"))),
        None => Verdict::Pass,
    });
    let second = Programmed::new().on_outbound(move |_, message, origin| {
        noting.note(format!("{} by {origin:?}", message.as_text().unwrap_or_default()));
        match message.as_text() {
            Some(text) if origin == Origin::Replay => Verdict::Replace(Message::text(text.to_uppercase())),
            _ => Verdict::Pass,
        }
    });
    let script = r#"{"join":"room"}
                    {"text":"drop {{repetition}}","repeat":200}
                    {"step_id":"beat","text":"drop the beat","every":5}
                    {"ts":20,"text":"twice"}
                    {"ts":20,"send":{"room":"room"},"text":"to all"}
                    {"ts":20,"text":"question","on_match":[{"pattern":"^yes$","goto_step":"yes"}]}
                    {"step_id":"yes","stop":"beat","text":"{{request.ws.message}}"}"#;
    let server = play_with(WsServer::builder().handler(first).handler(second), WsConfig::default(), script).await;
    let mut client = server.connect("/ws").await.unwrap();
    hear(&mut client, &["ONE", "TWO"]).await;
    let mut heard = [client.recv_text().await.unwrap(), client.recv_text().await.unwrap()];
    heard.sort();
    assert_eq!(heard, ["QUESTION FIRST", "to all first"]);
    say(&mut client, "yes", &["YES FIRST"]).await;
    let mut noted = journal.events();
    noted.sort();
    assert_eq!(
        noted,
        ["one by Replay", "question first by Replay", "to all first by Room", "two by Replay", "yes first by Replay"]
    );
    assert_eq!(scrape::value(&server, SENT), 5.0);
}

/// M09: with a seed, a script that branches and has a background gives the same bytes in two runs, though the clients of one take
/// longer to answer.
#[tokio::test]
async fn a_seed_repeats_a_script_that_branches() {
    const SCRIPT: &str = r#"{"step_id":"beat","text":"beat {{uuid}} {{randInt 1 1000000}}","every":30}
        {"step_id":"ask","text":"ask {{uuid}}","on_match":[{"pattern":"^a","goto_step":"a"},{"pattern":"^b","goto_step":"b"}]}
        {"step_id":"a","set":{"id":"{{uuid}}"},"text":"a {{state.id}} {{faker.name}} {{now}}","next_step":"ask"}
        {"step_id":"b","text":"b {{rand.float}} {{repetition}}","repeat":2,"next_step":"ask"}"#;
    async fn transcript(server: &TestServer, beats: usize) -> (Vec<String>, Vec<String>) {
        let mut client = server.connect("/ws").await.unwrap();
        let (mut beaten, mut others) = (Vec::new(), Vec::new());
        let mut answers = ["a", "b", "a", "b"].into_iter();
        while others.len() < 11 || beaten.len() < 4 * beats {
            let text = client.recv_text().await.unwrap();
            let kind = if text.starts_with("beat") { &mut beaten } else { &mut others };
            kind.push(text);
            let asked = others.iter().filter(|text| text.starts_with("ask")).count();
            // It answers only when it has heard so many beats.
            if asked <= 4 && beaten.len() >= beats * asked && asked + answers.len() == 5 {
                client.send_text(answers.next().unwrap()).await.unwrap();
            }
        }
        beaten.truncate(4);
        (beaten, others)
    }
    async fn run(seed: u64, beats: usize) -> Vec<(Vec<String>, Vec<String>)> {
        let config = WsConfig { seed: Some(seed), ..WsConfig::default() };
        let server = play_with(WsServer::builder(), config, SCRIPT).await;
        vec![transcript(&server, beats).await, transcript(&server, beats).await]
    }
    let quick = run(7, 1).await;
    assert_eq!(quick, run(7, 3).await);
    assert_ne!(quick[0], quick[1]);
    // Nothing repeats within a session.
    for (beats, others) in &quick {
        let ids: Vec<_> = beats.iter().chain(others).filter_map(|text| text.split(' ').nth(1)).collect();
        let ids: Vec<_> = ids.into_iter().filter(|id| id.len() == 36).collect();
        assert!(ids.len() >= 9 && (1..ids.len()).all(|n| !ids[..n].contains(&ids[n])), "{ids:?}");
    }
    let other = run(8, 1).await;
    assert!(quick.iter().zip(&other).all(|(one, other)| one.0 != other.0 && one.1 != other.1));
}

/// M11: a script that repeats in the background and loops for ever ends with its connection, and so does one that goes round
/// without end: that is told.
#[tokio::test]
async fn endless_scripts_end_with_their_connection() {
    let log = crate::log_lines::LogLines::capture();
    let server = play(
        r#"{"text":"beat","every":1}
           {"step_id":"round","condition":"false","text":"never"}
           {"next_step":"round","set":{"n":"{{state.n + 1}}"}}"#,
    )
    .await;
    let mut client = server.connect("/ws").await.unwrap();
    hear(&mut client, &["beat"]).await;
    eventually("it is told", || log.with("went round").len() == 1).await;
    assert!(log.with("went round")[0].contains("ERROR"));
    // The connection goes on.
    client.send(Message::Ping(vec![1].into())).await.unwrap();
    client.close(1000, "").await.unwrap();
    let server = play(
        r#"{"step_id":"round","text":"again"}
                         {"ts":1,"next_step":"round"}"#,
    )
    .await;
    let mut client = server.connect("/ws").await.unwrap();
    hear(&mut client, &["again"; 20]).await;
    client.close(1000, "").await.unwrap();
    all_ended(&server).await;
    assert_eq!((ended_with(&server, "client_close"), scrape::value(&server, ERRORS)), (1.0, 0.0));
}
