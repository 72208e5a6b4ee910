//! How many connections each path has had: the n-th of a path gets the same random values in each run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts connections by their paths. Clients choose the paths, so there is a bound of 10,000, and one of 1 KiB for each; the
/// connections of all further and longer paths are counted together. Clones share the count.
///
/// ```
/// let counts = ws_replay::PathCounts::default();
/// assert_eq!([counts.next("/ws"), counts.next("/ws"), counts.next("/ws/a")], [0, 1, 0]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct PathCounts(Arc<Mutex<HashMap<String, u64>>>);

const MOST_PATHS: usize = 10_000;
/// The longest path that is counted by itself, in bytes.
const LONGEST: usize = 1024;

impl PathCounts {
    /// The number of a new connection on `path`, from 0.
    pub fn next(&self, path: &str) -> u64 {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_counted = counts.contains_key(path) || (counts.len() < MOST_PATHS && path.len() <= LONGEST);
        let count = counts.entry(if is_counted { path } else { "" }.to_owned()).or_default();
        let nth = *count;
        *count += 1;
        nth
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_choose_is_bounded() {
        let counts = PathCounts::default();
        for n in 0..MOST_PATHS {
            assert_eq!(counts.next(&format!("/ws/{n}")), 0);
        }
        assert_eq!([counts.next("/ws/more"), counts.next("/ws/other"), counts.next("/ws/7")], [0, 1, 1]);
        let counts = PathCounts::default();
        let long = |end: char| format!("{}{end}", "x".repeat(LONGEST));
        assert_eq!([counts.next(&long('a')), counts.next(&long('b')), counts.next(&long('a')[1..])], [0, 1, 0]);
        assert!(counts.0.lock().unwrap().keys().all(|path| path.len() <= LONGEST));
    }
}
