//! Flags that say where traffic goes, where it is written down and what the network does to it.

use std::path::PathBuf;

use mockforge_ws::{
    Conditions, LatencyProfile, PRESETS, RecordOptions, Redaction, WsConfig, WsProxyConfig, parse_size,
};

/// Those of `serve`.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Proxy, recording and network")]
pub(crate) struct Traffic {
    /// Take all connections to this server, ws:// or wss://; mockforge.yaml can say more
    #[arg(long, value_name = "URL", env = "MOCKFORGE_WS_PROXY")]
    proxy: Option<String>,
    /// Record all traffic to this file, which --ws-replay-file plays
    #[arg(long, value_name = "FILE", env = "MOCKFORGE_WS_RECORD")]
    record: Option<PathBuf>,
    /// How late messages to clients are: none, fast (1-20 ms), normal (50-200 ms), slow (300-800 ms) or milliseconds
    #[arg(long, value_name = "LATENCY", env = "MOCKFORGE_WS_LATENCY")]
    latency: Option<LatencyProfile>,
    /// A network or server that misbehaves in a known way: flaky-mobile, proxy-reload, server-restart or slow-consumer
    #[arg(long, value_name = "NAME", value_parser = preset, env = "MOCKFORGE_WS_PRESET")]
    preset: Option<Conditions>,
    /// Let in browsers only from this origin, e.g. http://localhost:5173; may be repeated
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',', env = "MOCKFORGE_WS_ALLOW_ORIGIN")]
    allow_origin: Vec<String>,
}

impl Traffic {
    /// `config`, where no flag says otherwise.
    pub(crate) fn over(self, config: WsConfig) -> WsConfig {
        let proxy_config = match self.proxy {
            Some(upstream_url) => Some(WsProxyConfig { upstream_url, ..config.proxy_config.unwrap_or_default() }),
            None => config.proxy_config,
        };
        let record = match self.record {
            Some(file) => Some(RecordOptions { file, ..config.record.unwrap_or_else(|| RecordOptions::to("")) }),
            None => config.record,
        };
        let mut conditions = self.preset.or(config.conditions);
        if self.latency.is_some() {
            conditions.get_or_insert_default().latency = self.latency;
        }
        let allowed_origins = if self.allow_origin.is_empty() { config.allowed_origins } else { self.allow_origin };
        WsConfig { proxy_config, record, conditions, allowed_origins, ..config }
    }
}

/// What `record` writes down, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Recording {
    /// The file; it must be new or empty
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Give each connection a file of its own, with a number in its name
    #[arg(long)]
    per_connection: bool,
    /// Leave out pings and pongs
    #[arg(long)]
    exclude_pings: bool,
    /// Replace what this JSONPath selects, e.g. `$..password`; may be repeated
    #[arg(long, value_name = "JSONPATH", value_parser = Redaction::jsonpath)]
    redact_json: Vec<Redaction>,
    /// Replace what this regex matches; may be repeated
    #[arg(long, value_name = "REGEX", value_parser = Redaction::regex)]
    redact: Vec<Redaction>,
    /// Stop recording when the file is as large as this, e.g. 10MiB [default: 64MiB, the most that can be played]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    max_size: Option<usize>,
    /// Go on in a new file, with a number in its name, when one is full
    #[arg(long)]
    rotate: bool,
}

impl From<Recording> for RecordOptions {
    fn from(recording: Recording) -> Self {
        let everything = Self::to(recording.out);
        Self {
            per_connection: recording.per_connection,
            exclude_pings: recording.exclude_pings,
            redact: recording.redact_json.into_iter().chain(recording.redact).collect(),
            max_bytes: recording.max_size.map_or(everything.max_bytes, |size| Some(size as u64)),
            rotate: recording.rotate,
            ..everything
        }
    }
}

fn preset(name: &str) -> Result<Conditions, String> {
    Conditions::preset(name).ok_or_else(|| {
        let stories: Vec<_> = PRESETS.iter().map(|preset| format!("\n  {}: {}", preset.name, preset.story)).collect();
        format!("there is no such preset; there are:{}", stories.concat())
    })
}
