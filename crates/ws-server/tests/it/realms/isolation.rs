//! What each test has for itself, and what all have in common.

use std::sync::Arc;

use serde_json::json;
use ws_rooms::RoomManager;
use ws_server::WsServer;

use super::{connect_to, in_a_room, refused, saying, serve_config, test};
use crate::reloading::{Files, Live, ping};
use crate::serving::serve;
use crate::talking::{hear, say};

/// Rooms of one name are others in each test, whether the server keeps them or the embedder; handlers know the test.
#[tokio::test]
async fn rooms_are_apart() {
    let given = RoomManager::new();
    let builders = [WsServer::builder(), WsServer::builder().rooms(given.clone())];
    for builder in builders {
        let server = serve(builder.handler(in_a_room())).await;
        let mut plain = server.connect("/ws").await.unwrap();
        let mut first = connect_to(&server, "first", "/ws").await;
        let mut second = connect_to(&server, "second", "/ws").await;
        let mut also_second = connect_to(&server, "second", "/ws").await;
        for (client, name, members) in
            [(&mut plain, "none", "1"), (&mut first, "first", "1"), (&mut second, "second", "2")]
        {
            say(client, "who", &[name]).await;
            say(client, "members", &[members]).await;
        }
        say(&mut second, "to the second", &["to the second"]).await;
        hear(&mut also_second, &["to the second"]).await;
        // What they hear first is their own word: the other test's would have come before.
        say(&mut plain, "to nobody's", &["to nobody's"]).await;
        say(&mut first, "to the first", &["to the first"]).await;
    }
}

/// What rooms remember, the numbers of connections, and the handshakes that conditions and rules for handshakes have counted:
/// each test has its own.
#[tokio::test]
async fn what_is_counted_and_remembered_is_apart() {
    let files = Files::new();
    let counting = "rules: [{ match: ^n$, room: all, set_room: { n: '{{room.n + 1}}' }, response: '{{room.n}}' }]";
    let server = serve_config(json!({
        "seed": 7,
        "paths": [
            { "path": "/ws/counting", "rules_file": files.write("counting.yaml", counting) },
            { "path": "/ws/numbers", "replay_file": files.write("n.jsonl", r#"{"text":"{{connection.number}} {{uuid}}"}"#) },
            { "path": "/ws/second", "handshake": [{ "connections": 2, "refuse": { "status": 429 } }] },
            { "path": "/ws/flaky", "conditions": { "faults": [{ "fault": "refuse", "status": 502, "connections": 2 }] } },
        ],
    }))
    .await;
    let mut plain = server.connect("/ws/counting").await.unwrap();
    say(&mut plain, "n", &["1"]).await;
    say(&mut plain, "n", &["2"]).await;
    let number = server.connect("/ws/numbers").await.unwrap().recv_text().await.unwrap();
    assert!(number.starts_with("1 "), "{number}");
    for id in ["first", "second"] {
        let mut counting = connect_to(&server, id, "/ws/counting").await;
        say(&mut counting, "n", &["1"]).await;
        // The same seed gives each test the same values, as if it were alone.
        assert_eq!(connect_to(&server, id, "/ws/numbers").await.recv_text().await.unwrap(), number);
        for (path, status) in [("/ws/second", "429"), ("/ws/flaky", "502")] {
            connect_to(&server, id, path).await;
            let problem = refused(&server, id, path).await;
            assert!(problem.contains(status), "{path}: {problem}");
        }
    }
    // Nor have they counted for the connections of no test.
    say(&mut plain, "n", &["3"]).await;
    let again = server.connect("/ws/numbers").await.unwrap().recv_text().await.unwrap();
    assert!(again.starts_with("2 "), "{again}");
    for (path, status) in [("/ws/second", "429"), ("/ws/flaky", "502")] {
        server.connect(path).await.unwrap();
        let problem = server.connect(path).await.unwrap_err().to_string();
        assert!(problem.contains(status), "{path}: {problem}");
    }
}

/// 50 tests at once, each with rules of its own: nobody hears another's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tests_run_at_once() {
    let server = Arc::new(serve(WsServer::builder()).await);
    let mut running = tokio::task::JoinSet::new();
    for n in 0..50 {
        let server = Arc::clone(&server);
        running.spawn(async move {
            let id = format!("test-{n}");
            let mut early = connect_to(&server, &id, "/ws/early").await;
            say(&mut early, "who", &["echo: who"]).await;
            let applied = test(&server, &id).upload_rules(&saying(&id)).unwrap();
            assert_eq!((applied.entries, applied.open_connections), (1, 1));
            for round in 0..5 {
                let mut client = connect_to(&server, &id, &format!("/ws/{round}")).await;
                for _ in 0..5 {
                    say(&mut client, "who", &[&id]).await;
                    say(&mut early, "who", &[&id]).await;
                }
            }
            tokio::join!(test(&server, &id).end(), async { assert_eq!(super::closed(&mut early).await.code, 1001) });
        });
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
    let mut plain = server.connect("/ws").await.unwrap();
    say(&mut plain, "who", &["echo: who"]).await;
}

/// A reload reaches all tests, those with uploads as well, and what did not change goes on counting in each.
#[tokio::test]
async fn a_reload_reaches_every_test() {
    let files = Files::new();
    let counting = "rules: [{ match: ^n$, room: all, set_room: { n: '{{room.n + 1}}' }, response: '{{room.n}}' }]";
    let counting = files.write("counting.yaml", counting);
    let other = |text: &str| files.write("other.yaml", &format!("rules: [{{ match: ^x$, response: {text} }}]"));
    let config = json!({ "paths": [
        { "path": "/ws/counting", "rules_file": counting },
        { "path": "/ws/other", "rules_file": other("old") },
    ] });
    let live = Live::start(config.clone()).await;
    test(&live.server, "with-rules").upload_rules(&saying("uploaded")).unwrap();
    let mut clients = Vec::new();
    for id in ["plain", "with-rules"] {
        let mut counting = connect_to(&live.server, id, "/ws/counting").await;
        let mut other = connect_to(&live.server, id, "/ws/other").await;
        say(&mut counting, "n", &["1"]).await;
        say(&mut other, "x", &["old"]).await;
        clients.push((counting, other));
    }
    other("new");
    live.reload().await.unwrap();
    for (counting, other) in &mut clients {
        say(other, "x", &["new"]).await;
        say(counting, "n", &["2"]).await;
    }
    // A test that begins now has the new version, too, and uploads are still there.
    let mut late = connect_to(&live.server, "late", "/ws/other").await;
    say(&mut late, "x", &["new"]).await;
    say(&mut clients[1].1, "who", &["uploaded"]).await;
    let mut without = connect_to(&live.server, "plain", "/ws/other").await;
    without.send_text("who").await.unwrap();
    ping(&mut without).await;
}

/// A limit of the whole server counts the messages of all tests.
#[tokio::test]
async fn the_limit_of_the_server_is_shared() {
    let limit = json!({ "server_rate_limit": { "messages": 2, "per_ms": 3_600_000, "over": "close" } });
    let server = serve_config(limit).await;
    let mut first = connect_to(&server, "first", "/ws").await;
    let mut second = connect_to(&server, "second", "/ws").await;
    say(&mut first, "1", &["echo: 1"]).await;
    say(&mut second, "2", &["echo: 2"]).await;
    first.send_text("3").await.unwrap();
    assert_eq!(super::closed(&mut first).await.code, 1008);
}
