//! `mockforge serve`: the server behind flags.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use mockforge_ws::{WsConfig, WsServer};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;

use crate::args::Serve;
use crate::file_limit;

/// How long connections have for their closing handshake when the server is interrupted.
const GRACE: Duration = Duration::from_secs(5);

pub(crate) fn serve(options: Serve) -> anyhow::Result<ExitCode> {
    start_log(&options.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start")?;
    runtime.block_on(run(options))
}

async fn run(options: Serve) -> anyhow::Result<ExitCode> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;

    file_limit::raise(options.max_connections);
    let exposed = !options.host.is_loopback();
    let server = WsServer::builder().config(config(options)?).metrics_route().build()?.serve().await?;
    if exposed {
        warn!("listening beyond this machine: everybody who reaches {} can connect", server.address());
    }
    let mut stdout = io::stdout();
    // Whoever started us may have closed the pipe: that is no reason not to serve.
    let _ = writeln!(stdout, "listening on {}", server.url()).and_then(|()| stdout.flush());

    tokio::select! {
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
    info!("shutting down; interrupt again to stop at once");
    tokio::select! {
        () = server.shutdown(GRACE) => {}
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn config(options: Serve) -> anyhow::Result<WsConfig> {
    // What has no flag comes from the environment.
    let environment = WsConfig::from_env()?;
    Ok(WsConfig {
        host: options.host,
        port: options.ws_port,
        max_connections: options.max_connections,
        max_message_size: options.max_message_size,
        heartbeat_interval: options.heartbeat_interval,
        replay_file: options.ws_replay_file,
        template_expand: options.template_expand && environment.template_expand,
        seed: options.seed,
        clock: options.clock,
        raw_echo: options.raw_echo,
        ..environment
    })
}

/// Logs go to stderr: stdout is for the one line that says where we listen.
fn start_log(filter: &str) -> anyhow::Result<()> {
    // jsonpath_lib logs each query that selects nothing.
    let Ok(filter) = EnvFilter::builder().parse(format!("{filter},jsonpath_lib=off")) else {
        bail!("--log {filter}: write a level such as `debug`, or a filter such as `info,ws_server=debug`");
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .init();
    Ok(())
}
