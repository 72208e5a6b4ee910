//! A script that begins on an open connection, among other handlers, on tokio's paused clock.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use ws_core::engine::{OutboundQueue, SessionContext, outbound_queue};
use ws_core::{
    Connection, Extensions, Handled, HandlerResult, Handshake, NoRooms, QueueLimits, WsHandler, WsMessage, handler_fn,
};
use ws_replay::{Interlude, InterludeProgress, ReplayHandler, ReplayOptions, RuleHandler, RuleSet};

use crate::handler::handler;

fn interlude(text: &str) -> Interlude {
    handler(text).into_interlude()
}

/// An open connection whose handlers are called as a session calls them.
struct Open {
    context: SessionContext,
    queue: OutboundQueue,
    spawned: JoinSet<HandlerResult<()>>,
    handlers: Vec<Arc<dyn WsHandler>>,
    began: Instant,
}

impl Open {
    async fn with(handlers: Vec<Arc<dyn WsHandler>>) -> Self {
        let handshake = Handshake::new("/ws", http::HeaderMap::new(), None);
        let connection = Arc::new(Connection::new(handshake, None, Extensions::default()));
        let (sender, queue) = outbound_queue(QueueLimits::default());
        let context = SessionContext::new(connection, Arc::new(NoRooms), sender);
        let mut open = Self { context, queue, spawned: JoinSet::new(), handlers, began: Instant::now() };
        for handler in open.handlers.clone() {
            handler.on_connect(open.context.view()).await.unwrap();
        }
        open.spawn();
        open
    }

    /// Some time later, begins to play.
    async fn play(&mut self, interlude: &Interlude) {
        tokio::time::advance(Duration::from_secs(5)).await;
        self.began = Instant::now();
        self.handlers.insert(0, interlude.before());
        self.handlers.push(interlude.behind());
        for handler in [interlude.before(), interlude.behind()] {
            handler.on_connect(self.context.view()).await.unwrap();
        }
        self.spawn();
    }

    fn spawn(&mut self) {
        for work in self.context.spawn_queue().take().futures {
            self.spawned.spawn(work);
        }
    }

    /// What the handlers make of a text.
    async fn say(&mut self, text: &str) -> Handled {
        let mut stopped = false;
        for handler in self.handlers.clone() {
            handler.on_message(self.context.view(), WsMessage::Text(text.to_owned())).await.unwrap();
            stopped = self.context.take_stopped();
            if stopped {
                break;
            }
        }
        self.spawn();
        self.context.take_handled(1, stopped)
    }

    /// The next text, and when it came, in milliseconds since the script began.
    async fn next(&mut self) -> (u128, String) {
        let sent = poll_fn(|cx| self.queue.poll_next(cx)).await;
        (self.began.elapsed().as_millis(), sent.message.as_text().unwrap().to_owned())
    }

    async fn texts(&mut self, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        for _ in 0..count {
            texts.push(self.next().await.1);
        }
        texts
    }

    async fn is_silent_for(&mut self, seconds: u64) -> bool {
        timeout(Duration::from_secs(seconds), self.next()).await.is_err()
    }
}

fn matched_by(name: &str) -> Handled {
    Handled::Matched(Some(name.into()))
}

fn echo() -> Arc<dyn WsHandler> {
    Arc::new(handler_fn(|ctx, message| {
        Box::pin(async move {
            let WsMessage::Text(text) = message else { return Ok(()) };
            ctx.send_text(&format!("echo: {text}")).await
        })
    }))
}

fn rules(text: &str) -> Arc<dyn WsHandler> {
    let rules = RuleSet::parse(text, "rules.yaml").unwrap();
    Arc::new(RuleHandler::new(Arc::new(rules), ReplayOptions::seeded(1)))
}

#[tokio::test(start_paused = true)]
async fn its_clock_begins_when_it_does() {
    let mut open = Open::with(vec![echo()]).await;
    open.play(&interlude("{\"ts\":0,\"text\":\"a\"}\n{\"ts\":100,\"text\":\"b\"}")).await;
    assert_eq!([open.next().await, open.next().await], [(0, "a".to_owned()), (100, "b".to_owned())]);
    // When it has ended, all is as before.
    assert_eq!(open.say("still here").await, Handled::Answered);
    assert_eq!(open.next().await.1, "echo: still here");
}

/// What its wait takes goes no further; what it does not take goes to who answered before.
#[tokio::test(start_paused = true)]
async fn its_wait_has_the_first_word() {
    let mut open = Open::with(vec![rules("rules: [{match: ^(go|stop)$, response: 'rule: {{1}}'}]"), echo()]).await;
    let interlude = interlude(r#"{"waitFor":"^go$","text":"went"}"#);
    open.play(&interlude).await;
    tokio::task::yield_now().await;
    assert_eq!(interlude.progress(), InterludeProgress::At { line: 1 });
    open.say("stop").await;
    assert_eq!(open.texts(2).await, ["rule: stop", "echo: stop"]);
    assert_eq!(open.say("go").await, matched_by("test.jsonl:1"));
    assert_eq!(open.texts(1).await, ["went"]);
    tokio::task::yield_now().await;
    assert_eq!(interlude.progress(), InterludeProgress::Ended);
    open.say("go").await;
    assert_eq!(open.texts(2).await, ["rule: go", "echo: go"]);
}

/// A message that nobody takes is kept for later waits; one that a rule behind takes is not.
#[tokio::test(start_paused = true)]
async fn what_nobody_takes_is_kept() {
    let script = "{\"waitFor\":\"^one$\",\"text\":\"after one\"}\n{\"waitFor\":\"^two$\",\"text\":\"after two\"}";
    let mut open =
        Open::with(vec![rules("rules: [{match: ^two$, when: state.on == true, response: ruled}]\nstate: {on: true}")])
            .await;
    open.play(&interlude(script)).await;
    tokio::task::yield_now().await;
    open.say("two").await;
    assert_eq!(open.texts(1).await, ["ruled"]);
    open.say("one").await;
    assert_eq!(open.texts(1).await, ["after one"]);
    assert!(open.is_silent_for(60).await);
    assert_eq!(open.say("two").await, matched_by("test.jsonl:2"));
    assert_eq!(open.texts(1).await, ["after two"]);

    let mut open = Open::with(vec![rules("rules: [{match: ^three$, response: ruled}]")]).await;
    open.play(&interlude(script)).await;
    tokio::task::yield_now().await;
    assert!(matches!(open.say("two").await, Handled::Unmatched(_)));
    open.say("one").await;
    assert_eq!(open.texts(2).await, ["after one", "after two"]);
}

/// While a handler behind takes its time with a message, the script goes on: a wait that opens meanwhile sees the message, too.
#[tokio::test(start_paused = true)]
async fn a_wait_that_opens_while_others_handle_a_message_sees_it() {
    let slow: Arc<dyn WsHandler> = Arc::new(handler_fn(|_, _| {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_secs(10)).await;
            Ok(())
        })
    }));
    let script =
        "{\"waitFor\":\"^one$\",\"text\":\"a\",\"timeout_ms\":1000}\n{\"waitFor\":\"^two$\",\"text\":\"after two\"}";
    let mut open = Open::with(vec![slow]).await;
    open.play(&interlude(script)).await;
    tokio::task::yield_now().await;
    open.say("two").await;
    assert_eq!(open.texts(1).await, ["after two"]);
}

#[tokio::test(start_paused = true)]
async fn its_rules_go_on_beyond_its_end() {
    let mut open = Open::with(vec![echo()]).await;
    let interlude = interlude("{\"match\":\"^ping$\",\"response\":\"pong\"}\n{\"text\":\"hello\"}");
    open.play(&interlude).await;
    assert_eq!(open.texts(1).await, ["hello"]);
    assert_eq!(open.say("ping").await, matched_by("test.jsonl:1"));
    assert_eq!(open.texts(1).await, ["pong"]);
    interlude.before().on_disconnect(open.context.view()).await.unwrap();
    assert_eq!(open.say("ping").await, Handled::Answered);
    assert_eq!(open.texts(1).await, ["echo: ping"]);
}

/// Ended, it sends nothing more, takes nothing more, and its work is gone.
#[tokio::test(start_paused = true)]
async fn it_ends_where_it_stands() {
    for script in [
        "{\"ts\":0,\"text\":\"a\"}\n{\"ts\":86400000,\"text\":\"b\"}",
        "{\"ts\":0,\"text\":\"a\"}\n{\"waitFor\":\"^go$\",\"text\":\"b\"}",
        "{\"ts\":0,\"text\":\"a\",\"every\":1000}",
        "{\"match\":\"^x$\",\"response\":\"y\",\"delay_ms\":1000}\n{\"ts\":0,\"text\":\"a\"}",
    ] {
        let mut open = Open::with(vec![echo()]).await;
        let interlude = interlude(script);
        open.play(&interlude).await;
        assert_eq!(open.texts(1).await, ["a"]);
        open.say("x").await;
        open.say("x").await;
        interlude.before().on_disconnect(open.context.view()).await.unwrap();
        assert_eq!(interlude.progress(), InterludeProgress::Ended);
        while let Some(ended) = open.spawned.join_next().await {
            ended.unwrap().unwrap();
        }
        while poll_fn(|cx| std::task::Poll::Ready(open.queue.poll_next(cx))).await.is_ready() {}
        open.say("go").await;
        assert_eq!(open.texts(1).await, ["echo: go"]);
        assert!(open.is_silent_for(100_000).await);
    }
}

/// Scripts behind count the messages that they do not see.
#[tokio::test(start_paused = true)]
async fn messages_are_counted_by_all() {
    let script = "{\"waitFor\":\"^tell$\",\"text\":\"{{connection.messages}}, after {{lastMessage}}\"}";
    let options = ReplayOptions::seeded(1);
    let behind = ReplayHandler::new(crate::simulation::script(script), options);
    let mut open = Open::with(vec![Arc::new(behind)]).await;
    let interlude = interlude("{\"waitFor\":\"^go$\",\"text\":\"1\"}\n{\"waitFor\":\"^go$\",\"text\":\"2\"}");
    open.play(&interlude).await;
    tokio::task::yield_now().await;
    for _ in 0..2 {
        open.say("go").await;
        open.next().await;
    }
    interlude.before().on_disconnect(open.context.view()).await.unwrap();
    open.handlers.remove(0);
    open.handlers.pop();
    open.say("so").await;
    open.say("tell").await;
    assert_eq!(open.texts(1).await, ["4, after so"]);
}
