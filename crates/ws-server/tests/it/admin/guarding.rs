//! Who may ask, and who may not.

use ws_server::{AdminConfig, WsConfig, WsServer};
use ws_testing::TestServer;

use super::{Api, serve_admin};
use crate::raw_client::{RawClient, handshake};

fn with_token(token: &str) -> WsConfig {
    let admin = AdminConfig { token: Some(token.to_owned()), ..AdminConfig::default() };
    WsConfig { admin, ..WsConfig::default() }
}

/// A page elsewhere whose name resolves to this machine, a page of another port, and a page in a sandbox get nothing.
#[tokio::test]
async fn pages_of_others_get_nothing() {
    let (api, server) = Api::of_echo().await;
    let own = server.address();
    for headers in [
        "Host: evil.example\r\n".to_owned(),
        format!("Host: evil.example:{}\r\n", own.port()),
        format!("Host: {own}\r\nOrigin: https://evil.example\r\n"),
        format!("Host: {own}\r\nOrigin: null\r\n"),
        format!("Host: {own}\r\nOrigin: http://localhost:5173\r\n"),
        format!("Host: {own}\r\nSec-Fetch-Site: same-site\r\n"),
        format!("Host: {own}\r\nSec-Fetch-Site: cross-site\r\n"),
        format!("Host: {own}\r\nOrigin: http://{own}\r\nSec-Fetch-Site: cross-site\r\n"),
    ] {
        for (method, path) in [("GET", "/connections"), ("POST", "/reload"), ("GET", "/nothing"), ("PATCH", "/config")]
        {
            let answer = api.ask_with(method, path, &headers, "").await;
            assert!(!answer.response.headers.contains_key("access-control-allow-origin"), "{headers}");
            answer.problem(403);
        }
    }
    // A target that names a host goes before the header.
    let mut client = RawClient::connect(own).await;
    let request = format!("GET http://evil.example/__admin/connections HTTP/1.1\r\nHost: {own}\r\n\r\n");
    assert_eq!(client.request(&request).await.status, 403);
    let headers = format!("Host: {own}\r\nOrigin: http://{own}\r\nSec-Fetch-Site: same-origin\r\n");
    api.ask_with("GET", "/connections", &headers, "").await.done();
}

/// Behind a proxy clients are anywhere.
#[tokio::test]
async fn nobody_asks_through_a_proxy_without_a_token() {
    let (api, server) = Api::of_echo().await;
    for header in ["X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: localhost", "Forwarded: for=127.0.0.1"] {
        let detail = api.ask_with("GET", "/connections", &format!("{header}\r\n"), "").await.problem(403);
        assert!(detail.contains("proxy") && detail.contains("--admin-token"), "{detail}");
    }
    drop(server);
    let (api, _server) = Api::of_config(with_token("t0ken")).await;
    api.with("Authorization", "Bearer t0ken")
        .ask_with("GET", "/connections", "X-Forwarded-For: 1.2.3.4\r\n", "")
        .await
        .done();
}

/// With a token it alone counts, on this machine, too.
#[tokio::test]
async fn a_token_has_to_be_shown() {
    let (api, _server) = Api::of_config(with_token("t0ken")).await;
    let api = api.with("Authorization", "Bearer t0ken");
    api.get("/connections").await;
    api.ask_with("GET", "/connections", "Host: mock.example\r\n", "").await.done();
    drop(api);
    let (api, _server) = Api::of_config(with_token("t0ken")).await;
    for header in ["", "Authorization: Bearer other\r\n", "Authorization: t0ken\r\n", "Authorization: Basic t0ken\r\n"]
    {
        for (method, path) in
            [("GET", "/connections"), ("DELETE", "/messages"), ("GET", "/nothing"), ("GET", "/openapi.json")]
        {
            let answer = api.send(method, path, header, "").await;
            assert!(answer.response.headers["www-authenticate"].to_str().unwrap().starts_with("Bearer "));
            answer.problem(401);
        }
    }
    let query = api.send("GET", "/connections?token=t0ken", "", "").await;
    assert_eq!(query.status(), 401, "a token in a URL is in every log");
}

/// The description says whether a token is demanded.
#[tokio::test]
async fn the_description_knows_of_the_token() {
    let (api, _server) = Api::of_config(with_token("t0ken")).await;
    let description = api.with("Authorization", "Bearer t0ken").get("/openapi.json").await;
    assert_eq!(description["components"]["securitySchemes"]["token"]["scheme"], "bearer");
    let (api, _server) = Api::of_echo().await;
    assert!(api.get("/openapi.json").await.get("security").is_none());
}

/// Health is for who starts the server, with a token or without.
#[tokio::test]
async fn everybody_may_ask_whether_the_server_lives() {
    let (api, _server) = Api::of_config(with_token("t0ken")).await;
    for path in ["/health/live", "/health/ready"] {
        let health = api.send("GET", path, "Host: evil.example\r\n", "").await.done();
        assert_eq!(health["status"], path.trim_start_matches("/health/"));
    }
}

/// A page of an allowed origin asks first whether it may, and may.
#[tokio::test]
async fn allowed_origins_may_ask_and_read() {
    let allowed_origins = vec!["http://localhost:5173".to_owned()];
    let admin = AdminConfig { allowed_origins, ..AdminConfig::default() };
    let (api, _server) = Api::of_config(WsConfig { admin, ..WsConfig::default() }).await;
    let ask = "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n";
    let asked = api.send("OPTIONS", "/reload", &format!("Origin: http://localhost:5173\r\n{ask}"), "").await;
    assert_eq!(asked.status(), 204);
    let headers = &asked.response.headers;
    assert_eq!(headers["access-control-allow-origin"], "http://localhost:5173");
    assert!(headers["access-control-allow-methods"].to_str().unwrap().contains("POST"));
    assert!(headers["access-control-allow-headers"].to_str().unwrap().contains("content-type"));
    let answer =
        api.ask_with("GET", "/connections", "Origin: http://localhost:5173\r\nSec-Fetch-Site: same-site\r\n", "").await;
    assert_eq!(answer.response.headers["access-control-allow-origin"], "http://localhost:5173");
    assert_eq!(answer.response.headers["vary"], "origin", "no cache gives it to another page");
    answer.done();
    // Problems are read, too.
    let answer = api.ask_with("GET", "/connections/x", "Origin: http://localhost:5173\r\n", "").await;
    assert!(answer.response.headers.contains_key("access-control-allow-origin"));
    answer.problem(404);
    let asked = api.send("OPTIONS", "/reload", &format!("Origin: http://localhost:5174\r\n{ask}"), "").await;
    assert!(!asked.response.headers.contains_key("access-control-allow-origin"));
    asked.problem(403);
}

/// Who serves a router knows from where it can be reached; we do not.
#[tokio::test]
async fn a_router_of_somebody_else_needs_a_token() {
    let server = WsServer::builder().admin_routes().build().unwrap();
    let nested = TestServer::new(axum::Router::new().nest("/mock", server.router())).await;
    let ask = async |header: &str| {
        let mut client = RawClient::connect(nested.address()).await;
        let host = nested.address();
        client.request(&format!("GET /mock/__admin/connections HTTP/1.1\r\nHost: {host}\r\n{header}\r\n")).await
    };
    let refused = ask("").await;
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(refused.body.contains("--admin-token"), "{refused:?}");

    let server = WsServer::builder().config(with_token("t0ken")).admin_routes().build().unwrap();
    let nested = TestServer::new(axum::Router::new().nest("/mock", server.router())).await;
    let mut client = RawClient::connect(nested.address()).await;
    let request = "GET /mock/__admin/connections HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t0ken\r\n\r\n";
    assert_eq!(client.request(request).await.status, 200);
}

/// Where the API is not served, its paths are like all others; where it is, there are no WebSockets.
#[tokio::test]
async fn the_paths_are_users_own_where_the_api_is_not_served() {
    let paths = vec![ws_server::PathConfig::new("/__admin/**".parse().unwrap())];
    let config = WsConfig { paths, ..WsConfig::default() };
    let server = TestServer::start(WsServer::builder().config(config.clone()).build().unwrap()).await;
    let mut client = server.connect("/__admin/ws").await.unwrap();
    client.send_text("x").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "echo: x");

    let server = serve_admin(WsServer::builder().config(config)).await;
    for path in ["/__admin/ws", "/__admin/connections", "/__admin", "/__admin/"] {
        let request = handshake(path).replace("Host: test", "Host: localhost");
        let answer = RawClient::connect(server.address()).await.request(&request).await;
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{path}");
    }
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("x").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "echo: x");
}
