//! Each connection needs a file descriptor: the limit is raised at start, and what it allows is said if it is less.

/// What is asked for beside connections: for log, listener, runtime, script files.
const RESERVED: u64 = 64;
/// What the program has open itself, whatever it does.
const OWN: u64 = 12;

/// Raises the limit of open files as far as the system lets us; tells what is to be said if that is not far enough.
pub(crate) fn raise(connections: usize) -> Option<String> {
    let connections = u64::try_from(connections).unwrap_or(u64::MAX);
    match rlimit::increase_nofile_limit(connections.saturating_add(RESERVED)) {
        Ok(allowed) => too_few(allowed, connections),
        Err(error) => Some(format!("cannot read the limit of open files: {error}")),
    }
}

fn too_few(allowed: u64, connections: u64) -> Option<String> {
    let most = allowed.saturating_sub(OWN);
    (most < connections).then(|| {
        format!(
            "the system allows {allowed} open files: at most about {most} connections, not {connections}; see `ulimit -Hn`"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::too_few;

    #[test]
    fn what_is_said_is_what_fits() {
        let said = |allowed| too_few(allowed, 100);
        assert!(said(40).is_some_and(|text| text.contains("at most about 28 connections, not 100")), "{:?}", said(40));
        assert!(said(8).is_some_and(|text| text.contains("at most about 0 connections")), "{:?}", said(8));
        assert!(said(111).is_some_and(|text| text.contains("at most about 99 connections")), "{:?}", said(111));
        assert_eq!(said(112), None);
    }
}
