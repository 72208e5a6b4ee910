//! What `mockforge serve` logs of the script that it plays.

use mockforge_ws::{Message, TestClient};

use crate::process::{Serving, file};

/// Plays `script` to one client that sends `says`, and hears `hears` after that; gives back the log.
async fn play(script: &str, options: &[&str], says: &[&str], hears: &[&str]) -> (String, String) {
    let (_folder, path) = file(script);
    let path = path.to_str().unwrap().to_owned();
    let server = Serving::start(&[&["--ws-port", "0", "--ws-replay-file", &path], options].concat(), &[]);
    let mut client = TestClient::connect(&server.url).await.unwrap();
    let mut hears = hears.iter();
    for text in says {
        client.send_text(text).await.unwrap();
        // The pong comes when the server is through with the text: each text is looked at alone.
        client.send(Message::Ping("".into())).await.unwrap();
        loop {
            match client.recv().await.unwrap().unwrap() {
                Message::Pong(_) => break,
                message => assert_eq!(message.as_text(), hears.next().copied()),
            }
        }
    }
    for text in hears {
        assert_eq!(client.recv_text().await.unwrap(), *text);
    }
    client.close(1000, "").await.unwrap();
    let (code, log) = server.terminate();
    assert_eq!(code, Some(0), "{log}");
    (path, log)
}

fn count(log: &str, part: &str) -> usize {
    log.lines().filter(|line| line.contains(part)).count()
}

const SCRIPT: &str = r#"# The second line waits.
{"ts": 0, "waitFor": "^READY$", "text": "ready"}
{"ts": 0, "dir": "in", "text": "go"}
{"ts": 0, "text": "gone"}
"#;

/// Said once for each wait, without what the client sent; and where the script stopped at the end.
#[tokio::test]
async fn a_wait_that_messages_do_not_match_is_named() {
    let (path, log) = play(SCRIPT, &[], &["secret1", "secret2", "READY", "secret3", "secret4"], &["ready"]).await;
    assert_eq!(count(&log, &format!(" INFO {path}:2: still waits for `^READY$`: ")), 1, "{log}");
    assert_eq!(count(&log, &format!(" INFO {path}:3: still waits for `exact \"go\"`: ")), 1, "{log}");
    assert_eq!(count(&log, "still waits"), 2, "{log}");
    assert_eq!(count(&log, "a message came that does not match"), 2, "{log}");
    let end = format!(" INFO {path}:3: the session ended while the script waited for `exact \"go\"`");
    assert_eq!(count(&log, &end), 1, "{log}");
    assert!(log.lines().any(|line| line.contains(&end) && line.contains("untaken=4")), "{log}");
    assert!(!log.contains("secret"), "{log}");
}

/// At debug each message that does not match is told, shortened.
#[tokio::test]
async fn debug_shows_what_did_not_match() {
    let long = "x".repeat(500);
    let (path, log) = play(SCRIPT, &["--log", "debug"], &["redy", &long, "READY"], &["ready"]).await;
    assert!(log.contains(&format!("DEBUG {path}:2: does not match `^READY$`: \"redy\"")), "{log}");
    assert!(log.contains(&format!("DEBUG {path}:2: does not match `^READY$`: \"{}...\"", "x".repeat(80))), "{log}");
    assert!(!log.contains(&"x".repeat(300)), "{log}");
    assert_eq!(count(&log, "still waits"), 1, "{log}");
}

/// At debug, a message that nobody takes is told with what came nearest to it.
#[tokio::test]
async fn debug_shows_what_was_nearest() {
    let rule = r#"{"match": "^READY$", "response": "ready"}"#;
    let (path, log) = play(rule, &["--log", "debug"], &["redy", "READY"], &["ready"]).await;
    let nearest = format!("DEBUG   {path}:1: expected text that starts with `READY`, found \"redy\"");
    assert!(log.contains(&nearest), "{log}");
}

#[tokio::test]
async fn a_script_that_is_through_has_nothing_to_say() {
    let (_, log) = play(SCRIPT, &[], &["READY", "go"], &["ready", "gone"]).await;
    assert_eq!(count(&log, "wait"), 0, "{log}");
    let (path, log) = play(SCRIPT, &[], &["READY", "go", "more"], &["ready", "gone"]).await;
    assert_eq!(count(&log, &format!(" INFO {path}: the session ended; no wait took some of the client's messages")), 1);
    assert_eq!(count(&log, "untaken=1"), 1, "{log}");
}

/// What is doubtful in a script is said when the server starts, as `check` says it.
#[test]
fn doubts_are_logged_at_start() {
    for (script, doubt) in [
        (
            "{\"text\": \"{{uiud}}\"}",
            ":1:11: `text`: unknown token `{{uiud}}` is sent as it stands; did you mean `{{uuid}}`?",
        ),
        ("", ": has no entries: it will play nothing"),
    ] {
        let (_folder, path) = file(script);
        let path = path.to_str().unwrap();
        let (_, log) = Serving::start(&["--ws-port", "0", "--ws-replay-file", path], &[]).terminate();
        assert_eq!(count(&log, &format!(" WARN {path}{doubt}")), 1, "{log}");
    }
}

#[test]
fn a_seed_without_a_script_is_doubtful() {
    let (_, log) = Serving::start(&["--ws-port", "0", "--seed", "7"], &[]).terminate();
    assert_eq!(count(&log, " WARN --seed has no effect: "), 1, "{log}");
    let (_folder, path) = file("{\"text\": \"a\"}");
    let path = path.to_str().unwrap();
    let (_, log) = Serving::start(&["--ws-port", "0", "--seed", "7", "--ws-replay-file", path], &[]).terminate();
    assert_eq!(count(&log, "WARN"), 0, "{log}");
}
