//! `wss://`.

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;
use ws_load::{Failure, LoadError, Payload, Plan, Stop};

use crate::server::{Server, echo_on, run};

/// An echo, and its certificate.
pub(crate) fn encrypted() -> (Server, CertificateDer<'static>) {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let server_config = ServerConfig::builder_with_provider(default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(server_config));
    let server = Server::serving(move |stream, _| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                echo_on(stream).await;
            }
        }
    });
    (server, cert.der().clone())
}

/// A plan of messages for one that trusts these.
fn plan(server: &Server, roots: RootCertStore, connections: usize, messages: u32) -> Plan {
    let mut plan = server.plan(connections);
    // The certificate is of the name, and only IPv4 is listened on: the target is looked up.
    plan.targets = vec![format!("wss://localhost:{}/ws", server.address().port()).parse().unwrap()];
    (plan.messages, plan.duration) = (Some(messages), None);
    let config = ClientConfig::builder_with_provider(default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    plan.tls = Some(Arc::new(config));
    plan
}

#[test]
fn what_a_socket_does_not_take_at_once_is_sent_all_the_same() {
    let (server, cert) = encrypted();
    let mut roots = RootCertStore::empty();
    roots.add(cert).unwrap();
    let mut plan = plan(&server, roots, 4, 8);
    plan.payload = Payload::sized(2 << 20);
    plan.timeout = Duration::from_secs(30);
    let report = run(plan);
    assert_eq!((report.round_trips(), report.lost(), report.failures().count()), (32, 0, 0), "{report}");
}

#[test]
fn who_is_trusted_is_loaded_and_nobody_else() {
    let (server, cert) = encrypted();
    let mut roots = RootCertStore::empty();
    roots.add(cert).unwrap();
    let report = run(plan(&server, roots, 5, 50));
    assert_eq!((report.round_trips(), report.lost(), report.failures().count()), (250, 0, 0), "{report}");

    let error = ws_load::run(plan(&server, RootCertStore::empty(), 5, 50), &Stop::default(), |_| {}).unwrap_err();
    assert!(matches!(error, LoadError::NoConnection { failure: Failure::Tls, .. }), "{error}");
}
