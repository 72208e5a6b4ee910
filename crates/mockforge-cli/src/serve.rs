//! `mockforge serve`: the server behind flags.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use mockforge_ws::{
    AiError, CheckReport, ServerError, ServerHandle, SessionVerdict, Speed, WsConfig, WsServer, WsServerBuilder,
};
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::args::Serve;
use crate::config_file::ConfigMistakes;
use crate::handlers::{self, HandlerMistakes};
use crate::input::{self, Kind};
use crate::playing::Completion;
use crate::settings::{self, Settings};
use crate::signals::{Hangups, Interruptions};
use crate::{events, file_limit, named_files};

/// How long connections have for their closing handshake when the server is interrupted.
const GRACE: Duration = Duration::from_secs(5);

pub(crate) fn serve(options: Serve) -> anyhow::Result<ExitCode> {
    let _started = options.logging.start();
    let completion = options.playing.completion.clone();
    match Settings::read(options) {
        Ok((settings, config)) if completion.exit_on_complete => until_complete(&settings, config, &completion),
        Ok((settings, config)) => until_interrupted_reloading(settings, config),
        Err(mistakes) => {
            eprintln!("{}", told(&mistakes));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// What is wrong with a configuration, as `mockforge check` says it, too.
fn told(mistakes: &ConfigMistakes) -> String {
    input::misplaced(mistakes.path(), Kind::Config).unwrap_or_else(|| mistakes.to_string())
}

/// A server with the admin API, unless that is left out.
#[cfg(feature = "admin")]
fn builder(settings: &Settings) -> WsServerBuilder {
    if settings.has_admin() { WsServer::builder().admin_routes() } else { WsServer::builder() }
}

#[cfg(not(feature = "admin"))]
fn builder(_: &Settings) -> WsServerBuilder {
    WsServer::builder()
}

/// Serves until somebody interrupts it, and takes up what has changed in its files when somebody asks for that.
fn until_interrupted_reloading(settings: Settings, config: WsConfig) -> anyhow::Result<ExitCode> {
    let mut builder = builder(&settings);
    if let Some(watch) = settings.watch() {
        builder = builder.watch(watch);
    }
    if let Some(file) = settings.file() {
        builder = builder.config_source([file], move || settings.read_again().map_err(|mistakes| told(&mistakes)));
    }
    runtime()?.block_on(async {
        let (mut interruptions, mut hangups) = (Interruptions::new()?, Hangups::new()?);
        let Some(server) = start(builder, config).await? else { return Ok(ExitCode::FAILURE) };
        let reloads = async {
            while hangups.next().await.is_some() {
                // The log says how it went.
                let _ = server.reload().await;
            }
        };
        tokio::select! {
            () = interruptions.next() => {}
            () = reloads => {}
        }
        wind_up(server, interruptions).await
    })
}

/// Serves until somebody interrupts it.
pub(crate) fn until_interrupted(config: WsConfig) -> anyhow::Result<ExitCode> {
    runtime()?.block_on(async {
        let mut interruptions = Interruptions::new()?;
        let Some(server) = start(WsServer::builder().watch(false), config).await? else { return Ok(ExitCode::FAILURE) };
        interruptions.next().await;
        wind_up(server, interruptions).await
    })
}

async fn wind_up(server: ServerHandle, mut interruptions: Interruptions) -> anyhow::Result<ExitCode> {
    info!("shutting down; interrupt again to stop at once");
    shut_down(server, &mut interruptions).await;
    Ok(ExitCode::SUCCESS)
}

/// Serves until the session of one client has ended, and tells how that went.
fn until_complete(settings: &Settings, config: WsConfig, completion: &Completion) -> anyhow::Result<ExitCode> {
    if !plays(&config) && !has_rules(&config) {
        bail!("--exit-on-complete needs something that clients are held to: --ws-replay-file FILE or --rules FILE");
    }
    completion.begin_report()?;
    let plays = plays(&config);
    runtime()?.block_on(async {
        let mut interruptions = Interruptions::new()?;
        // The first session counts; those that end while the server shuts down find nobody who listens.
        let (tell, mut verdicts) = mpsc::channel(1);
        let builder = builder(settings).watch(false).on_verdict(move |verdict| {
            let _ = tell.try_send(verdict);
        });
        let Some(server) = start(builder, config).await? else { return Ok(ExitCode::FAILURE) };
        let first = tokio::select! {
            biased;
            Some(verdict) = verdicts.recv() => Ok(verdict),
            () = interruptions.next() => Err("the program was interrupted before a session had ended".to_owned()),
            limit = reached(completion.limit()) => {
                Err(format!("no session had ended within {limit:?}; --complete-within DURATION changes that"))
            }
        };
        if let Err(reason) = &first {
            warn!("{reason}");
        }
        shut_down(server, &mut interruptions).await;
        let verdict = first.unwrap_or_else(|reason| match verdicts.try_recv() {
            // It was open until now, and has said how far it was.
            Ok(verdict) if !verdict.is_finished() => verdict,
            Ok(verdict) => verdict.unfinished(reason),
            Err(_) => {
                let verdict = SessionVerdict::new("mockforge serve").unfinished(reason);
                if plays { verdict } else { verdict.without_script() }
            }
        });
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

/// Starts a server and says where it listens; `None` if a file has mistakes, which were told.
async fn start(builder: WsServerBuilder, config: WsConfig) -> anyhow::Result<Option<ServerHandle>> {
    if let Some(problem) = file_limit::raise(config.max_connections) {
        warn!("{problem}");
    }
    let exposed = !config.host.is_loopback();
    warn_of_flags_without_effect(&config);
    let handlers = config.scripts.as_ref().map(|scripts| scripts.dir.clone());
    let rules: Vec<_> = named_files::rules(&config).map(Path::to_owned).collect();
    let server = match builder.config(config).metrics_route().build() {
        // As `mockforge check` says it.
        Err(ServerError::Replay(errors)) => {
            let file = errors.errors().first().map(|error| PathBuf::from(error.source_name())).unwrap_or_default();
            let given_as = if rules.contains(&file) { Kind::Rules } else { Kind::Script };
            match input::misplaced(&file, given_as) {
                Some(instead) => eprintln!("{instead}"),
                None => eprintln!("{}", CheckReport::from(errors)),
            }
            return Ok(None);
        }
        Err(ServerError::Scripts { dir, errors }) => {
            eprintln!("{}", HandlerMistakes::of_folder(&dir, &errors));
            return Ok(None);
        }
        Err(ServerError::Ai { place, source }) => return Err(by_flag(&place, source)),
        built => built?,
    };
    let server = match server.serve().await {
        Err(ServerError::PortInUse(address)) => bail!(
            "port {} is in use: stop the other program, or choose another port with --ws-port N (0 takes a free one)",
            address.port()
        ),
        served => served?,
    };
    if let Some(dir) = handlers
        && let Some(problem) = handlers::none_in(&dir)
    {
        warn!("{}: {problem}", dir.display());
    }
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
    let draws = plays(config) || has_rules(config) || has_events(config) || config.scripts.is_some();
    if config.clock.is_some() && !draws {
        warn!(
            "--clock has no effect without a script, rules, events or handlers: --ws-replay-file FILE plays a script, \
             --handlers DIR runs handlers"
        );
    }
    if config.speed != Speed::default() && !plays(config) {
        warn!("--speed has no effect without a script: --ws-replay-file FILE plays one");
    }
    if config.seed.is_some() && !draws && !is_conditioned(config) {
        warn!(
            "--seed has no effect: no script plays (--ws-replay-file FILE), no rules answer (--rules FILE), no events are \
             written (--ai NARRATIVE), no handlers run (--handlers DIR), and the network does nothing (--preset NAME)"
        );
    }
}

async fn shut_down(server: ServerHandle, interruptions: &mut Interruptions) {
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
    named_files::scripts(config).next().is_some()
}

/// Whether any rules answer.
fn has_rules(config: &WsConfig) -> bool {
    named_files::rules(config).next().is_some()
}

/// Whether any events are written.
fn has_events(config: &WsConfig) -> bool {
    named_files::events(config).next().is_some()
}

/// Why no events can be written; with the flag that may have said so.
fn by_flag(place: &str, error: AiError) -> anyhow::Error {
    if let AiError::Config { field, problem } = &error
        && let Some(flag) = events::flag_of(field)
    {
        return anyhow!("{place}: {field} ({flag}): {problem}");
    }
    anyhow!("{place}: {error}")
}
