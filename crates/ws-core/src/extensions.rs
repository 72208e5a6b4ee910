//! Typed state of one connection.

use std::sync::{Mutex, PoisonError};

use crate::context::lock;

/// Typed state of one connection, one value of each type: what `on_handshake` accepted with, and what handlers, hooks and
/// middleware add.
///
/// Values are cloned out; what should be shared and changed goes into an `Arc`.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::AtomicU32;
///
/// let extensions = ws_core::Extensions::default();
/// extensions.insert(Arc::new(AtomicU32::new(7)));
/// assert!(extensions.get::<Arc<AtomicU32>>().is_some());
/// ```
#[derive(Debug, Default)]
pub struct Extensions(Mutex<http::Extensions>);

impl Extensions {
    /// The value of type `T`.
    #[must_use]
    pub fn get<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        lock(&self.0).get::<T>().cloned()
    }

    /// Keeps `value`; gives back the one of its type that was there.
    pub fn insert<T: Clone + Send + Sync + 'static>(&self, value: T) -> Option<T> {
        lock(&self.0).insert(value)
    }

    /// Takes the value of type `T` out.
    pub fn remove<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        lock(&self.0).remove::<T>()
    }
}

impl Extensions {
    /// Takes over all of `others`; what there was of the same types is replaced.
    pub(crate) fn extend(&self, others: Self) {
        let others = others.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        lock(&self.0).extend(others);
    }

    /// Drops all values.
    pub(crate) fn clear(&self) {
        let values = std::mem::take(&mut *lock(&self.0));
        drop(values);
    }
}

impl From<http::Extensions> for Extensions {
    fn from(extensions: http::Extensions) -> Self {
        Self(Mutex::new(extensions))
    }
}
