//! Makes the modes that a configuration asks for. The one place in this crate that knows the mode crates.

use std::sync::Arc;

use tracing::{info, warn};
use ws_core::WsHandler;
use ws_replay::{ReplayHandler, ReplayOptions, ReplayScript};

use crate::interactive::Interactive;
use crate::{ServerError, WsConfig};

/// The modes of `config`, in the order in which they run behind the registered handlers.
pub(crate) fn modes(config: &WsConfig) -> Result<Vec<Arc<dyn WsHandler>>, ServerError> {
    let mut modes: Vec<Arc<dyn WsHandler>> = Vec::new();
    if let Some(file) = &config.replay_file {
        let script = ReplayScript::load(file)?;
        for doubt in script.warnings() {
            warn!("{doubt}");
        }
        info!("playing {} to every connection", file.display());
        modes.push(Arc::new(ReplayHandler::new(Arc::new(script), replay_options(config))));
    }
    Ok(modes)
}

fn replay_options(config: &WsConfig) -> ReplayOptions {
    let options = config.seed.map_or_else(ReplayOptions::default, ReplayOptions::seeded);
    ReplayOptions { clock: config.clock.unwrap_or(options.clock), expand: config.template_expand, ..options }
}

/// What answers on paths that no handler takes.
pub(crate) fn fallback(config: &WsConfig) -> Arc<dyn WsHandler> {
    Arc::new(if config.raw_echo { Interactive::RawEcho } else { Interactive::Echo })
}
