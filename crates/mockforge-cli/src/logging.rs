//! How the log looks and where it goes to; and spans, which a collector may get beside it.

use std::io::{self, IsTerminal};
#[cfg(feature = "otlp")]
use std::time::Duration;

use clap::ValueEnum;
#[cfg(feature = "otlp")]
use mockforge_ws::OtlpTraces;
#[cfg(feature = "otlp")]
use tracing::info;
use tracing::warn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt, registry};

use crate::log_filter::LogFilter;

/// How long the program waits at its end for a collector to take the last spans.
#[cfg(feature = "otlp")]
const LAST_SPANS: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Logging {
    /// What is logged: off, error, warn, info, debug, trace, or a filter such as `info,ws_server=debug` [default: what
    /// RUST_LOG says, else info]
    #[arg(long, value_name = "FILTER", env = "MOCKFORGE_WS_LOG")]
    log: Option<LogFilter>,
    /// How it looks
    #[arg(long, value_name = "FORMAT", default_value = "pretty", env = "MOCKFORGE_WS_LOG_FORMAT")]
    log_format: LogFormat,
}

/// How a log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// Lines for people
    Pretty,
    /// A JSON object a line, for programs
    Json,
}

impl Logging {
    /// Logs to stderr from here on, as stdout is for the answers of commands; and sends spans to a collector, if the
    /// variables `OTEL_*` name one. What this returns is to be dropped when the program ends, outside of a runtime.
    pub(crate) fn start(&self) -> Started {
        #[cfg(feature = "otlp")]
        {
            let (traces, problem) = match OtlpTraces::from_env("mockforge") {
                Ok(traces) => (traces, None),
                Err(error) => (None, Some(error)),
            };
            self.begin(io::stderr, traces.as_ref().map(|traces| traces.layer().boxed()));
            if let Some(traces) = &traces {
                info!("spans are sent to {}", traces.url());
            }
            if let Some(problem) = problem {
                // Who watches is never the reason that nothing is served.
                warn!("no spans are sent: {problem}");
            }
            Started { traces }
        }
        #[cfg(not(feature = "otlp"))]
        {
            self.begin(io::stderr, None);
            Started {}
        }
    }

    /// Logs to what `writer` makes, which writes to stderr in its way.
    pub(crate) fn start_with(&self, writer: impl for<'w> MakeWriter<'w> + Send + Sync + 'static) {
        self.begin(writer, None);
    }

    fn begin(&self, writer: impl for<'w> MakeWriter<'w> + Send + Sync + 'static, spans: Option<SpanLayer>) {
        let (rust_log, unreadable) = match LogFilter::from_rust_log() {
            Ok(filter) => (filter, None),
            Err(text) => (None, Some(text)),
        };
        let filter = self.log.clone().or(rust_log).unwrap_or_default();
        // Whoever has closed the pipe or the terminal wants no log: saying so there, too, would be a panic.
        let lines = fmt::layer().with_writer(writer).log_internal_errors(false);
        let lines = match self.log_format {
            LogFormat::Pretty => lines.with_ansi(io::stderr().is_terminal()).with_target(false).boxed(),
            LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
        };
        registry().with(spans).with(lines.with_filter(filter.to_filter())).init();
        if let Some(text) = unreadable.filter(|_| self.log.is_none()) {
            warn!("RUST_LOG is no filter, so info is logged: `{text}`");
        }
    }
}

/// Takes spans to where they are sent from.
type SpanLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Sends spans until it is dropped.
#[must_use = "spans are sent until it is dropped"]
pub(crate) struct Started {
    #[cfg(feature = "otlp")]
    traces: Option<OtlpTraces>,
}

impl Drop for Started {
    fn drop(&mut self) {
        #[cfg(feature = "otlp")]
        if let Some(Err(error)) = self.traces.take().map(|traces| traces.shut_down(LAST_SPANS)) {
            warn!("the last spans were not sent: {error}");
        }
    }
}
