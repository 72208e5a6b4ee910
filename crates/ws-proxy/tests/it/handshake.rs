//! Y02: what of a handshake goes up, and what of the answer comes down.

use http::{HeaderValue, StatusCode, header};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::server::Response;
use ws_core::Message;
use ws_proxy::{ProxyRule, WsProxyConfig, WsProxyHandler};
use ws_testing::{ClientError, TestClient};

use crate::serving::{config, proxy_to, serve_handler};
use crate::upstream::{TestUpstream, echo};

/// Chooses the subprotocol `b`, and sets cookies.
fn choose_b(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("b"));
    headers.append(header::SET_COOKIE, HeaderValue::from_static("one=1"));
    headers.append(header::SET_COOKIE, HeaderValue::from_static("two=2"));
    response
}

#[tokio::test]
async fn what_the_client_says_goes_up_and_the_answer_comes_down() {
    let upstream = TestUpstream::answering(|_, response| Ok(choose_b(response)), echo).await;
    let server = proxy_to(format!("{}/feed?key=1", upstream.url())).await;

    let mut request = server.url_of("/ws/rooms/a%20b?x=1&y=%2F").into_client_request().unwrap();
    for (name, value) in [
        ("authorization", "Bearer secret"),
        ("cookie", "session=7; theme=dark"),
        ("origin", "http://localhost:5173"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("user-agent", "test/1"),
        ("x-own", "one"),
        ("x-own", "two"),
        ("sec-websocket-protocol", "a, b"),
        ("sec-websocket-extensions", "permessage-deflate"),
        ("proxy-authorization", "secret"),
    ] {
        let name: header::HeaderName = name.parse().unwrap();
        request.headers_mut().append(name, HeaderValue::from_static(value));
    }
    let (_client, response) = tokio_tungstenite::connect_async(request).await.unwrap();
    assert_eq!(response.headers()[header::SEC_WEBSOCKET_PROTOCOL], "b");
    let cookies: Vec<_> = response.headers().get_all(header::SET_COOKIE).iter().collect();
    assert_eq!(cookies, ["one=1", "two=2"]);

    let handshakes = upstream.handshakes();
    let [seen] = &handshakes[..] else { panic!("one handshake, not {handshakes:?}") };
    assert_eq!(seen.target, "/feed/rooms/a%20b?key=1&x=1&y=%2F");
    assert_eq!(seen.all("authorization"), ["Bearer secret"]);
    assert_eq!(seen.all("cookie"), ["session=7; theme=dark"]);
    assert_eq!(seen.all("origin"), ["http://localhost:5173"]);
    assert_eq!(seen.all("traceparent"), ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"]);
    assert_eq!(seen.all("user-agent"), ["test/1"]);
    assert_eq!(seen.all("x-own"), ["one", "two"]);
    assert_eq!(seen.all("sec-websocket-protocol"), ["a, b"]);
    assert_eq!(seen.all("host"), [upstream.address().to_string()]);
    assert_eq!(seen.all("sec-websocket-extensions"), [""; 0]);
    assert_eq!(seen.all("proxy-authorization"), [""; 0]);
}

#[tokio::test]
async fn an_upstream_that_chooses_no_subprotocol_is_taken_at_its_word() {
    let upstream = TestUpstream::echo().await;
    let server = proxy_to(upstream.url()).await;
    let mut request = server.url().into_client_request().unwrap();
    request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("a, b"));
    // This client takes it for an error that none of its subprotocols was chosen; that it says so is the proof.
    let error = tokio_tungstenite::connect_async(request).await.unwrap_err();
    assert!(error.to_string().contains("no subprotocol"), "{error}");
    assert_eq!(upstream.handshakes()[0].all("sec-websocket-protocol"), ["a, b"]);
}

#[tokio::test]
async fn an_upstream_that_chooses_what_was_not_offered_is_refused() {
    let upstream = TestUpstream::answering(|_, response| Ok(choose_b(response)), echo).await;
    let server = proxy_to(upstream.url()).await;
    let error = server.connect("/ws").await.unwrap_err();
    let ClientError::Refused { status, body } = error else { panic!("{error:?}") };
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert!(body.contains("`b`, which was not offered"), "{body}");
}

#[tokio::test]
async fn an_extension_that_nobody_offered_is_refused() {
    let upstream = TestUpstream::answering(
        |_, mut response| {
            let extension = HeaderValue::from_static("permessage-deflate");
            response.headers_mut().insert(header::SEC_WEBSOCKET_EXTENSIONS, extension);
            Ok(response)
        },
        echo,
    )
    .await;
    let error = proxy_to(upstream.url()).await.connect("/ws").await.unwrap_err();
    let ClientError::Refused { status, body } = error else { panic!("{error:?}") };
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert!(body.contains("permessage-deflate"), "{body}");
}

#[tokio::test]
async fn the_upstreams_refusal_comes_down_with_headers_and_body() {
    let upstream = TestUpstream::answering(
        |_, _| {
            let refusal = http::Response::builder()
                .status(StatusCode::UNAUTHORIZED)
                .header(header::WWW_AUTHENTICATE, "Bearer")
                .header(header::CONTENT_TYPE, "application/json");
            Err(refusal.body(Some(format!(r#"{{"error":"{}"}}"#, "long ".repeat(2000)))).unwrap())
        },
        echo,
    )
    .await;
    let server = proxy_to(upstream.url()).await;
    let error = tokio_tungstenite::connect_async(server.url()).await.unwrap_err();
    let tokio_tungstenite::tungstenite::Error::Http(response) = error else { panic!("{error:?}") };
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
    // tungstenite's own clients and servers show and send no more of a body than comes at once.
    let body = String::from_utf8(response.into_body().unwrap()).unwrap();
    assert!(body.starts_with(r#"{"error":"long long"#), "{body}");
}

#[tokio::test]
async fn nobody_climbs_out_of_the_upstreams_path() {
    let upstream = TestUpstream::echo().await;
    let server = proxy_to(format!("{}/public", upstream.url())).await;
    let error = server.connect("/ws/%2e%2e/private").await.unwrap_err();
    assert!(matches!(error, ClientError::Refused { status: StatusCode::BAD_REQUEST, .. }), "{error:?}");
    assert!(upstream.handshakes().is_empty());
}

/// Y07.
#[tokio::test]
async fn rules_say_what_goes_where() {
    let (main, users) = (TestUpstream::echo().await, TestUpstream::echo().await);
    let rules = vec![
        ProxyRule::local("/ws/users/me"),
        ProxyRule::proxy("/ws/users/*").upstream(format!("{}/people", users.url())),
        ProxyRule::local("/ws/old/**"),
    ];
    let server = serve_handler(WsProxyHandler::new(WsProxyConfig { rules, ..config(main.url()) })).await;
    let first_answer = async |path: &str| {
        let mut client = server.connect(path).await.unwrap();
        client.send_text("hello").await.unwrap();
        client.recv_text().await.unwrap()
    };
    assert_eq!(first_answer("/ws").await, "hello");
    assert_eq!(first_answer("/ws/users/7").await, "hello");
    assert_eq!(first_answer("/ws/users/me").await, "echo: hello");
    assert_eq!(first_answer("/ws/old/a/b").await, "echo: hello");
    let targets =
        |upstream: &TestUpstream| -> Vec<_> { upstream.handshakes().into_iter().map(|seen| seen.target).collect() };
    assert_eq!(targets(&main), ["/"]);
    assert_eq!(targets(&users), ["/people/users/7"]);
}

#[tokio::test]
async fn credentials_in_the_url_go_up_unless_the_client_has_its_own() {
    let upstream = TestUpstream::echo().await;
    let server = proxy_to(format!("ws://ann:secret@{}", upstream.address())).await;
    let _without = server.connect("/ws").await.unwrap();
    let _with = TestClient::builder().header("authorization", "Bearer own").connect(&server.url()).await.unwrap();
    let authorization: Vec<_> = upstream.handshakes().iter().map(|seen| seen.all("authorization").join("")).collect();
    assert_eq!(authorization, ["Basic YW5uOnNlY3JldA==", "Bearer own"]);
}

/// Somebody before the proxy has accepted the client: the proxy opens its connection then.
#[tokio::test]
async fn a_client_that_another_handler_has_accepted_is_proxied_too() {
    use ws_core::{Acceptance, HandlerResult, Handshake, HandshakeDecision, WsContext, WsHandler, WsMessage};

    struct Bouncer;

    #[async_trait::async_trait]
    impl WsHandler for Bouncer {
        async fn on_handshake(&self, _: &Handshake) -> HandlerResult<HandshakeDecision> {
            Ok(Acceptance::new().subprotocol("b").into())
        }

        async fn on_message(&self, _: &mut WsContext, _: WsMessage) -> HandlerResult<()> {
            Ok(())
        }
    }

    let upstream = TestUpstream::answering(|_, response| Ok(choose_b(response)), echo).await;
    let proxy = WsProxyHandler::new(config(upstream.url()));
    let server = crate::serving::serve(ws_server::WsServer::builder().handler(Bouncer).handler(proxy)).await;
    let mut client = TestClient::builder().subprotocols("a, b").connect(&server.url()).await.unwrap();
    client.send(Message::Ping(vec![1].into())).await.unwrap();
    client.send_text("hello").await.unwrap();
    assert_eq!(client.recv().await.unwrap(), Some(Message::Pong(vec![1].into())));
    assert_eq!(client.recv().await.unwrap(), Some(Message::text("hello")));
    assert_eq!(upstream.handshakes()[0].all("sec-websocket-protocol"), ["b"]);
}
