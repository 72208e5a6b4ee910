//! What `serve` is told: flags and variables over the configuration file over the defaults.

use std::path::{Path, PathBuf};

use mockforge_ws::{TlsConfig, WsConfig};
use tracing::info;

use crate::args::Serve;
use crate::config_file::{ConfigMistakes, LiveFile};

/// All of it together; the file may be read again while the server runs.
pub(crate) struct Settings {
    options: Serve,
    file: LiveFile,
}

impl Settings {
    /// Reads all of it.
    pub(crate) fn read(options: Serve) -> Result<(Self, WsConfig), ConfigMistakes> {
        let (live, file) = LiveFile::open(options.config.as_deref())?;
        if let Some(file) = &file {
            info!("configured by {}", std::path::absolute(&file.path).as_deref().unwrap_or(&file.path).display());
        }
        // A reload waits for a folder that is missing; who starts has misspelt it.
        if let Some(file) = file.as_ref().filter(|_| options.playing.handlers.is_none()) {
            file.check_handlers_folder()?;
        }
        let settings = Self { options, file: live };
        let config = settings.over(file.map(|file| file.config).unwrap_or_default());
        settings.options.events.warn_if_without_effect(&config);
        Ok((settings, config))
    }

    /// Reads it again, in the same way.
    pub(crate) fn read_again(&self) -> Result<WsConfig, ConfigMistakes> {
        let file = self.file.read_again()?;
        Ok(self.over(file.map(|file| file.config).unwrap_or_default()))
    }

    /// The file that is read again, if one can be.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        self.file.place()
    }

    /// Whether somebody said that files are watched, or that they are not.
    pub(crate) fn watch(&self) -> Option<bool> {
        self.options.watch
    }

    /// Whether the admin API is served.
    #[cfg(feature = "admin")]
    pub(crate) fn has_admin(&self) -> bool {
        !self.options.admin.is_off()
    }

    fn over(&self, file: WsConfig) -> WsConfig {
        let options = self.options.clone();
        let self_signed = options.tls_self_signed.then(|| match file.tls.clone() {
            // The file may say more of it.
            Some(tls @ TlsConfig::SelfSigned { .. }) => tls,
            _ => TlsConfig::self_signed(),
        });
        let files = options.tls_cert.zip(options.tls_key).map(|(cert, key)| TlsConfig::files(cert, key));
        let config = WsConfig {
            host: options.host.unwrap_or(file.host),
            port: options.ws_port.unwrap_or(file.port),
            max_connections: options.max_connections.unwrap_or(file.max_connections),
            max_message_size: options.max_message_size.unwrap_or(file.max_message_size),
            heartbeat_interval: options.heartbeat_interval.unwrap_or(file.heartbeat_interval),
            replay_file: options.ws_replay_file.or(file.replay_file),
            template_expand: options.template_expand.unwrap_or(file.template_expand),
            seed: options.seed.or(file.seed),
            clock: options.clock.or(file.clock),
            raw_echo: options.raw_echo.unwrap_or(file.raw_echo),
            tls: files.or(self_signed).or(file.tls),
            ..file
        };
        #[cfg(feature = "admin")]
        let config = options.admin.over(config);
        options.events.over(options.traffic.over(options.playing.over(config)))
    }
}

/// How clients come to trust `ca_file`, one line for each kind.
pub(crate) fn how_to_trust(ca_file: &Path, url: &str) -> String {
    let ca = ca_file.display();
    let https = url.replacen("wss://", "https://", 1);
    format!(
        "clients connect once they trust {ca}\n\
         \x20 here:    mockforge connect --cacert {ca} {url}\n\
         \x20 curl:    curl --cacert {ca} {https}\n\
         \x20 Node:    NODE_EXTRA_CA_CERTS={ca} node client.js\n\
         \x20 Python:  SSL_CERT_FILE={ca} python3 client.py\n\
         \x20 browser: import it in the settings, as an authority that identifies websites"
    )
}
