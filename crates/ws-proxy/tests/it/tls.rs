//! Y09: upstreams at wss://, with an authority of our own.

use std::sync::Arc;

use http::StatusCode;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use ws_proxy::{ProxyError, UpstreamTls, WsProxyConfig, WsProxyHandler};
use ws_testing::ClientError;

use crate::serving::{config, serve_handler};
use crate::upstream::{Facts, accept, echo, listen};

/// An echo at wss://, with the CA file that its clients need.
struct TlsUpstream {
    port: u16,
    folder: TempDir,
    _serving: JoinSet<()>,
}

impl TlsUpstream {
    async fn start() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let ca = authority.self_signed(&key).unwrap();
        let issuer = rcgen::Issuer::new(authority, key);
        let server_key = rcgen::KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let certificate = rcgen::CertificateParams::new(names).unwrap().signed_by(&server_key, &issuer).unwrap();

        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), ca.pem()).unwrap();
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(server_key.serialize_der()));
        let tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(tls));

        let listener = listen(0).await;
        let port = listener.local_addr().unwrap().port();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                connections.spawn(async move {
                    let Ok(stream) = acceptor.accept(socket).await else { return };
                    if let Ok(socket) = accept(stream, |_, response| Ok(response), &Facts::default()).await {
                        echo(socket).await;
                    }
                });
            }
        });
        Self { port, folder, _serving: serving }
    }

    fn config(&self, host: &str, tls: UpstreamTls) -> WsProxyConfig {
        WsProxyConfig { tls, ..config(format!("wss://{host}:{}", self.port)) }
    }

    fn ca(&self) -> UpstreamTls {
        UpstreamTls { ca_file: Some(self.folder.path().join("ca.pem")), insecure: false }
    }
}

#[tokio::test]
async fn an_upstream_with_a_known_authority_is_spoken_to() {
    let upstream = TlsUpstream::start().await;
    for host in ["localhost", "127.0.0.1"] {
        let server = serve_handler(WsProxyHandler::new(upstream.config(host, upstream.ca()))).await;
        let mut client = server.connect("/ws").await.unwrap();
        for size in [5, 300_000] {
            let text = "x".repeat(size);
            client.send_text(&text).await.unwrap();
            assert!(client.recv_text().await.unwrap() == text);
        }
        client.close(4000, "done").await.unwrap();
    }
}

#[tokio::test]
async fn an_upstream_with_an_unknown_authority_is_refused_unless_everybody_is_trusted() {
    let upstream = TlsUpstream::start().await;
    let server = serve_handler(WsProxyHandler::new(upstream.config("localhost", UpstreamTls::default()))).await;
    let refused = server.connect("/ws").await.unwrap_err();
    let ClientError::Refused { status: StatusCode::BAD_GATEWAY, body } = refused else { panic!("{refused:?}") };
    assert!(body.contains("tls.ca_file"), "{body}");

    let insecure = UpstreamTls { insecure: true, ..Default::default() };
    let server = serve_handler(WsProxyHandler::new(upstream.config("localhost", insecure))).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("hello").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "hello");
}

#[test]
fn a_ca_file_that_cannot_be_used_is_named_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    for file in [empty, folder.path().join("missing.pem")] {
        let tls = UpstreamTls { ca_file: Some(file.clone()), insecure: false };
        let error = WsProxyHandler::try_new(WsProxyConfig { tls, ..config("wss://h") }).unwrap_err();
        assert!(matches!(&error, ProxyError::CaFile { file: named, .. } if *named == file), "{error}");
    }
}
