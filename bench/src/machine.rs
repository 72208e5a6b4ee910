//! The machine: what it allows, and what the reader has to know about it.

use std::fs;

use anyhow::{Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{cores::Cores, load::Timing};

/// For 5,000 connections at one end, and some room.
const FILES: u64 = 5_500;

/// Above this, other work takes part in every figure.
const QUIET: f64 = 0.5;

/// Lets this process, and the servers it starts, open as many files as the system allows.
pub(crate) fn raise_file_limit() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    let allowed = limit.maximum.unwrap_or(u64::MAX);
    ensure!(allowed >= FILES, "only {allowed} open files are allowed (hard limit), the bench needs {FILES}");
    Ok(())
}

/// What was measured where, and a warning when the machine was busy already.
pub(crate) fn heading(cores: Cores, runs: usize, timing: Timing) -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut heading = format!(
        "{}, Linux {}; server on core {}, load on core {}; {runs} runs each, {} s after {} s of warm-up.\n",
        cpu.as_deref().unwrap_or(std::env::consts::ARCH),
        kernel.trim(),
        cores.server,
        cores.load,
        timing.measured.as_secs_f64(),
        timing.warm_up.as_secs_f64(),
    );
    if cfg!(debug_assertions) {
        heading.push_str("This is a debug build: the figures of the Rust servers mean nothing.\n");
    }
    if let Some(load) = load_average().filter(|&load| load > QUIET) {
        heading
            .push_str(&format!("Load average at the start {load}: other work was running, the figures are noisy.\n"));
    }
    heading
}

/// Of the last minute.
fn load_average() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split_ascii_whitespace().next()?.parse().ok()
}
