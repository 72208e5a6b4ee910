//! The handler on a connection without a socket, on tokio's paused clock.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use ws_core::engine::{OutboundQueue, SessionContext, outbound_queue};
use ws_core::{
    Connection, Extensions, HandlerResult, Handshake, Message, NoRooms, Origin, QueueLimits, WsHandler, WsMessage,
};
use ws_replay::{ReplayHandler, ReplayOptions};

use crate::simulation::script;

/// A connection: what its session holds, and the client's end of it. Dropping it ends what was spawned.
pub(crate) struct Session {
    pub(crate) context: SessionContext,
    queue: OutboundQueue,
    spawned: JoinSet<HandlerResult<()>>,
    pub(crate) opened_at: Instant,
}

impl Session {
    fn open(path: &str, limits: QueueLimits) -> Self {
        let connection =
            Arc::new(Connection::new(Handshake::new(path, http::HeaderMap::new(), None), None, Extensions::default()));
        let opened_at = connection.opened_at();
        let (sender, queue) = outbound_queue(limits);
        let context = SessionContext::new(connection, Arc::new(NoRooms), sender);
        Self { context, queue, spawned: JoinSet::new(), opened_at }
    }

    pub(crate) async fn connect(path: &str, handler: &ReplayHandler) -> Self {
        let mut session = Self::open(path, QueueLimits::default());
        session.connected(handler).await;
        session
    }

    async fn connected(&mut self, handler: &ReplayHandler) {
        handler.on_connect(self.context.view()).await.unwrap();
        for work in self.context.spawn_queue().take().futures {
            self.spawned.spawn(work);
        }
    }

    pub(crate) async fn say(&mut self, handler: &ReplayHandler, text: &str) {
        let message = WsMessage::Text(text.to_owned());
        handler.on_message(self.context.view(), message).await.unwrap();
    }

    /// The next message, and when it came, in milliseconds since the connection was opened.
    pub(crate) async fn next(&mut self) -> (u64, Message) {
        let outbound = poll_fn(|cx| self.queue.poll_next(cx)).await;
        assert_eq!(outbound.origin, Origin::Replay);
        (u64::try_from(self.opened_at.elapsed().as_millis()).unwrap(), outbound.message)
    }

    async fn is_silent_for(&mut self, ms: u64) -> bool {
        timeout(Duration::from_millis(ms), self.next()).await.is_err()
    }
}

pub(crate) fn handler(text: &str) -> ReplayHandler {
    ReplayHandler::new(script(text), ReplayOptions::seeded(1))
}

fn at(time: u64, text: &str) -> (u64, Message) {
    (time, Message::text(text))
}

/// M01: on time to the millisecond.
#[tokio::test(start_paused = true)]
async fn entries_are_sent_at_their_time() {
    let handler = handler("{\"ts\":0,\"text\":\"a\"}\n{\"ts\":100,\"text\":\"b\"}\n{\"ts\":300,\"text\":\"c\"}");
    let mut session = Session::connect("/ws", &handler).await;
    assert_eq!(
        [session.next().await, session.next().await, session.next().await],
        [at(0, "a"), at(100, "b"), at(300, "c")]
    );
    // When it ends the connection stays open.
    assert!(session.is_silent_for(60_000).await);
    session.say(&handler, "still open").await;
}

/// The clock starts when the connection was opened, not when handlers were through with it.
#[tokio::test(start_paused = true)]
async fn the_clock_starts_with_the_connection() {
    let handler = handler("{\"ts\":100,\"text\":\"a\"}\n{\"ts\":300,\"text\":\"b\"}");
    let mut session = Session::open("/ws", QueueLimits::default());
    tokio::time::advance(Duration::from_millis(250)).await;
    session.connected(&handler).await;
    assert_eq!([session.next().await, session.next().await], [at(250, "a"), at(300, "b")]);
}

/// M02, M05, M12: messages release waits, also those that came during a delay.
#[tokio::test(start_paused = true)]
async fn messages_release_waits() {
    let handler = handler(
        r#"{"ts":50,"text":"ready"}
           {"ts":50,"text":"hello {{1}}","waitFor":"^I am (.*)$"}
           {"ts":60,"text":"bye {{$.name}}","waitFor":"$.name"}"#,
    );
    let mut session = Session::connect("/ws", &handler).await;
    session.say(&handler, "I am early").await;
    assert_eq!([session.next().await, session.next().await], [at(50, "ready"), at(50, "hello early")]);
    session.say(&handler, "no").await;
    assert!(session.is_silent_for(1000).await);
    session.say(&handler, r#"{"name":"Ann"}"#).await;
    assert_eq!(session.next().await, at(1060, "bye Ann"));
}

/// Who has held a connection up has the script begin when it is its turn.
#[tokio::test(start_paused = true)]
async fn a_script_may_start_late() {
    let text = "{\"ts\":0,\"text\":\"a\"}\n{\"ts\":100,\"text\":\"b\"}";
    for (handler, times) in [(handler(text), [500, 500]), (handler(text).starting_late(), [500, 600])] {
        let mut session = Session::open("/ws", QueueLimits::default());
        tokio::time::sleep(Duration::from_millis(500)).await;
        session.connected(&handler).await;
        assert_eq!([session.next().await.0, session.next().await.0], times);
    }
}

/// M18: the last action closes the connection, and the work is over.
#[tokio::test(start_paused = true)]
async fn a_script_may_close_the_connection() {
    let handler = handler(r#"{"ts":20,"close":true,"code":4002,"reason":"done"}"#);
    let mut session = Session::connect("/ws", &handler).await;
    let (time, message) = session.next().await;
    assert_eq!(time, 20);
    assert!(matches!(message, Message::Close(Some(frame)) if frame.code == 4002 && &*frame.reason == "done"));
    session.spawned.join_next().await.unwrap().unwrap().unwrap();
}

/// M11: when the connection is gone, the script ends instead of playing on.
#[tokio::test(start_paused = true)]
async fn the_script_ends_with_its_connection() {
    let handler = handler("{\"ts\":0,\"text\":\"a\"}\n{\"ts\":10,\"text\":\"b\"}\n{\"ts\":60000,\"text\":\"c\"}");
    let mut session = Session::connect("/ws", &handler).await;
    assert_eq!(session.next().await, at(0, "a"));
    session.queue.close();
    session.spawned.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(session.opened_at.elapsed(), Duration::from_millis(10));
}

/// A client that reads slowly makes the script wait, and finds nothing lost; the schedule stays.
#[tokio::test(start_paused = true)]
async fn sends_wait_for_a_slow_client() {
    let lines: Vec<_> = (0..10).map(|n| format!(r#"{{"ts":{n},"text":"{n}"}}"#)).collect();
    let handler = handler(&format!("{}\n{{\"ts\":500,\"text\":\"last\"}}", lines.join("\n")));
    let mut session = Session::open("/ws", QueueLimits { messages: 1, bytes: 1000 });
    session.connected(&handler).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    for n in 0..10 {
        assert_eq!(session.next().await, at(100, &n.to_string()));
    }
    assert_eq!(session.next().await, at(500, "last"));
}

/// M09: with a seed the n-th connection on a path gets the same in every run.
#[tokio::test(start_paused = true)]
async fn the_nth_connection_of_a_path_repeats() {
    async fn first(path: &str, handler: &ReplayHandler) -> Message {
        Session::connect(path, handler).await.next().await.1
    }
    let text = r#"{"text":"{{uuid}}"}"#;
    let (one_run, other_run) = (handler(text), handler(text));
    let a = [first("/ws/a", &one_run).await, first("/ws/a", &one_run).await, first("/ws/b", &one_run).await];
    // In another run the paths come in another order.
    let b = first("/ws/b", &other_run).await;
    let b = [first("/ws/a", &other_run).await, first("/ws/a", &other_run).await, b];
    assert_eq!(a, b);
    assert!(a[0] != a[1] && a[1] != a[2] && a[0] != a[2]);
}

/// Two scripts on one path play side by side, and each gets every message.
#[tokio::test(start_paused = true)]
async fn two_scripts_share_a_connection() {
    let parse = |text: &str, name: &str| {
        let script = ws_replay::ReplayScript::parse(text, name).unwrap();
        ReplayHandler::new(Arc::new(script), ReplayOptions::default())
    };
    let one = parse(r#"{"ts":10,"text":"one","waitFor":"go"}"#, "one.jsonl");
    let other = parse(r#"{"ts":20,"text":"other","waitFor":"go"}"#, "other.jsonl");
    let mut session = Session::connect("/ws", &one).await;
    session.connected(&other).await;
    // The same script again is not played a second time.
    session.connected(&one).await;
    session.say(&one, "go").await;
    session.say(&other, "go").await;
    assert_eq!([session.next().await, session.next().await], [at(10, "one"), at(20, "other")]);
    assert!(session.is_silent_for(1000).await);
}

/// After a reload, open connections go on with the script they began.
#[tokio::test(start_paused = true)]
async fn a_reload_leaves_open_sessions_alone() {
    let old = handler(r#"{"text":"old","waitFor":"go"}"#);
    let new = handler(r#"{"text":"new","waitFor":"go"}"#);
    let mut session = Session::connect("/ws", &old).await;
    drop(old);
    session.say(&new, "go").await;
    assert_eq!(session.next().await, at(0, "old"));
    let mut later = Session::connect("/ws", &new).await;
    later.say(&new, "go").await;
    assert_eq!(later.next().await, at(0, "new"));
    new.on_disconnect(session.context.view()).await.unwrap();
}

/// A handler that came by a reload and finds no session of its script takes messages without harm.
#[tokio::test(start_paused = true)]
async fn messages_of_foreign_connections_are_let_pass() {
    let handler = handler(r#"{"text":"x","waitFor":"go"}"#);
    let mut session = Session::open("/ws", QueueLimits::default());
    session.say(&handler, "go").await;
    assert!(session.is_silent_for(1000).await);
}

/// The n-th connection plays the n-th session, without a seed too; paths are counted apart.
#[tokio::test(start_paused = true)]
async fn connections_play_their_sessions() {
    let file = script(
        r#"{"conn":1,"text":"first"}
           {"conn":2,"ts":20,"ping":true,"text":"second"}"#,
    );
    let handler = ReplayHandler::new(file, ReplayOptions::default());
    let mut first = Session::connect("/ws", &handler).await;
    let mut second = Session::connect("/ws", &handler).await;
    let mut third = Session::connect("/ws", &handler).await;
    let mut elsewhere = Session::connect("/ws/b", &handler).await;
    assert_eq!(second.next().await, (20, Message::Ping("second".into())));
    assert_eq!(
        [first.next().await, third.next().await, elsewhere.next().await].map(|(_, message)| message),
        [Message::text("first"), Message::text("first"), Message::text("first"),]
    );
}

#[tokio::test(start_paused = true)]
async fn a_recorded_loss_is_a_loss_again() {
    let handler = handler("{\"recording\":1}\n{\"ts\":10,\"text\":\"last\"}\n{\"ts\":30,\"close\":true,\"code\":1006}");
    let mut session = Session::connect("/ws", &handler).await;
    assert_eq!(session.next().await, at(10, "last"));
    session.spawned.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(session.opened_at.elapsed(), Duration::from_millis(30));
    assert!(session.is_silent_for(1).await);
    assert!(session.queue.is_disconnected());
}
