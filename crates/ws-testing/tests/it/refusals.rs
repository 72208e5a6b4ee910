//! What a client is told when it is not let in.

use axum::Router;
use axum::http::StatusCode;
use ws_server::{WsServer, router};
use ws_testing::{ClientError, TestServer};

/// The text of a server stands behind a colon; where there is none, there is no colon.
#[tokio::test]
async fn a_refusal_has_the_text_of_the_server() {
    let server = TestServer::start(WsServer::builder().build().expect("a server")).await;
    let error = server.connect("/chat").await.expect_err("a refusal");
    let expected = "the handshake was refused with HTTP 404 Not Found: There is nothing at /chat. \
                    WebSockets are at /ws and /ws/...";
    assert_eq!(error.to_string(), expected);
    let ClientError::Refused { status, body } = error else { panic!("{error:?}") };
    assert_eq!((status, body.lines().count()), (StatusCode::NOT_FOUND, 1));

    for router in [router(), Router::new().fallback(async || (StatusCode::NOT_FOUND, "\n"))] {
        let server = TestServer::new(router).await;
        let error = server.connect("/chat").await.expect_err("a refusal");
        assert_eq!(error.to_string(), "the handshake was refused with HTTP 404 Not Found");
    }
}
