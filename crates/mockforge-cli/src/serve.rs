//! `mockforge serve`: the server behind flags.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use mockforge_ws::{CheckReport, PathMode, ServerError, WsConfig, WsServer};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

use crate::args::Serve;
use crate::{file_limit, settings};

/// How long connections have for their closing handshake when the server is interrupted.
const GRACE: Duration = Duration::from_secs(5);

pub(crate) fn serve(options: Serve) -> anyhow::Result<ExitCode> {
    options.log.start();
    match settings::settings(options) {
        Ok(config) => until_interrupted(config),
        // As `mockforge check` says it, too.
        Err(mistakes) => {
            eprintln!("{mistakes}");
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Serves until somebody interrupts it.
pub(crate) fn until_interrupted(config: WsConfig) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start")?;
    runtime.block_on(run(config))
}

async fn run(config: WsConfig) -> anyhow::Result<ExitCode> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    file_limit::raise(config.max_connections);
    let exposed = !config.host.is_loopback();
    if config.clock.is_some() && !plays(&config) {
        warn!("--clock has no effect without a script: --ws-replay-file FILE plays one");
    }
    if config.seed.is_some() && !plays(&config) && !is_conditioned(&config) {
        warn!(
            "--seed has no effect: no script plays (--ws-replay-file FILE), and the network does nothing (--preset NAME)"
        );
    }
    let server = match WsServer::builder().config(config).metrics_route().build() {
        // As `mockforge check` says it: each line begins with its place, and the last one counts.
        Err(ServerError::Replay(errors)) => {
            eprintln!("{}", CheckReport::from(errors));
            return Ok(ExitCode::FAILURE);
        }
        built => built?,
    };
    let server = match server.serve().await {
        Err(ServerError::PortInUse(address)) => bail!(
            "port {} is in use: stop the other program, or choose another port with --ws-port N (0 takes a free one)",
            address.port()
        ),
        served => served?,
    };
    if exposed {
        warn!("listening beyond this machine: everybody who reaches {} can connect", server.address());
    }
    if let Some(ca_file) = server.ca_file() {
        info!("{}", settings::how_to_trust(ca_file, &server.url()));
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

/// Whether the network does anything to connections.
fn is_conditioned(config: &WsConfig) -> bool {
    config.conditions.is_some() || config.paths.iter().any(|path| path.conditions.is_some())
}

/// Whether any script plays.
fn plays(config: &WsConfig) -> bool {
    config.replay_file.is_some() || config.paths.iter().any(|path| matches!(path.mode, Some(PathMode::Replay(_))))
}
