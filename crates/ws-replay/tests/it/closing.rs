//! Entries that close the connection or send bytes.

use bytes::Bytes;
use ws_core::{CloseFrame, Message};
use ws_replay::{Action, ReplayScript};

use crate::simulation::{player, run_messages};

fn close(code: u16, reason: &str) -> Message {
    Message::Close(Some(CloseFrame::new(code, reason.to_owned()).unwrap()))
}

/// M18: `close` with a code and a reason, at its time.
#[test]
fn an_entry_closes_the_connection() {
    let text = "{\"ts\":0,\"text\":\"a\"}\n{\"ts\":50,\"close\":true,\"code\":4002,\"reason\":\"enough\"}";
    assert_eq!(run_messages(player(text), vec![]), [(0, Message::text("a")), (50, close(4002, "enough"))]);
}

/// M18: without a code it is 1000; a text goes first; a wait is waited for.
#[test]
fn a_close_may_wait_and_speak_first() {
    let text = r#"{"ts":10,"text":"bye {{1}}","waitFor":"^quit (.*)$","close":true}"#;
    let inputs = vec![(100, Message::text("quit now"))];
    assert_eq!(run_messages(player(text), inputs), [(110, Message::text("bye now")), (110, close(1000, ""))]);
}

/// M18: `text` of a binary entry is base64 and no template.
#[test]
fn a_binary_entry_sends_bytes() {
    let text = r#"{"ts":0,"binary":true,"text":"AAH/gA=="}"#;
    let expected = Message::Binary(Bytes::from_static(&[0, 1, 255, 128]));
    assert_eq!(run_messages(player(text), vec![]), [(0, expected)]);
    let empty = r#"{"ts":0,"binary":true,"text":""}"#;
    assert_eq!(run_messages(player(empty), vec![]), [(0, Message::Binary(Bytes::new()))]);
}

#[test]
fn an_empty_text_is_a_message() {
    assert_eq!(run_messages(player(r#"{"text":""}"#), vec![]), [(0, Message::text(""))]);
}

/// A recording ends with the client's Close frame: the script waits for it and does nothing by itself.
#[test]
fn an_incoming_close_leaves_the_end_to_the_client() {
    let mut player = player("{\"ts\":0,\"text\":\"a\"}\n{\"ts\":9,\"dir\":\"in\",\"close\":true,\"code\":1001}");
    let now = std::time::Duration::from_secs(9);
    assert_eq!(player.poll(now), Action::Send(Message::text("a")));
    player.on_message(now, Message::text("still here"));
    assert_eq!(player.poll(now), Action::AwaitMessage);
}

/// 1005 is a Close frame without a code, 1006 an end without a Close frame: neither has a reason.
#[test]
fn a_connection_may_end_without_a_code_or_without_a_frame() {
    assert_eq!(run_messages(player(r#"{"close":true,"code":1005}"#), vec![]), [(0, Message::Close(None))]);
    let mut lost = player(r#"{"text":"a","close":true,"code":1006}"#);
    let now = std::time::Duration::ZERO;
    assert_eq!(lost.poll(now), Action::Send(Message::text("a")));
    assert_eq!([lost.poll(now), lost.poll(now)], [Action::Disconnect, Action::Finished]);
    for code in [1005, 1006] {
        let text = format!(r#"{{"close":true,"code":{code},"reason":"why"}}"#);
        let errors = ReplayScript::parse(&text, "f").unwrap_err().to_string();
        assert!(errors.contains("`reason` has no meaning beside the codes 1005 and 1006"), "{errors}");
    }
}

/// Every code that may stand in a Close frame is accepted, the two that say that there is none, and no other.
#[test]
fn only_sendable_codes_are_accepted() {
    for code in 0..=5100_u16 {
        let text = format!(r#"{{"close":true,"code":{code}}}"#);
        let accepted = ReplayScript::parse(&text, "f").is_ok();
        assert_eq!(accepted, ws_core::close_code::is_sendable(code) || matches!(code, 1005 | 1006), "{code}");
    }
}
