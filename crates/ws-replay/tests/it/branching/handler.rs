//! Scripts that branch on a connection without a socket, on tokio's paused clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;
use ws_core::engine::{SessionContext, outbound_queue};
use ws_core::{
    Connection, Extensions, HandlerResult, Handshake, Message, QueueLimits, Rooms, WsHandler, WsMessage, WsSender,
};
use ws_replay::{ReplayHandler, ReplayOptions, SessionVerdict};

use crate::handler::{Session, handler};
use crate::simulation::script;

fn at(time: u64, text: &str) -> (u64, Message) {
    (time, Message::text(text))
}

/// M17: a wait that runs out goes on, and messages in between do not disturb it.
#[tokio::test(start_paused = true)]
async fn a_wait_runs_out_on_time() {
    let handler = handler(
        r#"{"text":"ready?","on_match":[{"pattern":"yes","goto_step":"go"}],"timeout_ms":1000,"on_timeout":"late"}
           {"step_id":"go","text":"go","next_step":"end"}
           {"step_id":"late","text":"late","waitFor":"never","timeout_ms":500}
           {"ts":50,"text":"too late","every":100}"#,
    );
    let mut session = Session::connect("/ws", &handler).await;
    assert_eq!(session.next().await, at(0, "ready?"));
    tokio::time::sleep(Duration::from_millis(400)).await;
    session.say(&handler, "no").await;
    assert_eq!([session.next().await, session.next().await], [at(1550, "too late"), at(1650, "too late")]);
    let mut other = Session::connect("/ws", &handler).await;
    assert_eq!(other.next().await, at(0, "ready?"));
    other.say(&handler, "yes").await;
    assert_eq!(other.next().await, at(0, "go"));
}

/// Who takes a message says so; who waits for another one says how it differs; all else is kept and not talked about.
#[tokio::test(start_paused = true)]
async fn the_fate_of_messages_is_told() {
    let handler = handler(
        r#"{"text":"hello","waitFor":"^hello$"}
           {"ts":100,"text":"more","waitFor":"$.type:\"order\"","on_match":[{"pattern":"^bye$","goto_step":"end"}]}"#,
    );
    let mut session = Session::connect("/ws", &handler).await;
    // Nothing is open before the script has begun.
    session.say(&handler, "early").await;
    assert_eq!(session.context.take_unmatched(), None);
    tokio::time::sleep(Duration::from_millis(1)).await;

    session.say(&handler, "helo").await;
    let unmatched = session.context.take_unmatched().unwrap();
    assert_eq!(unmatched.message, Message::text("helo"));
    assert_eq!(unmatched.near_misses.len(), 1);
    assert_eq!(unmatched.near_misses[0].expected_by, "test.jsonl:1");
    assert!(unmatched.near_misses[0].closeness > 0.3, "{unmatched:?}");

    session.say(&handler, "hello").await;
    assert!(session.context.view().is_matched());
    assert_eq!(session.context.take_unmatched(), None);
    // It was taken, and its text is not sent yet: no wait is open.
    session.say(&handler, r#"{"type":"ordr"}"#).await;
    assert_eq!(session.context.take_unmatched(), None);
    assert_eq!(session.next().await, at(1, "hello"));

    tokio::time::sleep(Duration::from_millis(1)).await;
    session.say(&handler, r#"{"type":"odrer"}"#).await;
    let unmatched = session.context.take_unmatched().unwrap();
    let told: Vec<_> = unmatched.near_misses.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2);
    assert!(told[0].starts_with("test.jsonl:2: `$.type`: expected \"order\", found \"odrer\""), "{told:?}");
}

fn verdicts(text: &str) -> (ReplayHandler, Arc<Mutex<Vec<SessionVerdict>>>) {
    let verdicts = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&verdicts);
    let handler = ReplayHandler::new(script(text), ReplayOptions::default());
    (handler.on_verdict(move |verdict| told.lock().unwrap().push(verdict)), verdicts)
}

/// Once a session: at the end of its script, or else of its connection.
#[tokio::test(start_paused = true)]
async fn a_verdict_is_given_once() {
    let (handler, verdicts) = verdicts(
        r#"{"text":"?","on_match":[{"pattern":"^yes$","goto_step":"end"}],"assertions":[{"pattern":"yes"}],"timeout_ms":1000}"#,
    );
    let mut right = Session::connect("/ws", &handler).await;
    right.next().await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    right.say(&handler, "yes").await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(verdicts.lock().unwrap().iter().all(SessionVerdict::passed));
    handler.on_disconnect(right.context.view()).await.unwrap();
    assert_eq!(verdicts.lock().unwrap().len(), 1);

    let mut gone = Session::connect("/ws", &handler).await;
    gone.next().await;
    handler.on_disconnect(gone.context.view()).await.unwrap();
    handler.on_disconnect(gone.context.view()).await.unwrap();
    let verdicts = verdicts.lock().unwrap();
    assert_eq!(verdicts.len(), 2);
    assert_eq!(verdicts[1].unfinished_because(), Some("test.jsonl:1: still waits for `^yes$`"));
}

/// What was done with rooms, in order.
#[derive(Default)]
struct Noted(Mutex<Vec<String>>);

impl Noted {
    fn note(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }
}

#[async_trait]
impl Rooms for Noted {
    async fn join(&self, _: &str, _: &WsSender, room: &str) -> HandlerResult<()> {
        self.note(format!("join {room}"));
        Ok(())
    }

    async fn leave(&self, _: &str, room: &str) -> HandlerResult<()> {
        self.note(format!("leave {room}"));
        Ok(())
    }

    async fn leave_all(&self, _: &str) -> HandlerResult<()> {
        Ok(())
    }

    async fn broadcast(&self, room: &str, message: Message) -> HandlerResult<usize> {
        self.note(format!("{room}: {}", message.as_text().unwrap_or_default()));
        Ok(1)
    }

    async fn members(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    async fn rooms_of(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
}

#[tokio::test(start_paused = true)]
async fn rooms_are_joined_left_and_sent_to() {
    let handler = handler(
        r#"{"join":["lobby","all"],"send":{"room":"lobby"},"text":"hello {{connection.number}}"}
           {"ts":100,"leave":"lobby","send":{"room":"all"},"text":"bye","repeat":2}"#,
    );
    let rooms = Arc::new(Noted::default());
    let connection =
        Arc::new(Connection::new(Handshake::new("/ws", http::HeaderMap::new(), None), None, Extensions::default()));
    let (sender, _queue) = outbound_queue(QueueLimits::default());
    let mut context = SessionContext::new(connection, rooms.clone(), sender);
    let started = Instant::now();
    handler.on_connect(context.view()).await.unwrap();
    for work in context.spawn_queue().take().futures {
        work.await.unwrap();
    }
    assert_eq!(started.elapsed(), Duration::from_millis(100));
    let noted = rooms.0.lock().unwrap().clone();
    assert_eq!(noted, ["join lobby", "join all", "lobby: hello 1", "leave lobby", "all: bye", "all: bye"]);
    handler.on_message(context.view(), WsMessage::Text("x".into())).await.unwrap();
}

/// A script with rooms on a server without them plays on.
#[tokio::test(start_paused = true)]
async fn a_server_without_rooms_ends_no_script() {
    let handler = handler("{\"join\":\"lobby\"}\n{\"ts\":10,\"text\":\"on\"}");
    let mut session = Session::connect("/ws", &handler).await;
    assert_eq!(session.next().await, at(10, "on"));
}
