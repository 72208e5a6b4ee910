//! `mockforge record`: a proxy that writes down what passes.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use mockforge_ws::{UpstreamTls, WsConfig, WsProxyConfig};

use crate::logging::Logging;
use crate::traffic::Recording;
use crate::{address, serve};

#[derive(Debug, clap::Args)]
pub(crate) struct Record {
    /// The real server, ws:// or wss://
    #[arg(long, value_name = "URL")]
    upstream: String,
    /// Trust an upstream at wss:// that is certified by this authority (PEM), beside those that the system knows
    #[arg(long, value_name = "FILE")]
    upstream_ca: Option<PathBuf>,
    /// Trust any upstream
    #[arg(long, conflicts_with = "upstream_ca")]
    upstream_insecure: bool,
    #[command(flatten)]
    recording: Recording,
    /// The address to listen on, or a name that stands for it
    #[arg(long, value_name = "HOST", value_parser = address::host, default_value = "127.0.0.1")]
    host: IpAddr,
    /// The port to listen on; 0 takes a free one
    #[arg(long, visible_alias = "port", value_name = "PORT", value_parser = address::port, default_value_t = 3001)]
    ws_port: u16,
    #[command(flatten)]
    logging: Logging,
}

pub(crate) fn record(options: Record) -> anyhow::Result<ExitCode> {
    let _started = options.logging.start();
    let config = WsConfig {
        host: options.host,
        port: options.ws_port,
        proxy_config: Some(WsProxyConfig {
            upstream_url: options.upstream,
            tls: UpstreamTls { ca_file: options.upstream_ca, insecure: options.upstream_insecure },
            ..WsProxyConfig::default()
        }),
        record: Some(options.recording.into()),
        ..WsConfig::default()
    };
    serve::until_interrupted(config)
}
