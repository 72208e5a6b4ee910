//! What a journal answers.

use std::time::SystemTime;

use ws_core::Handled;
use ws_replay::Redaction;

use super::*;
use crate::journal::{EventKind, EventName, MessageType};

#[tokio::test]
async fn each_field_of_a_filter_narrows() {
    let journal = small(100);
    let (a, b) = (Client::open(&journal, "/ws/a"), Client::open(&journal, "/ws/b/c"));
    let number = a.says(r#"{"type":"order","id":1}"#);
    journal.on_handled(&a.connection, number, &Handled::Matched(Some("rules.yaml:7: orders".into())));
    a.hears("accepted");
    b.says("hello");
    b.frame(Direction::Outbound, Origin::Room, &Message::text("to all"));
    b.frame(Direction::Inbound, Origin::Client, &Message::binary(vec![1]));
    b.ends();
    let order = r#"{"type":"order","id":1}"#;
    for (filter, expected) in [
        ("{}", vec![order, "accepted", "hello", "to all", "-"]),
        (r#"{"path":"/ws/a"}"#, vec![order, "accepted"]),
        (r#"{"path":"/ws/*"}"#, vec![order, "accepted"]),
        (r#"{"path":"/ws/b/**"}"#, vec!["hello", "to all", "-"]),
        (r#"{"direction":"inbound"}"#, vec![order, "hello", "-"]),
        (r#"{"direction":"outbound"}"#, vec!["accepted", "to all"]),
        (r#"{"origin":"room"}"#, vec!["to all"]),
        (r#"{"type":"binary"}"#, vec!["-"]),
        (r#"{"type":"text","direction":"inbound"}"#, vec![order, "hello"]),
        (r#"{"pattern":"^hello$"}"#, vec!["hello"]),
        (r#"{"pattern":"$.type:\"order\""}"#, vec![order]),
        (r#"{"pattern":"$.type:\"cancel\""}"#, vec![]),
        (r#"{"handled":"matched"}"#, vec![order]),
        (r#"{"handled":"answered"}"#, vec![]),
        (r#"{"matched_by":"orders"}"#, vec![order]),
        (r#"{"matched_by":"other"}"#, vec![]),
        (r#"{"kind":["end"]}"#, vec!["-"]),
        (r#"{"kind":["end"],"direction":"inbound"}"#, vec![]),
        (r#"{"since":5}"#, vec!["to all", "-"]),
        (r#"{"since":1000}"#, vec![]),
        (r#"{"room":"nobody is in it"}"#, vec![]),
        (r#"{"from":"2000-01-01T00:00:00Z"}"#, vec![order, "accepted", "hello", "to all", "-"]),
        (r#"{"until":"2000-01-01T00:00:00Z"}"#, vec![]),
        (r#"{"from":"3000-01-01T00:00:00Z"}"#, vec![]),
    ] {
        assert_eq!(found(&journal, filter).await, expected, "{filter}");
        assert_eq!(journal.count(&query(filter)).await.count, expected.len() as u64, "{filter}");
    }
    let of_b = JournalQuery::messages().connection(b.id());
    assert_eq!(journal.count(&of_b).await.count, 3);
    let filter = EventFilter { room: Some("r".into()), ..EventFilter::default() };
    let members = [a.id().to_owned()].into();
    assert_eq!(journal.count(&filter.compile(Some(members)).unwrap()).await.count, 2);
}

/// Whoever asks by the time that was told finds what it was told of.
#[tokio::test]
async fn times_are_found_as_they_are_told() {
    let journal = small(10);
    Client::open(&journal, "/ws").says("now");
    let event = journal.find(&JournalQuery::messages()).await.events.remove(0);
    let told = serde_json::to_value(&event).unwrap()["at"].as_str().unwrap().to_owned();
    let filter = EventFilter { from: Some(told.clone()), until: Some(told), ..EventFilter::default() };
    assert_eq!(journal.count(&filter.compile(None).unwrap()).await.count, 1);
    assert!(SystemTime::now().duration_since(event.at).unwrap() < Duration::from_secs(10));
}

#[tokio::test]
async fn the_first_or_the_last_are_told_and_whether_there_are_more() {
    let journal = small(1_000);
    let client = Client::open(&journal, "/ws");
    for n in 0..600 {
        client.says(&n.to_string());
    }
    let three = JournalQuery::messages().limit(3);
    let found = journal.find(&three).await;
    assert_eq!((texts(&found), found.more), (vec!["0", "1", "2"], true));
    let found = journal.find(&three.clone().newest_first()).await;
    assert_eq!((texts(&found), found.more), (vec!["599", "598", "597"], true));
    let found = journal.find(&three.clone().since(598)).await;
    assert_eq!((texts(&found), found.more), (vec!["597", "598", "599"], false));
    let found = journal.find(&three.newest_first().limit(0)).await;
    assert_eq!((texts(&found), found.more), (vec![], true));
    assert_eq!(journal.find(&JournalQuery::messages()).await.events.len(), JournalQuery::DEFAULT_LIMIT);
}

#[tokio::test]
async fn answers_of_several_journals_are_one_answer() {
    let journals = Journals::new(JournalConfig::default(), Vec::new());
    let (one, other) = (journals.journal(), journals.journal());
    let clients = [Client::open(&one, "/ws"), Client::open(&other, "/ws")];
    for n in 0..6 {
        clients[n % 2].says(&n.to_string());
    }
    for (query, expected) in [
        (JournalQuery::messages(), vec!["0", "1", "2", "3", "4", "5"]),
        (JournalQuery::messages().limit(4), vec!["0", "1", "2", "3"]),
        (JournalQuery::messages().limit(4).newest_first(), vec!["5", "4", "3", "2"]),
    ] {
        let parts = [one.find(&query).await, other.find(&query).await];
        let found = Found::merged(parts, &query);
        assert_eq!((texts(&found), found.more), (expected, query.limit < 6));
        assert_eq!(found.last_seq, 8);
    }
}

#[tokio::test]
async fn what_is_cut_is_undecided() {
    let journal = journal(JournalConfig { body: 10, ..JournalConfig::default() });
    let client = Client::open(&journal, "/ws");
    client.says("a long text whose end is asked for");
    client.says("asked for");
    let counted = journal.count(&query(r#"{"pattern":"asked for$"}"#)).await;
    assert_eq!((counted.count, counted.undecided), (1, 1));
    assert_eq!(journal.count(&query("{}")).await.count, 2);
    let waited = journal.wait_for(&query(r#"{"pattern":"asked for$"}"#), 2, Duration::ZERO).await;
    assert_eq!((waited.matched, waited.count, waited.undecided), (false, 1, 1));
    // Nobody knows how near it came.
    client.says("askd for");
    let nearest = journal.nearest(&query(r#"{"pattern":"^asked for.$"}"#)).await;
    assert!(nearest.iter().all(|near| !near.text.contains("a long")), "{nearest:?}");
}

#[tokio::test]
async fn a_cleared_journal_begins_anew_and_counts_on() {
    let journal = small(3);
    let client = Client::open(&journal, "/ws");
    for n in 0..10 {
        client.says(&n.to_string());
    }
    client.hears("x");
    assert_eq!(journal.clear(), 4);
    let found = journal.find(&JournalQuery::messages()).await;
    assert_eq!((found.events.len(), found.evicted, found.last_seq, journal.bytes()), (0, 0, 12, 0));
    client.says("after");
    let found = journal.find(&JournalQuery::messages()).await;
    assert_eq!((texts(&found), found.events[0].seq, found.evicted), (vec!["after"], 13, 0));
}

#[tokio::test]
async fn what_recordings_redact_is_not_told() {
    let redactions = vec![Redaction::jsonpath("$..password").unwrap(), Redaction::regex(r"\d{16}").unwrap()];
    let config = JournalConfig { body: 100, ..JournalConfig::default() };
    let journal = Journals::new(config, redactions).journal();
    let target = "/ws/1234567812345678?card=1234567812345678&page=2";
    let client = Client::of(&journal, connection_with(target, &[("x-card", "1234567812345678")]));
    client.says(r#"{"password":"SECRET","n":1}"#);
    client.says(&format!(r#"{{"password":"SECRET","more":"{}"}}"#, "x".repeat(200)));
    client.says("nothing");
    client.frame(Direction::Inbound, Origin::Client, &Message::binary("1234567812345678"));
    let miss = NearMiss::new("rules.yaml:1", "found SECRET");
    journal.on_unmatched(&client.connection, &unmatched(r#"{"password":"SECRET"}"#, miss));
    let all = [EventName::Message, EventName::Open, EventName::Unmatched];
    let found = journal.find(&JournalQuery::messages().kinds(all)).await;
    assert!(
        !format!("{found:?}").contains("SECRET") && !format!("{found:?}").contains("1234567812345678"),
        "{found:?}"
    );
    assert_eq!(found.events[0].path.as_deref(), Some("/ws/[redacted]"));
    assert_eq!(found.events[1].text(), Some(r#"{"password":"[redacted]","n":1}"#));
    assert_eq!(found.events[2].text(), Some("[redacted: it is cut]"));
    assert_eq!(found.events[3].text(), Some("nothing"));
    // A test may wait for what it must not see.
    let waited = journal.wait_for(&query(r#"{"pattern":"$.password:\"SECRET\""}"#), 1, Duration::ZERO).await;
    assert!(waited.matched && !format!("{waited:?}").contains("SECRET"), "{waited:?}");
    let waited = journal.wait_for(&query(r#"{"pattern":"$.password:\"SECRE\""}"#), 1, Duration::ZERO).await;
    assert!(!waited.matched && !format!("{waited:?}").contains("SECRET"), "{waited:?}");
    assert_eq!(waited.nearest[0].difference, "[redacted]");
}

#[tokio::test]
async fn the_nearest_are_told_with_what_is_different() {
    let journal = small(100);
    let client = Client::open(&journal, "/ws");
    for text in [r#"{"type":"ordr"}"#, "no JSON at all", r#"{"kind":"order"}"#, r#"{"type":"order"}"#] {
        client.says(text);
    }
    client.hears(r#"{"type":"orde"}"#);
    let orders = query(r#"{"pattern":"$.type:\"order\"","direction":"inbound"}"#);
    let nearest = journal.nearest(&orders).await;
    assert_eq!(nearest[0].text, r#"{"type":"ordr"}"#);
    assert_eq!(nearest[0].difference, r#"`$.type`: expected "order", found "ordr""#);
    assert_eq!(nearest.len(), 3, "neither the one that matches nor the one that was sent: {nearest:?}");
    assert!(nearest.windows(2).all(|pair| pair[0].closeness >= pair[1].closeness));
    assert_eq!(journal.nearest(&JournalQuery::messages()).await, []);
    // Of equally near ones the latest comes first.
    client.says(r#"{"type":"ordr"}"#);
    let nearest = journal.nearest(&orders).await;
    assert_eq!((&*nearest[0].text, &*nearest[1].text), (r#"{"type":"ordr"}"#, r#"{"type":"ordr"}"#));
    assert!(nearest[0].seq > nearest[1].seq, "{nearest:?}");
}

#[tokio::test]
async fn types_of_messages_are_those_of_messages() {
    let journal = small(100);
    let client = Client::open(&journal, "/ws");
    for (message, of_type) in [
        (Message::text("a"), MessageType::Text),
        (Message::binary("a"), MessageType::Binary),
        (Message::Ping("a".into()), MessageType::Ping),
        (Message::Close(None), MessageType::Close),
    ] {
        client.frame(Direction::Inbound, Origin::Client, &message);
        let filter = EventFilter { message_type: Some(of_type), ..EventFilter::default() };
        let found = journal.find(&filter.compile(None).unwrap()).await;
        assert_eq!(found.events.len(), 1);
        assert!(matches!(&found.events[0].kind, EventKind::Message { message: kept, .. } if *kept == message));
    }
}

/// Whoever asks a pattern of many long messages lets others have their turn between them.
#[tokio::test]
async fn others_have_their_turn_between_long_messages() {
    let journal = small(100);
    let client = Client::open(&journal, "/ws");
    for _ in 0..40 {
        client.says(&"x".repeat(200_000));
    }
    let turns = async |asking: &mut (dyn Future<Output = ()> + Unpin)| {
        let mut turns = 0;
        loop {
            tokio::select! {
                biased;
                () = &mut *asking => return turns,
                () = std::future::ready(()) => turns += 1,
            }
            tokio::task::yield_now().await;
        }
    };
    let nothing = query(r#"{"pattern":"y$"}"#);
    for found in [
        turns(&mut Box::pin(async {
            let _ = journal.find(&nothing).await;
        }))
        .await,
        turns(&mut Box::pin(async {
            let _ = journal.count(&nothing).await;
        }))
        .await,
        turns(&mut Box::pin(async { journal.watch(nothing.clone()).catch_up().await })).await,
        turns(&mut Box::pin(async {
            let _ = journal.nearest(&nothing).await;
        }))
        .await,
    ] {
        assert!(found >= 15, "{found}");
    }
}
