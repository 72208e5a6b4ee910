//! An exporter that says once that its collector is away, and once that it is there again.
//!
//! The SDK says it for each batch, and not where the collector should have been: whoever shows its log leaves that out.

use std::fmt::Display;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tracing::{info, warn};

/// Tells what becomes of the spans that `exporter` sends to `url`.
#[derive(Debug)]
pub(super) struct Telling<E> {
    exporter: E,
    url: String,
    is_away: AtomicBool,
}

impl<E> Telling<E> {
    pub(super) fn new(exporter: E, url: String) -> Self {
        Self { exporter, url, is_away: AtomicBool::new(false) }
    }

    /// Says how it went, if it went otherwise than the last time.
    fn tell(&self, sent: &Result<(), impl Display>) {
        let was_away = self.is_away.swap(sent.is_err(), Ordering::Relaxed);
        match sent {
            Err(error) if !was_away => {
                warn!("no spans reach {}: {error}; they are dropped until it answers", self.url);
            }
            Ok(()) if was_away => info!("spans reach {} again", self.url),
            _ => {}
        }
    }
}

impl<E: SpanExporter> SpanExporter for Telling<E> {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        let sending = self.exporter.export(batch);
        async move {
            let sent = sending.await;
            self.tell(&sent);
            sent
        }
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_collector_that_is_away_is_told_of_once() {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt().with_ansi(false).with_target(false).without_time();
        tracing::subscriber::with_default(log.with_writer(move || writer.clone()).finish(), || {
            let telling = Telling::new((), "http://c:1/v1/traces".to_owned());
            for sent in [Ok(()), Err("away"), Err("away"), Ok(()), Ok(()), Err("ill")] {
                telling.tell(&sent);
            }
        });
        let lines = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<_> = lines.lines().map(str::trim).collect();
        let expected = [
            "WARN no spans reach http://c:1/v1/traces: away; they are dropped until it answers",
            "INFO spans reach http://c:1/v1/traces again",
            "WARN no spans reach http://c:1/v1/traces: ill; they are dropped until it answers",
        ];
        assert_eq!(lines, expected);
    }
}
