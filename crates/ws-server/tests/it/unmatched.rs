//! Messages that nobody takes: who is told, and what is kept.

use ws_core::{Message, NearMiss, WsContext, WsMessage};
use ws_server::WsServer;

use crate::log_lines::LogLines;
use crate::programmed::Programmed;
use crate::serving::serve;

/// Takes what is its own word, and says of all else how far that was from it.
fn expecting(word: &'static str, closeness: f64) -> Programmed {
    Programmed::new().on_message(move |ctx: &mut WsContext, message: WsMessage| {
        Box::pin(async move {
            if message == WsMessage::Text(word.to_owned()) {
                ctx.mark_matched();
                return ctx.send_text(&format!("{word} it is")).await;
            }
            let miss = NearMiss::new(word, format!("expected {word}")).closeness(closeness);
            ctx.add_near_misses(&Message::from(message), [miss]);
            Ok(())
        })
    })
}

/// A message that one of several handlers took is not unmatched, whoever missed it; one that nobody took is told once, with
/// the nearest first, in the log at debug and to who asks the server.
#[tokio::test]
async fn what_nobody_took_is_kept_with_what_came_nearest() {
    let log = LogLines::capture();
    let server = serve(WsServer::builder().handler(expecting("far", 0.1)).handler(expecting("near", 0.9))).await;
    let mut client = server.connect("/ws").await.unwrap();
    for text in ["far", "nearly", "near"] {
        client.send_text(text).await.unwrap();
    }
    assert_eq!(client.recv_text().await.unwrap(), "far it is");
    assert_eq!(client.recv_text().await.unwrap(), "near it is");

    let unmatched = server.handle().unwrap().unmatched();
    assert_eq!(unmatched.len(), 1, "{unmatched:?}");
    assert_eq!(unmatched[0].path, "/ws");
    assert_eq!(unmatched[0].unmatched.message, Message::text("nearly"));
    let by: Vec<_> = unmatched[0].unmatched.near_misses.iter().map(|miss| miss.expected_by.as_str()).collect();
    assert_eq!(by, ["near", "far"]);
    assert_eq!(log.with("nothing matches \"nearly\"").len(), 1);
    assert_eq!(log.with("near: expected near").len(), 1);
    assert!(log.with("nearly").iter().all(|line| line.contains("DEBUG")), "{:?}", log.with("nearly"));
}

/// A handler that keeps a message from the others has taken it.
#[tokio::test]
async fn who_stops_the_chain_has_taken_the_message() {
    let stopping = Programmed::new().on_message(|ctx, _| {
        Box::pin(async move {
            ctx.stop();
            ctx.send_text("mine").await
        })
    });
    let server = serve(WsServer::builder().handler(expecting("else", 0.0)).handler(stopping)).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("one").await.unwrap();
    client.send_text("else").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "mine");
    assert_eq!(client.recv_text().await.unwrap(), "else it is");
    assert_eq!(server.handle().unwrap().unmatched(), []);
}

/// A handler that answers has no need to know of matching; one that greets has answered nothing.
#[tokio::test]
async fn what_somebody_answered_is_not_unmatched() {
    let answering = Programmed::new().on_connect(|ctx| Box::pin(async move { ctx.send_text("hi").await })).on_message(
        |ctx, message| {
            Box::pin(async move {
                match message {
                    WsMessage::Text(text) if text == "one" => ctx.send_text("two").await,
                    _ => Ok(()),
                }
            })
        },
    );
    let server = serve(WsServer::builder().handler(expecting("else", 0.0)).handler(answering)).await;
    let mut client = server.connect("/ws").await.unwrap();
    for text in ["first", "one", "else"] {
        client.send_text(text).await.unwrap();
    }
    for expected in ["hi", "two", "else it is"] {
        assert_eq!(client.recv_text().await.unwrap(), expected);
    }
    let unmatched: Vec<_> = server.handle().unwrap().unmatched().into_iter().map(|it| it.unmatched.message).collect();
    assert_eq!(unmatched, [Message::text("first")]);
}
