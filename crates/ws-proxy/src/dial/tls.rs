//! TLS to upstreams: whom we trust.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::UpstreamStream;
use crate::url::UpstreamUrl;
use crate::{ProxyError, UpstreamTls};

/// What is needed to speak TLS, made when it is first needed: reading the system's roots takes its time.
pub(super) struct Tls {
    authorities: Vec<CertificateDer<'static>>,
    insecure: bool,
    connector: OnceLock<TlsConnector>,
}

impl Tls {
    pub(super) fn new(options: &UpstreamTls) -> Result<Self, ProxyError> {
        let mut authorities = Vec::new();
        if let Some(file) = &options.ca_file {
            let failed = |problem: String| ProxyError::CaFile { file: file.clone(), problem };
            for certificate in CertificateDer::pem_file_iter(file).map_err(|error| failed(error.to_string()))? {
                authorities.push(certificate.map_err(|error| failed(error.to_string()))?);
            }
            // Said now, not at the first handshake.
            let mut roots = RootCertStore::empty();
            for certificate in &authorities {
                roots.add(certificate.clone()).map_err(|error| failed(error.to_string()))?;
            }
            if authorities.is_empty() {
                return Err(failed("it holds no certificate".to_owned()));
            }
        }
        Ok(Self { authorities, insecure: options.insecure, connector: OnceLock::new() })
    }

    pub(super) async fn connect(&self, socket: TcpStream, url: &UpstreamUrl) -> Result<UpstreamStream, ProxyError> {
        let failed = |problem: String| ProxyError::Tls { url: url.to_string(), problem };
        let name = ServerName::try_from(url.host.clone()).map_err(|error| failed(error.to_string()))?;
        let connector = match self.connector.get() {
            Some(connector) => connector,
            None => {
                let made = self.connector().map_err(|problem| ProxyError::NoTls { url: url.to_string(), problem })?;
                self.connector.get_or_init(|| made)
            }
        };
        let stream = connector.connect(name, socket).await.map_err(|error| failed(error.to_string()))?;
        Ok(UpstreamStream::tls(stream))
    }

    fn connector(&self) -> Result<TlsConnector, String> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let mut config = if self.insecure {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider))).with_no_client_auth()
        } else {
            builder.with_root_certificates(self.roots()?).with_no_client_auth()
        };
        // HTTP/2 knows no such upgrade.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsConnector::from(Arc::new(config)))
    }

    fn roots(&self) -> Result<RootCertStore, String> {
        let mut roots = RootCertStore::empty();
        let system = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(system.certs);
        for certificate in &self.authorities {
            roots.add(certificate.clone()).map_err(|error| error.to_string())?;
        }
        if roots.is_empty() {
            return Err("this system has no trusted certificates, and no CA file is named (tls.ca_file)".to_owned());
        }
        Ok(roots)
    }
}

/// Trusts every certificate, because the user said so; signatures are still checked.
struct Anybody(Arc<CryptoProvider>);

impl fmt::Debug for Anybody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Anybody").finish_non_exhaustive()
    }
}

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
