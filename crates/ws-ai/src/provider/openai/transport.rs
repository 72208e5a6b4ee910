//! The HTTP below async-openai: TLS by ring with the system's roots, no redirects, no variables but those of proxies.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_openai::config::Config;
use http::{HeaderMap, Uri};
use reqwest::redirect::Policy;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use secrecy::SecretString;

use crate::AiError;
use crate::provider::choice::ModelEndpoint;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the API is. async-openai's own configuration would read keys, URLs and organisations out of the environment; it
/// is not given the key either: that goes into the header alone, in [`Call`](super::call::Call).
#[derive(Clone)]
pub(super) struct Place {
    base_url: Arc<str>,
    no_key: SecretString,
}

impl Place {
    pub(super) fn new(base_url: &str) -> Self {
        Self { base_url: base_url.into(), no_key: SecretString::default() }
    }
}

impl Config for Place {
    fn headers(&self) -> HeaderMap {
        HeaderMap::new()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }

    fn api_base(&self) -> &str {
        &self.base_url
    }

    fn api_key(&self) -> &SecretString {
        &self.no_key
    }
}

/// The client for an endpoint.
pub(super) fn client(endpoint: &ModelEndpoint, call_timeout: Duration) -> Result<reqwest::Client, AiError> {
    let refused = |problem: String| AiError::config("replay.base_url", problem);
    let uri: Uri = endpoint.base_url.parse().map_err(|error| refused(format!("this is no URL: {error}")))?;
    let is_secure = uri.scheme_str() == Some("https");
    let is_here = is_loopback(uri.host().unwrap_or_default());
    if endpoint.key.is_some() && !is_secure && !is_here {
        let base_url = &endpoint.base_url;
        tracing::warn!(%base_url, "the key goes over the network unencrypted: the URL is http, not https");
    }
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls(is_secure).map_err(refused)?)
        .redirect(Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT.min(call_timeout))
        .user_agent(concat!("mockforge-ws-ai/", env!("CARGO_PKG_VERSION")));
    if is_here {
        // A proxy would look for it on its own machine.
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| refused(error.to_string()))
}

/// Our own: reqwest's would need a crypto provider for the whole process, or C.
fn tls(is_needed: bool) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    // Reading them takes its time.
    if is_needed {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err("this system has no trusted certificates, which https needs".to_owned());
        }
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_several_names() {
        for here in ["localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "[::1]"] {
            assert!(is_loopback(here), "{here}");
        }
        for there in ["", "localhost.example", "10.0.0.1", "[::2]", "api.openai.com"] {
            assert!(!is_loopback(there), "{there}");
        }
    }
}
