//! A certificate and its key from PEM files.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{CertificateError, Error, InconsistentKeys};
use tracing::warn;

use super::TlsError;

/// A certificate with those that lead to its root, and its private key.
pub(super) type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Reads both files.
pub(super) fn load(cert_file: &Path, key_file: &Path) -> Result<Identity, TlsError> {
    let chain = certificates(cert_file)?;
    if let Some(leaf) = chain.first() {
        warn_of_dates(cert_file, leaf);
    }
    Ok((chain, private_key(key_file)?))
}

/// Why rustls does not take what the files hold.
pub(super) fn refused(error: Error, cert_file: &Path, key_file: &Path) -> TlsError {
    match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            TlsError::Mismatch { cert_file: cert_file.to_owned(), key_file: key_file.to_owned() }
        }
        Error::InvalidCertificate(CertificateError::BadEncoding) => {
            TlsError::content(cert_file, "holds something else than an X.509 certificate")
        }
        // What remains is about the key: `with_single_cert` looks at nothing else.
        error => TlsError::content(key_file, format!("cannot be used as a private key: {error}")),
    }
}

/// All certificates of a PEM file; at least one.
pub(super) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = fs::read(file).map_err(|source| TlsError::reading(file, source))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(TlsError::content(
            file,
            "has no certificate: expected PEM, with a line -----BEGIN CERTIFICATE----- \
             (from DER: openssl x509 -inform der -in FILE -out cert.pem)",
        )),
        Err(error) => Err(TlsError::content(file, format!("is not PEM as it should be: {error}"))),
    }
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    const ENCRYPTED: [&[u8]; 2] = [b"BEGIN ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED"];
    let text = fs::read(file).map_err(|source| TlsError::reading(file, source))?;
    if ENCRYPTED.iter().any(|mark| text.windows(mark.len()).any(|part| part == *mark)) {
        return Err(TlsError::content(
            file,
            "the private key is encrypted; write it in the clear: openssl pkey -in FILE -out key.pem",
        ));
    }
    PrivateKeyDer::from_pem_slice(&text).map_err(|_| {
        TlsError::content(
            file,
            "has no private key: expected PEM, with a line -----BEGIN PRIVATE KEY----- \
             (from DER: openssl pkey -inform der -in FILE -out key.pem)",
        )
    })
}

/// Clients refuse such a certificate; what they then do may be what is tested.
fn warn_of_dates(file: &Path, certificate: &CertificateDer<'_>) {
    let Ok((_, certificate)) = x509_parser::parse_x509_certificate(certificate) else { return };
    let validity = certificate.validity();
    let now = Timestamp::now().as_second();
    if validity.not_after.timestamp() < now {
        warn!("{}: the certificate expired on {}: clients will refuse it", file.display(), validity.not_after);
    } else if validity.not_before.timestamp() > now {
        warn!("{}: the certificate is valid from {} only: clients will refuse it", file.display(), validity.not_before);
    }
}
