//! How the generator itself fared: what holds its threads up is told, and is not taken for the server's.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use ws_load::{Crowd, Pace};

use crate::server::{Server, run};
use crate::tls::encrypted;

/// How long a thread of the generator stands still.
const PAUSE: Duration = Duration::from_millis(400);

/// Trusts anybody, and blocks the thread while it thinks about it.
#[derive(Debug)]
struct Ponderous;

impl ServerCertVerifier for Ponderous {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        sleep(PAUSE);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}

#[test]
fn a_thread_that_stands_still_is_told() {
    let (server, _) = encrypted();
    let mut plan = server.plan(1);
    plan.targets = vec![format!("wss://localhost:{}/ws", server.address().port()).parse().unwrap()];
    // The second one comes when the load has begun.
    plan.crowd = Crowd::Fixed { connections: 2, ramp: Duration::from_millis(400) };
    (plan.threads, plan.duration) = (1, Some(Duration::from_millis(1500)));
    plan.pace = Pace::Closed { in_flight: 1, think: Duration::from_millis(1) };
    let config = ClientConfig::builder_with_provider(default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Ponderous))
        .with_no_client_auth();
    plan.tls = Some(Arc::new(config));
    let report = run(plan);
    let generator = report.generator();
    assert!(generator.late_max() > 300.0 && generator.late_p99() > 100.0, "{report}");
    let limit = generator.limit().unwrap();
    assert!(limit.contains("too late at p99"), "{limit}");
    assert!(report.to_string().contains(&format!("THE GENERATOR WAS THE LIMIT: {limit}")), "{report}");
    assert!(report.to_html(&[]).contains("The generator was the limit: it was woken"), "{report}");
    let json = report.to_json(&[]);
    assert_eq!(json["generator"]["limit"], limit.as_str());
}

#[test]
fn what_the_threads_have_worked_is_told() {
    let server = Server::echo();
    let mut plan = server.plan(2);
    plan.duration = Some(Duration::from_millis(1200));
    let report = run(plan);
    let generator = report.generator();
    assert!(0.0 < generator.busiest() && generator.busiest() <= 1.1, "{report}");
    // Two threads.
    assert!(0.0 < generator.cpu_seconds() && generator.cpu_seconds() < 60.0, "{report}");
    assert!(generator.late_max() > 0.0, "{report}");
}
