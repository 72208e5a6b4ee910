//! Work that a handler spawned beside itself.

use std::future::pending;
use std::sync::Arc;

use tokio::sync::Notify;
use ws_core::{HandlerError, WsMessage, handler_fn};

use crate::journal::Journal;
use crate::programmed::Programmed;
use crate::scrape::{self, ERRORS, all_ended, ended_with};
use crate::serving::serve_handler;

/// Spawned work runs beside the handlers and beside other spawned work, also when nothing comes.
#[tokio::test]
async fn spawned_work_runs_beside_the_handlers() {
    let (first, second) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let gates = [("first", Arc::clone(&first)), ("second", Arc::clone(&second))];
    let handler = Programmed::new().answering("echo: ").on_connect(move |ctx| {
        for (name, gate) in gates.clone() {
            let sender = ctx.sender();
            ctx.spawn(async move {
                gate.notified().await;
                sender.send_text(name).await
            });
        }
        Box::pin(async { Ok(()) })
    });
    let server = serve_handler(handler).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("a").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "echo: a");
    second.notify_one();
    assert_eq!(client.recv_text().await.unwrap(), "second");
    first.notify_one();
    assert_eq!(client.recv_text().await.unwrap(), "first");
    // Work that is done leaves the connection as it is.
    client.send_text("b").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "echo: b");
}

/// Spawned work ends with its connection, before `on_disconnect`, whoever closed it.
#[tokio::test]
async fn spawned_work_ends_with_the_connection() {
    let journal = Journal::default();
    let (of_message, of_disconnect) = (journal.clone(), journal.clone());
    let handler = Programmed::new()
        .on_message(move |ctx, msg| {
            let dropped = of_message.note_on_drop("dropped");
            ctx.spawn(async move {
                let _dropped = dropped;
                pending().await
            });
            Box::pin(async move {
                match msg {
                    WsMessage::Text(text) if text == "close" => ctx.close(4000, "").await,
                    _ => ctx.send_text("spawned").await,
                }
            })
        })
        .on_disconnect(move |_| {
            of_disconnect.note("disconnect");
            Box::pin(async { Ok(()) })
        });
    let server = serve_handler(handler).await;
    for way in ["close", "client close", "drop"] {
        let before = journal.events().len();
        let mut client = server.connect("/ws").await.unwrap();
        client.send_text(way).await.unwrap();
        match way {
            "close" => assert_eq!(client.recv_close().await.unwrap().unwrap().code, 4000),
            _ => assert_eq!(client.recv_text().await.unwrap(), "spawned"),
        }
        match way {
            "client close" => drop(client.close(1000, "").await.unwrap()),
            _ => drop(client),
        }
        crate::eventually::eventually(way, || journal.events().len() == before + 2).await;
        assert_eq!(journal.events()[before..], ["dropped", "disconnect"], "{way}");
        all_ended(&server).await;
    }
}

/// An error in spawned work closes the connection with code 1011, and is counted.
#[tokio::test]
async fn an_error_in_spawned_work_closes_the_connection() {
    let server = serve_handler(handler_fn(|ctx, _| {
        let sender = ctx.sender();
        ctx.spawn(async move {
            sender.send_text("nearly").await?;
            Err(HandlerError::Generic("out of luck".into()))
        });
        Box::pin(async { Ok(()) })
    }))
    .await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("go").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "nearly");
    let close = client.recv_close().await.unwrap().unwrap();
    assert_eq!((close.code, &*close.reason), (1011, "Handler error: out of luck"));
    all_ended(&server).await;
    assert_eq!(ended_with(&server, "handler_error"), 1.0);
    assert_eq!(scrape::value(&server, ERRORS), 1.0);
}
