//! Whom `connect` and `load` trust.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// `--cacert` and `--insecure`.
#[derive(Debug, clap::Args)]
pub(crate) struct Trust {
    /// Trust who is certified by this authority (PEM), instead of those that the system knows
    #[arg(long, value_name = "FILE")]
    cacert: Option<PathBuf>,
    /// Trust any server
    #[arg(short = 'k', long, conflicts_with = "cacert")]
    insecure: bool,
}

impl Trust {
    /// How servers are checked: against `--cacert`, against the system's authorities, or not at all.
    pub(crate) fn client_config(&self) -> anyhow::Result<ClientConfig> {
        let provider = Arc::new(ring::default_provider());
        let builder =
            ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
        if self.insecure {
            let anybody = Arc::new(Anybody(provider.signature_verification_algorithms));
            return Ok(builder.dangerous().with_custom_certificate_verifier(anybody).with_no_client_auth());
        }
        let roots = match &self.cacert {
            Some(file) => authorities(file)?,
            None => system(),
        };
        Ok(builder.with_root_certificates(roots).with_no_client_auth())
    }
}

fn authorities(file: &Path) -> anyhow::Result<RootCertStore> {
    let name = file.display();
    let text = std::fs::read(file).with_context(|| format!("--cacert {name}"))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|error| anyhow::anyhow!("--cacert {name}: is not PEM: {error}"))?;
        roots.add(certificate).with_context(|| format!("--cacert {name}: has no certificate of an authority"))?;
    }
    if roots.is_empty() {
        bail!("--cacert {name}: has no certificate: expected PEM, with a line -----BEGIN CERTIFICATE-----");
    }
    Ok(roots)
}

/// Those that can be read: where there are none, no certificate is trusted, and the error says so.
fn system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// Trusts everybody. Signatures are checked all the same: what is spoken with is who holds the certificate's key.
#[derive(Debug)]
struct Anybody(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
