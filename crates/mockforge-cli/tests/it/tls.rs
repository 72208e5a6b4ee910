//! `serve` and `connect` over TLS.

use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use crate::process::{Serving, file, mockforge, run, text};

fn talk(arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Output {
    let mut child = mockforge(&[&["connect"], arguments].concat(), variables).stdin(Stdio::piped()).spawn().unwrap();
    // A connection that fails reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn self_signed(folder: &Path, arguments: &[&str]) -> Serving {
    let folder = folder.to_str().unwrap();
    Serving::start(&[&["--ws-port", "0", "--tls-self-signed"], arguments].concat(), &[("MOCKFORGE_WS_TLS_DIR", folder)])
}

/// Who trusts the authority talks; the close code comes through; nobody else gets in by mistake.
#[test]
fn a_self_signed_server_is_trusted_by_its_authority_only() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (_script, script) = file(r#"{"waitFor":"bye","text":"so long","close":true,"code":4002,"reason":"done"}"#);
    let server = self_signed(folder.path(), &["--ws-replay-file", script.to_str().unwrap()]);
    assert!(server.url.starts_with("wss://127.0.0.1:"), "{}", server.url);
    let ca = folder.path().join("ca.pem");
    let ca = ca.to_str().unwrap();

    let output = talk(&["--cacert", ca, "--wait", "30s", &server.url], &[], "bye\n");
    assert_eq!(text(&output.stdout), "so long\n");
    assert_eq!((text(&output.stderr).as_str(), output.status.code()), ("closed by the server: 4002 done\n", Some(0)));

    let by_name = server.url.replace("127.0.0.1", "localhost");
    assert_eq!(text(&talk(&["--cacert", ca, &by_name], &[], "bye\n").stdout), "so long\n");
    assert_eq!(text(&talk(&["--insecure", &server.url], &[], "bye\n").stdout), "so long\n");
    assert_eq!(text(&talk(&[&server.url], &[("SSL_CERT_FILE", ca)], "bye\n").stdout), "so long\n");

    let stranger = self_signed(other.path(), &[]);
    let foreign = other.path().join("ca.pem");
    let strangers = ["--cacert", foreign.to_str().unwrap(), &server.url];
    for arguments in [&strangers[..], &["--cacert", ca, &stranger.url], &[&server.url]] {
        let output = talk(arguments, &[], "bye\n");
        let log = text(&output.stderr);
        assert_eq!((text(&output.stdout).as_str(), output.status.code()), ("", Some(1)), "{arguments:?}");
        assert!(log.contains("--cacert") && log.lines().count() == 1, "{arguments:?}: {log}");
    }
}

/// The log says where the authority is and how it comes to be trusted; it is made once.
#[test]
fn the_log_says_how_to_trust_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    let (_, log) = self_signed(folder.path(), &[]).terminate();
    for hint in ["curl --cacert", "NODE_EXTRA_CA_CERTS=", "SSL_CERT_FILE=", "browser"] {
        assert!(log.contains(hint), "{hint}: {log}");
    }
    assert!(log.contains(&ca.display().to_string()) && log.contains("made a certificate authority"), "{log}");
    let made = std::fs::read(&ca).unwrap();
    let (_, log) = self_signed(folder.path(), &[]).terminate();
    assert!(!log.contains("made a certificate authority"), "{log}");
    assert_eq!(std::fs::read(&ca).unwrap(), made);
}

/// Without the variable the authority is among the user's data.
#[test]
fn the_authority_is_kept_in_the_users_data_directory() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().to_str().unwrap();
    for (variable, kept) in [("XDG_DATA_HOME", "mockforge/ca.pem"), ("HOME", ".local/share/mockforge/ca.pem")] {
        let mut command = mockforge(&["serve", "--ws-port", "0", "--tls-self-signed"], &[]);
        command.env_remove("XDG_DATA_HOME").env(variable, path);
        drop(Serving::spawn(command));
        assert!(home.path().join(kept).exists(), "{kept}");
    }
}

#[test]
fn certificate_and_key_come_from_files() {
    let folder = tempfile::tempdir().unwrap();
    drop(self_signed(folder.path(), &[]));
    let (cert, key) = (folder.path().join("ca.pem"), folder.path().join("ca-key.pem"));
    let (cert, key) = (cert.to_str().unwrap(), key.to_str().unwrap());
    let flags = ["--ws-port", "0", "--tls-cert", cert, "--tls-key", key];
    let variables = [("MOCKFORGE_WS_TLS_CERT", cert), ("MOCKFORGE_WS_TLS_KEY", key)];
    for server in [Serving::start(&flags, &[]), Serving::start(&["--ws-port", "0"], &variables)] {
        assert_eq!(text(&talk(&["--insecure", &server.url], &[], "x\n").stdout), "echo: x\n");
    }
}

#[test]
fn what_is_wrong_with_tls_is_told_in_a_line() {
    let (_folder, script) = file("x");
    let script = script.to_str().unwrap();
    for (arguments, code, expected) in [
        (
            &["serve", "--ws-port", "0", "--tls-cert", "/nonexistent", "--tls-key", script][..],
            1,
            "/nonexistent: cannot be read",
        ),
        (&["serve", "--ws-port", "0", "--tls-cert", script, "--tls-key", script], 1, "BEGIN CERTIFICATE"),
        (&["serve", "--tls-cert", script], 2, "--tls-key"),
        (&["serve", "--tls-cert", script, "--tls-key", script, "--tls-self-signed"], 2, "cannot be used with"),
        (&["connect", "--cacert", script, "wss://127.0.0.1:1"], 1, "BEGIN CERTIFICATE"),
        (&["connect", "--cacert", script, "--insecure", "wss://127.0.0.1:1"], 2, "cannot be used with"),
    ] {
        let output = run(arguments, &[]);
        let log = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {log}");
        assert!(log.contains(expected), "{arguments:?}: {log}");
    }
}

/// A certificate that stands for no server is no riddle, and neither is a port without TLS; to who talks and to who loads.
#[test]
fn what_helps_against_a_failed_handshake_is_told() {
    let folder = tempfile::tempdir().unwrap();
    drop(self_signed(folder.path(), &[]));
    let (ca, key) = (folder.path().join("ca.pem"), folder.path().join("ca-key.pem"));
    let (ca, key) = (ca.to_str().unwrap(), key.to_str().unwrap());
    let authority = Serving::start(&["--ws-port", "0", "--tls-cert", ca, "--tls-key", key], &[]);
    let plain = Serving::start(&["--ws-port", "0"], &[]);
    let encrypted = plain.url.replace("ws://", "wss://");
    for command in ["connect", "load"] {
        for (arguments, help) in [
            (
                &[command, &authority.url, "--cacert", ca][..],
                "is that of an authority, not that of a server; --insecure",
            ),
            (&[command, &encrypted], "does not speak TLS: try ws:// instead of wss://\n"),
        ] {
            let output = run(arguments, &[]);
            let log = text(&output.stderr);
            let url = if arguments.len() > 2 { &authority.url } else { &encrypted };
            assert!(log.starts_with(&format!("error: cannot connect to {url}: ")) && log.contains(help), "{log}");
        }
    }
    let own = self_signed(folder.path(), &[]);
    let log = text(&run(&["load", &own.url], &[]).stderr);
    assert!(log.contains("--cacert FILE names the authority") && log.contains("--insecure"), "{log}");
}

/// A client without TLS is told what the port speaks.
#[test]
fn ws_where_wss_is_spoken_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let server = self_signed(folder.path(), &[]);
    let output = talk(&[&server.url.replace("wss://", "ws://")], &[], "x\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("wss://"), "{}", text(&output.stderr));
}
