//! Rules files as clients see them: what is answered, when, and what connections and rooms remember.

use std::sync::Arc;

use serde_json::json;
use tempfile::tempdir;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use ws_core::{CloseFrame, Message};
use ws_rooms::RoomManager;
use ws_server::{UnmatchedMessage, WsConfig, WsServer};
use ws_testing::TestServer;

use crate::answering::{answer, answer_by_example, answer_with};
use crate::eventually::eventually;
use crate::log_lines::LogLines;
use crate::raw_client::{Frame, RawClient};
use crate::scrape::{self, ERRORS, RECEIVED, SENT, all_ended, ended_with};
use crate::serving::serve;
use crate::talking::{client_saying, hear, say};

/// I01: what patterns take from a message stands in the answer: groups of a regex, by number and by name, and what JSONPath
/// selects. What no rule takes is not answered.
#[tokio::test]
async fn patterns_answer_with_what_they_take() {
    let server = answer(
        r#"
rules:
  - { match: "^NAME (.+)$", response: "Hello, {{1}}" }
  - { match: "^(?<day>\\d+)\\.(?<month>\\d+)\\.$", response: "{{month}}/{{day}}" }
  - match: { json: { type: order, lines: [{ item: tea }] } }
    response: { json: { for: "{{$.user}}", lines: "{{$.lines}}", tea: "{{$.lines[0].count * 2}}" } }
  - { match: '$.user:"ann"', response: "Ann" }
  - { match: "$.user", response: "user {{$.user}}" }"#,
    )
    .await;
    let mut client = client_saying(&server, &["NAME", "nobody answers this"]).await;
    say(&mut client, "NAME Ann \"{{uuid}}\"", &["Hello, Ann \"{{uuid}}\""]).await;
    say(&mut client, "24.12.", &["12/24"]).await;
    let order = json!({"type": "order", "user": "a \"b\"", "lines": [{"item": "tea", "count": 2}]});
    say(&mut client, &order.to_string(), &[]).await;
    let expected = json!({"for": "a \"b\"", "lines": [{"item": "tea", "count": 2}], "tea": 4});
    assert_eq!(client.recv_json().await.unwrap(), expected);
    say(&mut client, r#" {"user" : "ann"}"#, &["Ann"]).await;
    say(&mut client, r#"{"user":"bob"}"#, &["user bob"]).await;
    say(&mut client, r#"{"user":{"id":1}}"#, &[r#"user {"id":1}"#]).await;
}

/// I01: binary messages, pings and pongs have rules of their own; the ping is answered by the session all the same.
#[tokio::test]
async fn frames_that_are_no_text_have_rules_too() {
    let server = answer(
        "
rules:
  - { response: text }
  - { match: { type: binary }, response: [{ binary: AAEC }, '{{request.ws.message}}'] }
  - { match: { type: ping }, response: you pinged }
  - { match: { type: pong }, response: you ponged }",
    )
    .await;
    let mut client = client_saying(&server, &["a"]).await;
    hear(&mut client, &["text"]).await;
    client.send(Message::binary(vec![255, 0])).await.unwrap();
    assert_eq!(client.recv_binary().await.unwrap(), [0, 1, 2]);
    hear(&mut client, &["/wA="]).await;
    client.send(Message::Pong(vec![1].into())).await.unwrap();
    hear(&mut client, &["you ponged"]).await;
    client.send(Message::Ping(vec![7].into())).await.unwrap();
    let mut heard = [client.recv().await.unwrap().unwrap(), client.recv().await.unwrap().unwrap()];
    heard.sort_by_key(|message| message.as_text().is_some());
    assert_eq!(heard, [Message::Pong(vec![7].into()), Message::text("you pinged")]);
}

/// I02: the survey bot leads two clients through its questions at once; neither sees anything of the other.
#[tokio::test]
async fn two_clients_take_the_survey_side_by_side() {
    let server = answer_by_example("survey.yaml").await;
    let mut ann = server.connect("/ws").await.unwrap();
    let mut bob = server.connect("/ws").await.unwrap();
    say(&mut ann, "hello?", &["Send \"start\" to begin."]).await;
    say(&mut ann, "START", &["What is your name?"]).await;
    say(&mut bob, "result", &["Send \"start\" to begin."]).await;
    say(&mut ann, "Ann", &["Hello, Ann. How old are you?"]).await;
    say(&mut bob, "start", &["What is your name?"]).await;
    say(&mut ann, "old", &["Please answer with a number, Ann."]).await;
    say(&mut bob, "Bob {{state.name}}", &["Hello, Bob {{state.name}}. How old are you?"]).await;
    say(&mut ann, "30", &["How do you like it, from 1 to 5?"]).await;
    say(&mut bob, "41", &["How do you like it, from 1 to 5?"]).await;
    say(&mut bob, "9", &["From 1 to 5, please."]).await;
    say(&mut ann, "5", &["Thank you."]).await;
    assert_eq!(ann.recv_json().await.unwrap(), json!({"name": "Ann", "age": 30, "score": 5}));
    say(&mut bob, "1", &["Thank you."]).await;
    assert_eq!(bob.recv_json().await.unwrap(), json!({"name": "Bob {{state.name}}", "age": 41, "score": 1}));
    say(&mut ann, "result", &["Ann gave 5 of 5"]).await;
    say(&mut bob, "result", &["Bob {{state.name}} gave 1 of 5"]).await;
    // A new connection remembers nothing.
    let mut again = server.connect("/ws").await.unwrap();
    say(&mut again, "result", &["Send \"start\" to begin."]).await;
}

/// I02: what rooms remember is shared by all connections, and what rules send to a room reaches its members only.
#[tokio::test]
async fn rooms_are_shared_and_connections_are_not() {
    let server = answer_by_example("chat.yaml").await;
    let mut ann = server.connect("/ws").await.unwrap();
    let mut bob = server.connect("/ws").await.unwrap();
    let join = |user: &str| json!({"action": "join", "room": "tea", "user": user});
    ann.send_json(&json!({"action": "message", "text": "too early"})).await.unwrap();
    assert_eq!(ann.recv_json().await.unwrap()["message"], "join a room first");
    ann.send_json(&join("ann")).await.unwrap();
    // What is sent to the room and what is sent to the client may come in either order.
    let mut heard = [ann.recv_json().await.unwrap(), ann.recv_json().await.unwrap()];
    heard.sort_by_key(|heard| heard["type"].as_str().unwrap().to_owned());
    assert_eq!(
        heard,
        [
            json!({"type": "joined", "room": "tea", "messages": 0}),
            json!({"type": "presence", "user": "ann", "joined": 1})
        ]
    );
    ann.send_json(&json!({"action": "message", "text": "anybody?"})).await.unwrap();
    let said = json!({"type": "message", "number": 1, "from": "ann", "text": "anybody?"});
    assert_eq!(ann.recv_json().await.unwrap(), said);
    bob.send_json(&join("bob")).await.unwrap();
    let mut heard = [bob.recv_json().await.unwrap(), bob.recv_json().await.unwrap()];
    heard.sort_by_key(|heard| heard["type"].as_str().unwrap().to_owned());
    assert_eq!(heard[0], json!({"type": "joined", "room": "tea", "messages": 1}));
    assert_eq!(ann.recv_json().await.unwrap(), json!({"type": "presence", "user": "bob", "joined": 2}));
    bob.send_json(&json!({"action": "last"})).await.unwrap();
    assert_eq!(bob.recv_json().await.unwrap(), json!({"type": "last", "text": "anybody?"}));
    bob.send_json(&json!({"action": "leave"})).await.unwrap();
    assert_eq!(bob.recv_json().await.unwrap(), json!({"type": "left", "room": "tea"}));
    assert_eq!(bob.recv_close().await.unwrap().unwrap().code, 1000);
    assert_eq!(ann.recv_json().await.unwrap(), json!({"type": "presence", "user": "bob", "joined": 1}));
}

/// I02: counting in a room loses nothing, however many connections count at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counting_in_a_room_loses_nothing() {
    let server = answer(
        "
rules:
  - { match: ^count$, room: all, set_room: { n: '{{room.n + 1}}' }, response: '{{room.n}}' }",
    )
    .await;
    let server = Arc::new(server);
    let mut counting = JoinSet::new();
    for _ in 0..8 {
        let server = Arc::clone(&server);
        counting.spawn(async move {
            let mut client = client_saying(&server, &["count"; 50]).await;
            let mut last = 0;
            for _ in 0..50 {
                let n: u32 = client.recv_text().await.unwrap().parse().unwrap();
                assert!(n > last, "{n} behind {last}");
                last = n;
            }
            last
        });
    }
    assert_eq!(counting.join_all().await.into_iter().max(), Some(400));
}

const JSON_RULES: &str = "
rules:
  - { match: $.ping, response: pong }
  - { match: { json: { type: order } }, when: $.count > 0, response: ordered }";

/// I03: where every rule looks at JSON, text that is none gets an error, and the connection lives. Text that is JSON and
/// matches no rule, and binary messages, get no answer.
#[tokio::test]
async fn text_that_is_not_json_gets_an_error() {
    let server = answer(JSON_RULES).await;
    let mut client = server.connect("/ws").await.unwrap();
    for text in ["{", "", " ", "ping", "{\"ping\":1}}", "\u{feff}{}", "NaN"] {
        say(&mut client, text, &[r#"{"error":"Invalid JSON format"}"#]).await;
        client.send(Message::binary("{")).await.unwrap();
        say(&mut client, "{\"other\":1}", &[]).await;
        say(&mut client, "null", &[]).await;
        say(&mut client, r#"{"ping":null}"#, &["pong"]).await;
        say(&mut client, r#"{"type":"order","count":1}"#, &["ordered"]).await;
    }
    assert_eq!(scrape::value(&server, ERRORS), 0.0);
}

/// I03: what is answered can be said, also a close; braces in it are a template.
#[tokio::test]
async fn the_error_can_be_chosen() {
    let server =
        answer(&format!("invalid_json: {{ json: {{ bad: '{{{{connection.messages}}}}' }} }}{JSON_RULES}")).await;
    let mut client = server.connect("/ws").await.unwrap();
    say(&mut client, "{", &[r#"{"bad":1}"#]).await;
    say(&mut client, "{}", &[]).await;
    say(&mut client, "{", &[r#"{"bad":3}"#]).await;

    let server = answer(&format!("invalid_json: {{ text: bad, close: {{ code: 1007 }} }}{JSON_RULES}")).await;
    let mut client = client_saying(&server, &["{"]).await;
    hear(&mut client, &["bad"]).await;
    assert_eq!(client.recv_close().await.unwrap().unwrap().code, 1007);
}

/// Whoever wonders who refused a message finds it in the log, and what changes it.
#[tokio::test]
async fn the_log_says_why_text_is_refused() {
    for (require, why) in [
        ("", "all rules look at JSON (`require: anything` changes that)"),
        ("require: json", "the file says `require: json`"),
    ] {
        let log = LogLines::capture();
        let server = answer(&format!("{require}{JSON_RULES}")).await;
        let mut client = server.connect("/ws").await.unwrap();
        say(&mut client, "hi", &[r#"{"error":"Invalid JSON format"}"#]).await;
        let lines = log.with("refused");
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("DEBUG"), "{lines:?}");
        assert!(lines[0].contains(&format!("refused \"hi\": it is not JSON, and {why}")), "{lines:?}");
    }
}

/// I03: JSON is not required where a rule takes other text, nor where the file says so; and it is, whatever the rules look at,
/// where the file says that.
#[tokio::test]
async fn json_is_required_only_where_nothing_else_is_taken() {
    for rules in [
        format!("{JSON_RULES}\n  - {{ match: ^hello$, response: hi }}"),
        format!("{JSON_RULES}\n  - {{ priority: -1, when: false, response: anything }}"),
        format!("require: anything{JSON_RULES}"),
    ] {
        let server = answer(&rules).await;
        let mut client = client_saying(&server, &["{"]).await;
        say(&mut client, r#"{"ping":1}"#, &["pong"]).await;
    }
    let server = answer(&format!("require: json{JSON_RULES}\n  - {{ match: ^1, response: one }}")).await;
    let mut client = client_saying(&server, &["1 and"]).await;
    hear(&mut client, &[r#"{"error":"Invalid JSON format"}"#]).await;
    say(&mut client, "11", &["one"]).await;
}

/// A delayed answer holds up nothing, the answers to one message keep their order, and a close comes behind them.
#[tokio::test]
async fn delays_keep_the_order_of_one_message() {
    let server = answer(
        "
rules:
  - { match: ^quick$, response: quick }
  - match: ^slow$
    response: [first, { text: '200 ms', delay_ms: 200 }, and, { text: '300 ms', delay_ms: 100 }]
  - match: ^bye$
    response: [{ text: '100 ms', delay_ms: 100 }, bye]
    close: { code: 4000, reason: as you wish }",
    )
    .await;
    let mut client = client_saying(&server, &["slow", "quick"]).await;
    hear(&mut client, &["first", "quick", "200 ms", "and", "300 ms"]).await;
    let mut client = client_saying(&server, &["slow", "bye", "quick", "slow"]).await;
    hear(&mut client, &["first", "quick", "first", "100 ms", "bye"]).await;
    assert_eq!(client.recv_close().await.unwrap(), Some(CloseFrame::new(4000, "as you wish").unwrap()));
    // What was still to come has gone with the connection.
    assert_eq!(client.recv().await.unwrap(), None);
}

/// B01: a client that reads slowly gets the answers to one message in their order, too, though the time of the last one has
/// come long before there was room for the others.
#[tokio::test]
async fn a_slow_reader_changes_no_order() {
    let answers: Vec<_> = (0..300).map(|n| format!("'{n} {{{{request.ws.message}}}}'")).collect();
    let last = "{ text: '300 last', delay_ms: 1, close: true }";
    let server = answer(&format!("rules: [{{ response: [{}, {last}] }}]", answers.join(", "))).await;
    let mut client = client_saying(&server, &[&"x".repeat(200_000)]).await;
    // 60 MB are more than what queues and buffers of the system take.
    eventually("some was sent", || scrape::value(&server, SENT) > 10.0).await;
    for n in 0..=300 {
        assert_eq!(client.recv_text().await.unwrap().split(' ').next(), Some(n.to_string().as_str()));
    }
    assert_eq!(client.recv_close().await.unwrap().unwrap().code, 1000);
}

/// M09: with a seed, two runs give the same bytes, whatever else was asked in between and in whatever order connections of
/// different paths come.
#[tokio::test]
async fn a_seed_repeats_what_is_random() {
    const RULES: &str = "
rules:
  - { match: ^id$, response: '{{uuid}} {{now}} {{randInt 1 1000000}} {{connection.number}}' }
  - { match: ^roll$, choose: random, responses: ['1', '2', '3', '4', '5', '6', '7', '8', '9'] }
  - { match: ^load$, choose: weighted, responses: [{ text: 'ok {{faker.name}}', weight: 3 }, { text: '{{rand.float}}' }] }
  - { match: ^later$, response: { text: '{{now}} {{uuid}}', delay_ms: 20 } }
  - { match: ^noise$, response: '{{uuid}}' }
machines:
  clock: { initial: a, states: { a: { on: { match: ^tick$, response: 'tick {{randInt 1 1000000}}' } } } }";
    async fn transcript(server: &TestServer, path: &str, noise: usize) -> String {
        let mut client = server.connect(path).await.unwrap();
        let mut texts = Vec::new();
        for text in ["id", "roll", "load", "roll", "later", "tick", "roll", "id", "load", "roll", "tick"] {
            for _ in 0..noise {
                client.send_text("noise").await.unwrap();
                client.recv_text().await.unwrap();
            }
            client.send_text(text).await.unwrap();
            texts.push(client.recv_text().await.unwrap());
        }
        texts.join("\n")
    }
    async fn run(seed: u64, noise: usize, order: [&str; 4]) -> Vec<(String, String)> {
        // Each file has random values of its own, by its name.
        let folder = tempdir().unwrap();
        let file = folder.path().join("rules.yaml");
        std::fs::write(&file, RULES).unwrap();
        let config = WsConfig { seed: Some(seed), rules_file: Some(file), ..WsConfig::default() };
        let server = serve(WsServer::builder().config(config)).await;
        let mut transcripts = Vec::new();
        for path in order {
            transcripts.push((path.to_owned(), transcript(&server, path, noise).await));
        }
        transcripts.sort_by(|(path, _), (other, _)| path.cmp(other));
        transcripts
    }
    let first = run(7, 0, ["/ws", "/ws/b", "/ws", "/ws/b"]).await;
    assert_eq!(first, run(7, 2, ["/ws/b", "/ws/b", "/ws", "/ws"]).await);
    for (number, (_, transcript)) in first.iter().enumerate() {
        assert!(transcript.contains("2024-01-01T00:00:00.020Z"), "{transcript}");
        let answers: Vec<_> = transcript.lines().collect();
        assert!(answers[0] != answers[7] && answers[5] != answers[10], "{transcript}");
        assert!(first[..number].iter().all(|(_, earlier)| earlier != transcript));
    }
    let other = run(8, 0, ["/ws", "/ws/b", "/ws", "/ws/b"]).await;
    assert!(first.iter().zip(&other).all(|(one, other)| one.1 != other.1));
}

/// O02: answers and broadcasts of rules are counted exactly, each frame once.
#[tokio::test]
async fn rules_are_counted_exactly() {
    let server = answer(
        "
rules:
  - { match: ^join$, join: all, response: joined }
  - { match: ^all$, room: all, response: { text: hello, to: room } }
  - { match: ^three$, response: [a, { text: b, delay_ms: 5 }, { binary: AA== }] }",
    )
    .await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = client_saying(&server, &["nobody answers"]).await;
        say(&mut client, "join", &["joined"]).await;
        clients.push(client);
    }
    say(&mut clients[0], "all", &[]).await;
    for client in &mut clients {
        hear(client, &["hello"]).await;
    }
    say(&mut clients[1], "three", &["a", "b"]).await;
    assert_eq!(clients[1].recv_binary().await.unwrap(), [0]);
    for client in clients {
        client.close(1000, "").await.unwrap();
    }
    all_ended(&server).await;
    assert_eq!((scrape::value(&server, RECEIVED), scrape::value(&server, SENT)), (8.0, 9.0));
    assert_eq!((ended_with(&server, "client_close"), scrape::value(&server, ERRORS)), (3.0, 0.0));
}

/// What no rule takes is told with the rules that came nearest, at debug and to who asks the server. Pings are never told.
#[tokio::test]
async fn what_no_rule_takes_is_told_with_the_nearest() {
    let log = LogLines::capture();
    let server = answer(
        "
rules:
  - { name: order, match: { json: { type: order } }, when: $.count > 0, response: ok }
  - { name: greet, match: ^hello$, response: hi }
  - { match: { type: binary }, response: binary }",
    )
    .await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send(Message::Ping(vec![1].into())).await.unwrap();
    client.send(Message::Pong(vec![1].into())).await.unwrap();
    for text in
        [r#"{"type":"ordr","count":1}"#, r#"{"type":"order","count":0}"#, "helo", r#"{"type":"order","count":1}"#]
    {
        client.send_text(text).await.unwrap();
    }
    hear(&mut client, &["ok"]).await;
    let unmatched = server.handle().unwrap().unmatched();
    let told: Vec<_> = unmatched
        .iter()
        .map(|it| (it.unmatched.message.as_text().unwrap(), &it.unmatched.near_misses[0]))
        .map(|(text, miss)| (text.to_owned(), miss.expected_by.clone(), miss.difference.clone()))
        .collect();
    let texts: Vec<_> = told.iter().map(|(text, ..)| text.as_str()).collect();
    assert_eq!(texts, [r#"{"type":"ordr","count":1}"#, r#"{"type":"order","count":0}"#, "helo"]);
    for ((_, by, difference), (name, expected)) in told.iter().zip([
        (":3: order", "`$.type`: expected \"order\", found \"ordr\""),
        (":3: order", "`when`: `$.count > 0` does not hold"),
        (":4: greet", "`hello`"),
    ]) {
        assert!(by.ends_with(name), "{by}: {difference}");
        assert!(difference.contains(expected), "{difference}");
    }
    assert!(log.with("nothing matches").iter().all(|line| line.contains("DEBUG")));
    assert_eq!(log.with("nothing matches").len(), 3);
    assert!(log.with("nothing matches \"helo\"").len() == 1 && !log.with(":4: greet: ").is_empty());
}

/// A client that floods with what no rule takes fills nothing: a bounded number of its messages is kept, and the connection
/// goes on.
#[tokio::test]
async fn a_flood_of_what_nobody_takes_is_bounded() {
    let server =
        answer("rules: [{ match: { json: { type: order } }, response: ok }, { match: '^end$', response: end }]").await;
    let mut client = server.connect("/ws").await.unwrap();
    let padding = "x".repeat(50_000);
    for n in 0..600 {
        client.send_text(&format!(r#"{{"type":"ordr {padding}","n":{n}}}"#)).await.unwrap();
    }
    say(&mut client, "end", &["end"]).await;
    let unmatched = server.handle().unwrap().unmatched();
    let bytes: usize = unmatched.iter().map(|it| it.unmatched.message.len()).sum();
    assert!((50..256).contains(&unmatched.len()) && bytes <= 4 * 1024 * 1024, "{} with {bytes}", unmatched.len());
    assert!(unmatched.last().unwrap().unmatched.message.as_text().unwrap().ends_with(r#""n":599}"#));
    let told = |it: &UnmatchedMessage| it.unmatched.near_misses.iter().all(|miss| miss.difference.len() < 500);
    assert!(unmatched.iter().all(told));
    assert!(unmatched.iter().all(|it| it.unmatched.near_misses.len() <= 5));
}

/// A binary message that no rule takes is told, too.
#[tokio::test]
async fn binary_messages_that_nobody_takes_are_told() {
    let server = answer("rules: [{ match: a, response: b }]").await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send(Message::binary(vec![1, 2])).await.unwrap();
    say(&mut client, "a", &["b"]).await;
    let unmatched = server.handle().unwrap().unmatched();
    assert_eq!(unmatched.len(), 1);
    assert_eq!(unmatched[0].unmatched.message, Message::binary(vec![1, 2]));
}

/// A client whose delayed answers have become too many is not read on, but may leave at any time, and its pings are answered.
#[tokio::test]
async fn a_client_that_is_held_up_may_leave() {
    let server = answer("rules: [{ response: ['{{connection.messages}}', { text: never, delay_ms: 3600000 }] }]").await;
    let mut client = client_saying(&server, &["x"; 1030]).await;
    for n in 1..=1024 {
        hear(&mut client, &[&n.to_string()]).await;
    }
    client.send(Message::Ping(vec![1].into())).await.unwrap();
    assert_eq!(client.recv().await.unwrap(), Some(Message::Pong(vec![1].into())));
    assert_eq!(client.close(4001, "").await.unwrap().unwrap().code, 4001);
    all_ended(&server).await;
    assert_eq!(ended_with(&server, "client_close"), 1.0);
}

/// O03, R07: connections with timers, answers that are not due and rooms leave nothing behind, however they end.
#[tokio::test]
async fn a_thousand_connections_leave_nothing_behind() {
    const BATCH: usize = 250;
    let rooms = RoomManager::new();
    let server = answer_with(
        WsServer::builder().rooms(rooms.clone()),
        WsConfig::default(),
        "
rules:
  - match: ^begin$
    join: [all, 'room {{connection.number}}']
    room: all
    set_room: { begun: '{{room.begun + 1}}' }
    response: [begun, { text: never, delay_ms: 3600000, to: room }]
  - { match: ^bye$, close: { code: 4000 } }
machines:
  m: { initial: a, states: { a: { after: { ms: 20, to: b } }, b: { after: [{ ms: 20, to: a }, { ms: 3600000, to: a }] } } }
correlations:
  - { name: never, first: ^begin$, then: never, within: 1h }
  - { name: silent, absent: ^x$, within: 30ms }",
    )
    .await;
    let tasks = Handle::current().metrics().num_alive_tasks();
    for _ in 0..4 {
        let mut clients = Vec::new();
        for n in 0..BATCH {
            match n % 3 {
                0 => {
                    let mut raw = RawClient::open(server.address(), "/ws").await;
                    raw.send(Frame::text("begin")).await;
                    assert_eq!(raw.recv().await.unwrap().payload, b"begun");
                    raw.reset();
                }
                _ => {
                    let mut client = client_saying(&server, &["begin"]).await;
                    hear(&mut client, &["begun"]).await;
                    clients.push(client);
                }
            }
        }
        for (n, mut client) in clients.into_iter().enumerate() {
            match n % 3 {
                0 => {
                    client.send_text("bye").await.unwrap();
                    assert_eq!(client.recv_close().await.unwrap().unwrap().code, 4000);
                }
                1 => drop(client.close(1000, "").await.unwrap()),
                _ => drop(client),
            }
        }
        all_ended(&server).await;
        eventually("no task is left", || Handle::current().metrics().num_alive_tasks() == tasks).await;
    }
    let stats = rooms.stats();
    assert_eq!((stats.rooms, stats.connections), (0, 0));
}
