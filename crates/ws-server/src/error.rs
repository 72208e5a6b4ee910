//! Why a server could not be started.

use std::io;
use std::net::SocketAddr;

/// Why a server could not be started. Each says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// A variable of the environment has a value that cannot be read.
    #[error("{name}={value}: {problem}")]
    Variable {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A field of the configuration has a value with which nothing can be served.
    #[error("{field}: {problem}")]
    Config {
        /// The field of [`WsConfig`](crate::WsConfig).
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The replay script could not be loaded; every mistake in it is named.
    #[error(transparent)]
    Replay(#[from] ws_replay::ReplayErrors),
    /// TLS could not be set up.
    #[error(transparent)]
    Tls(#[from] crate::TlsError),
    /// The way to the upstream makes no sense.
    #[error(transparent)]
    Proxy(#[from] ws_proxy::ProxyError),
    /// Events cannot be written.
    #[error("{place}: {source}")]
    Ai {
        /// Where they are asked for: `ai_config`, or that of a path.
        place: String,
        /// Why not.
        source: ws_ai::AiError,
    },
    /// The recording cannot be begun.
    #[error(transparent)]
    Record(#[from] ws_replay::RecordError),
    /// Conditions or limits make no sense; every mistake in them is named.
    #[error(transparent)]
    Conditions(#[from] ws_conditions::ConditionsError),
    /// The rules for handshakes make no sense.
    #[error(transparent)]
    HandshakeRules(#[from] ws_core::HandlerError),
    /// Scripts cannot be loaded; every mistake in them is named.
    #[cfg(feature = "js")]
    #[error("{}", in_folder(dir, errors))]
    Scripts {
        /// The folder of scripts.
        dir: std::path::PathBuf,
        /// The mistakes; their files are named as seen from the folder.
        errors: ws_script::ScriptErrors,
    },
    /// The configuration could not be read again.
    #[error("{0}")]
    Source(String),
    /// The port is taken.
    #[error("port {} is in use: stop the other program, or choose another port (0 takes a free one)", .0.port())]
    PortInUse(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
}

/// One mistake a line, each with its file as it is found from here.
#[cfg(feature = "js")]
fn in_folder(dir: &std::path::Path, errors: &ws_script::ScriptErrors) -> String {
    let line = |error: &ws_script::ScriptError| match dir.join(&error.file) {
        file if file.exists() => format!("{}{}{error}", dir.display(), std::path::MAIN_SEPARATOR),
        _ => error.to_string(),
    };
    errors.iter().map(line).collect::<Vec<_>>().join("\n")
}

impl ServerError {
    pub(crate) fn binding(address: SocketAddr, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::PortInUse(address),
            _ => Self::Bind { address, source },
        }
    }
}
