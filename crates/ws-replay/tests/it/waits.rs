//! What releases a wait, and what does not.

use bytes::Bytes;
use ws_core::Message;

use crate::simulation::{player, replies, run, run_messages};

/// M02: regular expressions keep their anchors and classes.
#[test]
fn a_regex_is_anchored_only_where_it_says_so() {
    for (pattern, message, releases) in [
        ("^ACK$", "ACK", true),
        ("^ACK$", "NACK", false),
        ("^ACK$", "xACKx", false),
        ("ACK", "xACKx", true),
        (r"^id=\\d{3}$", "id=042", true),
        (r"^id=\\d{3}$", "id=42", false),
        ("^[a-c]+$", "abcab", true),
        ("^[a-c]+$", "abd", false),
        ("^(?i)ready$", "READY", true),
        ("a|b", "b", true),
        ("\u{fc}ber", "dar\u{fc}ber", true),
        ("", "anything", true),
    ] {
        let text = format!(r#"{{"ts":0,"text":"go","waitFor":"{pattern}"}}"#);
        assert_eq!(replies(&text, &[message]).len(), usize::from(releases), "{pattern} {message}");
    }
}

/// M03: no text is special.
#[test]
fn client_ready_is_a_regex_like_any_other() {
    let text = r#"{"ts":0,"dir":"out","text":"HELLO","waitFor":"^CLIENT_READY$"}"#;
    assert_eq!(run(text, &[(5, "hello"), (300, "CLIENT_READY")]), [(300, "HELLO".into())]);
    assert_eq!(replies(text, &["hello", "CLIENT_READY!", "client_ready"]), [""; 0]);
}

/// M04: JSONPath is released by JSON that has something there, however it is written.
#[test]
fn jsonpath_waits_for_json_that_has_the_path() {
    for (path, message, releases) in [
        ("$.user.id", r#"{"user":{}}"#, false),
        ("$.user.id", r#"{"user":{"id":1}}"#, true),
        ("$.user.id", "  {\n\"user\" :\t{ \"id\"\r\n: null } }  ", true),
        ("$.user.id", "user.id", false),
        ("$.user.id", "{\"user\":{\"id\":1}", false),
        ("$['user']", r#"{"user":0}"#, true),
        ("$[1]", "[0,1]", true),
        ("$[1]", "[0]", false),
        (r#"$.action:\"close\""#, r#"{"action":"close"}"#, true),
        (r#"$.action:\"close\""#, r#"{"action":"open"}"#, false),
    ] {
        let text = format!(r#"{{"ts":0,"text":"go","waitFor":"{path}"}}"#);
        assert_eq!(replies(&text, &[message]).len(), usize::from(releases), "{path} {message}");
    }
}

/// Both spellings are one thing.
#[test]
fn wait_for_may_be_spelt_with_an_underscore() {
    assert_eq!(replies(r#"{"text":"go","wait_for":"^x$"}"#, &["y", "x"]), ["go"]);
}

/// M06: incoming entries are never sent; a message that is equal to their text advances the script.
#[test]
fn incoming_entries_are_expectations() {
    let text = r#"
        {"ts":0,"dir":"out","text":"login?"}
        {"ts":10,"dir":"in","text":"{{user}} (.*)"}
        {"ts":10,"dir":"out","text":"welcome"}
    "#;
    // The text of an incoming entry is neither template nor pattern.
    assert_eq!(replies(text, &["bob x", "{{user}} y", "{{user}} (.*) "]), ["login?"]);
    assert_eq!(replies(text, &["{{user}} (.*)"]), ["login?", "welcome"]);
}

#[test]
fn an_incoming_entry_may_wait_for_a_pattern_instead() {
    let text = r#"
        {"dir":"in","text":"hello 1","waitFor":"^hello (\\d)$"}
        {"text":"got {{1}}"}
    "#;
    assert_eq!(replies(text, &["hello", "hello 7"]), ["got 7"]);
}

#[test]
fn binary_messages_match_binary_entries_only() {
    let exact = r#"{"dir":"in","binary":true,"text":"AAEC"}
                   {"text":"got {{request.ws.message}}"}"#;
    let any = r#"{"dir":"in","binary":true}
                 {"text":"got {{request.ws.message}} {{$.x}}"}"#;
    let bytes = |bytes: &'static [u8]| Message::Binary(Bytes::from_static(bytes));
    let got = |text: &str, messages: Vec<Message>| {
        let inputs = messages.into_iter().map(|message| (0, message)).collect();
        run_messages(player(text), inputs).into_iter().map(|(_, message)| message).collect::<Vec<_>>()
    };
    assert_eq!(got(exact, vec![bytes(&[0, 1]), Message::text("AAEC")]), []);
    assert_eq!(got(exact, vec![bytes(&[0, 1, 2])]), [Message::text("got AAEC")]);
    assert_eq!(got(any, vec![Message::text("x"), bytes(&[255])]), [Message::text("got /w== {{$.x}}")]);
    assert_eq!(got(r#"{"text":"go","waitFor":""}"#, vec![bytes(b"text")]), []);
}

#[test]
fn control_frames_release_nothing() {
    let text = r#"{"text":"go","waitFor":""}"#;
    let control = vec![(0, Message::Ping(Bytes::new())), (0, Message::Pong(Bytes::new())), (0, Message::Close(None))];
    assert_eq!(run_messages(player(text), control), []);
}

/// M12: what comes before its wait counts for it, in the order in which it came, and each message releases one wait.
#[test]
fn early_messages_count_once_each() {
    let text = r#"
        {"ts":100,"text":"start"}
        {"ts":100,"text":"first {{1}}","waitFor":"^A(.)$"}
        {"ts":100,"text":"b {{1}}","waitFor":"^B(.)$"}
        {"ts":100,"text":"second {{1}}","waitFor":"^A(.)$"}
    "#;
    let inputs = [(1, "B1"), (2, "A1"), (3, "noise"), (4, "A2"), (200, "B2")];
    let texts: Vec<_> = run(text, &inputs).into_iter().collect();
    let at_once = ["start", "first 1", "b 1", "second 2"].map(|text| (100, text.to_owned()));
    assert_eq!(texts, at_once);
    assert_eq!(replies(text, &["A1", "B1"]), ["start", "first 1", "b 1"]);
}

/// M12: a message that one wait refused is still there for the next.
#[test]
fn a_refused_message_may_release_a_later_wait() {
    let text = "{\"text\":\"a\",\"waitFor\":\"^A$\"}\n{\"text\":\"b\",\"waitFor\":\"^B$\"}";
    assert_eq!(run(text, &[(10, "B"), (200, "A")]), [(200, "a".into()), (200, "b".into())]);
}

/// A message that one wait took is gone, also when a later wait would take it.
#[test]
fn one_message_releases_one_wait() {
    let text = "{\"text\":\"1\",\"waitFor\":\"x\"}\n{\"text\":\"2\",\"waitFor\":\"x\"}";
    assert_eq!(replies(text, &["x"]), ["1"]);
    assert_eq!(replies(text, &["x", "x"]), ["1", "2"]);
}

#[test]
fn what_no_wait_takes_is_counted() {
    let mut player = player("{\"text\":\"1\",\"waitFor\":\"x\"}\n{\"text\":\"end\"}");
    let now = std::time::Duration::ZERO;
    for text in ["a", "b", "x", "c"] {
        player.on_message(now, Message::text(text));
    }
    assert_eq!(player.untaken(), 4);
    while player.poll(now) != ws_replay::Action::Finished {}
    assert_eq!(player.untaken(), 3);
    player.on_message(now, Message::text("late"));
    assert_eq!(player.untaken(), 4);
}

/// What is kept for later waits is bounded in number and size; the oldest give way.
#[test]
fn early_messages_are_bounded() {
    let text = r#"{"ts":10,"text":"go {{1}}","waitFor":"^x(.*)$"}"#;
    let mut inputs: Vec<_> = (0..1025).map(|n| (0, Message::text(format!("x{n}")))).collect();
    let sent = run_messages(player(&format!("{{\"ts\":5,\"text\":\"-\"}}\n{text}")), inputs.clone());
    assert_eq!(sent.last().unwrap().1, Message::text("go 1"));

    let large = "y".repeat(1024 * 1024 + 1);
    inputs.push((0, Message::text(large.clone())));
    let sent = run_messages(player(&format!("{{\"ts\":5,\"text\":\"-\"}}\n{text}")), inputs.clone());
    assert_eq!(sent.last().unwrap().1, Message::text("-"));

    // A message that is larger than the bound by itself still counts.
    inputs.push((0, Message::text(format!("x{large}"))));
    let sent = run_messages(player(&format!("{{\"ts\":5,\"text\":\"-\"}}\n{text}")), inputs);
    assert_eq!(sent.last().unwrap().1.len(), "go ".len() + large.len());
}
