//! Handlers in JavaScript, as a server has them.
//!
//! The configuration always compiles; what it needs to run is behind the feature `js`.

#[cfg(feature = "js")]
mod running;
#[cfg(not(feature = "js"))]
mod without;

#[cfg(feature = "js")]
pub(crate) use self::running::{Scripts, ScriptsReload, digest, folders};
#[cfg(not(feature = "js"))]
pub(crate) use self::without::{Scripts, ScriptsReload, digest, folders};
