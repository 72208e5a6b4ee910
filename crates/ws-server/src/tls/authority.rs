//! A certificate authority of our own: made once, kept in the user's data directory, and trusted by who wants to.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tracing::{info, warn};

use super::TlsError;
use super::files::{self, Identity};

/// For how many years the authority is valid: trusting it is work.
const CA_YEARS: i64 = 10;
/// For how many days the server's own certificate is valid. Some clients take none that is longer than 398 days.
const LEAF_DAYS: i64 = 365;

/// Makes certificates that are trusted by who trusts its `ca.pem`.
pub(super) struct Authority {
    ca_file: PathBuf,
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Opens the authority in `folder`, or in the default one; it is made if there is none.
    pub(super) fn open(folder: Option<&Path>) -> Result<Self, TlsError> {
        let folder = match folder {
            Some(folder) => folder.to_owned(),
            None => default_folder(|name| std::env::var_os(name)).ok_or(TlsError::NoFolder)?,
        };
        let failed = |source| TlsError::Io {
            path: folder.clone(),
            problem: "cannot keep a certificate authority here (MOCKFORGE_WS_TLS_DIR names another folder)",
            source,
        };
        create_folder(&folder).map_err(failed)?;
        // Servers that start at the same time make one authority, not two halves of two.
        let lock = File::create(folder.join(".lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;

        let (ca_file, key_file) = (folder.join("ca.pem"), folder.join("ca-key.pem"));
        match (ca_file.exists(), key_file.exists()) {
            (true, true) => {}
            (false, false) => {
                make(&ca_file, &key_file).map_err(failed)?;
                info!("made a certificate authority: {}", ca_file.display());
            }
            (found, _) => {
                let (missing, other) = if found { (key_file, ca_file) } else { (ca_file, key_file) };
                let problem = format!("is missing; delete {} too, and a new authority is made", other.display());
                return Err(TlsError::content(missing, problem));
            }
        }
        Self::load(ca_file, &key_file)
    }

    fn load(ca_file: PathBuf, key_file: &Path) -> Result<Self, TlsError> {
        let unusable = |path: &Path, problem: &str| {
            let (ca_file, key_file) = (ca_file.display(), key_file.display());
            let rest = format!("{problem}; delete {ca_file} and {key_file}, and a new authority is made");
            TlsError::content(path, rest)
        };
        let certificate =
            files::certificates(&ca_file)?.into_iter().next().ok_or_else(|| unusable(&ca_file, "is empty"))?;
        let text = fs::read_to_string(key_file).map_err(|source| TlsError::reading(key_file, source))?;
        let key = KeyPair::from_pem(&text).map_err(|_| unusable(key_file, "has no private key that can sign"))?;
        let (_, parsed) = x509_parser::parse_x509_certificate(&certificate)
            .map_err(|_| unusable(&ca_file, "is not an X.509 certificate"))?;
        if parsed.public_key().subject_public_key.data != key.public_key_raw() {
            return Err(unusable(key_file, "is not the private key of the authority"));
        }
        if parsed.validity().not_after.timestamp() < Timestamp::now().as_second() {
            return Err(unusable(&ca_file, "has expired"));
        }
        warn_of_readers(key_file);
        let issuer = Issuer::from_ca_cert_der(&certificate, key)
            .map_err(|error| unusable(&ca_file, &format!("cannot be used: {error}")))?;
        Ok(Self { certificate, issuer, ca_file })
    }

    /// The certificate that clients have to trust.
    pub(super) fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// Makes a certificate for this machine's own names, `host` and `names`.
    pub(super) fn issue(&self, host: IpAddr, names: &[String]) -> Result<Identity, TlsError> {
        let mut known: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
        // Nobody connects to "all addresses".
        let host = Some(host.to_string()).filter(|_| !host.is_unspecified());
        for name in host.into_iter().chain(names.iter().cloned()) {
            if !known.contains(&name) {
                known.push(name);
            }
        }
        let mut alternatives = Vec::with_capacity(known.len());
        for name in known {
            let wildcard = name.strip_prefix("*.").unwrap_or(&name);
            if ServerName::try_from(wildcard).is_err() {
                return Err(TlsError::Name(name));
            }
            let one = CertificateParams::new([name.clone()]).map_err(|_| TlsError::Name(name))?;
            alternatives.extend(one.subject_alt_names);
        }
        let mut params = CertificateParams::default();
        params.subject_alt_names = alternatives;
        params.distinguished_name.push(DnType::CommonName, "MockForge WS server");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        set_validity(&mut params, LEAF_DAYS.days());
        let signed = KeyPair::generate().and_then(|key| Ok((params.signed_by(&key, &self.issuer)?, key)));
        let (leaf, key) = signed.map_err(|error| TlsError::content(&self.ca_file, error.to_string()))?;
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        Ok((vec![leaf.der().clone(), self.certificate.clone()], key))
    }
}

/// The folder that the authority is kept in, if no other is named.
fn default_folder(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Option<PathBuf> {
    let set = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("MOCKFORGE_WS_TLS_DIR").or_else(|| {
        let data = set("XDG_DATA_HOME").or_else(|| set("HOME").map(|home| home.join(".local/share")))?;
        Some(data.join("mockforge"))
    })
}

fn make(ca_file: &Path, key_file: &Path) -> io::Result<()> {
    let mut params = CertificateParams::default();
    let name = format!("MockForge WS local CA, made {}", Timestamp::now().strftime("%F"));
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut params, CA_YEARS.years());
    let made = KeyPair::generate().and_then(|key| Ok((params.self_signed(&key)?.pem(), key)));
    let (certificate, key) = made.map_err(io::Error::other)?;
    write_new(key_file, key.serialize_pem().as_bytes(), 0o600)?;
    write_new(ca_file, certificate.as_bytes(), 0o644)
}

/// From yesterday, as clocks differ, for so long.
fn set_validity(params: &mut CertificateParams, span: Span) {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let date = |date: Date| rcgen::date_time_ymd(date.year().into(), date.month() as u8, date.day() as u8);
    params.not_before = date(today.saturating_sub(1.day()));
    params.not_after = date(today.saturating_add(span));
}

/// Writes a file that is not there yet, with these permissions from its first moment.
fn write_new(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Who can read the key can pass for any site to those who trust the authority.
fn warn_of_readers(key_file: &Path) {
    #[cfg(unix)]
    if let Ok(metadata) = fs::metadata(key_file)
        && std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0
    {
        warn!("{0}: others can read the key of the certificate authority: chmod 600 {0}", key_file.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_that_of_the_variable_then_of_the_user() {
        let check = |variables: &[(&str, &str)], expected: Option<&str>| {
            let folder =
                default_folder(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()));
            assert_eq!(folder, expected.map(PathBuf::from), "{variables:?}");
        };
        let all = [("MOCKFORGE_WS_TLS_DIR", "/a"), ("XDG_DATA_HOME", "/b"), ("HOME", "/c")];
        check(&all, Some("/a"));
        check(&all[1..], Some("/b/mockforge"));
        check(&all[2..], Some("/c/.local/share/mockforge"));
        check(&[("MOCKFORGE_WS_TLS_DIR", ""), ("HOME", "")], None);
    }

    #[test]
    fn an_authority_is_made_once_and_its_key_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("new/folder");
        let first = Authority::open(Some(&folder)).unwrap();
        let second = Authority::open(Some(&folder)).unwrap();
        assert_eq!(first.certificate, second.certificate);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&folder.join("ca-key.pem")), 0o600);
            assert_eq!(mode(&folder), 0o700);
        }
    }

    #[test]
    fn servers_that_start_at_once_share_an_authority() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Authority::open(Some(folder.path())).unwrap().certificate;
        let made: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(made.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn a_broken_authority_says_what_to_delete() {
        let folder = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        Authority::open(Some(other.path())).unwrap();
        let (ca_file, key_file) = (folder.path().join("ca.pem"), folder.path().join("ca-key.pem"));
        let check = |spoil: &dyn Fn(), named: &Path, expected: &str| {
            let _ = fs::remove_file(&ca_file);
            let _ = fs::remove_file(&key_file);
            Authority::open(Some(folder.path())).unwrap();
            spoil();
            let text = Authority::open(Some(folder.path())).err().unwrap().to_string();
            assert!(text.starts_with(&format!("{}: {expected}", named.display())), "{text}");
            assert!(text.contains("delete"), "{text}");
        };
        check(&|| fs::remove_file(&key_file).unwrap(), &key_file, "is missing");
        check(&|| fs::remove_file(&ca_file).unwrap(), &ca_file, "is missing");
        check(&|| fs::write(&key_file, "x").unwrap(), &key_file, "has no private key");
        let foreign = other.path().join("ca-key.pem");
        check(&|| assert!(fs::copy(&foreign, &key_file).is_ok()), &key_file, "is not the private key of the authority");
    }

    #[test]
    fn certificates_are_for_names_that_can_be() {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::open(Some(folder.path())).unwrap();
        let host = IpAddr::from([0, 0, 0, 0]);
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(authority.issue(host, &names(&["dev.local", "*.dev.local", "10.0.0.7", "localhost"])).is_ok());
        for wrong in ["", "two words", "*", "http://x", "caf\u{e9}"] {
            let error = authority.issue(host, &names(&[wrong])).err().unwrap();
            assert!(matches!(&error, TlsError::Name(name) if name == wrong), "{error}");
        }
    }
}
