//! Beginning a test anew, and ending it.

use std::time::Duration;

use tokio::time::timeout;
use ws_core::close_code;
use ws_server::{WsConfig, WsServer};

use super::{closed, connect_to, in_a_room, refused, saying, serve_config, test};
use crate::eventually::eventually;
use crate::programmed::Programmed;
use crate::raw_client::{Frame, RawClient};
use crate::reloading::{Files, PATIENCE};
use crate::scrape::{ACTIVE, SENT, all_ended, ended_with, value};
use crate::serving::serve;
use crate::talking::{hear, say};

/// After a reset nothing is left of the test: no upload, no count, no memory, no member of a room. The other tests go on.
#[tokio::test]
async fn a_reset_leaves_nothing() {
    let files = Files::new();
    let counting = "rules: [{ match: ^n$, room: all, set_room: { n: '{{room.n + 1}}' }, response: '{{room.n}}' }]";
    let numbers = files.write("n.jsonl", r#"{"text":"{{connection.number}}"}"#);
    let server = serve_config(serde_json::json!({ "paths": [
        { "path": "/ws/counting", "rules_file": files.write("counting.yaml", counting) },
        { "path": "/ws/numbers", "replay_file": numbers },
    ] }))
    .await;
    let mut open = Vec::new();
    for id in ["t", "other"] {
        let mut client = connect_to(&server, id, "/ws/counting").await;
        say(&mut client, "n", &["1"]).await;
        hear(&mut connect_to(&server, id, "/ws/numbers").await, &["1"]).await;
        test(&server, id).upload_rules(&saying(id)).unwrap();
        open.push(client);
    }
    test(&server, "t").reset();
    let frame = closed(&mut open[0]).await;
    assert_eq!((frame.code, &*frame.reason), (close_code::SERVICE_RESTART, "the test was reset"));
    let mut again = connect_to(&server, "t", "/ws/counting").await;
    say(&mut again, "n", &["1"]).await;
    hear(&mut connect_to(&server, "t", "/ws/numbers").await, &["1"]).await;
    say(&mut connect_to(&server, "t", "/ws").await, "who", &["echo: who"]).await;
    say(&mut open[1], "n", &["2"]).await;
    say(&mut open[1], "who", &["other"]).await;
    hear(&mut connect_to(&server, "other", "/ws/numbers").await, &["2"]).await;
}

/// Who is closed by a reset is not in the rooms that those find who come after it.
#[tokio::test]
async fn rooms_are_empty_after_a_reset() {
    let server = serve(WsServer::builder().handler(in_a_room())).await;
    let mut old = Vec::new();
    for _ in 0..3 {
        old.push(connect_to(&server, "t", "/ws").await);
    }
    say(&mut old[0], "members", &["3"]).await;
    test(&server, "t").reset();
    say(&mut connect_to(&server, "t", "/ws").await, "members", &["1"]).await;
    for client in &mut old {
        assert_eq!(closed(client).await.code, close_code::SERVICE_RESTART);
    }
}

/// The end of a test closes its connections, politely, and nobody else's; what is uploaded under the same id after that is
/// for another test.
#[tokio::test]
async fn the_end_closes_its_connections() {
    let server = serve(WsServer::builder()).await;
    test(&server, "t").upload_rules(&saying("uploaded")).unwrap();
    let mut mine = connect_to(&server, "t", "/ws").await;
    let mut other = connect_to(&server, "other", "/ws").await;
    let mut plain = server.connect("/ws").await.unwrap();
    say(&mut mine, "who", &["uploaded"]).await;
    let leaving = async {
        let frame = closed(&mut mine).await;
        assert_eq!((frame.code, &*frame.reason), (close_code::GOING_AWAY, "the test ended"));
    };
    tokio::join!(test(&server, "t").end(), leaving);
    assert_eq!(value(&server, ACTIVE), 2.0);
    let mut again = connect_to(&server, "t", "/ws").await;
    say(&mut again, "who", &["echo: who"]).await;
    say(&mut other, "who", &["echo: who"]).await;
    say(&mut plain, "who", &["echo: who"]).await;
    for client in [again, other, plain] {
        client.close(1000, "").await.unwrap();
    }
    all_ended(&server).await;
    assert_eq!(ended_with(&server, "normal"), 1.0);
}

/// A client that does not answer the Close frame is cut off in the end; until then, nobody gets in under the same id.
#[tokio::test]
async fn who_does_not_close_is_cut_off() {
    let config = WsConfig { close_timeout: Duration::from_millis(300), ..WsConfig::default() };
    let server = serve(WsServer::builder().config(config)).await;
    let mut stubborn = RawClient::open(server.address(), "/ws?mockforge-test=t").await;
    let ending = test(&server, "t").end();
    let looking = async {
        assert_eq!(stubborn.recv_close().await, Some(close_code::GOING_AWAY));
        let problem = refused(&server, "t", "/ws").await;
        assert!(problem.contains("503"), "{problem}");
    };
    tokio::join!(ending, looking);
    assert_eq!(stubborn.recv().await, None);
    say(&mut connect_to(&server, "t", "/ws").await, "x", &["echo: x"]).await;
}

/// The end waits for those who close, and not any longer; who is flooded is closed ahead of what waits for it.
#[tokio::test]
async fn the_end_comes_when_the_last_has_left() {
    let config = WsConfig { close_timeout: Duration::from_secs(3_600), ..WsConfig::default() };
    let flooding = Programmed::new().on_message(|ctx, _| {
        Box::pin(async move {
            loop {
                ctx.send_text(&"x".repeat(100_000)).await?;
            }
        })
    });
    let server = serve(WsServer::builder().config(config).handler(flooding)).await;
    let mut flooded = connect_to(&server, "t", "/ws").await;
    flooded.send_text("flood").await.unwrap();
    eventually("it is flooded", || value(&server, SENT) > 20.0).await;
    let ending = timeout(PATIENCE, test(&server, "t").end());
    let leaving = async move { while flooded.recv_text().await.is_ok() {} };
    let (ended, ()) = tokio::join!(ending, leaving);
    ended.expect("it has ended");
    assert_eq!(value(&server, ACTIVE), 0.0);
}

/// A client that reads nothing does not get the Close frame, and is cut off all the same.
#[tokio::test]
async fn who_does_not_read_is_cut_off() {
    let config = WsConfig { raw_echo: true, close_timeout: Duration::from_millis(300), ..WsConfig::default() };
    let server = serve(WsServer::builder().config(config)).await;
    let mut deaf = RawClient::open(server.address(), "/ws?mockforge-test=t").await;
    deaf.send(Frame::new(Frame::BINARY, vec![0; 15_000_000])).await;
    deaf.take(1).await.expect("the beginning of the answer");
    timeout(PATIENCE, test(&server, "t").end()).await.expect("it has ended");
    assert_eq!(value(&server, ACTIVE), 0.0);
}

/// However handshakes and ends of tests meet, no connection is left in a test that has ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_connection_outlives_its_test() {
    let server = std::sync::Arc::new(serve(WsServer::builder()).await);
    let connecting = tokio::spawn({
        let server = std::sync::Arc::clone(&server);
        async move {
            for _ in 0..100 {
                let client = ws_testing::TestClient::builder().patience(crate::reloading::PATIENCE);
                let client = client.header("x-mockforge-test", "t").connect(&server.url()).await;
                // A handshake while the last test is ending is refused.
                let Ok(mut client) = client else { continue };
                assert_eq!(closed(&mut client).await.code, close_code::GOING_AWAY);
            }
        }
    });
    while !connecting.is_finished() {
        test(&server, "t").end().await;
    }
    connecting.await.unwrap();
    all_ended(&server).await;
}
