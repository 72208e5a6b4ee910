//! Flags of the admin API.

use clap::builder::BoolishValueParser;
use mockforge_ws::{AdminConfig, WsConfig};

/// Those of `serve`.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Admin API and inspector")]
pub(crate) struct Admin {
    /// Leave out the admin API and the inspector at /__admin/
    #[arg(long, value_parser = BoolishValueParser::new(), env = "MOCKFORGE_WS_NO_ADMIN")]
    no_admin: bool,
    /// Answer requests to /__admin that show this token (`Authorization: Bearer TOKEN`), from wherever they come; without it,
    /// only those of this machine. Other users of this machine see arguments of programs: prefer the variable
    #[arg(long, value_name = "TOKEN", env = "MOCKFORGE_WS_ADMIN_TOKEN", hide_env_values = true)]
    admin_token: Option<String>,
}

impl Admin {
    pub(crate) fn is_off(&self) -> bool {
        self.no_admin
    }

    /// `config`, where no flag says otherwise.
    pub(crate) fn over(self, config: WsConfig) -> WsConfig {
        let token = self.admin_token.or(config.admin.token);
        WsConfig { admin: AdminConfig { token, ..config.admin }, ..config }
    }
}
