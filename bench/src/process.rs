//! What the kernel says about a process: its CPU time and its memory, from /proc.

use std::{fs, ops::Sub, time::Duration};

use anyhow::{Context, Result};

/// Looks at one process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Probe {
    pid: u32,
}

/// CPU time that all threads of a process have had, those that ended included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CpuTime {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
}

impl Sub for CpuTime {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self { user: self.user - earlier.user, system: self.system - earlier.system }
    }
}

impl Probe {
    pub(crate) fn new(pid: u32) -> Self {
        Self { pid }
    }

    /// To the clock tick, which is 10 ms nearly everywhere.
    pub(crate) fn cpu_time(&self) -> Result<CpuTime> {
        let path = format!("/proc/{}/stat", self.pid);
        let stat = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
        parse_stat(&stat, rustix::param::clock_ticks_per_second()).with_context(|| format!("{path}: {stat}"))
    }

    /// How many files and sockets it has open.
    pub(crate) fn open_files(&self) -> Result<usize> {
        let path = format!("/proc/{}/fd", self.pid);
        Ok(fs::read_dir(&path).with_context(|| format!("reading {path}"))?.count())
    }

    /// Resident memory (VmRSS).
    pub(crate) fn resident_bytes(&self) -> Result<u64> {
        let path = format!("/proc/{}/status", self.pid);
        let status = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
        parse_resident(&status).with_context(|| format!("{path} has no VmRSS"))
    }
}

fn parse_stat(stat: &str, ticks_per_second: u64) -> Option<CpuTime> {
    // The second field is the program's name in brackets and may itself hold blanks and brackets.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let mut time = || {
        let ticks: u64 = fields.next()?.parse().ok()?;
        Some(Duration::from_secs_f64(ticks as f64 / ticks_per_second as f64))
    };
    Some(CpuTime { user: time()?, system: time()? })
}

fn parse_resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_is_read_after_the_name() {
        let stat = "42 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 150 13 14 15";
        let time = parse_stat(stat, 100).unwrap();
        assert_eq!(time, CpuTime { user: Duration::from_millis(2500), system: Duration::from_millis(1500) });
        assert!(parse_stat("42 (a) S 1 2", 100).is_none());
    }

    #[test]
    fn resident_memory_is_in_kib() {
        assert_eq!(parse_resident("Name:\tx\nVmRSS:\t    1234 kB\n"), Some(1234 * 1024));
        assert_eq!(parse_resident("Name:\tx\n"), None);
    }

    #[test]
    fn this_process_uses_time_and_memory() {
        let probe = Probe::new(std::process::id());
        let before = probe.cpu_time().unwrap();
        let busy = std::time::Instant::now();
        while probe.cpu_time().unwrap() == before {
            assert!(busy.elapsed() < Duration::from_secs(30), "no tick of CPU time in 30 s of work");
        }
        assert!(probe.resident_bytes().unwrap() > 100 * 1024);
        // Standard input, output and error, at least.
        assert!(probe.open_files().unwrap() >= 3);
    }
}
