//! The flags of `load`, and the plan that they make.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use mockforge_ws::{Speed, parse_duration};
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use ws_load::{Answers, Check, Crowd, Lifetime, Pace, Payload, Plan, Stage, Target, Threshold};

use super::recording;
use crate::address;
use crate::args::{at_least_one, header, size, subprotocol};
use crate::trust::Trust;

/// How many threads send if nobody says it: the server may need the other processors.
const THREADS: usize = 4;
const DURATION: Duration = Duration::from_secs(10);
const CONNECTIONS: usize = 10;
/// clap makes a new line of `{n}`: a sequence that does nothing to a terminal, and that it takes out elsewhere, keeps them apart.
const MESSAGE: &str =
    "Send this text, in which {{n\u{1b}[0m}}, {{vu}}, {{id}}, {{uuid}}, {{now}} and {{random}} are replaced";
const ANSWERS: &str = "How answers are told apart: id (of {{id}}, somewhere in them), json:PATH (there is {{id}} or \
    {{n\u{1b}[0m}}, or what the recorded answer had there of its line), order, or none [default: id if the messages have one, else order]";
/// Who arrive at a rate are more than that at once only if somebody says so.
const AT_ONCE: usize = 10_000;

#[derive(Debug, clap::Args)]
pub(crate) struct Load {
    /// Where to connect, e.g. ws://localhost:3001/ws, or a port of this machine, e.g. 3001; several are taken in turn
    #[arg(value_name = "URL", required = true, value_parser = target)]
    targets: Vec<Target>,

    /// How many connections are open at once [default: 10]; with --arrivals the most of them [default: 10000]
    #[arg(short, long, value_name = "N", value_parser = at_least_one, help_heading = "Connections")]
    connections: Option<usize>,
    /// Open them evenly over this time; without it all are open before the load begins
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, conflicts_with = "stages",
          help_heading = "Connections")]
    ramp: Option<Duration>,
    /// Go evenly to so many connections over this time, e.g. 10s:500; may be repeated, one stage after the other
    #[arg(long = "stage", value_name = "DURATION:N", conflicts_with_all = ["connections", "duration"],
          help_heading = "Connections")]
    stages: Vec<Stage>,
    /// Open so many new connections in a second, whatever the server does; each is kept as --keep says
    #[arg(long, value_name = "PER_SECOND", value_parser = rate, conflicts_with_all = ["ramp", "stages"],
          requires = "leaving", help_heading = "Connections")]
    arrivals: Option<f64>,
    /// Close a connection after so many messages, or so much time, e.g. 30s, and open another one in its place
    #[arg(long, value_name = "N|DURATION", value_parser = lifetime, group = "leaving", help_heading = "Connections")]
    keep: Option<Lifetime>,
    /// Offer a subprotocol; may be repeated, the preferred one first
    #[arg(long, value_name = "NAME", value_parser = subprotocol, help_heading = "Connections")]
    subprotocol: Vec<String>,
    /// Add a header to the handshakes; may be repeated
    #[arg(short = 'H', long, value_name = "NAME: VALUE", value_parser = header, help_heading = "Connections")]
    header: Vec<(HeaderName, HeaderValue)>,
    #[command(flatten, next_help_heading = "Connections")]
    trust: Trust,

    /// How long messages are sent [default: 10s, or until all --messages are, or each connection has played a session]
    #[arg(short, long, value_name = "DURATION", value_parser = some_time, help_heading = "Messages")]
    duration: Option<Duration>,
    /// How many messages each connection sends
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..),
          help_heading = "Messages")]
    messages: Option<u32>,
    /// Open model: send so many messages in a second, by all connections together, whatever the server does
    #[arg(long, value_name = "PER_SECOND", value_parser = rate, conflicts_with_all = ["in_flight", "think"],
          help_heading = "Messages")]
    rate: Option<f64>,
    /// Closed model: how many messages each connection has open at once [default: 1]
    #[arg(long, value_name = "N", value_parser = at_least_one, conflicts_with = "think", help_heading = "Messages")]
    in_flight: Option<usize>,
    /// Closed model: how long each connection waits after an answer
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, help_heading = "Messages")]
    think: Option<Duration>,
    /// Send text of so many bytes, which begins with an id [default: 32]
    #[arg(long, value_name = "SIZE", value_parser = size, group = "payload", help_heading = "Messages")]
    size: Option<usize>,
    /// Send the content of this file in each message
    #[arg(long, value_name = "FILE", group = "payload", help_heading = "Messages")]
    file: Option<PathBuf>,
    #[arg(long, value_name = "TEMPLATE", group = "payload", help = MESSAGE, help_heading = "Messages")]
    message: Option<String>,
    /// Send the lines of this file one after the other, from the first again after the last; each is a template
    #[arg(long, value_name = "FILE", group = "payload", help_heading = "Messages")]
    script: Option<PathBuf>,
    /// Play what the clients say in this recording or script, a session on each connection: their lines, at their times; `-` is
    /// what is piped in; may be repeated
    #[arg(long, value_name = "FILE", groups = ["payload", "leaving"],
          conflicts_with_all = ["rate", "in_flight", "think", "messages", "binary", "broadcast"], help_heading = "Messages")]
    replay: Vec<PathBuf>,
    /// Play so many times as fast: 10, 0.5, or `max`, which leaves out all pauses [default: 1]
    #[arg(long, value_name = "FACTOR", requires = "replay", help_heading = "Messages")]
    speed: Option<Speed>,
    /// Send binary messages
    #[arg(long, help_heading = "Messages")]
    binary: bool,
    /// One connection sends, and all must hear each message once
    #[arg(long, requires = "rate", conflicts_with_all = ["ramp", "stages", "arrivals", "keep", "messages", "answers"],
          help_heading = "Messages")]
    broadcast: bool,

    #[arg(long, value_name = "HOW", help = ANSWERS, help_heading = "Answers")]
    answers: Option<Answers>,
    /// What every answer must have: same (as was sent), contains:TEXT, json:PATH or json:PATH=VALUE; may be repeated
    #[arg(long = "check", value_name = "CHECK", help_heading = "Answers")]
    checks: Vec<Check>,
    /// How long a handshake and an answer may take; an answer that takes longer is lost
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = some_time, help_heading = "Answers")]
    timeout: Duration,

    /// Exit with 1 if this is so, e.g. 'p99>50ms', 'errors>0', 'lost>0.1%', 'rate<1000'; may be repeated
    #[arg(long, value_name = "CONDITION", help_heading = "Report")]
    pub(super) fail_if: Vec<Threshold>,
    /// Write the report as JSON, with the metric names of k6; `-` is stdout, instead of the table
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    pub(super) json: Option<PathBuf>,
    /// Write the report as a page with charts
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    pub(super) html: Option<PathBuf>,
    /// How many threads send [default: as many as there are processors, at most 4]
    #[arg(long, value_name = "N", value_parser = at_least_one, help_heading = "Report")]
    threads: Option<usize>,
}

impl Load {
    /// # Errors
    /// If a file cannot be read, or the flags do not go together.
    pub(super) fn plan(&self) -> anyhow::Result<Plan> {
        let payload = self.payload()?;
        let answers = match &self.answers {
            Some(answers) => answers.clone(),
            None if payload.has_id() => Answers::ById,
            None => Answers::InOrder,
        };
        let ends_itself = self.messages.is_some() || !self.stages.is_empty() || self.plays_once();
        let is_encrypted = self.targets.iter().any(Target::is_encrypted);
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let plan = Plan {
            targets: self.targets.clone(),
            crowd: self.crowd(),
            pace: match self.rate {
                _ if !self.replay.is_empty() => Pace::Recorded { speed: self.speed.unwrap_or_default().factor() },
                Some(per_second) => Pace::Open { per_second },
                None => {
                    Pace::Closed { in_flight: self.in_flight.unwrap_or(1), think: self.think.unwrap_or(Duration::ZERO) }
                }
            },
            payload,
            answers,
            checks: self.checks.clone(),
            duration: self.duration.or((!ends_itself).then_some(DURATION)),
            messages: self.messages,
            lifetime: self.keep,
            broadcast: self.broadcast,
            timeout: self.timeout,
            subprotocols: self.subprotocol.clone(),
            headers: self.header.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            tls: if is_encrypted { Some(Arc::new(self.trust.client_config()?)) } else { None },
            threads: self.threads.unwrap_or_else(|| {
                std::thread::available_parallelism().map_or(1, |processors| processors.get().min(THREADS))
            }),
            ..Plan::new(self.targets[0].clone())
        };
        Ok(plan)
    }

    /// Those that arrive play once each, too, but do not end by themselves.
    fn plays_once(&self) -> bool {
        !self.replay.is_empty() && self.arrivals.is_none()
    }

    /// The addresses, as they are named in what is said about them.
    pub(super) fn servers(&self) -> String {
        self.targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
    }

    pub(super) fn most_connections(&self) -> usize {
        match self.crowd() {
            Crowd::Stages(stages) => stages.iter().map(|stage| stage.to).max().unwrap_or(0),
            Crowd::Fixed { connections, .. } => connections,
            Crowd::Arrivals { at_most, .. } => at_most,
        }
    }

    fn crowd(&self) -> Crowd {
        match self.arrivals {
            Some(per_second) => Crowd::Arrivals { per_second, at_most: self.connections.unwrap_or(AT_ONCE) },
            None if !self.stages.is_empty() => Crowd::Stages(self.stages.clone()),
            None => Crowd::Fixed {
                connections: self.connections.unwrap_or(CONNECTIONS),
                ramp: self.ramp.unwrap_or(Duration::ZERO),
            },
        }
    }

    fn payload(&self) -> anyhow::Result<Payload> {
        if !self.replay.is_empty() {
            return Ok(Payload::sessions(recording::sessions(&self.replay, &self.targets)?));
        }
        let payload = match (&self.file, &self.message, &self.script) {
            (Some(file), ..) => Payload::verbatim(fs::read(file).with_context(|| cannot_read(file))?),
            (_, Some(text), _) => Payload::template(text).context("--message")?,
            (.., Some(file)) => {
                let text = fs::read_to_string(file).with_context(|| cannot_read(file))?;
                Payload::script(&text).map_err(|error| anyhow!("{}: {error}", file.display()))?
            }
            _ => self.size.map_or_else(Payload::default, Payload::sized),
        };
        Ok(if self.binary { payload.binary() } else { payload })
    }
}

fn cannot_read(file: &Path) -> String {
    format!("cannot read {}", file.display())
}

fn target(text: &str) -> Result<Target, String> {
    address::server(text)?.parse()
}

fn some_time(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        Duration::ZERO => Err("expected a duration of more than 0".to_owned()),
        time => Ok(time),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let per_second = text.strip_suffix("/s").unwrap_or(text);
    match per_second.parse() {
        Ok(rate) if rate > 0.0 && f64::is_finite(rate) => Ok(rate),
        _ => Err("expected a number in a second of more than 0, such as 1000 or 0.5".to_owned()),
    }
}

fn lifetime(text: &str) -> Result<Lifetime, String> {
    match (text.parse::<u32>(), parse_duration(text)) {
        (Ok(messages @ 1..), _) => Ok(Lifetime::Messages(messages)),
        (_, Ok(time)) if !time.is_zero() => Ok(Lifetime::Time(time)),
        _ => Err("expected a number of messages such as 100, or a time such as 30s".to_owned()),
    }
}
