//! What each handler has cost: its calls, how many of them failed, and how long messages took.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;
use std::time::Instant;

use prometheus::{
    Histogram, HistogramVec, IntCounter, IntCounterVec, Registry, register_histogram_vec_with_registry,
    register_int_counter_vec_with_registry,
};

/// The buckets of durations in seconds: from an echo to a handler that sleeps.
const BUCKETS: [f64; 12] = [0.000_01, 0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

/// How many handlers have series of their own. Names are made by programs: one that makes them without end must not fill
/// the memory.
const MOST: usize = 256;

/// The label of those beyond.
const OTHERS: &str = "other";

/// Counts what handlers do, each under its label. Clones count into the same.
#[derive(Clone)]
pub struct HandlerMetrics(Arc<Family>);

struct Family {
    calls: IntCounterVec,
    errors: IntCounterVec,
    duration: HistogramVec,
    meters: RwLock<HashMap<String, HandlerMeter>>,
}

impl HandlerMetrics {
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        Ok(Self(Arc::new(Family {
            calls: register_int_counter_vec_with_registry!(
                "mockforge_ws_handler_calls_total",
                "Calls of handlers.",
                &["handler", "call"],
                registry
            )?,
            errors: register_int_counter_vec_with_registry!(
                "mockforge_ws_handler_errors_total",
                "Calls of handlers that ended with an error, a panic or a time-out.",
                &["handler", "call"],
                registry
            )?,
            duration: register_histogram_vec_with_registry!(
                "mockforge_ws_handler_duration_seconds",
                "How long handlers took for a message.",
                &["handler"],
                BUCKETS.to_vec(),
                registry
            )?,
            meters: RwLock::default(),
        })))
    }

    /// The meter of the handlers with this label; to be kept, as finding it costs more than counting. Its series are there
    /// from now on, at 0. Beyond 256 labels, it is that of `other`.
    #[must_use]
    pub fn of(&self, label: &str) -> HandlerMeter {
        if let Some(meter) = self.0.meters.read().unwrap_or_else(PoisonError::into_inner).get(label) {
            return meter.clone();
        }
        let mut meters = self.0.meters.write().unwrap_or_else(PoisonError::into_inner);
        let label = if meters.contains_key(label) || meters.len() < MOST { label } else { OTHERS };
        meters.entry(label.to_owned()).or_insert_with(|| self.0.meter(label)).clone()
    }
}

impl Family {
    fn meter(&self, label: &str) -> HandlerMeter {
        let all =
            |counters: &IntCounterVec| HandlerCall::ALL.map(|call| counters.with_label_values(&[label, call.as_str()]));
        HandlerMeter(Some(Arc::new(Meter {
            calls: all(&self.calls),
            errors: all(&self.errors),
            duration: self.duration.with_label_values(&[label]),
        })))
    }
}

impl fmt::Debug for HandlerMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let handlers = self.0.meters.read().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("HandlerMetrics").field("handlers", &handlers).finish_non_exhaustive()
    }
}

/// The calls of a handler that are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandlerCall {
    /// `on_connect`.
    OnConnect,
    /// `on_message`; of these it is also counted how long they took.
    OnMessage,
    /// `on_disconnect`.
    OnDisconnect,
}

impl HandlerCall {
    /// In the order of their declaration, which is that of their counters.
    const ALL: [Self; 3] = [Self::OnConnect, Self::OnMessage, Self::OnDisconnect];

    /// The value of the label `call`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnConnect => "on_connect",
            Self::OnMessage => "on_message",
            Self::OnDisconnect => "on_disconnect",
        }
    }
}

/// Counts the calls of the handlers with one label.
///
/// ```
/// use ws_metrics::{HandlerCall, MetricsRegistry};
///
/// let metrics = MetricsRegistry::new();
/// let meter = metrics.handlers().of("Echo");
/// let call = meter.begin(HandlerCall::OnMessage);
/// // ... the handler does what it does ...
/// call.fail();
/// assert!(metrics.render().contains(r#"mockforge_ws_handler_errors_total{call="on_message",handler="Echo"} 1"#));
/// ```
///
/// The default one counts nothing, and costs nothing.
#[derive(Clone, Default)]
pub struct HandlerMeter(Option<Arc<Meter>>);

struct Meter {
    calls: [IntCounter; 3],
    errors: [IntCounter; 3],
    duration: Histogram,
}

impl HandlerMeter {
    /// A call begins. It has ended when what this returns is dropped, also by a panic, which is an error.
    pub fn begin(&self, call: HandlerCall) -> MeteredCall<'_> {
        let running = self.0.as_deref().map(|meter| {
            meter.calls[call as usize].inc();
            Running { meter, call, began: (call == HandlerCall::OnMessage).then(Instant::now) }
        });
        MeteredCall(running)
    }
}

impl fmt::Debug for HandlerMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |counters: &[IntCounter; 3]| counters.iter().map(IntCounter::get).sum::<u64>();
        f.debug_struct("HandlerMeter")
            .field("calls", &self.0.as_ref().map(|meter| count(&meter.calls)))
            .field("errors", &self.0.as_ref().map(|meter| count(&meter.errors)))
            .finish_non_exhaustive()
    }
}

/// A call of a handler that has begun.
#[must_use = "dropped, it counts as ended"]
pub struct MeteredCall<'a>(Option<Running<'a>>);

struct Running<'a> {
    meter: &'a Meter,
    call: HandlerCall,
    began: Option<Instant>,
}

impl MeteredCall<'_> {
    /// The call has ended, with an error.
    pub fn fail(self) {
        if let Some(running) = &self.0 {
            running.fail();
        }
    }
}

impl Running<'_> {
    fn fail(&self) {
        self.meter.errors[self.call as usize].inc();
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.fail();
        }
        if let Some(began) = self.began {
            self.meter.duration.observe(began.elapsed().as_secs_f64());
        }
    }
}

impl fmt::Debug for MeteredCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MeteredCall").field(&self.0.as_ref().map(|running| running.call)).finish()
    }
}
