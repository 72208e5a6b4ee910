//! The server of `ours.rs`, with its echo and its ping in JavaScript: the files in `scripts`.
//!
//! One thread, as there; each script has one more of its own, on the same core.

use std::{path::Path, sync::Arc};

use mockforge_ws::{HandlerRegistry, WsConfig, WsServer};
use ws_script::{ScriptFolder, ScriptOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = ScriptFolder::load(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts"), ScriptOptions::default())?;
    let registry = HandlerRegistry::new();
    registry.replace(folder.handlers());
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve(registry))
}

async fn serve(registry: HandlerRegistry) -> Result<(), Box<dyn std::error::Error>> {
    let config = WsConfig { port: 0, ..WsConfig::default() };
    let server = WsServer::builder().config(config).registry(Arc::new(registry)).build()?.serve().await?;
    println!("listening on {}", server.url());
    // Until the bench kills us.
    std::future::pending().await
}
