//! F03: what is counted of single handlers, as it is scraped.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::sleep;
use ws_core::{HandlerError, HandlerRegistry, HandlerResult, WsContext, WsHandler, WsMessage, handler_fn};
use ws_server::{WsConfig, WsServer};
use ws_testing::TestServer;

use crate::eventually::eventually;
use crate::scrape::{all_ended, value};
use crate::serving::serve;

/// Does what a message says, under its name.
struct Obedient(&'static str);

#[async_trait]
impl WsHandler for Obedient {
    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        let WsMessage::Text(text) = msg else { return Ok(()) };
        match text.as_str() {
            "fail" => Err(HandlerError::Generic("as asked".into())),
            "panic" => panic!("as asked"),
            "stop" => {
                ctx.stop();
                Ok(())
            }
            "sleep" => {
                sleep(Duration::from_millis(60)).await;
                ctx.send_text("awake").await
            }
            "hang" => std::future::pending().await,
            _ => ctx.send_text("done").await,
        }
    }

    async fn on_disconnect(&self, _: &mut WsContext) -> HandlerResult<()> {
        Err(HandlerError::Generic("never leaves in peace".into()))
    }

    fn label(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0)
    }
}

#[track_caller]
fn counted(server: &TestServer, what: &str, handler: &str, call: &str) -> f64 {
    value(server, &format!("mockforge_ws_handler_{what}_total{{call=\"{call}\",handler=\"{handler}\"}}"))
}

fn duration(server: &TestServer, handler: &str, suffix: &str) -> f64 {
    value(server, &format!("mockforge_ws_handler_duration_seconds_{suffix}{{handler=\"{handler}\"}}"))
}

/// After N messages the counters say N, for each handler of the chain that got them.
#[tokio::test]
async fn calls_errors_and_durations_are_counted_exactly() {
    let server = serve(WsServer::builder().handler(Obedient("first")).handler(Obedient("second"))).await;
    let mut client = server.connect("/ws").await.unwrap();
    for _ in 0..50 {
        client.send_text("go").await.unwrap();
        client.recv_text().await.unwrap();
        client.recv_text().await.unwrap();
    }
    for _ in 0..7 {
        client.send_text("stop").await.unwrap();
    }
    for _ in 0..3 {
        client.send_text("fail").await.unwrap();
    }
    client.send_text("sleep").await.unwrap();
    client.recv_text().await.unwrap();
    client.recv_text().await.unwrap();
    client.close(1000, "").await.unwrap();
    all_ended(&server).await;

    for (handler, messages) in [("first", 61.0), ("second", 54.0)] {
        assert_eq!(counted(&server, "calls", handler, "on_connect"), 1.0);
        assert_eq!(counted(&server, "calls", handler, "on_message"), messages, "{handler}");
        assert_eq!(counted(&server, "calls", handler, "on_disconnect"), 1.0);
        assert_eq!(counted(&server, "errors", handler, "on_connect"), 0.0);
        assert_eq!(counted(&server, "errors", handler, "on_message"), 3.0);
        assert_eq!(counted(&server, "errors", handler, "on_disconnect"), 1.0);
        assert_eq!(duration(&server, handler, "count"), messages);
        assert!(duration(&server, handler, "sum") >= 0.06, "one of them slept");
    }
}

/// Panics and time-outs are errors; a call that the client's end cuts short is none.
#[tokio::test]
async fn what_ends_a_connection_is_counted_once() {
    let config = WsConfig { handler_timeout: Some(Duration::from_millis(20)), ..WsConfig::default() };
    let server = serve(WsServer::builder().config(config).handler(Obedient("it"))).await;
    for (number, text) in ["panic", "hang"].into_iter().enumerate() {
        let mut client = server.connect("/ws").await.unwrap();
        client.send_text(text).await.unwrap();
        assert_eq!(client.recv_close().await.unwrap().unwrap().code, 1011);
        all_ended(&server).await;
        assert_eq!(counted(&server, "errors", "it", "on_message"), (number + 1) as f64, "{text}");
    }

    let server = serve(WsServer::builder().handler(Obedient("it"))).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("hang").await.unwrap();
    eventually("it is called", || counted(&server, "calls", "it", "on_message") == 1.0).await;
    drop(client);
    all_ended(&server).await;
    assert_eq!(counted(&server, "errors", "it", "on_message"), 0.0);
    assert_eq!(duration(&server, "it", "count"), 1.0);
}

/// A handler that comes while a connection is open is counted from its first message on, the one that goes no more.
#[tokio::test]
async fn exchanged_handlers_are_counted_under_their_own_names() {
    let registry = Arc::new(HandlerRegistry::new());
    registry.register(Obedient("old"));
    let server = serve(WsServer::builder().registry(Arc::clone(&registry))).await;
    let mut client = server.connect("/ws").await.unwrap();
    let say = async |client: &mut ws_testing::TestClient| {
        client.send_text("go").await.unwrap();
        client.recv_text().await.unwrap();
    };
    say(&mut client).await;
    registry.replace(vec![Arc::new(Obedient("new")) as Arc<dyn WsHandler>]);
    say(&mut client).await;
    say(&mut client).await;
    assert_eq!(counted(&server, "calls", "old", "on_message"), 1.0);
    assert_eq!(counted(&server, "calls", "new", "on_message"), 2.0);
}

/// Closures have a name. Who answers where there is no handler is not counted: that is the server itself.
#[tokio::test]
async fn handlers_without_a_name_of_their_own_are_counted() {
    let closure = handler_fn(|ctx, _| Box::pin(async move { ctx.send_text("x").await }));
    for (builder, is_counted) in [(WsServer::builder().handler(closure), true), (WsServer::builder(), false)] {
        let server = serve(builder).await;
        let mut client = server.connect("/ws").await.unwrap();
        client.send_text("x").await.unwrap();
        client.recv_text().await.unwrap();
        if is_counted {
            assert_eq!(counted(&server, "calls", "handler_fn", "on_message"), 1.0);
        }
        let scraped = server.metrics().unwrap().render();
        assert_eq!(scraped.contains("mockforge_ws_handler_calls_total"), is_counted, "{scraped}");
    }
}
