//! The machine: what it allows, and what the reader has to know about it.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{cores::Cores, load::Timing};

/// What a process has open besides its connections.
const SPARE_FILES: u64 = 500;

/// A larger part of the time than this in other hands, and the figures are noisy.
const DISTURBED: f64 = 0.02;

/// Lets this process, and the servers it starts, open as many files as the system allows. It has to be enough for so many
/// connections at one end.
pub(crate) fn raise_file_limit(connections: usize) -> Result<()> {
    let needed = connections as u64 + SPARE_FILES;
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    let allowed = limit.maximum.unwrap_or(u64::MAX);
    ensure!(allowed >= needed, "only {allowed} open files are allowed (hard limit), the bench needs {needed}");
    Ok(())
}

/// When and where it was measured.
pub(crate) fn place(cores: Cores) -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut place = format!(
        "{}: {}, {} cores, Linux {}; server on core {}, load on core {}.\n",
        jiff::Timestamp::now().strftime("%Y-%m-%d"),
        cpu.as_deref().unwrap_or(std::env::consts::ARCH),
        online_cores(),
        kernel.trim(),
        cores.server,
        cores.load,
    );
    if cfg!(debug_assertions) {
        place.push_str("This is a debug build: the figures of the Rust servers mean nothing.\n");
    }
    place
}

/// How many cores the machine has, whichever of them this thread may use.
fn online_cores() -> usize {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    cpuinfo.lines().filter(|line| line.starts_with("processor")).count()
}

/// The same, and how; with a warning when other programs were in the way.
pub(crate) fn heading(cores: Cores, runs: usize, timing: Timing, disturbance: Option<f64>) -> String {
    let mut heading = place(cores);
    heading.push_str(&format!(
        "{runs} run{} of each, {} s after {} s of warm-up.\n",
        if runs == 1 { "" } else { "s" },
        timing.measured.as_secs_f64(),
        timing.warm_up.as_secs_f64(),
    ));
    if let Some(part) = disturbance.filter(|&part| part > DISTURBED) {
        heading.push_str(&format!(
            "Other programs kept the load from its core for {:.0}% of the time: the figures are noisy.\n",
            part * 100.0
        ));
    }
    heading
}

/// Watches how long the calling thread is ready to run and does not, because others have its core.
///
/// The load has its core for itself, so on a quiet machine that is next to nothing.
pub(crate) struct Watch {
    since: Instant,
    waited: Option<Duration>,
}

impl Watch {
    pub(crate) fn start() -> Self {
        Self { since: Instant::now(), waited: waited() }
    }

    /// The part of the time since the start, 0 to 1; `None` where the kernel does not count it.
    pub(crate) fn disturbance(&self) -> Option<f64> {
        Some((waited()? - self.waited?).as_secs_f64() / self.since.elapsed().as_secs_f64())
    }
}

fn waited() -> Option<Duration> {
    parse_waited(&fs::read_to_string("/proc/thread-self/schedstat").ok()?)
}

/// Its fields: nanoseconds on a core, nanoseconds waiting for one, number of turns.
fn parse_waited(schedstat: &str) -> Option<Duration> {
    schedstat.split_ascii_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_the_second_field() {
        assert_eq!(parse_waited("12 3000 4\n"), Some(Duration::from_micros(3)));
        assert_eq!(parse_waited(""), None);
    }

    #[test]
    fn only_a_disturbed_machine_is_called_noisy() {
        let timing = Timing { warm_up: Duration::ZERO, measured: Duration::from_secs(1) };
        let noisy = |disturbance| heading(Cores { server: 0, load: 1 }, 5, timing, disturbance).contains("noisy");
        assert_eq!([Some(0.3), Some(0.001), None].map(noisy), [true, false, false]);
    }
}
