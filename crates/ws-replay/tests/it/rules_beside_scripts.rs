//! Rules among the entries of a script, and rules that were given beside it.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use ws_core::engine::{SessionContext, outbound_queue};
use ws_core::{Connection, Extensions, Handshake, NoRooms, QueueLimits, WsHandler, WsMessage};
use ws_replay::{CheckOutcome, ReplayHandler, ReplayOptions, ReplayScript, SessionVerdict};

use crate::rules::client::rules;

/// What a client hears that says something at these times, in milliseconds. Whether each message was matched is there, too.
async fn talk(handler: &ReplayHandler, said: &[(u64, &str)]) -> (Vec<String>, Vec<bool>) {
    let handshake = Handshake::new("/ws", http::HeaderMap::new(), None);
    let connection = Arc::new(Connection::new(handshake, None, Extensions::default()));
    let (sender, mut queue) = outbound_queue(QueueLimits::default());
    let mut context = SessionContext::new(Arc::clone(&connection), Arc::new(NoRooms), sender);
    let mut spawned = JoinSet::new();
    handler.on_connect(context.view()).await.unwrap();
    context.spawn_queue().take().futures.into_iter().for_each(|work| drop(spawned.spawn(work)));
    let (mut heard, mut matched) = (Vec::new(), Vec::new());
    for (at, text) in said {
        let silence = connection.opened_at() + Duration::from_millis(*at);
        while let Ok(outbound) = timeout_at(silence, poll_fn(|cx| queue.poll_next(cx))).await {
            handler.on_outbound(&connection, &outbound.message, outbound.origin);
            heard.extend(outbound.message.as_text().map(str::to_owned));
        }
        handler.on_message(context.view(), WsMessage::Text((*text).to_owned())).await.unwrap();
        matched.push(context.view().is_matched());
        context.take_unmatched();
    }
    let end = Instant::now() + Duration::from_secs(10);
    while let Ok(outbound) = timeout_at(end, poll_fn(|cx| queue.poll_next(cx))).await {
        heard.extend(outbound.message.as_text().map(str::to_owned));
    }
    handler.on_disconnect(context.view()).await.unwrap();
    (heard, matched)
}

fn handler(file: &str) -> ReplayHandler {
    let script = ReplayScript::parse(file, "script.jsonl").unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(script.warnings(), []);
    ReplayHandler::new(Arc::new(script), ReplayOptions::default())
}

const FILE: &str = r#"
{"text": "hello"}
{"match": "^ping$", "set": {"pings": "{{state.pings + 1}}"}, "response": "pong"}
{"waitFor": "^go$", "text": "gone"}
{"waitFor": "^ping$", "text": "bye after {{state.pings}}"}
"#;

#[tokio::test(start_paused = true)]
async fn what_the_script_waits_for_is_not_answered_by_rules() {
    let (heard, matched) =
        talk(&handler(FILE), &[(10, "ping"), (20, "other"), (30, "go"), (40, "ping"), (50, "ping")]).await;
    // The first ping was answered by the rule, so it is not kept for the wait.
    assert_eq!(heard, ["hello", "pong", "gone", "bye after 1", "pong"]);
    assert_eq!(matched, [true, false, true, true, true]);
}

#[tokio::test(start_paused = true)]
async fn rules_beside_a_script_follow_those_in_it() {
    let both = handler(FILE).with_rules(rules("rules: [{match: ^p, response: other}]"));
    let (heard, _) = talk(&both, &[(10, "ping"), (20, "pang")]).await;
    assert_eq!(heard, ["hello", "pong", "other"]);
    // JSON is not required by default: the script may wait for other text.
    let json =
        handler(r#"{"waitFor": "^READY$", "text": "go"}"#).with_rules(rules("rules: [{match: $.a, response: '1'}]"));
    let (heard, _) = talk(&json, &[(10, "{"), (20, "READY"), (30, r#"{"a":1}"#)]).await;
    assert_eq!(heard, ["go", "1"]);
}

#[tokio::test(start_paused = true)]
async fn checks_of_rules_are_in_the_verdict_of_the_script() {
    let verdicts = Arc::<Mutex<Vec<SessionVerdict>>>::default();
    let kept = Arc::clone(&verdicts);
    let file = "
correlations: [{name: polite, first: {match: hello, direction: out}, then: ^hi$}]
rules: [{match: rude, fail: rudeness}, {match: never, assert: never}]";
    let keep = move |verdict| kept.lock().unwrap().push(verdict);
    let watched = handler("{\"text\": \"hello\"}\n{\"dir\": \"in\", \"close\": true}");
    let watched = watched.with_rules(rules(file)).on_verdict(keep);
    talk(&watched, &[(10, "rude")]).await;
    let verdicts = verdicts.lock().unwrap();
    let [verdict] = &verdicts[..] else { panic!("{verdicts:?}") };
    let of = |description: &str| {
        let check = verdict.checks().iter().find(|check| check.description() == description);
        check.unwrap().outcome().clone()
    };
    assert_eq!(of("rudeness"), CheckOutcome::Failed("this must not happen".into()));
    assert!(matches!(of("polite"), CheckOutcome::Failed(reason) if reason.contains("before the session ended")));
    assert_eq!(of("never"), CheckOutcome::NotReached);
    assert!(verdict.is_finished() && !verdict.passed());
}
