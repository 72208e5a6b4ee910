//! How connections end, and what a handler does meanwhile.

use std::future::pending;
use std::time::{Duration, Instant};

use ws_core::{CloseFrame, HandlerError, Message, WsMessage, close_code, handler_fn};
use ws_server::{WsConfig, WsServer};

use crate::eventually::eventually;
use crate::journal::Journal;
use crate::programmed::Programmed;
use crate::scrape::{self, ERRORS, all_ended, ended_with};
use crate::serving::{serve, serve_handler};

/// Notes each `on_disconnect` with the close code that it finds.
fn noting_disconnects(journal: &Journal) -> Programmed {
    let journal = journal.clone();
    Programmed::new().on_disconnect(move |ctx| {
        let code = ctx.close_frame().map_or_else(|| "none".to_owned(), |frame| frame.code.to_string());
        journal.note(format!("disconnect {code}"));
        Box::pin(async { Ok(()) })
    })
}

fn frame(code: u16, reason: &str) -> Option<CloseFrame> {
    Some(CloseFrame::new(code, reason.to_owned()).unwrap())
}

/// H04: `on_disconnect` runs exactly once, whatever ended the connection, and finds the Close frame of who closed
/// first.
#[tokio::test]
async fn on_disconnect_runs_once_however_a_connection_ends() {
    let journal = Journal::default();
    let server = serve_handler(noting_disconnects(&journal)).await;
    server.connect("/ws").await.unwrap().close(4000, "").await.unwrap();
    journal.has("disconnect 4000").await;
    drop(server.connect("/ws").await.unwrap());
    journal.has("disconnect none").await;
    let mut left = server.connect("/ws").await.unwrap();
    tokio::join!(server.shutdown(Duration::from_secs(10)), async {
        assert_eq!(left.recv_close().await.unwrap().unwrap().code, close_code::GOING_AWAY);
    });
    assert_eq!(journal.events(), ["disconnect 4000", "disconnect none", "disconnect 1001"]);
}

/// H04: each handler of the path gets its `on_disconnect`, also when the one before it fails.
#[tokio::test]
async fn every_handler_learns_of_the_end() {
    let journal = Journal::default();
    let failing = Programmed::new().on_disconnect(|_| Box::pin(async { Err(HandlerError::Generic("no".into())) }));
    let elsewhere = Programmed::at("/ws/elsewhere").on_disconnect(|_| panic!("this is not its path"));
    let builder = WsServer::builder().handler(failing).handler(elsewhere).handler(noting_disconnects(&journal));
    let server = serve(builder).await;
    server.connect("/ws").await.unwrap().close(1000, "").await.unwrap();
    all_ended(&server).await;
    assert_eq!(journal.events(), ["disconnect 1000"]);
    assert_eq!(scrape::value(&server, ERRORS), 1.0);
}

/// H18: an error in `on_connect` is a Close frame with code 1011; no message reaches a handler, later ones do not
/// connect.
#[tokio::test]
async fn an_error_in_on_connect_closes_the_connection() {
    let journal = Journal::default();
    let (first, second) = (journal.clone(), journal.clone());
    let failing = noting_disconnects(&journal)
        .on_connect(|ctx| {
            Box::pin(async move {
                ctx.send_text("nearly").await?;
                Err(HandlerError::Generic("no seat".into()))
            })
        })
        .on_message(move |_, _| {
            first.note("message");
            Box::pin(async { Ok(()) })
        });
    let behind = Programmed::new().on_connect(move |_| {
        second.note("second connect");
        Box::pin(async { Ok(()) })
    });
    let server = serve(WsServer::builder().handler(failing).handler(behind)).await;
    let mut client = server.connect("/ws").await.unwrap();
    // It may be too late for this one: then the connection has ended already.
    let _ = client.send_text("hello?").await;
    assert_eq!(client.recv_text().await.unwrap(), "nearly");
    assert_eq!(client.recv_close().await.unwrap(), frame(1011, "Handler error: no seat"));
    all_ended(&server).await;
    assert_eq!(journal.events(), ["disconnect 1011"]);
    assert_eq!(ended_with(&server, "handler_error"), 1.0);
    assert_eq!(scrape::value(&server, ERRORS), 1.0);
}

/// H19: a handler closes with a code and a reason, behind what it has sent; the transport ends, and nothing can be sent
/// after.
#[tokio::test]
async fn a_handler_closes_with_code_and_reason() {
    let journal = Journal::default();
    let noting = journal.clone();
    let handler = noting_disconnects(&journal).on_message(move |ctx, _| {
        let journal = noting.clone();
        Box::pin(async move {
            ctx.send_text("last words").await?;
            ctx.close(4321, "enough").await?;
            if matches!(ctx.send_text("never").await, Err(HandlerError::SendError(_))) {
                journal.note("closed to sending");
            }
            if matches!(ctx.close(4322, "more").await, Err(HandlerError::SendError(_))) {
                journal.note("closed to closing");
            }
            Ok(())
        })
    });
    let server = serve_handler(handler).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("go").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "last words");
    assert_eq!(client.recv_close().await.unwrap(), frame(4321, "enough"));
    assert_eq!(client.recv().await.unwrap(), None);
    all_ended(&server).await;
    assert_eq!(journal.events(), ["closed to sending", "closed to closing", "disconnect 4321"]);
    assert_eq!(ended_with(&server, "normal"), 1.0);
}

/// H19: `WsMessage::Close` is a Close frame without a code.
#[tokio::test]
async fn a_handler_closes_without_a_code() {
    let journal = Journal::default();
    let server = serve_handler(
        noting_disconnects(&journal).on_message(|ctx, _| Box::pin(async move { ctx.send(WsMessage::Close).await })),
    )
    .await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("go").await.unwrap();
    assert_eq!(client.recv_close().await.unwrap(), None);
    assert_eq!(client.recv().await.unwrap(), None);
    journal.has("disconnect none").await;
}

/// A Close frame that may not be sent is an error for the handler, and the connection lives on.
#[tokio::test]
async fn closing_with_what_may_not_be_sent_is_an_error() {
    let server = serve_handler(handler_fn(|ctx, msg| {
        Box::pin(async move {
            let WsMessage::Text(text) = msg else { return Ok(()) };
            let (code, length) = text.split_once(' ').unwrap();
            let reason = "x".repeat(length.parse().unwrap());
            match ctx.close(code.parse().unwrap(), &reason).await {
                Err(HandlerError::ConnectionError(problem)) => ctx.send_text(&problem).await,
                other => other,
            }
        })
    }))
    .await;
    let mut client = server.connect("/ws").await.unwrap();
    for code in ["0", "999", "1004", "1005", "1006", "1015", "2999", "5000", "65535"] {
        client.send_text(&format!("{code} 0")).await.unwrap();
        let problem = client.recv_text().await.unwrap();
        assert!(problem.contains(code) && problem.contains("may not be sent"), "{problem}");
    }
    client.send_text("1000 124").await.unwrap();
    let problem = client.recv_text().await.unwrap();
    assert!(problem.contains("124") && problem.contains("123"), "{problem}");
    client.send_text("4999 123").await.unwrap();
    assert_eq!(client.recv_close().await.unwrap(), frame(4999, &"x".repeat(123)));
}

/// H20: a client's Close frame is answered with the same code, and the transport ends cleanly.
#[tokio::test]
async fn a_close_frame_is_answered_with_the_same_code() {
    let journal = Journal::default();
    let server = serve_handler(noting_disconnects(&journal)).await;
    for code in [1000, 1001, 1011, 3000, 4000, 4999] {
        let client = server.connect("/ws").await.unwrap();
        let answer = client.close(code, "bye").await.unwrap();
        assert_eq!(answer.map(|frame| frame.code), Some(code));
        journal.has(&format!("disconnect {code}")).await;
    }
    let mut client = server.connect("/ws").await.unwrap();
    client.send(Message::Close(None)).await.unwrap();
    assert_eq!(client.recv_close().await.unwrap(), None);
    assert_eq!(client.recv().await.unwrap(), None);
    all_ended(&server).await;
    assert_eq!(ended_with(&server, "client_close"), 7.0);
}

/// While a handler waits, pings are answered and messages of others go out.
#[tokio::test]
async fn a_handler_that_waits_does_not_stop_the_session() {
    let server = serve_handler(handler_fn(|ctx, _| {
        Box::pin(async move {
            ctx.send_text("I wait").await?;
            pending().await
        })
    }))
    .await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("go").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "I wait");
    for n in 1..=3 {
        client.send(Message::Ping(vec![n].into())).await.unwrap();
        assert_eq!(client.recv().await.unwrap(), Some(Message::Pong(vec![n].into())));
    }
}

/// When the connection ends, the waiting call is dropped, then `on_disconnect` runs.
#[tokio::test]
async fn a_waiting_call_is_dropped_before_on_disconnect() {
    let journal = Journal::default();
    let (of_connect, of_message) = (journal.clone(), journal.clone());
    let handler = noting_disconnects(&journal)
        .on_connect(move |ctx| {
            let dropped = (ctx.path == "/ws/connect").then(|| of_connect.note_on_drop("dropped"));
            Box::pin(async move {
                ctx.send_text("hello").await?;
                match dropped {
                    Some(_dropped) => pending().await,
                    None => Ok(()),
                }
            })
        })
        .on_message(move |ctx, _| {
            let dropped = of_message.note_on_drop("dropped");
            Box::pin(async move {
                let _dropped = dropped;
                ctx.send_text("I wait").await?;
                pending().await
            })
        });
    let server = serve_handler(handler).await;
    for (path, code) in [("/ws/connect", Some(4000)), ("/ws/connect", None), ("/ws", Some(4000)), ("/ws", None)] {
        let before = journal.events().len();
        let mut client = server.connect(path).await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), "hello");
        if path == "/ws" {
            client.send_text("go").await.unwrap();
            assert_eq!(client.recv_text().await.unwrap(), "I wait");
        }
        let disconnect = match code {
            Some(code) => {
                client.close(code, "").await.unwrap();
                "disconnect 4000"
            }
            None => {
                drop(client);
                "disconnect none"
            }
        };
        eventually("the connection has ended", || journal.events().len() >= before + 2).await;
        all_ended(&server).await;
        assert_eq!(journal.events()[before..], ["dropped", disconnect], "{path}");
    }
}

/// A call that takes longer than it may ends its connection with code 1011, and no other.
#[tokio::test]
async fn a_call_that_takes_too_long_closes_the_connection() {
    let limit = Duration::from_millis(100);
    let journal = Journal::default();
    let handler = noting_disconnects(&journal)
        .on_connect(|ctx| {
            let waits = ctx.path == "/ws/on_connect";
            Box::pin(async move { if waits { pending().await } else { Ok(()) } })
        })
        .on_message(|ctx, msg| {
            Box::pin(async move {
                match msg {
                    WsMessage::Text(text) if text == "wait" => pending().await,
                    _ => ctx.send_text("here").await,
                }
            })
        });
    let config = WsConfig { handler_timeout: Some(limit), ..WsConfig::default() };
    let server = serve(WsServer::builder().config(config).handler(handler)).await;
    let mut other = server.connect("/ws").await.unwrap();
    for call in ["on_connect", "on_message"] {
        let start = Instant::now();
        let mut client = server.connect(&format!("/ws/{call}")).await.unwrap();
        client.send_text("wait").await.unwrap();
        let close = client.recv_close().await.unwrap().unwrap();
        assert!(start.elapsed() >= limit);
        assert_eq!(close.code, close_code::INTERNAL_ERROR);
        assert!(close.reason.contains(call), "{}", close.reason);
        eventually("it is counted", || journal.events().len() == ended_with(&server, "handler_error") as usize).await;
    }
    other.send_text("you?").await.unwrap();
    assert_eq!(other.recv_text().await.unwrap(), "here");
    assert_eq!(journal.events(), ["disconnect 1011", "disconnect 1011"]);
    assert_eq!(ended_with(&server, "handler_error"), 2.0);
    assert_eq!(scrape::value(&server, ERRORS), 2.0);
}
