//! The command line. Each flag of `serve` has a variable of the same name; a flag wins over its variable.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Parser, Subcommand};
use clap_complete::Shell;
use mockforge_ws::{TemplateClock, parse_duration, parse_size};
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};

use crate::address;
#[cfg(feature = "admin")]
use crate::admin::Admin;
use crate::check::Check;
use crate::events::Events;
use crate::export::Export;
use crate::generate::Generate;
use crate::import::Import;
use crate::init::Init;
use crate::load::Load;
use crate::logging::Logging;
use crate::playing::Playing;
use crate::record::Record;
use crate::traffic::Traffic;
use crate::trust::Trust;

/// A WebSocket mock server: stands in for the server you don't have, don't control, or want to see break.
#[derive(Debug, Parser)]
#[command(name = "mockforge", version, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve WebSockets until it is interrupted.
    ///
    /// Without handlers, a script, rules, events or a real server, text is answered with `echo: TEXT` and binary as it came,
    /// on /ws and below it. Counts are at /metrics on the same port, and what happens is at /__admin/.
    ///
    /// SIGHUP (kill -HUP PID) has all files read again: handlers, scripts, rules, schemas and the configuration. --watch does
    /// that whenever one of them changes.
    Serve(Box<Serve>),
    /// Write handlers in JavaScript to start from, and a configuration that serves them. Nothing is overwritten.
    Init(Init),
    /// Stand before a real server and write down all that passes, as a file that `serve --ws-replay-file` plays.
    Record(Record),
    /// Check handlers, scripts, rules files and configurations: every mistake with file:line:column. Exits with 1 if a file
    /// has any.
    Check(Check),
    /// Connect to a WebSocket server: each line you type is sent as text, each message is printed.
    Connect(Connect),
    /// Put a WebSocket server under load, and tell how long its answers take.
    ///
    /// By default each connection sends a message, waits for its answer and sends the next one (closed model). --rate sends at
    /// fixed moments, whatever the server does (open model), and counts a round trip from the moment at which its message was
    /// due: a server that stalls cannot hide it. Ctrl-C ends it early and still reports.
    Load(Box<Load>),
    /// Make a replay file of what another tool has recorded.
    #[command(subcommand)]
    Import(Import),
    /// Make of a replay file what another tool reads.
    #[command(subcommand)]
    Export(Export),
    /// Write events that follow a narrative into a file that `serve --ws-replay-file` plays; or put them into one that is there.
    Generate(Box<Generate>),
    /// Print the JSON Schema of mockforge.yaml, for editors.
    Schema,
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Serve {
    /// The address to listen on, or a name that stands for it, such as `localhost`
    /// [default: 127.0.0.1]
    #[arg(long, value_name = "HOST", value_parser = address::host, env = "MOCKFORGE_WS_HOST")]
    pub(crate) host: Option<IpAddr>,
    /// The port to listen on; 0 takes a free one [default: 3001]
    #[arg(long, visible_alias = "port", value_name = "PORT", value_parser = address::port, env = "MOCKFORGE_WS_PORT")]
    pub(crate) ws_port: Option<u16>,
    /// Read this configuration (YAML); flags and variables win over it [default: mockforge.yaml, if there is one]
    #[arg(long, value_name = "FILE", env = "MOCKFORGE_WS_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Take up what changes in handlers, scripts, rules, schemas and the configuration, while clients stay connected
    ///
    /// All of it is read and checked before any of it takes effect; then the next message of an open connection is answered
    /// by what is new. While there are mistakes, what was loaded before goes on, and the log names them. What needs a restart,
    /// such as another port, is named, too. Without this, SIGHUP does it once.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL",
          value_parser = BoolishValueParser::new(), env = "MOCKFORGE_WS_HOTRELOAD")]
    pub(crate) watch: Option<bool>,
    /// Play this script (JSONL) to every connection; its lines may be rules, too
    #[arg(long, value_name = "FILE", env = "MOCKFORGE_WS_REPLAY_FILE")]
    pub(crate) ws_replay_file: Option<PathBuf>,
    /// Make all that is random in handlers, in scripts, in rules, in events and in the network repeat
    #[arg(long, value_name = "N", value_parser = seed, env = "MOCKFORGE_WS_SEED")]
    pub(crate) seed: Option<u64>,
    /// The time that templates see: `real`, or an RFC 3339 time at which it starts [default: real; with --seed
    /// 2024-01-01T00:00:00Z]
    #[arg(long, value_name = "TIME", env = "MOCKFORGE_WS_CLOCK")]
    pub(crate) clock: Option<TemplateClock>,
    /// Send texts of scripts and rules as they stand, without expanding templates [env: MOCKFORGE_RESPONSE_TEMPLATE_EXPAND=0]
    #[arg(long = "no-template-expand", num_args = 0..=1, require_equals = true, default_missing_value = "false",
          hide_possible_values = true, value_parser = BoolishValueParser::new(),
          env = "MOCKFORGE_RESPONSE_TEMPLATE_EXPAND", hide_env = true)]
    pub(crate) template_expand: Option<bool>,
    /// Return each message unchanged instead of `echo: TEXT`
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL",
          value_parser = BoolishValueParser::new(), env = "MOCKFORGE_WS_RAW_ECHO")]
    pub(crate) raw_echo: Option<bool>,
    /// The most connections at once; one more gets HTTP 503 [default: 10000]
    #[arg(long, value_name = "N", value_parser = at_least_one, env = "MOCKFORGE_WS_MAX_CONNECTIONS")]
    pub(crate) max_connections: Option<usize>,
    /// The largest message, in bytes or with a unit; a larger one is answered with Close 1009 [default: 16MiB]
    #[arg(long, value_name = "SIZE", value_parser = size, env = "MOCKFORGE_WS_MAX_MESSAGE_SIZE")]
    pub(crate) max_message_size: Option<usize>,
    /// How often clients are pinged, e.g. 30s or 200ms; one that answers nothing until the next ping is closed. 0: never
    /// [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, env = "MOCKFORGE_WS_HEARTBEAT_INTERVAL")]
    pub(crate) heartbeat_interval: Option<Duration>,
    /// Speak wss:// with this certificate (PEM), and those behind it that lead to its root
    #[arg(long, value_name = "FILE", requires = "tls_key", env = "MOCKFORGE_WS_TLS_CERT")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The private key of the certificate (PEM, not encrypted)
    #[arg(long, value_name = "FILE", requires = "tls_cert", env = "MOCKFORGE_WS_TLS_KEY")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Speak wss:// with a certificate of our own; the log says how clients come to trust it
    #[arg(long, conflicts_with_all = ["tls_cert", "tls_key"], value_parser = BoolishValueParser::new(),
          env = "MOCKFORGE_WS_TLS_SELF_SIGNED")]
    pub(crate) tls_self_signed: bool,
    // Before those that have a heading, under which it would stand otherwise.
    #[command(flatten)]
    pub(crate) logging: Logging,
    #[cfg(feature = "admin")]
    #[command(flatten)]
    pub(crate) admin: Admin,
    #[command(flatten)]
    pub(crate) playing: Playing,
    #[command(flatten)]
    pub(crate) traffic: Traffic,
    #[command(flatten)]
    pub(crate) events: Events,
}

/// The flag that names a script.
pub(crate) const REPLAY_FILE_FLAG: &str = "--ws-replay-file";
/// The flag that names a folder of handlers.
pub(crate) const HANDLERS_FLAG: &str = "--handlers";

impl Args {
    /// Why these arguments of a command, each of which is right, cannot go together.
    pub(crate) fn conflict(&self) -> Option<(&'static str, &'static str)> {
        let conflict = match &self.command {
            Command::Serve(serve) => ("serve", serve.conflict()?),
            Command::Check(check) if check.draws_several() => ("check", "--graph draws one file, not several"),
            _ => return None,
        };
        Some(conflict)
    }
}

impl Serve {
    fn conflict(&self) -> Option<&'static str> {
        if self.watch == Some(true) && self.playing.completion.exit_on_complete {
            Some(
                "--watch cannot be used with --exit-on-complete: the client is held to the files as they are at the start",
            )
        } else if self.raw_echo != Some(true) {
            None
        } else if self.ws_replay_file.is_some() {
            Some("--raw-echo cannot be used with --ws-replay-file: while a script plays there is no echo")
        } else if self.playing.rules.is_some() {
            Some("--raw-echo cannot be used with --rules: where rules answer there is no echo")
        } else if self.events.are_asked_for() {
            Some("--raw-echo cannot be used with --ai: where events are streamed there is no echo")
        } else {
            None
        }
    }
}

pub(crate) fn size(text: &str) -> Result<usize, String> {
    match parse_size(text)? {
        0 => Err("expected 1 or more".to_owned()),
        size => Ok(size),
    }
}

pub(crate) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("expected 1 or more".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("expected a whole number, 1 or more".to_owned()),
    }
}

pub(crate) fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("expected a whole number from 0 to {}", u64::MAX))
}

#[derive(Debug, clap::Args)]
pub(crate) struct Connect {
    /// Where to connect, e.g. ws://localhost:3001/ws, or a port of this machine, e.g. 3001
    #[arg(default_value = "ws://127.0.0.1:3001/ws", value_parser = address::server)]
    pub(crate) url: String,
    /// Offer a subprotocol; may be repeated, the preferred one first
    #[arg(long, value_name = "NAME", value_parser = subprotocol)]
    pub(crate) subprotocol: Vec<String>,
    /// Add a header to the handshake; may be repeated
    #[arg(short = 'H', long, value_name = "NAME: VALUE", value_parser = header)]
    pub(crate) header: Vec<(HeaderName, HeaderValue)>,
    #[command(flatten)]
    pub(crate) trust: Trust,
    /// How long to wait for more messages once the input has ended
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = parse_duration)]
    pub(crate) wait: Duration,
}

pub(crate) fn subprotocol(text: &str) -> Result<String, String> {
    // The grammar of a header's name is that of a subprotocol: a token of RFC 9110.
    HeaderName::try_from(text).map_err(|_| "expected a name without spaces and commas".to_owned())?;
    Ok(text.to_owned())
}

pub(crate) fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("write NAME: VALUE")?;
    let name = name.trim().parse().map_err(|_| format!("`{}` is no name of a header", name.trim()))?;
    let value = value.trim().parse().map_err(|_| "the value has characters that a header cannot have".to_owned())?;
    Ok((name, value))
}
