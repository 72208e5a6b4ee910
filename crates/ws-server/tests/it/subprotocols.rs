//! Z05: handlers of one subprotocol each, and clients that speak another.

use http::StatusCode;
use ws_core::{HandshakeDecision, Refusal, for_subprotocol};
use ws_server::{Subprotocols, WsConfig, WsServer};
use ws_testing::{ClientError, TestClient, TestServer};

use crate::journal::Journal;
use crate::programmed::Programmed;
use crate::serving::serve;

const NEW: &str = "graphql-transport-ws";
const OLD: &str = "graphql-ws";

async fn offering(server: &TestServer, offered: &str) -> Result<TestClient, ClientError> {
    TestClient::builder().subprotocols(offered).connect(&server.url()).await
}

/// Each protocol has its handler, which takes part in its own connections only; what nobody speaks is refused.
#[tokio::test]
async fn each_subprotocol_has_its_handler() {
    let journal = Journal::default();
    let speaking = |name: &'static str, tag: &'static str| {
        let noting = journal.clone();
        let handler = Programmed::new().answering(tag).welcoming(name).on_disconnect(move |_| {
            noting.note(format!("gone: {name}"));
            Box::pin(async { Ok(()) })
        });
        for_subprotocol(name, handler)
    };
    let known = vec![NEW.to_owned(), OLD.to_owned()];
    let config = WsConfig { subprotocols: Subprotocols::Require(known), ..WsConfig::default() };
    let builder = WsServer::builder().config(config).handler(speaking(NEW, "new: ")).handler(speaking(OLD, "old: "));
    let server = serve(builder).await;
    // Where several are offered, the first one registered is chosen.
    for (offered, chosen, answer) in
        [(NEW, NEW, "new: x"), (OLD, OLD, "old: x"), ("graphql-ws, graphql-transport-ws", NEW, "new: x")]
    {
        let mut client = offering(&server, offered).await.unwrap();
        assert_eq!(client.subprotocol(), Some(chosen), "{offered}");
        client.send_text("x").await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), chosen);
        assert_eq!(client.recv_text().await.unwrap(), answer);
        let gone = format!("gone: {chosen}");
        let before = journal.count(&gone);
        client.close(1000, "").await.unwrap();
        crate::eventually::eventually(&gone, || journal.count(&gone) == before + 1).await;
    }
    assert_eq!(journal.events().len(), 3);
    for unknown in ["soap", "GRAPHQL-WS", "graphql-ws2, mqtt"] {
        match offering(&server, unknown).await {
            Err(ClientError::Refused { status, body }) => {
                assert_eq!(status, StatusCode::BAD_REQUEST);
                assert!(body.contains(NEW) && body.contains(OLD), "{body}");
            }
            other => panic!("{unknown}: {other:?}"),
        }
    }
}

/// Z05: the server takes what it knows of what is offered, in the client's order.
#[tokio::test]
async fn the_server_chooses_what_it_knows() {
    let config = |rule: fn(Vec<String>) -> Subprotocols| WsConfig {
        subprotocols: rule(vec!["b".to_owned()]),
        ..WsConfig::default()
    };
    let server = serve(WsServer::builder().config(config(Subprotocols::Among))).await;
    assert_eq!(offering(&server, "a, b").await.unwrap().subprotocol(), Some("b"));
    // The client takes a server that chooses none of its subprotocols for one that speaks none of them.
    assert!(matches!(offering(&server, "a, c").await, Err(ClientError::Failed(_))));
    let server = serve(WsServer::builder().config(config(Subprotocols::Require))).await;
    assert!(matches!(offering(&server, "a, c").await, Err(ClientError::Refused { .. })));
    assert_eq!(server.connect("/ws").await.unwrap().subprotocol(), None);
}

/// The handler of a subprotocol may refuse a handshake, and chooses neither for other paths nor for other protocols.
#[tokio::test]
async fn the_handler_of_a_subprotocol_may_refuse() {
    let picky = Programmed::at("/ws").on_handshake(|handshake| match handshake.query_param("token") {
        Some(_) => Ok(HandshakeDecision::Pass),
        None => Ok(Refusal::new(StatusCode::UNAUTHORIZED).into()),
    });
    let server = serve(WsServer::builder().handler(for_subprotocol(NEW, picky.answering("picky: ")))).await;
    let connect = async |path: &str, offered: &str| {
        TestClient::builder().subprotocols(offered).connect(&server.url_of(path)).await
    };
    assert!(matches!(connect("/ws", NEW).await, Err(ClientError::Refused { status: StatusCode::UNAUTHORIZED, .. })));
    assert_eq!(connect("/ws?token=1", NEW).await.unwrap().subprotocol(), Some(NEW));
    assert_eq!(connect("/ws", OLD).await.unwrap().subprotocol(), Some(OLD));
    let mut elsewhere = connect("/ws/other", NEW).await.unwrap();
    elsewhere.send_text("x").await.unwrap();
    assert_eq!(elsewhere.recv_text().await.unwrap(), "echo: x");
}
