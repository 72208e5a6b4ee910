//! The stretch of time that is measured: after the warm-up, before the last messages drain.

use std::time::{Duration, Instant};

use anyhow::Result;
use hdrhistogram::Histogram;
use serde::Serialize;

use crate::process::{CpuTime, Probe};

/// How long a run of traffic lasts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// Runs first and counts for nothing: caches, allocators and JIT compilers settle.
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
}

/// What went through a server while it was measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Traffic {
    /// Messages echoed, deliveries of a broadcast, or connections opened and closed.
    pub(crate) events: u64,
    pub(crate) seconds: f64,
    /// CPU time of the server, all its threads.
    pub(crate) user_seconds: f64,
    pub(crate) system_seconds: f64,
    /// From sending to the answer, or until the last member has heard a broadcast.
    pub(crate) round_trip: Option<RoundTrip>,
}

/// Percentiles in microseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct RoundTrip {
    pub(crate) p50_us: u64,
    pub(crate) p99_us: u64,
}

impl Traffic {
    pub(crate) fn new(events: u64, elapsed: Duration, cpu: CpuTime) -> Self {
        Self {
            events,
            seconds: elapsed.as_secs_f64(),
            user_seconds: cpu.user.as_secs_f64(),
            system_seconds: cpu.system.as_secs_f64(),
            round_trip: None,
        }
    }

    /// CPU seconds of the server for a million events.
    pub(crate) fn cpu_seconds_per_million(&self) -> f64 {
        (self.user_seconds + self.system_seconds) * 1e6 / self.events as f64
    }

    pub(crate) fn events_per_second(&self) -> f64 {
        self.events as f64 / self.seconds
    }

    /// Which part of the CPU time went to the kernel, 0 to 1.
    pub(crate) fn in_kernel(&self) -> f64 {
        self.system_seconds / (self.user_seconds + self.system_seconds)
    }

    /// Which part of the time the server's core was busy with it, 0 to 1.
    pub(crate) fn busy(&self) -> f64 {
        (self.user_seconds + self.system_seconds) / self.seconds
    }
}

/// Watches the clock and the server while traffic runs.
pub(crate) struct Window<'a> {
    probe: &'a Probe,
    timing: Timing,
    phase: Phase,
    events: u64,
    round_trips: Histogram<u64>,
}

enum Phase {
    WarmUp { since: Instant },
    Measured { since: Instant, cpu: CpuTime },
    Over { since: Instant, elapsed: Duration, cpu: CpuTime },
}

impl<'a> Window<'a> {
    /// Begins the warm-up.
    pub(crate) fn begin(probe: &'a Probe, timing: Timing) -> Result<Self> {
        Ok(Self {
            probe,
            timing,
            phase: Phase::WarmUp { since: Instant::now() },
            events: 0,
            // Up to a minute, in microseconds.
            round_trips: Histogram::new_with_max(60_000_000, 3)?,
        })
    }

    /// Looks at the clock; false once the measurement is over and the traffic should drain.
    pub(crate) fn tick(&mut self) -> Result<bool> {
        match self.phase {
            Phase::WarmUp { since } if since.elapsed() >= self.timing.warm_up => {
                self.phase = Phase::Measured { since: Instant::now(), cpu: self.probe.cpu_time()? };
            }
            Phase::Measured { since, cpu } if since.elapsed() >= self.timing.measured => {
                self.phase = Phase::Over { since, elapsed: since.elapsed(), cpu: self.probe.cpu_time()? - cpu };
            }
            _ => {}
        }
        Ok(!matches!(self.phase, Phase::Over { .. }))
    }

    /// Counts an event, if it falls into the measured time.
    pub(crate) fn count(&mut self) {
        if matches!(self.phase, Phase::Measured { .. }) {
            self.events += 1;
        }
    }

    /// Keeps a round trip, if it ended in the measured time.
    pub(crate) fn round_trip(&mut self, took: Duration) {
        if matches!(self.phase, Phase::Measured { .. }) {
            self.record(took);
        }
    }

    /// Keeps the round trip of a message that was due at a certain time, if that lay in the measured time. When the answer
    /// came does not matter: those that a stall holds back until all is over are the ones to know of.
    pub(crate) fn due_round_trip(&mut self, due: Instant, took: Duration) {
        let measured = match self.phase {
            Phase::WarmUp { .. } => false,
            Phase::Measured { since, .. } => due >= since,
            Phase::Over { since, elapsed, .. } => due >= since && due < since + elapsed,
        };
        if measured {
            self.record(took);
        }
    }

    fn record(&mut self, took: Duration) {
        self.round_trips.saturating_record(took.as_micros().try_into().unwrap_or(u64::MAX));
    }

    /// What was measured, or nothing when the traffic ended first.
    pub(crate) fn close(self) -> Option<Traffic> {
        let Phase::Over { elapsed, cpu, .. } = self.phase else { return None };
        let round_trip = RoundTrip {
            p50_us: self.round_trips.value_at_quantile(0.50),
            p99_us: self.round_trips.value_at_quantile(0.99),
        };
        Some(Traffic { round_trip: Some(round_trip), ..Traffic::new(self.events, elapsed, cpu) })
    }
}
