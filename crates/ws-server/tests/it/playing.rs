//! Servers that play a replay file.

use std::io::Write;

use tempfile::NamedTempFile;
use ws_server::{WsConfig, WsServer, WsServerBuilder};
use ws_testing::TestServer;

use crate::serving::serve;

/// A file that holds `text`, until it is dropped.
pub(crate) fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::with_suffix(".jsonl").unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

/// Plays `text` on every connection.
pub(crate) async fn play(text: &str) -> TestServer {
    play_with(WsServer::builder(), WsConfig::default(), text).await
}

/// Plays `text` beside what was put together.
pub(crate) async fn play_with(builder: WsServerBuilder, config: WsConfig, text: &str) -> TestServer {
    let file = file(text);
    let config = WsConfig { replay_file: Some(file.path().to_owned()), ..config };
    serve(builder.config(config)).await
}
