//! Handlers that are exchanged while the server runs.

use std::process::Command;
use std::sync::Arc;

use tokio::sync::{Notify, mpsc, oneshot};
use ws_core::{HandlerRegistry, HandlerResult, Message, WsContext, WsHandler, close_code};
use ws_server::{ReloadPolicy, WsConfig, WsServer};
use ws_testing::TestServer;

use crate::journal::Journal;
use crate::programmed::Programmed;
use crate::scrape::{all_ended, ended_with};
use crate::serving::serve;

const VARIABLE: &str = "MOCKFORGE_WS_HOTRELOAD";

/// Says what the environment of its process makes of a registry.
#[test]
#[ignore = "run by the next test, in processes of its own"]
fn say_whether_hot_reload_is_on() {
    let (by_environment, forced) = (HandlerRegistry::new(), HandlerRegistry::with_hot_reload());
    println!("on: {} {}", by_environment.is_hot_reload_enabled(), forced.is_hot_reload_enabled());
}

/// L01: hot reload is on when the variable is `1`, `true` or another word for yes, in any case, or when it is forced.
#[test]
fn the_environment_switches_hot_reload_on() {
    let cases = [
        (Some("1"), true),
        (Some("true"), true),
        (Some("TRUE"), true),
        (Some("True"), true),
        (Some("0"), false),
        (Some("false"), false),
        (Some("Yes"), true),
        (Some("on"), true),
        (Some("no"), false),
        (Some("maybe"), false),
        (Some(""), false),
        (None, false),
    ];
    for (value, expected) in cases {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "--nocapture", "reload::say_whether_hot_reload_is_on"]);
        match value {
            Some(value) => command.env(VARIABLE, value),
            None => command.env_remove(VARIABLE),
        };
        let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
        assert!(output.contains(&format!("on: {expected} true")), "{value:?}: {output}");
    }
}

/// Serves what is, and will be, in a registry.
async fn serve_registry(registry: &Arc<HandlerRegistry>, reload_policy: ReloadPolicy) -> TestServer {
    let config = WsConfig { reload_policy, ..WsConfig::default() };
    serve(WsServer::builder().config(config).registry(Arc::clone(registry))).await
}

/// Notes connects and disconnects under its name, welcomes, and answers.
fn version(name: &'static str, journal: &Journal) -> Programmed {
    let (connects, disconnects) = (journal.clone(), journal.clone());
    let tag = if name == "old" { "old: " } else { "new: " };
    Programmed::new()
        .answering(tag)
        .on_connect(move |ctx| {
            connects.note(format!("{name} connect"));
            Box::pin(async move { ctx.send_text(name).await })
        })
        .on_disconnect(move |_| {
            disconnects.note(format!("{name} disconnect"));
            Box::pin(async { Ok(()) })
        })
}

/// L02: a running server takes up `clear()` and `register()`. New connections get the new handlers; the next message of
/// open ones goes to the new handlers, too, without a second `on_connect`, and so does their end.
#[tokio::test]
async fn a_running_server_takes_up_new_handlers() {
    let journal = Journal::default();
    let registry = Arc::new(HandlerRegistry::with_hot_reload());
    registry.register(version("old", &journal));
    let server = serve_registry(&registry, ReloadPolicy::Keep).await;
    let mut open = server.connect("/ws").await.unwrap();
    open.send_text("a").await.unwrap();
    assert_eq!(open.recv_text().await.unwrap(), "old");
    assert_eq!(open.recv_text().await.unwrap(), "old: a");

    registry.clear();
    registry.register(version("new", &journal));
    let mut new = server.connect("/ws").await.unwrap();
    assert_eq!(new.recv_text().await.unwrap(), "new");
    for client in [&mut open, &mut new] {
        client.send_text("b").await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), "new: b");
    }
    for client in [open, new] {
        client.close(1000, "").await.unwrap();
    }
    all_ended(&server).await;
    assert_eq!(journal.events(), ["old connect", "new connect", "new disconnect", "new disconnect"]);
}

/// L02: a call that runs while the handlers are exchanged comes to its end as it began.
#[tokio::test]
async fn a_running_call_is_not_cut_off_by_a_reload() {
    let gate = Arc::new(Notify::new());
    let waiting = Arc::clone(&gate);
    let journal = Journal::default();
    let registry = Arc::new(HandlerRegistry::new());
    registry.register(Programmed::new().on_message(move |ctx, _| {
        let gate = Arc::clone(&waiting);
        Box::pin(async move {
            ctx.send_text("I wait").await?;
            gate.notified().await;
            ctx.send_text("old, to the end").await
        })
    }));
    let server = serve_registry(&registry, ReloadPolicy::Keep).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("a").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "I wait");
    registry.replace(vec![Arc::new(version("new", &journal))]);
    client.send_text("b").await.unwrap();
    gate.notify_one();
    assert_eq!(client.recv_text().await.unwrap(), "old, to the end");
    assert_eq!(client.recv_text().await.unwrap(), "new: b");
}

/// A connection that had handlers does not fall back to the echo while there are none; one that began with
/// the echo gets handlers that are registered later.
#[tokio::test]
async fn an_empty_moment_does_not_bring_the_echo() {
    let journal = Journal::default();
    let registry = Arc::new(HandlerRegistry::new());
    let server = serve_registry(&registry, ReloadPolicy::Keep).await;
    let mut early = server.connect("/ws").await.unwrap();
    early.send_text("a").await.unwrap();
    assert_eq!(early.recv_text().await.unwrap(), "echo: a");
    registry.register(version("old", &journal));
    early.send_text("b").await.unwrap();
    assert_eq!(early.recv_text().await.unwrap(), "old: b");

    let mut late = server.connect("/ws").await.unwrap();
    assert_eq!(late.recv_text().await.unwrap(), "old");
    registry.clear();
    late.send_text("nobody answers").await.unwrap();
    // The server has read it when it has answered the ping behind it.
    late.send(Message::Ping(vec![1].into())).await.unwrap();
    assert_eq!(late.recv().await.unwrap(), Some(Message::Pong(vec![1].into())));
    registry.register(version("new", &journal));
    late.send_text("c").await.unwrap();
    assert_eq!(late.recv_text().await.unwrap(), "new: c");
}

/// The policy `Close` closes open connections with code 1012; the handlers that they had learn of their end.
#[tokio::test]
async fn open_connections_are_closed_by_policy() {
    let journal = Journal::default();
    let registry = Arc::new(HandlerRegistry::new());
    registry.register(version("old", &journal));
    let server = serve_registry(&registry, ReloadPolicy::Close).await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = server.connect("/ws").await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), "old");
        clients.push(client);
    }
    registry.replace(vec![Arc::new(version("new", &journal))]);
    for mut client in clients {
        let close = client.recv_close().await.unwrap().unwrap();
        assert_eq!(close.code, close_code::SERVICE_RESTART);
        assert_eq!(client.recv().await.unwrap(), None);
    }
    all_ended(&server).await;
    assert_eq!((journal.count("old disconnect"), journal.count("new disconnect")), (3, 0));
    assert_eq!(ended_with(&server, "normal"), 3.0);
    let mut client = server.connect("/ws").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "new");
    client.send_text("a").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "new: a");
}

/// Welcomes and answers with `tag`, and waits until the handlers were exchanged before the next one in the chain has
/// its turn.
fn exchanging(tag: &'static str, exchange: &mpsc::Sender<oneshot::Sender<()>>) -> Arc<dyn WsHandler> {
    async fn tell(ctx: &WsContext, tag: &str, exchange: mpsc::Sender<oneshot::Sender<()>>) -> HandlerResult<()> {
        ctx.send_text(tag).await?;
        let (done, exchanged) = oneshot::channel();
        exchange.send(done).await.unwrap();
        exchanged.await.unwrap();
        Ok(())
    }

    let (of_connect, of_message) = (exchange.clone(), exchange.clone());
    let handler = Programmed::new()
        .on_connect(move |ctx| Box::pin(tell(ctx, tag, of_connect.clone())))
        .on_message(move |ctx, _| Box::pin(tell(ctx, tag, of_message.clone())));
    Arc::new(handler)
}

/// L04: `replace` is atomic: though the handlers are exchanged after each single call, every connection and every
/// message gets one whole set.
#[tokio::test]
async fn no_connection_sees_a_mixed_set() {
    let (exchange, mut wanted) = mpsc::channel(1);
    let old = ["old 1", "old 2", "old 3"].map(|tag| exchanging(tag, &exchange));
    let new = ["new 1", "new 2", "new 3"].map(|tag| exchanging(tag, &exchange));
    let registry = Arc::new(HandlerRegistry::new());
    registry.replace(old.to_vec());
    let server = serve_registry(&registry, ReloadPolicy::Keep).await;
    let exchanging = async {
        let mut turn = [new, old].into_iter().cycle();
        while let Some(done) = wanted.recv().await {
            registry.replace(turn.next().unwrap().to_vec());
            // A handler whose client has left waits no longer.
            let _ = done.send(());
        }
    };
    let connecting = async {
        let mut seen = [0, 0];
        for _ in 0..200 {
            let mut client = server.connect("/ws").await.unwrap();
            client.send_text("go").await.unwrap();
            // Once for the connection, once for the message.
            for _ in 0..2 {
                let first = client.recv_text().await.unwrap();
                let set = first.strip_suffix(" 1").expect("the first handler of a set");
                seen[usize::from(set == "new")] += 1;
                for n in [2, 3] {
                    assert_eq!(client.recv_text().await.unwrap(), format!("{set} {n}"));
                }
            }
        }
        // Three exchanges a call: the next one gets the other set.
        assert_eq!(seen, [200, 200]);
    };
    tokio::select! {
        () = exchanging => {}
        () = connecting => {}
    }
}
