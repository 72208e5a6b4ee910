//! What is kept, for how long, and how much memory that takes.

use std::collections::HashSet;

use bytes::Bytes;
use ws_core::Handled;

use super::*;
use crate::journal::{EventKind, EventName, HandledAs};

#[tokio::test]
async fn what_was_received_and_what_was_sent_are_told_in_one_order() {
    let journal = small(10);
    let client = Client::open(&journal, "/ws");
    for n in 0..5 {
        client.says(&format!("in {n}"));
        client.hears(&format!("out {n}"));
        client.hears(&format!("out {n} again"));
    }
    let found = journal.find(&JournalQuery::messages()).await;
    let expected: Vec<_> =
        (0..5).flat_map(|n| [format!("in {n}"), format!("out {n}"), format!("out {n} again")]).collect();
    assert_eq!(texts(&found), expected);
    assert!(found.events.windows(2).all(|pair| pair[0].seq < pair[1].seq && pair[0].at <= pair[1].at));
    assert_eq!((found.last_seq, found.evicted, found.more), (16, 0, false));
}

#[tokio::test]
async fn a_broadcast_does_not_push_out_what_clients_said() {
    let journal = small(4);
    let client = Client::open(&journal, "/ws");
    client.says("the question");
    for n in 0..100 {
        client.hears(&format!("{n}"));
    }
    let found = journal.find(&JournalQuery::messages()).await;
    assert_eq!(texts(&found), ["the question", "96", "97", "98", "99"]);
    assert_eq!(found.evicted, 96);
    assert_eq!(journal.find(&JournalQuery::messages().direction(Direction::Inbound)).await.evicted, 0);
    // What one has seen already is not missed.
    let newest = JournalQuery::messages().since(found.last_seq - 3);
    let found = journal.find(&newest).await;
    assert_eq!((texts(&found), found.evicted), (vec!["97", "98", "99"], 0));
    assert_eq!(journal.count(&newest.since(1)).await.evicted, 96);
}

#[tokio::test]
async fn heartbeats_are_left_out() {
    let journal = small(10);
    let client = Client::open(&journal, "/ws");
    for (direction, origin, message) in [
        (Direction::Outbound, Origin::Session, Message::Ping(Bytes::new())),
        (Direction::Inbound, Origin::Client, Message::Pong(Bytes::new())),
        (Direction::Inbound, Origin::Client, Message::Ping("mine".into())),
        (Direction::Outbound, Origin::Session, Message::Pong("mine".into())),
        (Direction::Outbound, Origin::Handler, Message::Ping("of a handler".into())),
    ] {
        client.frame(direction, origin, &message);
    }
    // What is no heartbeat is there for who asks for it.
    assert!(journal.find(&JournalQuery::messages()).await.events.is_empty());
    let found = journal.find(&JournalQuery::messages().kinds([EventName::Message])).await;
    let messages: Vec<_> = found.events.iter().filter_map(|event| event.message().cloned()).collect();
    assert_eq!(messages, [Message::Ping("mine".into()), Message::Ping("of a handler".into())]);
}

/// A message that is kept does not keep the buffer that it came in; what goes to a whole room is kept once.
#[tokio::test]
async fn small_bodies_are_copied_and_large_ones_shared() {
    let journal = small(10);
    let client = Client::open(&journal, "/ws");
    let body = |size: usize| Bytes::from(vec![7; size]);
    for (direction, size, is_shared) in [
        (Direction::Inbound, 2_048, false),
        (Direction::Inbound, 2_049, true),
        (Direction::Outbound, 256, false),
        (Direction::Outbound, 257, true),
        // Longer than what is kept of one: no part of the rest stays.
        (Direction::Outbound, 300_000, false),
    ] {
        let message = body(size);
        client.frame(direction, Origin::Client, &Message::Binary(message.clone()));
        let newest = journal.find(&JournalQuery::messages().newest_first().limit(1)).await;
        let Some(Message::Binary(kept)) = newest.events[0].message() else { panic!("{newest:?}") };
        assert_eq!(kept.as_ptr() == message.as_ptr(), is_shared, "{direction:?} {size}");
    }
}

#[tokio::test]
async fn long_messages_are_cut_between_characters() {
    let journal = journal(JournalConfig { body: 10, ..JournalConfig::default() });
    let client = Client::open(&journal, "/ws");
    client.says("ééééééé");
    client.says("0123456789");
    let found = journal.find(&JournalQuery::messages()).await;
    assert_eq!(texts(&found), ["ééééé", "0123456789"]);
    let sizes: Vec<_> = found
        .events
        .iter()
        .map(|event| match event.kind {
            EventKind::Message { size, cut, .. } => (size, cut),
            _ => unreachable!("only messages are asked for"),
        })
        .collect();
    assert_eq!(sizes, [(14, true), (10, false)]);
}

#[tokio::test]
async fn no_more_bytes_are_kept_than_there_is_room_for() {
    let config = JournalConfig { bytes: 1 << 20, ..JournalConfig::default() };
    let journal = journal(config);
    let client = Client::open(&journal, "/ws");
    let large = "x".repeat(100_000);
    for _ in 0..100 {
        client.says(&large);
    }
    assert!(journal.bytes() <= 1 << 20, "{}", journal.bytes());
    let found = journal.find(&JournalQuery::messages()).await;
    assert!((5..=10).contains(&found.events.len()), "{}", found.events.len());
    assert_eq!(found.events.len() as u64 + found.evicted, 101, "all messages and the handshake");
    // One that is larger than all the room is not kept at all, and does no harm.
    let tiny = super::journal(JournalConfig { bytes: 100, ..JournalConfig::default() });
    let client = Client::open(&tiny, "/ws");
    client.says("too much");
    assert_eq!((tiny.count(&JournalQuery::messages()).await.count, tiny.bytes(), tiny.last_seq()), (0, 0, 2));
}

/// What is pushed out is paid back: the same is kept after ten messages as after ten thousand.
#[tokio::test]
async fn what_is_kept_costs_the_same_after_any_time() {
    let journal = small(10);
    let client = Client::open(&journal, "/ws");
    let keep = |count: usize| {
        for _ in 0..count {
            client.says("in");
            client.hears("out");
        }
        journal.bytes()
    };
    let soon = keep(10);
    assert_eq!(keep(10_000), soon);
    journal.clear();
    assert_eq!(keep(10), soon);
}

/// Where bytes are wanted, the oldest goes, whichever way it went.
#[tokio::test]
async fn the_oldest_gives_way_whichever_way_it_went() {
    let journal = journal(JournalConfig { bytes: 1 << 20, ..JournalConfig::default() });
    let client = Client::open(&journal, "/ws");
    let large = |n: usize| format!("{n:03} {}", "x".repeat(50_000));
    for n in 0..10 {
        client.hears(&large(n));
    }
    for n in 10..25 {
        client.says(&large(n));
    }
    let found = journal.find(&JournalQuery::messages()).await;
    let kept: Vec<_> = texts(&found).iter().map(|text| text[..3].parse::<usize>().unwrap()).collect();
    assert_eq!(kept, (25 - kept.len()..25).collect::<Vec<_>>(), "the newest, without a gap");
    assert!((15..25).contains(&kept.len()), "{kept:?}");
}

/// Who talks a lot does not push out what others keep.
#[tokio::test]
async fn the_fattest_of_several_gives_way() {
    let journals = Journals::new(JournalConfig { bytes: 1 << 20, ..JournalConfig::default() }, Vec::new());
    let (quiet, noisy) = (journals.journal(), journals.journal());
    Client::open(&quiet, "/ws").says("remember me");
    let client = Client::open(&noisy, "/ws");
    let large = "x".repeat(10_000);
    for _ in 0..1_000 {
        client.says(&large);
    }
    assert_eq!(found(&quiet, "{}").await, ["remember me"]);
    assert!(noisy.count(&JournalQuery::messages()).await.evicted > 800);
    // One order for all of them.
    assert!(noisy.last_seq() > quiet.last_seq());
    let before = quiet.bytes();
    drop((client, noisy));
    assert!(quiet.bytes() < before / 10, "what nobody can ask for is given back");
}

/// Handshakes may be long, and there may be many of them.
#[tokio::test]
async fn long_handshakes_are_paid_for() {
    let journal = journal(JournalConfig { bytes: 1 << 20, ..JournalConfig::default() });
    let (path, header) = (format!("/ws/{}", "p".repeat(60_000)), "h".repeat(60_000));
    for _ in 0..200 {
        let connection = connection_with(&path, &[("x-long", &header)]);
        let weak = Arc::downgrade(&connection);
        let client = Client::of(&journal, connection);
        client.hears("welcome");
        client.ends();
        drop(client);
        assert!(weak.upgrade().is_none(), "the journal keeps no connection");
    }
    assert!(journal.bytes() <= 1 << 20, "{}", journal.bytes());
    assert!(journal.count(&JournalQuery::messages()).await.evicted > 100);
}

#[tokio::test]
async fn what_became_of_a_message_is_told_with_it() {
    let journal = small(100);
    let (a, b) = (Client::open(&journal, "/ws"), Client::open(&journal, "/ws"));
    // A client that does not wait for answers, and another one in between.
    let numbers: Vec<_> = (0..4)
        .map(|n| {
            b.says("of another");
            a.says(&format!("{n}"))
        })
        .collect();
    let handled = [
        Handled::Answered,
        Handled::Matched(Some("rules.yaml:3: greet".into())),
        Handled::Matched(None),
        Handled::Ignored,
    ];
    for (number, handled) in numbers.iter().zip(&handled) {
        journal.on_handled(&a.connection, *number, handled);
    }
    let found = journal.find(&JournalQuery::messages().connection(a.id())).await;
    let told: Vec<_> = found
        .events
        .iter()
        .map(|event| match &event.kind {
            EventKind::Message { handled, matched_by, handled_us: Some(_), .. } => (*handled, matched_by.as_deref()),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        (Some(HandledAs::Answered), None),
        (Some(HandledAs::Matched), Some("rules.yaml:3: greet")),
        (Some(HandledAs::Matched), None),
        (Some(HandledAs::Ignored), None),
    ];
    assert_eq!(told, expected);
    assert_eq!(journal.count(&query(r#"{"handled":"answered"}"#)).await.count, 1);
}

/// Where middleware made several messages of one, what came of it is the most that came of any.
#[tokio::test]
async fn the_most_that_became_of_a_message_counts() {
    let journal = small(10);
    let client = Client::open(&journal, "/ws");
    let number = client.says("two in one");
    for handled in [Handled::Ignored, Handled::Matched(Some("a".into())), Handled::Answered] {
        journal.on_handled(&client.connection, number, &handled);
    }
    assert_eq!(found(&journal, r#"{"handled":"matched","matched_by":"a"}"#).await, ["two in one"]);
}

/// What is told of a message that is gone, or was cleared, hurts nobody.
#[tokio::test]
async fn news_of_messages_that_are_gone_are_let_pass() {
    let journal = small(2);
    let client = Client::open(&journal, "/ws");
    let number = client.says("soon gone");
    client.says("a");
    client.says("b");
    journal.on_handled(&client.connection, number, &Handled::Answered);
    assert_eq!(journal.clear(), 2);
    journal.on_handled(&client.connection, number + 1, &Handled::Answered);
    let next = client.says("c");
    journal.on_handled(&client.connection, next, &Handled::Answered);
    journal.on_handled(&client.connection, 0, &Handled::Answered);
    let found = journal.find(&query(r#"{"handled":"answered"}"#)).await;
    assert_eq!((texts(&found), found.evicted), (vec!["c"], 0));
    // A connection that was open before the journal.
    let stranger = connection_with("/ws", &[]);
    journal.on_handled(&stranger, 1, &Handled::Answered);
}

#[tokio::test]
async fn every_kind_of_event_is_kept() {
    let journal = small(100);
    let client = Client::of(
        &journal,
        connection_with(
            "/ws/a?room=x&token=SECRET",
            &[
                ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
                ("authorization", "SECRET"),
                ("user-agent", "test"),
            ],
        ),
    );
    let handshake = Handshake::new("/ws/b", HeaderMap::new(), None).of_test("t1");
    client.says("hello");
    let connection = &client.connection;
    journal.on_refuse(&handshake, http::StatusCode::FORBIDDEN);
    journal.on_refuse(&handshake, http::StatusCode::UPGRADE_REQUIRED);
    journal.on_drop(&handshake);
    journal.on_fault(connection, "reset");
    journal.on_handler_error(connection, &ws_core::HandlerError::Generic("broken".into()));
    journal.on_skip(connection, 3);
    journal.on_unmatched(connection, &unmatched("helo", NearMiss::new("rules.yaml:1", "`helo`").closeness(0.5)));
    client.ends();
    journal.note_reload(&Err(crate::ServerError::Source("one\ntwo".into())));
    journal.note_reload(&Ok(crate::ReloadReport { changed: vec!["a.yaml".into()], ..Default::default() }));

    let names = [
        EventName::Open,
        EventName::Message,
        EventName::Refused,
        EventName::Fault,
        EventName::Error,
        EventName::Skipped,
        EventName::Unmatched,
        EventName::End,
        EventName::Reload,
    ];
    let found = journal.find(&JournalQuery::messages().kinds(names)).await;
    let told: Vec<_> = found.events.iter().map(|event| serde_json::to_value(event).unwrap()).collect();
    let kinds: Vec<_> = told.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["open", "message", "refused", "refused", "fault", "error", "skipped", "unmatched", "end", "reload", "reload"]
    );
    let all: HashSet<_> = kinds.iter().copied().collect();
    assert_eq!(all.len(), names.len(), "each name is that of a kind");
    assert!(!format!("{told:?}").contains("SECRET"), "{told:?}");
    let without_clock = |event: &serde_json::Value| {
        let mut event = event.clone();
        for changing in ["seq", "at", "connection"] {
            event.as_object_mut().unwrap().remove(changing);
        }
        event
    };
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let of = |rest: serde_json::Value| {
        let mut event = serde_json::json!({"path": "/ws/a", "test": null, "trace_id": trace});
        event.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        event
    };
    for (number, expected) in [
        (
            0,
            of(
                serde_json::json!({"kind": "open", "subprotocol": null, "peer": null, "query": "room=x&token=[redacted]",
            "headers": {"authorization": "[redacted]", "traceparent": format!("00-{trace}-00f067aa0ba902b7-01"), "user-agent": "test"}}),
            ),
        ),
        (
            1,
            of(
                serde_json::json!({"kind": "message", "direction": "inbound", "origin": "client", "number": 1, "type": "text",
            "text": "hello", "size": 5, "cut": false, "handled": null, "matched_by": null, "handled_us": null}),
            ),
        ),
        (2, serde_json::json!({"kind": "refused", "status": 403, "path": "/ws/b", "test": "t1", "trace_id": null})),
        (3, serde_json::json!({"kind": "refused", "status": null, "path": "/ws/b", "test": "t1", "trace_id": null})),
        (4, of(serde_json::json!({"kind": "fault", "name": "reset"}))),
        (5, of(serde_json::json!({"kind": "error", "text": "Handler error: broken"}))),
        (6, of(serde_json::json!({"kind": "skipped", "count": 3}))),
        (
            7,
            of(
                serde_json::json!({"kind": "unmatched", "number": 0, "type": "text", "text": "helo", "size": 4, "cut": false,
            "near_misses": [{"expected_by": "rules.yaml:1", "difference": "`helo`", "closeness": 0.5}]}),
            ),
        ),
        (8, of(serde_json::json!({"kind": "end", "status": "normal", "code": null, "reason": null, "duration_ms": 7}))),
        (
            9,
            serde_json::json!({"kind": "reload", "outcome": "failed", "changed": [], "needs_restart": [], "errors": ["one", "two"],
            "path": null, "test": null, "trace_id": null}),
        ),
        (
            10,
            serde_json::json!({"kind": "reload", "outcome": "ok", "changed": ["a.yaml"], "needs_restart": [], "errors": [],
            "path": null, "test": null, "trace_id": null}),
        ),
    ] {
        assert_eq!(without_clock(&told[number]), expected);
    }
    let at = told[0]["at"].as_str().unwrap();
    assert!(at.len() == "2024-01-01T00:00:00.000Z".len() && at.ends_with('Z'), "{at}");
}

#[test]
fn bodies_are_written_by_their_type() {
    use serde_json::json;

    let of = |message: Message| {
        let mut text = Vec::new();
        crate::journal::written::message(&message, &mut serde_json::Serializer::new(&mut text)).unwrap();
        serde_json::from_slice::<serde_json::Value>(&text).unwrap()
    };
    assert_eq!(of(Message::binary(vec![1, 2, 3])), json!({"type": "binary", "base64": "AQID"}));
    assert_eq!(of(Message::Ping("a".into())), json!({"type": "ping", "base64": "YQ=="}));
    assert_eq!(of(Message::Close(None)), json!({"type": "close", "code": null, "reason": null}));
    let frame = ws_core::CloseFrame::new(4000, "bye").unwrap();
    assert_eq!(of(Message::Close(Some(frame))), json!({"type": "close", "code": 4000, "reason": "bye"}));
}
