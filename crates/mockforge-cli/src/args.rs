//! The command line. Each flag of `serve` has a variable of the same name; a flag wins over its variable.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Parser, Subcommand};
use clap_complete::Shell;
use mockforge_ws::{TemplateClock, parse_duration};

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
    /// Without a replay file, text is answered with `echo: TEXT` and binary as it came, on /ws and below it. Counts are
    /// at /metrics on the same port.
    Serve(Serve),
    /// Check replay files: every mistake with file:line:column. Exits with 1 if a file has any.
    Check(Check),
    /// Connect to a WebSocket server: each line you type is sent as text, each message is printed.
    Connect(Connect),
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// The address to listen on
    #[arg(long, value_name = "IP", default_value = "127.0.0.1", env = "MOCKFORGE_WS_HOST")]
    pub(crate) host: IpAddr,
    /// The port to listen on; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 3001, env = "MOCKFORGE_WS_PORT")]
    pub(crate) ws_port: u16,
    /// Play this script (JSONL) to every connection
    #[arg(long, value_name = "FILE", env = "MOCKFORGE_WS_REPLAY_FILE")]
    pub(crate) ws_replay_file: Option<PathBuf>,
    /// Make all that is random in scripts repeat
    #[arg(long, value_name = "N", env = "MOCKFORGE_WS_SEED")]
    pub(crate) seed: Option<u64>,
    /// The time that templates see: `real`, or an RFC 3339 time at which it starts [default: real; with --seed
    /// 2024-01-01T00:00:00Z]
    #[arg(long, value_name = "TIME", env = "MOCKFORGE_WS_CLOCK")]
    pub(crate) clock: Option<TemplateClock>,
    /// Send texts of scripts as they stand, without expanding templates
    #[arg(long = "no-template-expand", action = ArgAction::SetFalse)]
    pub(crate) template_expand: bool,
    /// Return each message unchanged instead of `echo: TEXT`
    #[arg(long, env = "MOCKFORGE_WS_RAW_ECHO", value_parser = BoolishValueParser::new())]
    pub(crate) raw_echo: bool,
    /// The most connections at once; one more gets HTTP 503
    #[arg(long, value_name = "N", default_value_t = 10_000, env = "MOCKFORGE_WS_MAX_CONNECTIONS")]
    pub(crate) max_connections: usize,
    /// The largest message in bytes; a larger one is answered with Close 1009
    #[arg(long, value_name = "BYTES", default_value_t = 16 * 1024 * 1024, env = "MOCKFORGE_WS_MAX_MESSAGE_SIZE")]
    pub(crate) max_message_size: usize,
    /// How often clients are pinged, e.g. 30s or 200ms; one that answers nothing until the next ping is closed. 0: never
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_duration,
          env = "MOCKFORGE_WS_HEARTBEAT_INTERVAL")]
    pub(crate) heartbeat_interval: Duration,
    /// What is logged: off, error, warn, info, debug, trace, or a filter such as `info,ws_server=debug`
    #[arg(long, value_name = "FILTER", default_value = "info", env = "MOCKFORGE_WS_LOG")]
    pub(crate) log: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Connect {
    /// Where to connect, e.g. ws://localhost:3001/ws
    #[arg(default_value = "ws://127.0.0.1:3001/ws")]
    pub(crate) url: String,
    /// Offer a subprotocol; may be repeated, the preferred one first
    #[arg(long, value_name = "NAME")]
    pub(crate) subprotocol: Vec<String>,
    /// Add a header to the handshake; may be repeated
    #[arg(short = 'H', long, value_name = "NAME: VALUE")]
    pub(crate) header: Vec<String>,
    /// How long to wait for more messages once the input has ended
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = parse_duration)]
    pub(crate) wait: Duration,
}
