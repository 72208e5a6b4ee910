//! Each connection needs a file descriptor: the limit is raised at start, and what it allows is said if it is less.

/// What the program itself needs: log, listener, runtime, script files.
const RESERVED: u64 = 64;

/// Raises the limit of open files as far as the system lets us; tells what is to be said if that is not far enough.
pub(crate) fn raise(connections: usize) -> Option<String> {
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(RESERVED);
    match rlimit::increase_nofile_limit(wanted) {
        Ok(allowed) if allowed < wanted => Some(format!(
            "the system allows {allowed} open files: at most about {} connections, not {connections}; see `ulimit -Hn`",
            allowed.saturating_sub(RESERVED)
        )),
        Ok(_) => None,
        Err(error) => Some(format!("cannot read the limit of open files: {error}")),
    }
}
