//! How the server is set up, what runs, and reading its files again.

use serde_json::json;
use tempfile::TempDir;
use ws_core::handler_fn;
use ws_server::{WsConfig, WsServer};

use super::{Api, serve_admin};

#[tokio::test]
async fn files_are_read_again() {
    let dir = TempDir::new().unwrap();
    let rules = dir.path().join("rules.yaml");
    let rule = |answer: &str| format!("rules: [{{ match: ^hello$, response: {answer} }}]");
    std::fs::write(&rules, rule("one")).unwrap();
    let config = WsConfig { rules_file: Some(rules.clone()), ..WsConfig::default() };
    let (api, server) = Api::of_config(config).await;
    assert_eq!(api.get("/reload").await, json!(null));
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("hello").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "one");

    std::fs::write(&rules, rule("two")).unwrap();
    let reloaded = api.ask("POST", "/reload", None).await.done();
    assert_eq!((&reloaded["outcome"], &reloaded["errors"]), (&json!("ok"), &json!([])));
    assert_eq!(reloaded["changed"], json!([rules.display().to_string()]));
    client.send_text("hello").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "two");

    assert_eq!(api.ask("POST", "/reload", None).await.done()["outcome"], "unchanged");
    std::fs::write(&rules, "rules: 7\n").unwrap();
    let problem = api.ask("POST", "/reload", None).await.problem(422);
    assert!(problem.contains("rules.yaml"), "{problem}");
    let last = api.get("/reload").await;
    assert_eq!(last["outcome"], "failed");
    assert!(last["errors"].to_string().contains("rules.yaml"), "{last}");
    client.send_text("hello").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "two");
}

#[tokio::test]
async fn handlers_and_configuration_are_told_without_secrets() {
    let proxy = ws_proxy::WsProxyConfig {
        upstream_url: "ws://user:hunter2@127.0.0.1:9/up?key=hunter2".to_owned(),
        ..ws_proxy::WsProxyConfig::default()
    };
    let config = WsConfig { proxy_config: Some(proxy), seed: Some(7), ..WsConfig::default() };
    let silent = handler_fn(|_, _| Box::pin(async { Ok(()) }));
    let server = serve_admin(WsServer::builder().config(config).handler(silent)).await;
    let api = Api::of(&server);
    let config = api.get("/config").await;
    assert_eq!(config["everywhere"]["mode"], "proxy");
    assert_eq!(config["everywhere"]["upstream"], "ws://127.0.0.1:9/up");
    assert_eq!((&config["seed"], &config["url"]), (&json!(7), &json!(server.url())));
    assert!(!config.to_string().contains("hunter2"), "{config}");
    let handlers = api.get("/handlers").await;
    assert_eq!(handlers["path"], "/ws");
    assert_eq!(handlers["handlers"].as_array().unwrap().len(), 2, "{handlers}");
    assert_eq!(api.get("/handlers?path=/ws/x").await["path"], "/ws/x");
}

/// The head of what can be got can be asked for.
#[tokio::test]
async fn a_head_has_no_body() {
    let (_api, server) = Api::of_echo().await;
    let mut client = crate::raw_client::RawClient::connect(server.address()).await;
    let request = |method: &str| format!("{method} /__admin/health/live HTTP/1.1\r\nHost: x\r\n\r\n");
    client.send_bytes(request("HEAD").as_bytes()).await;
    let head = client.take("HTTP/1.1 200 OK\r\n".len()).await.unwrap();
    assert_eq!(head, b"HTTP/1.1 200 OK\r\n");
}
