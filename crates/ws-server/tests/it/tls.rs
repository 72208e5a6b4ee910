//! The server behind TLS, as a client sees it that checks certificates.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use rcgen::{CertificateParams, CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, client_async};
use ws_conditions::{Conditions, Fault, FaultRule, Trigger};
use ws_core::WsMessage;
use ws_server::{ServerError, ServerHandle, TlsConfig, TlsError, WsConfig, WsServer};

use crate::log_lines::LogLines;
use crate::programmed::Programmed;

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(60);

fn config(tls: TlsConfig) -> WsConfig {
    WsConfig { port: 0, tls: Some(tls), ..WsConfig::default() }
}

fn self_signed(ca_dir: &Path) -> TlsConfig {
    TlsConfig::SelfSigned { ca_dir: Some(ca_dir.to_owned()), names: vec!["mock.test".to_owned()] }
}

async fn serve(tls: TlsConfig) -> ServerHandle {
    WsServer::builder().config(config(tls)).build().unwrap().serve().await.unwrap()
}

fn refused(tls: TlsConfig) -> TlsError {
    match WsServer::builder().config(config(tls)).build().err() {
        Some(ServerError::Tls(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// Connects as somebody who trusts `ca_file` and nobody else.
async fn connect(address: SocketAddr, name: &str, ca_file: &Path) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca_file).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let socket = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(name.to_owned()).unwrap(), socket).await
}

async fn websocket(server: &ServerHandle) -> WebSocketStream<TlsStream<TcpStream>> {
    let stream = connect(server.address(), "localhost", server.ca_file().unwrap()).await.unwrap();
    client_async(server.url(), stream).await.unwrap().0
}

#[tokio::test]
async fn sessions_run_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let handler = Programmed::new().on_message(|ctx, message| {
        Box::pin(async move {
            match message {
                WsMessage::Text(text) if text == "bye" => ctx.close(4002, "done").await,
                WsMessage::Text(text) => ctx.send_text(&text).await,
                _ => Ok(()),
            }
        })
    });
    let server = WsServer::builder().config(config(self_signed(folder.path()))).handler(handler).build().unwrap();
    let server = server.serve().await.unwrap();
    assert_eq!(server.url(), format!("wss://{}/ws", server.address()));

    let mut client = websocket(&server).await;
    assert_eq!(client.get_ref().get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    // Of many records, and more than the sockets take at once.
    let long = "long ".repeat(400_000);
    for text in ["hello", &long, "again"] {
        client.send(Message::text(text)).await.unwrap();
        assert_eq!(client.next().await.unwrap().unwrap().into_text().unwrap(), text);
    }
    client.send(Message::text("bye")).await.unwrap();
    let close = CloseFrame { code: 4002.into(), reason: "done".into() };
    assert_eq!(client.next().await.unwrap().unwrap(), Message::Close(Some(close)));
    // A connection that is cut without the end of TLS would be an error here.
    assert!(client.next().await.is_none());
}

#[tokio::test]
async fn the_certificate_is_for_the_machine_and_the_names_that_were_given() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(self_signed(folder.path())).await;
    let ca_file = server.ca_file().unwrap();
    for name in ["localhost", "127.0.0.1", "::1", "mock.test"] {
        connect(server.address(), name, ca_file).await.unwrap();
    }
    let error = connect(server.address(), "elsewhere.test", ca_file).await.unwrap_err();
    assert!(error.to_string().contains("not valid for name"), "{error}");

    let host = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));
    let config = WsConfig { host, ..config(self_signed(folder.path())) };
    let server = WsServer::builder().config(config).build().unwrap().serve().await.unwrap();
    connect(server.address(), "127.0.0.3", ca_file).await.unwrap();
}

#[tokio::test]
async fn who_trusts_another_authority_does_not_connect() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = serve(self_signed(folder.path())).await;
    let foreign = serve(self_signed(other.path())).await;
    let error = connect(server.address(), "localhost", foreign.ca_file().unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("invalid peer certificate"), "{error}");
}

/// A client that trusts the authority goes on doing so when the server starts again.
#[tokio::test]
async fn the_authority_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let ca_file = serve(self_signed(folder.path())).await.ca_file().unwrap().to_owned();
    let copy = folder.path().join("trusted.pem");
    std::fs::copy(ca_file, &copy).unwrap();
    let server = serve(self_signed(folder.path())).await;
    connect(server.address(), "localhost", &copy).await.unwrap();
}

/// Whoever does not go on with the handshake keeps nobody waiting, and is cut off.
#[tokio::test(start_paused = true)]
async fn slow_handshakes_delay_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(self_signed(folder.path())).await;
    let mut silent = Vec::new();
    for bytes in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01"].iter().cycle().take(60) {
        let mut socket = TcpStream::connect(server.address()).await.unwrap();
        socket.write_all(bytes).await.unwrap();
        silent.push(socket);
    }
    let mut client = websocket(&server).await;
    client.send(Message::text("hello")).await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("echo: hello"));

    let started = tokio::time::Instant::now();
    for mut socket in silent {
        let mut rest = Vec::new();
        // Sockets with unread bytes are reset.
        let _ = timeout(LONG, socket.read_to_end(&mut rest)).await.expect("the server gives up");
    }
    assert!(started.elapsed() <= Duration::from_secs(11), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_handshakes() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(self_signed(folder.path())).await;
    let mut client = websocket(&server).await;
    let _silent = TcpStream::connect(server.address()).await.unwrap();
    let started = Instant::now();
    let (close, ()) = tokio::join!(
        async {
            let close = client.next().await.unwrap().unwrap();
            assert!(client.next().await.is_none());
            close
        },
        server.shutdown(LONG)
    );
    assert!(matches!(close, Message::Close(Some(frame)) if u16::from(frame.code) == 1001));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

/// `ws://` on the port of `wss://` is a slip that is told.
#[tokio::test]
async fn who_speaks_plain_http_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(self_signed(folder.path())).await;
    let mut socket = TcpStream::connect(server.address()).await.unwrap();
    socket.write_all(b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    timeout(LONG, socket.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("wss://"), "{answer}");
}

struct Files {
    folder: TempDir,
    cert_file: PathBuf,
    key_file: PathBuf,
}

impl Files {
    fn of(made: &CertifiedKey<KeyPair>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (cert_file, key_file) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        std::fs::write(&cert_file, made.cert.pem()).unwrap();
        std::fs::write(&key_file, made.signing_key.serialize_pem()).unwrap();
        Self { folder, cert_file, key_file }
    }

    fn new() -> Self {
        Self::of(&generate_simple_self_signed(["localhost".to_owned()]).unwrap())
    }

    fn config(&self) -> TlsConfig {
        TlsConfig::files(&self.cert_file, &self.key_file)
    }
}

#[tokio::test]
async fn a_certificate_comes_from_files() {
    let files = Files::new();
    let server = serve(files.config()).await;
    assert_eq!(server.ca_file(), None);
    connect(server.address(), "localhost", &files.cert_file).await.unwrap();
}

/// An expired certificate may be what is tested.
#[tokio::test]
async fn an_expired_certificate_is_shown_with_a_warning() {
    let log = LogLines::capture();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let signing_key = KeyPair::generate().unwrap();
    let cert = params.self_signed(&signing_key).unwrap();
    let files = Files::of(&CertifiedKey { cert, signing_key });
    let server = serve(files.config()).await;
    let warnings = log.with("the certificate expired on");
    assert_eq!(warnings.len(), 1, "{:?}", log.all());
    assert!(warnings[0].contains(&files.cert_file.display().to_string()), "{}", warnings[0]);
    let error = connect(server.address(), "localhost", &files.cert_file).await.unwrap_err();
    assert!(error.to_string().contains("expired"), "{error}");
}

#[test]
fn files_that_are_of_no_use_are_named() {
    let (files, other) = (Files::new(), Files::new());
    let check = |tls: TlsConfig, named: &Path, expected: &str| {
        let text = refused(tls).to_string();
        assert!(text.starts_with(&format!("{}: ", named.display())), "{text}");
        assert!(text.contains(expected), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    };
    let missing = files.folder.path().join("missing.pem");
    check(TlsConfig::files(&missing, &files.key_file), &missing, "cannot be read");
    check(TlsConfig::files(&files.cert_file, &missing), &missing, "cannot be read");
    check(TlsConfig::files(&files.key_file, &files.key_file), &files.key_file, "BEGIN CERTIFICATE");
    check(TlsConfig::files(&files.cert_file, &files.cert_file), &files.cert_file, "BEGIN PRIVATE KEY");
    check(TlsConfig::files(&files.cert_file, &other.key_file), &other.key_file, "is not the private key of");

    let write = |name: &str, content: &[u8]| {
        let path = files.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let der = write("cert.der", CertificateDer::from_pem_file(&files.cert_file).unwrap().as_ref());
    check(TlsConfig::files(&der, &files.key_file), &der, "openssl x509 -inform der");
    let nonsense = write("nonsense.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    check(TlsConfig::files(&nonsense, &files.key_file), &nonsense, "X.509");
    let torn = write("torn.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n");
    check(TlsConfig::files(&torn, &files.key_file), &torn, "PEM");
    let encrypted =
        write("encrypted.pem", b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
    check(TlsConfig::files(&files.cert_file, &encrypted), &encrypted, "is encrypted");
    let no_key = write("no-key.pem", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    check(TlsConfig::files(&files.cert_file, &no_key), &no_key, "cannot be used as a private key");

    let file = write("file", b"");
    let text = refused(self_signed(&file)).to_string();
    assert!(text.contains("MOCKFORGE_WS_TLS_DIR") && text.contains(&file.display().to_string()), "{text}");
}

/// What each way of losing a connection is under TLS: a reset is one of the socket, without a word of TLS; an end is one of TLS.
#[tokio::test]
async fn lost_connections_look_as_documented() {
    for (fault, expected) in [(Fault::Reset, Err(ErrorKind::ConnectionReset)), (Fault::Disconnect, Ok(()))] {
        let folder = tempfile::tempdir().unwrap();
        let rule = FaultRule::new(fault.clone()).when(Trigger { nth: Some(1), ..Trigger::default() });
        let conditions = Conditions { faults: vec![rule], ..Conditions::default() };
        let config = WsConfig { conditions: Some(conditions), ..config(self_signed(folder.path())) };
        let server = WsServer::builder().config(config).build().unwrap().serve().await.unwrap();
        let mut client = websocket(&server).await;
        client.send(Message::text("x")).await.unwrap();
        // Below WebSocket, which has no Close frame to report: TLS without its end would be `UnexpectedEof`.
        let mut rest = Vec::new();
        let end = timeout(LONG, client.get_mut().read_to_end(&mut rest)).await.unwrap();
        assert_eq!(end.map(|_| ()).map_err(|error| error.kind()), expected, "{fault:?}");
        assert_eq!(rest, b"");
    }
}

#[tokio::test]
async fn a_dropped_handshake_is_the_end_of_tls() {
    let folder = tempfile::tempdir().unwrap();
    let conditions = Conditions { faults: vec![FaultRule::new(Fault::DropHandshake)], ..Conditions::default() };
    let config = WsConfig { conditions: Some(conditions), ..config(self_signed(folder.path())) };
    let server = WsServer::builder().config(config).build().unwrap().serve().await.unwrap();
    let mut stream = connect(server.address(), "localhost", server.ca_file().unwrap()).await.unwrap();
    let request = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    assert_eq!(timeout(LONG, stream.read_to_end(&mut answer)).await.unwrap().unwrap(), 0);
}
