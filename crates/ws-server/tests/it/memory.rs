//! How much memory this process holds.

use std::fs;

/// The resident set in bytes; 0 where there is no `/proc`, and so nothing to compare. Other tests may run in the same
/// process, so bounds on it are generous.
pub(crate) fn resident() -> u64 {
    let Ok(status) = fs::read_to_string("/proc/self/status") else { return 0 };
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim_end_matches("kB").trim().parse::<u64>().unwrap() * 1024
}
