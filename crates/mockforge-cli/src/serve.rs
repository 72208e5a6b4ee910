//! `mockforge serve`: the server behind flags.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use mockforge_ws::{
    CheckReport, PathMode, ServerError, ServerHandle, SessionVerdict, Speed, WsConfig, WsServer, WsServerBuilder,
};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::args::Serve;
use crate::playing::Completion;
use crate::{file_limit, settings};

/// How long connections have for their closing handshake when the server is interrupted.
const GRACE: Duration = Duration::from_secs(5);

pub(crate) fn serve(options: Serve) -> anyhow::Result<ExitCode> {
    options.log.start();
    let completion = options.playing.completion.clone();
    match settings::settings(options) {
        Ok(config) if completion.exit_on_complete => until_complete(config, &completion),
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
    runtime()?.block_on(async {
        let mut interruptions = Interruptions::new()?;
        let Some(server) = start(WsServer::builder(), config).await? else { return Ok(ExitCode::FAILURE) };
        interruptions.next().await;
        shut_down(server, &mut interruptions).await;
        Ok(ExitCode::SUCCESS)
    })
}

/// Serves until the session of one client has ended, and tells how that went.
fn until_complete(config: WsConfig, completion: &Completion) -> anyhow::Result<ExitCode> {
    if !plays(&config) && !has_rules(&config) {
        bail!("--exit-on-complete needs something that clients are held to: --ws-replay-file FILE or --rules FILE");
    }
    runtime()?.block_on(async {
        let mut interruptions = Interruptions::new()?;
        // The first session counts; those that end while the server shuts down find nobody who listens.
        let (tell, mut verdicts) = mpsc::channel(1);
        let builder = WsServer::builder().on_verdict(move |verdict| {
            let _ = tell.try_send(verdict);
        });
        let Some(server) = start(builder, config).await? else { return Ok(ExitCode::FAILURE) };
        let first = tokio::select! {
            biased;
            Some(verdict) = verdicts.recv() => Ok(verdict),
            () = interruptions.next() => Err("the server was interrupted before a session had ended".to_owned()),
            limit = reached(completion.limit()) => Err(format!("no session had ended within {limit:?}")),
        };
        shut_down(server, &mut interruptions).await;
        // A session that was open until now has said how far it was.
        let verdict = first.or_else(|reason| verdicts.try_recv().map_err(|_| reason));
        let verdict = verdict.unwrap_or_else(|reason| SessionVerdict::new("mockforge serve").unfinished(reason));
        completion.conclude(&verdict)
    })
}

/// Waits for so long; for ever, if there is no limit.
async fn reached(limit: Option<Duration>) -> Duration {
    match limit {
        Some(limit) => {
            tokio::time::sleep(limit).await;
            limit
        }
        None => std::future::pending().await,
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start")
}

/// What somebody sends who wants the program to end.
struct Interruptions {
    interrupt: Signal,
    terminate: Signal,
}

impl Interruptions {
    fn new() -> anyhow::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Starts a server and says where it listens; `None` if a file has mistakes, which were told.
async fn start(builder: WsServerBuilder, config: WsConfig) -> anyhow::Result<Option<ServerHandle>> {
    file_limit::raise(config.max_connections);
    let exposed = !config.host.is_loopback();
    warn_of_flags_without_effect(&config);
    let server = match builder.config(config).metrics_route().build() {
        // As `mockforge check` says it: each line begins with its place, and the last one counts.
        Err(ServerError::Replay(errors)) => {
            eprintln!("{}", CheckReport::from(errors));
            return Ok(None);
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
    Ok(Some(server))
}

fn warn_of_flags_without_effect(config: &WsConfig) {
    if config.clock.is_some() && !plays(config) && !has_rules(config) {
        warn!("--clock has no effect without a script or rules: --ws-replay-file FILE plays one");
    }
    if config.speed != Speed::default() && !plays(config) {
        warn!("--speed has no effect without a script: --ws-replay-file FILE plays one");
    }
    if config.seed.is_some() && !plays(config) && !has_rules(config) && !is_conditioned(config) {
        warn!(
            "--seed has no effect: no script plays (--ws-replay-file FILE), no rules answer (--rules FILE), and the \
             network does nothing (--preset NAME)"
        );
    }
}

async fn shut_down(server: ServerHandle, interruptions: &mut Interruptions) {
    info!("shutting down; interrupt again to stop at once");
    tokio::select! {
        () = server.shutdown(GRACE) => {}
        () = interruptions.next() => {}
    }
}

/// Whether the network does anything to connections.
fn is_conditioned(config: &WsConfig) -> bool {
    config.conditions.is_some() || config.paths.iter().any(|path| path.conditions.is_some())
}

/// Whether any script plays.
fn plays(config: &WsConfig) -> bool {
    config.replay_file.is_some() || config.paths.iter().any(|path| matches!(path.mode, Some(PathMode::Replay(_))))
}

/// Whether any rules answer.
fn has_rules(config: &WsConfig) -> bool {
    config.rules_file.is_some() || config.paths.iter().any(|path| path.rules_file.is_some())
}
