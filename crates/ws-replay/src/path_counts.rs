//! How many connections each path has had: the n-th of a path gets the same random values in each run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts connections by their paths. Clients choose the paths, so there is a bound of 10,000; the connections of all
/// further paths are counted together. Clones share the count.
///
/// ```
/// let counts = ws_replay::PathCounts::default();
/// assert_eq!([counts.next("/ws"), counts.next("/ws"), counts.next("/ws/a")], [0, 1, 0]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct PathCounts(Arc<Mutex<HashMap<String, u64>>>);

const MOST_PATHS: usize = 10_000;

impl PathCounts {
    /// The number of a new connection on `path`, from 0.
    pub fn next(&self, path: &str) -> u64 {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_counted = counts.contains_key(path) || counts.len() < MOST_PATHS;
        let count = counts.entry(if is_counted { path } else { "" }.to_owned()).or_default();
        let nth = *count;
        *count += 1;
        nth
    }
}
