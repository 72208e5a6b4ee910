//! What is different on a path.

use ws_server::{PathConfig, PathMode, WsConfig, WsServer};

use crate::playing::file;
use crate::programmed::Programmed;
use crate::serving::serve;

fn path(pattern: &str, mode: PathMode) -> PathConfig {
    PathConfig::new(pattern.parse().unwrap()).mode(mode)
}

/// The first pattern that fits a path decides; what no pattern fits is as the server is.
#[tokio::test]
async fn each_path_has_its_own_mode() {
    let everywhere = file(r#"{"text":"everywhere"}"#);
    let chat = file(r#"{"text":"chat"}"#);
    let config = WsConfig {
        replay_file: Some(everywhere.path().to_owned()),
        paths: vec![
            path("/ws/chat", PathMode::Replay(chat.path().to_owned())),
            PathConfig::new("/ws/raw/same".parse().unwrap()),
            path("/ws/raw/**", PathMode::RawEcho),
            path("/graphql", PathMode::Echo),
        ],
        ..WsConfig::default()
    };
    let server = serve(WsServer::builder().config(config)).await;
    for (path, expected) in [
        ("/ws", "everywhere"),
        ("/ws/chat", "chat"),
        ("/ws/chat/deeper", "everywhere"),
        ("/ws/raw", "x"),
        ("/ws/raw/a/b", "x"),
        ("/ws/raw/same", "everywhere"),
        ("/graphql", "echo: x"),
    ] {
        let mut client = server.connect(path).await.unwrap();
        client.send_text("x").await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), expected, "{path}");
    }
    assert!(server.connect("/elsewhere").await.unwrap_err().to_string().contains("404"));
}

/// Handlers are those of the server on every path.
#[tokio::test]
async fn handlers_come_before_the_mode_of_a_path() {
    let config = WsConfig { paths: vec![path("/ws/raw", PathMode::RawEcho)], ..WsConfig::default() };
    let server = serve(WsServer::builder().config(config).handler(Programmed::new().answering("handled: "))).await;
    let mut client = server.connect("/ws/raw").await.unwrap();
    client.send_text("x").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "handled: x");
}
