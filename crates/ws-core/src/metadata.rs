//! Named values that handlers keep for a connection.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::context::lock;

/// What handlers keep for one connection by name. Clones share it; it outlives the call that got it.
#[derive(Clone, Default)]
pub struct Metadata(Arc<Mutex<HashMap<String, Value>>>);

impl Metadata {
    /// Keeps a value, in the place of the one that `key` had.
    pub fn set(&self, key: &str, value: Value) {
        lock(&self.0).insert(key.to_owned(), value);
    }

    /// The value that is kept under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Value> {
        lock(&self.0).get(key).cloned()
    }
}

/// Shows names only: values may be secrets.
impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(lock(&self.0).keys()).finish()
    }
}
