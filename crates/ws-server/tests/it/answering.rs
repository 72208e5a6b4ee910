//! Servers that answer by rules.

use std::io::Write;
use std::path::Path;

use tempfile::NamedTempFile;
use ws_server::{WsConfig, WsServer, WsServerBuilder};
use ws_testing::TestServer;

use crate::playing::play_with;
use crate::serving::serve;

/// A file of rules, until it is dropped.
pub(crate) fn rules_file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::with_suffix(".yaml").unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

/// Answers every connection by these rules.
pub(crate) async fn answer(rules: &str) -> TestServer {
    answer_with(WsServer::builder(), WsConfig::default(), rules).await
}

/// Answers by these rules beside what was put together.
pub(crate) async fn answer_with(builder: WsServerBuilder, config: WsConfig, rules: &str) -> TestServer {
    let file = rules_file(rules);
    serve(builder.config(WsConfig { rules_file: Some(file.path().to_owned()), ..config })).await
}

/// Plays a script, and answers what it does not wait for by rules.
pub(crate) async fn play_and_answer(builder: WsServerBuilder, script: &str, rules: &str) -> TestServer {
    let file = rules_file(rules);
    play_with(builder, WsConfig { rules_file: Some(file.path().to_owned()), ..WsConfig::default() }, script).await
}

/// Answers by an example file of the repository.
pub(crate) async fn answer_by_example(name: &str) -> TestServer {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/rules").join(name);
    serve(WsServer::builder().config(WsConfig { rules_file: Some(file), ..WsConfig::default() })).await
}
