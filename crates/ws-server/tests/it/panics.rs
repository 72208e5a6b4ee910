//! Panics in other people's code: each ends its own connection, cleanly, and nothing else.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::task::yield_now;
use ws_core::{
    CloseFrame, Connection, HandlerError, Message, Middleware, ObservedFrame, Origin, SessionEnd, SessionObserver,
    Verdict, WsMessage, close_code,
};
use ws_metrics::MetricsRegistry;
use ws_rooms::RoomManager;
use ws_server::WsServer;
use ws_testing::TestServer;

use crate::eventually::eventually;
use crate::journal::Journal;
use crate::programmed::Programmed;
use crate::scrape::{self, ACTIVE, ERRORS, all_ended, ended_with};
use crate::serving::serve;

/// Panics when it sees a text that tells it to.
struct Fragile;

impl SessionObserver for Fragile {
    fn on_frame(&self, _: &Arc<Connection>, frame: ObservedFrame<'_>) {
        assert_ne!(frame.message.as_text(), Some("observer"), "on purpose");
        assert_ne!(frame.message.as_text(), Some("to the lobby"), "on purpose");
    }
}

impl Middleware for Fragile {
    fn on_inbound(&self, _: &Arc<Connection>, message: &Message) -> Verdict {
        assert_ne!(message.as_text(), Some("inbound middleware"), "on purpose");
        Verdict::Pass
    }

    fn on_outbound(&self, _: &Arc<Connection>, message: &Message, _: Origin) -> Verdict {
        assert_ne!(message.as_text(), Some("outbound middleware"), "on purpose");
        Verdict::Pass
    }
}

/// A handler of its own path that joins a room and panics where a client tells it to: in `on_connect` and
/// `on_disconnect` by the query, elsewhere by a message.
fn fragile(journal: &Journal) -> Programmed {
    let journal = journal.clone();
    Programmed::at("/ws/fragile")
        .on_connect(|ctx| {
            Box::pin(async move {
                ctx.join_room("lobby").await?;
                assert_ne!(ctx.handshake().query(), Some("on_connect"), "on purpose");
                ctx.send_text("joined").await
            })
        })
        .on_message(|ctx, msg| {
            Box::pin(async move {
                let WsMessage::Text(text) = msg else { return Ok(()) };
                match &*text {
                    "on_message" => panic!("on purpose"),
                    "on_message, later" => {
                        yield_now().await;
                        panic!("on purpose");
                    }
                    "spawned work" => {
                        ctx.spawn(async { panic!("on purpose") });
                        Ok(())
                    }
                    "observer of a broadcast" => ctx.broadcast_to_room("lobby", "to the lobby").await,
                    _ => ctx.send_text(&text).await,
                }
            })
        })
        .on_outbound(|_, message, _| {
            assert_ne!(message.as_text(), Some("on_outbound"), "on purpose");
            Verdict::Pass
        })
        .on_disconnect(move |ctx| {
            journal.note("disconnect");
            assert_ne!(ctx.handshake().query(), Some("on_disconnect"), "on purpose");
            Box::pin(async { Ok(()) })
        })
}

/// A calm server: an echo on `/ws`, and the fragile handler on its own path with a bystander behind it.
async fn serve_fragile(journal: &Journal, rooms: &RoomManager) -> TestServer {
    let noting = journal.clone();
    let bystander = Programmed::at("/ws/fragile").on_disconnect(move |_| {
        noting.note("bystander's disconnect");
        Box::pin(async { Ok(()) })
    });
    serve(
        WsServer::builder()
            .rooms(rooms.clone())
            .middleware(Fragile)
            .observer(Fragile)
            .handler(fragile(journal))
            .handler(bystander)
            .handler(Programmed::at("/ws").answering("echo: ")),
    )
    .await
}

/// H17, R07: wherever a panic happens, its client gets Close 1011, every `on_disconnect` runs once, the connection is
/// in no room and not counted as active any more, and other connections go on.
#[tokio::test]
async fn a_panic_ends_its_own_connection_and_nothing_else() {
    const SITES: [&str; 10] = [
        "on_connect",
        "on_message",
        "on_message, later",
        "spawned work",
        "on_outbound",
        "inbound middleware",
        "outbound middleware",
        "observer",
        "observer of a broadcast",
        "on_disconnect",
    ];
    for site in SITES {
        let (journal, rooms) = (Journal::default(), RoomManager::new());
        let server = serve_fragile(&journal, &rooms).await;
        let mut other = server.connect("/ws").await.unwrap();
        let in_query = matches!(site, "on_connect" | "on_disconnect");
        let path = if in_query { format!("/ws/fragile?{site}") } else { "/ws/fragile".to_owned() };
        let mut client = server.connect(&path).await.unwrap();
        if site != "on_connect" {
            assert_eq!(client.recv_text().await.unwrap(), "joined");
            assert_eq!(rooms.get_room_members("lobby").await.len(), 1);
        }
        if site == "on_disconnect" {
            assert_eq!(client.close(4000, "").await.unwrap().unwrap().code, 4000);
        } else {
            if !in_query {
                client.send_text(site).await.unwrap();
            }
            if site == "observer of a broadcast" {
                // What goes to many is fed to the wire before it is observed.
                assert_eq!(client.recv_text().await.unwrap(), "to the lobby");
            }
            let close = client.recv_close().await.unwrap().unwrap();
            assert_eq!((close.code, close.reason.contains("panicked")), (close_code::INTERNAL_ERROR, true), "{site}");
            assert_eq!(client.recv().await.unwrap(), None);
        }
        eventually(site, || scrape::value(&server, ACTIVE) == 1.0).await;
        assert_eq!(journal.events(), ["disconnect", "bystander's disconnect"], "{site}");
        assert!(rooms.get_room_members("lobby").await.is_empty(), "{site}");
        assert_eq!(scrape::value(&server, ERRORS), 1.0, "{site}");
        let status = if site == "on_disconnect" { "client_close" } else { "handler_error" };
        assert_eq!(ended_with(&server, status), 1.0, "{site}");

        let mut new = server.connect("/ws").await.unwrap();
        for client in [&mut other, &mut new] {
            client.send_text("you?").await.unwrap();
            assert_eq!(client.recv_text().await.unwrap(), "echo: you?", "{site}");
        }
    }
}

/// H17: a hook that panics at each of several messages that wait is the end of its connection alone, as one panic is.
#[tokio::test]
async fn a_hook_that_always_panics_does_not_escape() {
    let (journal, rooms) = (Journal::default(), RoomManager::new());
    let noting = journal.clone();
    let handler = Programmed::new()
        .on_connect(|ctx| {
            Box::pin(async move {
                ctx.join_room("lobby").await?;
                for text in ["one", "two", "three"] {
                    ctx.send_text(text).await?;
                }
                Ok(())
            })
        })
        .on_outbound(|_, _, _| panic!("on purpose"))
        .on_disconnect(move |_| {
            noting.note("disconnect");
            Box::pin(async { Ok(()) })
        });
    let server = serve(WsServer::builder().rooms(rooms.clone()).handler(handler)).await;
    let mut client = server.connect("/ws").await.unwrap();
    assert_eq!(client.recv_close().await.unwrap().unwrap().code, close_code::INTERNAL_ERROR);
    all_ended(&server).await;
    assert_eq!(journal.events(), ["disconnect"]);
    assert!(rooms.get_room_members("lobby").await.is_empty());
    assert_eq!(ended_with(&server, "handler_error"), 1.0);
}

/// H17: of broadcasts that wait one behind the other, the client gets all but the one that a hook panicked at.
#[tokio::test]
async fn a_hook_that_panics_at_one_of_many_broadcasts_keeps_back_no_other() {
    let handler = Programmed::new()
        .on_connect(|ctx| Box::pin(async move { ctx.join_room("lobby").await }))
        .on_message(|ctx, _| {
            Box::pin(async move {
                for number in 0..50 {
                    ctx.broadcast_to_room("lobby", &number.to_string()).await?;
                }
                Ok(())
            })
        })
        .on_outbound(|_, message, _| {
            assert_ne!(message.as_text(), Some("33"), "on purpose");
            Verdict::Pass
        });
    let server = serve(WsServer::builder().handler(handler)).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("go").await.unwrap();
    for number in (0..50).filter(|number| *number != 33) {
        assert_eq!(client.recv_text().await.unwrap(), number.to_string());
    }
    assert_eq!(client.recv_close().await.unwrap().unwrap().code, close_code::INTERNAL_ERROR);
    all_ended(&server).await;
}

/// H17: a call that closed its connection and then panics has closed it: the client has its Close frame, the books are
/// closed once.
#[tokio::test]
async fn a_panic_behind_the_close_does_not_escape() {
    let (journal, rooms) = (Journal::default(), RoomManager::new());
    let noting = journal.clone();
    let gate = Arc::new(Notify::new());
    let waiting = Arc::clone(&gate);
    let handler = Programmed::new()
        .on_message(move |ctx, _| {
            let gate = Arc::clone(&waiting);
            Box::pin(async move {
                ctx.join_room("lobby").await?;
                ctx.close(4000, "done").await?;
                // By then the session has sent the Close frame.
                gate.notified().await;
                panic!("on purpose");
            })
        })
        .on_disconnect(move |ctx| {
            noting.note(format!("disconnect {}", ctx.close_frame().unwrap().code));
            Box::pin(async { Ok(()) })
        });
    let server = serve(WsServer::builder().rooms(rooms.clone()).handler(handler)).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("go").await.unwrap();
    assert_eq!(client.recv_close().await.unwrap(), Some(CloseFrame::new(4000, "done").unwrap()));
    gate.notify_one();
    eventually("the panic is counted", || scrape::value(&server, ERRORS) == 1.0).await;
    // The closing handshake still comes to its end.
    assert_eq!(client.recv().await.unwrap(), None);
    all_ended(&server).await;
    assert_eq!(journal.events(), ["disconnect 4000"]);
    assert!(rooms.get_room_members("lobby").await.is_empty());
    assert_eq!(scrape::value(&server, ERRORS), 1.0);
}

/// H17: when the panic comes before the session has sent the handler's Close frame, this one goes out all the same, and
/// it is what `on_disconnect` finds.
#[tokio::test]
async fn the_close_frame_that_was_sent_is_the_one_that_is_told() {
    let journal = Journal::default();
    let noting = journal.clone();
    let handler = Programmed::new()
        .on_message(|ctx, _| {
            Box::pin(async move {
                ctx.close(4000, "done").await?;
                panic!("on purpose");
            })
        })
        .on_disconnect(move |ctx| {
            noting.note(format!("disconnect {}", ctx.close_frame().unwrap().code));
            Box::pin(async { Ok(()) })
        });
    let server = serve(WsServer::builder().handler(handler)).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("go").await.unwrap();
    assert_eq!(client.recv_close().await.unwrap(), Some(CloseFrame::new(4000, "done").unwrap()));
    assert_eq!(client.recv().await.unwrap(), None);
    all_ended(&server).await;
    assert_eq!(journal.events(), ["disconnect 4000"]);
    assert_eq!(ended_with(&server, "handler_error"), 1.0);
}

/// Panics whenever it is told of a connection's beginning, failure or end.
struct Faulty;

impl SessionObserver for Faulty {
    fn on_open(&self, _: &Arc<Connection>) {
        panic!("on purpose");
    }

    fn on_handler_error(&self, _: &Arc<Connection>, _: &HandlerError) {
        panic!("on purpose");
    }

    fn on_end(&self, _: &Arc<Connection>, _: &SessionEnd) {
        panic!("on purpose");
    }
}

/// O03: an observer that panics keeps neither the session from ending well nor the observers behind it from hearing it.
#[tokio::test]
async fn a_panic_of_an_observer_hides_nothing_from_the_others() {
    let metrics = MetricsRegistry::new();
    let handler =
        Programmed::at("/ws").on_message(|_, _| Box::pin(async { Err(HandlerError::Generic("on purpose".into())) }));
    let builder = WsServer::builder().observer(Faulty).observer(metrics.clone()).handler(handler);
    let server = serve(builder).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("x").await.unwrap();
    client.close(4000, "").await.unwrap();
    let expected = [
        "mockforge_ws_connections_active 0",
        "mockforge_ws_connections_total 1",
        "mockforge_ws_errors_total 1",
        "mockforge_ws_connection_duration_seconds_count{status=\"client_close\"} 1",
    ];
    eventually("all counts", || {
        let counts = metrics.render();
        expected.iter().all(|line| counts.lines().any(|count| count == *line))
    })
    .await;
}
