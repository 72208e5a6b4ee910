//! Two handlers on one server: an echo on `/ws`, a chat with rooms on `/ws/chat`.
//!
//! ```sh
//! cargo run --example ws-handlers-demo
//! ```
//!
//! With `MOCKFORGE_WS_REPLAY_FILE=examples/ws-demo.jsonl`, that script plays on the same connections.
//! `MOCKFORGE_WS_PORT` takes another port than 3030.
#![expect(clippy::print_stdout, reason = "it tells its user what to do")]

mod chat_handler;
mod echo_handler;

use std::env;
use std::io::{self, IsTerminal};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use mockforge_ws::{HandlerRegistry, WsConfig, WsServer};
use tokio::net::TcpListener;

use crate::chat_handler::ChatHandler;
use crate::echo_handler::EchoHandler;

#[tokio::main]
async fn main() -> ExitCode {
    let in_colour = io::stderr().is_terminal();
    tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(in_colour).with_target(false).init();
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), String> {
    let port = port()?;
    let registry = HandlerRegistry::new();
    registry.register(EchoHandler);
    registry.register(ChatHandler::new());
    // `router_with_handlers(Arc::new(registry))` is the same in one call, but cannot say what is wrong with a script.
    let config = WsConfig::from_env().map_err(|error| error.to_string())?;
    let server = WsServer::builder().config(config).registry(Arc::new(registry)).build();
    let app = server.map_err(|error| error.to_string())?.router();

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|error| format!("cannot listen on port {port}: {error}; MOCKFORGE_WS_PORT chooses another one"))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    say_how_to_use(address);

    // With the address of each client, which then stands in the log.
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).await.map_err(|error| error.to_string())
}

fn port() -> Result<u16, String> {
    match env::var("MOCKFORGE_WS_PORT") {
        Ok(port) if !port.is_empty() => {
            port.parse().map_err(|_| format!("MOCKFORGE_WS_PORT={port}: a port is a number up to 65535"))
        }
        _ => Ok(3030),
    }
}

fn say_how_to_use(address: SocketAddr) {
    println!("listening on ws://{address}/ws");
    println!();
    println!("  echo: cargo run -- connect ws://{address}/ws");
    println!("  chat: cargo run -- connect ws://{address}/ws/chat");
    println!("        /join ROOM, /leave ROOM, /rooms, /msg TEXT; what else you type is said in your rooms");
    if let Some(file) = env::var("MOCKFORGE_WS_REPLAY_FILE").ok().filter(|file| !file.is_empty()) {
        println!("  {file} plays on both");
    }
}
