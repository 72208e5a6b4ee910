//! The real server behind the mock: every connection, or chosen messages of it, goes on to an upstream.
//!
//! [`WsProxyHandler`] gives each client an upstream connection of its own and carries everything both ways;
//! [`PassthroughHandler`] lets single messages through and leaves the rest to other handlers. Both are handlers as all others
//! are: they accept no connection from clients and own no client socket.

mod config;
mod dial;
mod error;
mod handler;
mod headers;
mod passthrough;
mod pool;
mod relay;
mod rule;
mod transform;
mod uplink;
mod upstream;
mod url;

pub use config::{Fallback, ProxyMock, UpstreamTls, WsProxyConfig};
pub use error::{ProxyError, UpstreamRefusal};
pub use handler::WsProxyHandler;
pub use passthrough::{PassthroughConfig, PassthroughHandler};
pub use pool::{UpstreamConnection, UpstreamPool};
pub use rule::ProxyRule;
pub use transform::{ProxyDirection, TransformFn, Transformed};

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
