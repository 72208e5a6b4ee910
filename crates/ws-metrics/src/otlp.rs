//! Spans on their way to a collector, by OTLP over HTTP, as the variables `OTEL_*` of OpenTelemetry say it.
//!
//! They are sent by a thread of their own, so that no connection waits for a collector. What it cannot take is dropped: a
//! collector that is slow or away costs a bounded amount of memory, and a line in the log when that begins and ends.

mod telling;

use std::env;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use opentelemetry::trace::TracerProvider;
use opentelemetry::{Key, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use telling::Telling;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::registry::LookupSpan;

use crate::SPAN_TARGET;

/// The one form in which spans are sent.
const PROTOCOL: &str = "http/protobuf";

/// How long a collector may take for one request, if no variable says so.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why spans cannot be sent. Each names what is to be changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OtlpError {
    /// A variable asks for what there is not.
    #[error("{variable}: `{value}` is not supported; {supported}")]
    Unsupported {
        /// Its name.
        variable: &'static str,
        /// What it says.
        value: String,
        /// What it may say instead.
        supported: &'static str,
    },
    /// The exporter could not be made of what the variables say.
    #[error("traces cannot be exported: {0}")]
    Exporter(String),
}

/// Sends the spans of connections and messages to a collector.
///
/// ```no_run
/// use std::time::Duration;
/// use tracing_subscriber::layer::SubscriberExt;
/// use tracing_subscriber::util::SubscriberInitExt;
/// use ws_metrics::OtlpTraces;
///
/// // Before there is a runtime, as this blocks.
/// let traces = OtlpTraces::from_env("my-mock")?;
/// tracing_subscriber::registry()
///     .with(traces.as_ref().map(OtlpTraces::layer))
///     .with(tracing_subscriber::fmt::layer())
///     .init();
/// // ... serve ...
/// if let Some(traces) = traces {
///     traces.shut_down(Duration::from_secs(5))?;
/// }
/// # Ok::<(), ws_metrics::OtlpError>(())
/// ```
#[derive(Debug)]
pub struct OtlpTraces {
    provider: SdkTracerProvider,
    url: String,
}

impl OtlpTraces {
    /// An exporter as the environment wants it; none, if it wants none: that is so unless `OTEL_TRACES_EXPORTER` is `otlp`
    /// or it names an endpoint. `service` is the name of the service where the environment gives none.
    ///
    /// This blocks, and must not be called by a task of a runtime.
    ///
    /// # Errors
    /// [`OtlpError`] if a variable asks for what there is not.
    pub fn from_env(service: &'static str) -> Result<Option<Self>, OtlpError> {
        if !is_wanted()? {
            return Ok(None);
        }
        let protocol = either("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL");
        if let Some((variable, value)) = protocol.filter(|(_, value)| value != PROTOCOL) {
            let supported = "http/protobuf is, which collectors take at port 4318";
            return Err(OtlpError::Unsupported { variable, value, supported });
        }
        let compression = either("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION");
        if let Some((variable, value)) = compression.filter(|(_, value)| value != "none") {
            return Err(OtlpError::Unsupported { variable, value, supported: "none is" });
        }
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client()?)
            .build()
            .map_err(|error| OtlpError::Exporter(error.to_string()))?;
        let url = shown(&url());
        let exporter = Telling::new(exporter, url.clone());
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource(service)).build();
        Ok(Some(Self { provider, url }))
    }

    /// Where the spans go to, without what is secret in it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The layer that takes the spans of connections and messages, and nothing else, whatever is logged.
    pub fn layer<S: Subscriber + for<'s> LookupSpan<'s>>(&self) -> impl Layer<S> + use<S> {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer(env!("CARGO_PKG_NAME")))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target(SPAN_TARGET, LevelFilter::DEBUG))
    }

    /// Sends what has not been sent yet, and ends; spans that end later are lost. This blocks, for no longer than `limit`.
    ///
    /// # Errors
    /// [`OtlpError::Exporter`] if not all of it was sent.
    pub fn shut_down(self, limit: Duration) -> Result<(), OtlpError> {
        self.provider.shutdown_with_timeout(limit).map_err(|error| OtlpError::Exporter(error.to_string()))
    }
}

fn is_wanted() -> Result<bool, OtlpError> {
    if variable("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Ok(false);
    }
    match variable("OTEL_TRACES_EXPORTER").as_deref() {
        None => Ok(endpoint().is_some()),
        Some("otlp") => Ok(true),
        Some("none") => Ok(false),
        Some(other) => Err(OtlpError::Unsupported {
            variable: "OTEL_TRACES_EXPORTER",
            value: other.to_owned(),
            supported: "otlp and none are",
        }),
    }
}

/// Where the collector is; none: where collectors are by default, on this machine.
fn endpoint() -> Option<String> {
    either("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT").map(|(_, url)| url)
}

/// Where the spans of traces go to, as the exporter makes it of the variables.
fn url() -> String {
    let base = variable("OTEL_EXPORTER_OTLP_ENDPOINT").unwrap_or_else(|| "http://localhost:4318".to_owned());
    variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
        .unwrap_or_else(|| format!("{}/v1/traces", base.trim_end_matches('/')))
}

/// A URL without user, password and query.
fn shown(url: &str) -> String {
    let Ok(url) = url.parse::<Uri>() else { return "a collector".to_owned() };
    let scheme = url.scheme_str().unwrap_or("http");
    let port = url.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{scheme}://{}{port}{}", url.host().unwrap_or_default(), url.path())
}

/// What a variable says; one that is empty says nothing.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The first of two variables that says something, and what.
fn either(first: &'static str, second: &'static str) -> Option<(&'static str, String)> {
    [first, second].into_iter().find_map(|name| Some((name, variable(name)?)))
}

/// A client of our own: that of the exporter would need a TLS provider for the whole process.
fn client() -> Result<reqwest::blocking::Client, OtlpError> {
    let endpoint = endpoint().and_then(|url| url.parse::<Uri>().ok()).unwrap_or_default();
    let timeout = match either("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT") {
        None => TIMEOUT,
        Some((variable, value)) => match value.parse() {
            Ok(milliseconds) => Duration::from_millis(milliseconds),
            Err(_) => {
                let supported = "it is a number of milliseconds";
                return Err(OtlpError::Unsupported { variable, value, supported });
            }
        },
    };
    let mut client = reqwest::blocking::Client::builder()
        .tls_backend_preconfigured(tls(endpoint.scheme() == Some(&Scheme::HTTPS))?)
        .timeout(timeout);
    if endpoint.host().is_none_or(is_loopback) {
        // A proxy would look for it on its own machine.
        client = client.no_proxy();
    }
    client.build().map_err(|error| OtlpError::Exporter(error.to_string()))
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

fn tls(is_needed: bool) -> Result<ClientConfig, OtlpError> {
    let mut roots = RootCertStore::empty();
    // Reading them takes its time.
    if is_needed {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(OtlpError::Exporter("this system has no trusted certificates, which https needs".to_owned()));
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| OtlpError::Exporter(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Who we are: `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`, or `service`.
fn resource(service: &'static str) -> Resource {
    let detected = Resource::builder().build();
    let name = detected.get(&Key::from_static_str("service.name")).map(|name| name.to_string());
    // This is how OpenTelemetry calls who has no name.
    let is_unnamed = name.is_none_or(|name| name.starts_with("unknown_service"));
    let name = is_unnamed.then(|| KeyValue::new("service.name", service));
    Resource::builder().with_attributes(name).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_a_url_is_shown() {
        for (url, expected) in [
            ("http://127.0.0.1:4318/v1/traces", "http://127.0.0.1:4318/v1/traces"),
            ("https://me:secret@[::1]:1/v1/traces?key=secret", "https://[::1]:1/v1/traces"),
            ("https://collector.example/a", "https://collector.example/a"),
        ] {
            assert_eq!(shown(url), expected);
        }
    }
}
