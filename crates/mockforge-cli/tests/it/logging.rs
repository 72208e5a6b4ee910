//! What is logged and how it looks, and where spans go.

use mockforge_ws::TestClient;
use serde_json::Value;

use crate::process::Serving;

/// Serves one client that says `secret` and leaves; gives back the log.
async fn logged(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let server = Serving::start(&[&["--ws-port", "0"], arguments].concat(), variables);
    let builder =
        TestClient::builder().header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let mut client = builder.connect(&server.url).await.unwrap();
    client.send_text("secret").await.unwrap();
    client.recv_text().await.unwrap();
    client.close(1000, "").await.unwrap();
    let (code, log) = server.terminate();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("secret"), "{log}");
    log
}

const ESTABLISHED: &str = "WebSocket connection established from 127.0.0.1:";
const RECEIVED: &str = "Received message: 6 bytes";

#[tokio::test]
async fn json_is_an_object_a_line() {
    let log = logged(&["--log-format", "json", "--log", "debug"], &[]).await;
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let line_of = |message: &str| {
        let mut found = lines.iter().filter(|line| line["message"].as_str().unwrap().starts_with(message));
        found.next().unwrap_or_else(|| panic!("{message}: {log}"))
    };
    let established = line_of(ESTABLISHED);
    assert_eq!(established["level"], "INFO");
    assert_eq!(established["target"], "ws_server::session");
    assert!(established["timestamp"].as_str().unwrap().ends_with('Z'));
    assert!(established["connection"].as_str().is_some_and(|id| !id.is_empty()));
    assert_eq!(line_of(RECEIVED)["level"], "DEBUG");

    let log = logged(&[], &[("MOCKFORGE_WS_LOG_FORMAT", "json")]).await;
    assert!(log.lines().all(|line| line.starts_with('{')), "{log}");
}

/// `RUST_LOG` counts where nobody says anything nearer to us, and as it does elsewhere: a word alone is a part of a program.
#[tokio::test]
async fn the_nearest_word_decides_what_is_logged() {
    for (arguments, variables, is_info, is_debug) in [
        (&[][..], &[][..], true, false),
        (&[], &[("RUST_LOG", "debug")], true, true),
        (&[], &[("RUST_LOG", "")], true, false),
        (&[], &[("RUST_LOG", "ws_server=debug")], true, true),
        (&[], &[("RUST_LOG", "hyper")], false, false),
        (&[], &[("RUST_LOG", "debug"), ("MOCKFORGE_WS_LOG", "warn")], false, false),
        (&["--log", "info"], &[("RUST_LOG", "debug")], true, false),
        (&["--log", "info"], &[("RUST_LOG", "no=such=level")], true, false),
    ] {
        let log = logged(arguments, variables).await;
        assert_eq!(log.contains(ESTABLISHED), is_info, "{arguments:?} {variables:?}: {log}");
        assert_eq!(log.contains(RECEIVED), is_debug, "{arguments:?} {variables:?}: {log}");
        assert!(!log.contains("RUST_LOG"), "{log}");
    }
    let log = logged(&[], &[("RUST_LOG", "no=such=level")]).await;
    assert!(log.contains("WARN RUST_LOG is no filter, so info is logged: `no=such=level`"), "{log}");
    assert!(log.contains(ESTABLISHED), "{log}");
}

/// Lines are as short as they were, unless the span is asked for.
#[tokio::test]
async fn spans_stand_before_lines_only_when_asked_for() {
    let log = logged(&["--log", "trace"], &[]).await;
    assert!(log.contains(RECEIVED) && !log.contains("WS Connect"), "{log}");
    let log = logged(&["--log", "info,ws_span=info"], &[]).await;
    let line = log.lines().find(|line| line.contains(ESTABLISHED)).unwrap();
    assert!(line.contains("WS Connect /ws") && line.contains("4bf92f3577b34da6a3ce929d0e0e4736"), "{line}");
}

/// Who watches is no reason not to serve.
#[cfg(feature = "otlp")]
#[tokio::test]
async fn a_collector_that_cannot_be_told_is_a_warning() {
    for (variable, value, expected) in [
        ("OTEL_TRACES_EXPORTER", "zipkin", "OTEL_TRACES_EXPORTER: `zipkin` is not supported; otlp and none are"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "OTEL_EXPORTER_OTLP_PROTOCOL: `grpc` is not supported"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "long", "OTEL_EXPORTER_OTLP_TIMEOUT: `long` is not supported"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", "OTEL_EXPORTER_OTLP_COMPRESSION: `gzip` is not supported; none is"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "nowhere", "traces cannot be exported"),
    ] {
        // A port that nobody listens on.
        let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"), (variable, value)];
        let log = logged(&[], &variables).await;
        let line = log.lines().find(|line| line.contains("no spans are sent")).unwrap_or_else(|| panic!("{log}"));
        assert!(line.contains("WARN") && line.contains(expected), "{line}");
    }
    // One that is away is told of once, once the server has something to send, and where it should have been.
    let log = logged(&[], &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")]).await;
    assert!(log.contains("INFO spans are sent to http://127.0.0.1:9/v1/traces"), "{log}");
    assert_eq!(log.matches("WARN no spans reach http://127.0.0.1:9/v1/traces").count(), 1, "{log}");
    assert!(!log.contains("Export.Failed") && !log.contains("ExportError"), "{log}");
}
