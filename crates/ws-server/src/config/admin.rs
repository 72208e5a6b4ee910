//! Who may ask the admin API, and for how long.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{self, Deserializer, Unexpected};

use super::written;

/// Who may ask the admin API, and for how long. It is served where
/// `WsServerBuilder::admin_routes`, of the feature `admin`, asks for it. What is changed here takes effect at a reload.
///
/// ```
/// use ws_server::{AdminConfig, WsConfig};
///
/// let admin = AdminConfig { token: Some("s3cret".to_owned()), ..AdminConfig::default() };
/// let config = WsConfig { admin, ..WsConfig::default() };
/// assert!(!format!("{config:?}").contains("s3cret"));
/// ```
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AdminConfig {
    /// What a request has to show as `Authorization: Bearer TOKEN`. Without one, only requests of this machine are answered, and
    /// only where the server listens on a loopback address by itself. It is never logged; 1 to 1,024 visible ASCII characters.
    #[serde(deserialize_with = "token")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 1024), regex(pattern = r"^[!-~]+$")))]
    pub token: Option<String>,
    /// The origins whose pages may ask beside the server's own, such as `http://localhost:5173`.
    pub allowed_origins: Vec<String>,
    /// How long a request may wait for messages, 60 s by default; one that wants to wait longer waits as long as this.
    #[serde(deserialize_with = "written::duration")]
    #[cfg_attr(feature = "schema", schemars(with = "written::DurationSchema"))]
    pub longest_wait: Duration,
}

impl Default for AdminConfig {
    fn default() -> Self {
        Self { token: None, allowed_origins: Vec::new(), longest_wait: Duration::from_secs(60) }
    }
}

impl AdminConfig {
    /// The longest token in bytes.
    const LONGEST_TOKEN: usize = 1024;

    /// Whether the token can stand in a header; if not, why.
    pub(super) fn check(&self) -> Result<(), String> {
        self.token.as_deref().map_or(Ok(()), check_token)
    }
}

/// Shows no token.
impl fmt::Debug for AdminConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminConfig")
            .field("token", &self.token.as_ref().map(|_| "..."))
            .field("allowed_origins", &self.allowed_origins)
            .field("longest_wait", &self.longest_wait)
            .finish()
    }
}

fn check_token(token: &str) -> Result<(), String> {
    let fits = (1..=AdminConfig::LONGEST_TOKEN).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic());
    if fits { Ok(()) } else { Err(EXPECTED_TOKEN.to_owned()) }
}

const EXPECTED_TOKEN: &str = "`token` is 1 to 1024 visible ASCII characters, without spaces";

fn token<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let token = Option::<String>::deserialize(deserializer)?;
    match token.as_deref().map(check_token) {
        // The value is a secret, though not a good one.
        Some(Err(_)) => Err(de::Error::invalid_value(Unexpected::Other("another text"), &EXPECTED_TOKEN)),
        _ => Ok(token),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_fits_into_a_header() {
        for (token, fits) in [("a", true), ("x~!", true), ("", false), ("a b", false), ("ä", false), ("a\n", false)] {
            let read: Result<AdminConfig, _> = serde_json::from_value(serde_json::json!({ "token": token }));
            assert_eq!(read.is_ok(), fits, "{token:?}");
            let config = AdminConfig { token: Some(token.to_owned()), ..AdminConfig::default() };
            assert_eq!(config.check().is_ok(), fits, "{token:?}");
        }
        assert!(AdminConfig { token: Some("x".repeat(1025)), ..AdminConfig::default() }.check().is_err());
    }
}
