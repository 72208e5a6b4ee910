//! Each connection needs a file descriptor: the limit is raised at start, and what it allows is said if it is less.

use tracing::warn;

/// What the program itself needs: log, listener, runtime, script files.
const RESERVED: u64 = 64;

/// Raises the limit of open files as far as the system lets us.
pub(crate) fn raise(max_connections: usize) {
    let wanted = u64::try_from(max_connections).unwrap_or(u64::MAX).saturating_add(RESERVED);
    match rlimit::increase_nofile_limit(wanted) {
        Ok(allowed) if allowed < wanted => warn!(
            "the system allows {allowed} open files: at most about {} connections, not {max_connections}; see `ulimit -Hn`",
            allowed.saturating_sub(RESERVED)
        ),
        Ok(_) => {}
        Err(error) => warn!("cannot read the limit of open files: {error}"),
    }
}
