//! Taking leave: everybody is told, waited for, and not longer than the grace allows.

use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::timeout;
use ws_core::{CloseFrame, HandlerResult, Handshake, HandshakeDecision, WsContext, WsHandler, WsMessage, close_code};
use ws_rooms::RoomManager;
use ws_server::{WsConfig, WsServer};
use ws_testing::{TestClient, TestServer};

use crate::eventually::eventually;
use crate::journal::Journal;
use crate::programmed::Programmed;
use crate::raw_client::{Frame, RawClient, handshake};
use crate::scrape::{ACTIVE, value};
use crate::serving::{serve, serve_handler};

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(60);

/// Shuts the server down, which must come to an end.
async fn shut_down(server: TestServer, grace: Duration) {
    timeout(LONG, server.shutdown(grace)).await.expect("the shutdown ends");
}

/// Says hello, and notes how connections end.
fn greeting(journal: &Journal) -> Programmed {
    let journal = journal.clone();
    Programmed::new().welcoming("hello").answering("echo: ").on_disconnect(move |ctx| {
        let code = ctx.close_frame().map(|frame| frame.code);
        journal.note(format!("disconnect {code:?}"));
        Box::pin(async { Ok(()) })
    })
}

/// A08: all connections get Close 1001 behind what was sent to them, all `on_disconnect` have run, the port is free,
/// and no task is left when `shutdown` returns, which is as soon as the clients have answered.
#[tokio::test]
async fn shutdown_tells_everybody_and_frees_the_port() {
    let journal = Journal::default();
    let rooms = RoomManager::new();
    let handler = greeting(&journal).on_connect(|ctx| {
        Box::pin(async move {
            ctx.join_room("all").await?;
            ctx.send_text("hello").await
        })
    });
    let tasks_before = Handle::current().metrics().num_alive_tasks();
    let server = serve(WsServer::builder().handler(handler).rooms(rooms.clone())).await;
    let (address, metrics) = (server.address(), server.metrics().unwrap().clone());
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut client = server.connect("/ws").await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), "hello");
        clients.push(client);
    }
    let start = Instant::now();
    let leaving = async {
        for client in &mut clients {
            let close = client.recv_close().await.unwrap();
            assert_eq!(close, Some(CloseFrame::new(close_code::GOING_AWAY, "the server shuts down").unwrap()));
            assert_eq!(client.recv().await.unwrap(), None);
        }
    };
    tokio::join!(shut_down(server, LONG), leaving);
    assert!(start.elapsed() < LONG);
    assert_eq!(journal.count("disconnect Some(1001)"), 20);
    assert_eq!(journal.events().len(), 20);
    assert_eq!((rooms.stats().rooms, rooms.stats().connections), (0, 0));
    assert!(metrics.render().contains(&format!("{ACTIVE} 0\n")));
    assert_eq!(Handle::current().metrics().num_alive_tasks(), tasks_before);
    TcpListener::bind(address).await.expect("the port is free");
}

/// A08: what waits for a slow client at the shutdown reaches it before the Close frame, in whole.
#[tokio::test]
async fn what_was_sent_arrives_before_the_close_frame() {
    let journal = Journal::default();
    let noting = journal.clone();
    let server = serve_handler(Programmed::new().on_message(move |ctx, _| {
        let journal = noting.clone();
        Box::pin(async move {
            let piece = "x".repeat(100_000);
            // Until the socket and the queue are full.
            for number in 0.. {
                let text = format!("{number} {piece}");
                match timeout(Duration::from_millis(300), ctx.send_text(&text)).await {
                    Ok(sent) => sent?,
                    Err(_) => break,
                }
                journal.note("sent");
            }
            journal.note("full");
            pending().await
        })
    }))
    .await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("go").await.unwrap();
    journal.has("full").await;
    let reading = async {
        for number in 0..journal.count("sent") {
            let text = client.recv_text().await.unwrap();
            assert_eq!(text.split(' ').next(), Some(number.to_string().as_str()));
        }
        assert_eq!(client.recv_close().await.unwrap().unwrap().code, close_code::GOING_AWAY);
        assert_eq!(client.recv().await.unwrap(), None);
    };
    tokio::join!(shut_down(server, LONG), reading);
}

/// A08: a client that answers nothing, one that reads nothing, and a handler that takes no leave keep the server no
/// longer than the grace. The exact times are tested without a socket, beside the session.
#[tokio::test]
async fn nobody_keeps_the_server_beyond_its_grace() {
    let grace = Duration::from_millis(300);
    let journal = Journal::default();
    let noting = journal.clone();
    let handler = Programmed::new()
        .on_message(|ctx, _| {
            Box::pin(async move {
                loop {
                    ctx.send_binary(vec![0; 64 * 1024]).await?;
                }
            })
        })
        .on_disconnect(move |ctx| {
            let stays = ctx.path == "/ws/stays";
            let dropped = stays.then(|| noting.note_on_drop("given up"));
            Box::pin(async move {
                match dropped {
                    Some(_dropped) => pending().await,
                    None => Ok(()),
                }
            })
        });
    let config = WsConfig { close_timeout: LONG, ..WsConfig::default() };
    let tasks_before = Handle::current().metrics().num_alive_tasks();
    let server = serve(WsServer::builder().config(config).handler(handler)).await;
    let address = server.address();
    let metrics = server.metrics().unwrap().clone();
    let silent = RawClient::open(address, "/ws").await;
    let mut stalled = RawClient::open(address, "/ws").await;
    stalled.send(Frame::text("flood")).await;
    stalled.recv().await.unwrap();
    let mut polite = server.connect("/ws/stays").await.unwrap();
    let mut plain = RawClient::connect(address).await;
    plain.send_bytes(b"GET /ws HT").await;

    let start = Instant::now();
    let (_, ()) = tokio::join!(polite.recv_close(), shut_down(server, grace));
    assert!(start.elapsed() >= grace);
    assert!(start.elapsed() < LONG);
    assert_eq!(journal.events(), ["given up"]);
    assert!(metrics.render().contains(&format!("{ACTIVE} 0\n")));
    assert_eq!(Handle::current().metrics().num_alive_tasks(), tasks_before);
    TcpListener::bind(address).await.expect("the port is free");
    drop((silent, stalled, plain));
}

/// A program that was built anew says so: clients are closed with 1012, for which they come back at once.
#[tokio::test]
async fn a_restart_is_told_to_clients() {
    let server = WsServer::builder().config(WsConfig { port: 0, ..WsConfig::default() }).build().unwrap();
    let server = server.serve().await.unwrap();
    let mut client = TestClient::connect(&server.url()).await.unwrap();
    let (close, ()) = tokio::join!(client.recv_close(), server.shutdown_for_restart(LONG));
    assert_eq!(close.unwrap(), Some(CloseFrame::new(close_code::SERVICE_RESTART, "the server restarts").unwrap()));
}

/// A08: while the server takes leave, nobody new gets in.
#[tokio::test]
async fn nobody_gets_in_during_shutdown() {
    let journal = Journal::default();
    let server = serve_handler(greeting(&journal)).await;
    let address = server.address();
    // It keeps the server waiting.
    let mut silent = RawClient::open(address, "/ws").await;
    silent.recv().await.unwrap();
    // Its HTTP connection is open already.
    let mut waiting = RawClient::connect(address).await;
    let first = waiting.request("GET /ws HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert_eq!(first.status.as_u16(), 426);

    let trying = async {
        assert_eq!(silent.recv_close().await, Some(close_code::GOING_AWAY));
        // An HTTP connection that is between two requests ends; a port on which nobody listens refuses.
        assert_eq!(waiting.take(1).await, None);
        eventually("the port is closed", || std::net::TcpStream::connect(address).is_err()).await;
        silent.send(Frame::close(1001, b"")).await;
    };
    tokio::join!(shut_down(server, LONG), trying);
    assert_eq!(journal.events(), ["disconnect Some(1001)"]);
}

/// Thinks about handshakes until it is told to go on, on `/ws/for/ever` not even then.
struct Thinking {
    asked: Arc<Notify>,
    go_on: Arc<Notify>,
    journal: Journal,
}

#[async_trait]
impl WsHandler for Thinking {
    async fn on_handshake(&self, handshake: &Handshake) -> HandlerResult<HandshakeDecision> {
        self.asked.notify_one();
        self.go_on.notified().await;
        if handshake.path() == "/ws/for/ever" {
            let _dropped = self.journal.note_on_drop("given up");
            pending::<()>().await;
        }
        Ok(HandshakeDecision::Pass)
    }

    async fn on_message(&self, _: &mut WsContext, _: WsMessage) -> HandlerResult<()> {
        Ok(())
    }

    async fn on_disconnect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        self.journal.note(format!("disconnect {:?}", ctx.close_frame().map(|frame| frame.code)));
        Ok(())
    }
}

/// A08: a handshake that a handler still thinks about when the server shuts down becomes a connection that is closed at
/// once; if the handler does not come to an end, it is given up after the grace.
#[tokio::test]
async fn handshakes_under_way_are_waited_for() {
    for (path, grace, noted) in
        [("/ws", LONG, "disconnect Some(1001)"), ("/ws/for/ever", Duration::from_millis(300), "given up")]
    {
        let journal = Journal::default();
        let (asked, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let thinking = Thinking { asked: Arc::clone(&asked), go_on: Arc::clone(&go_on), journal: journal.clone() };
        let server = serve_handler(thinking).await;
        let address = server.address();
        let mut client = RawClient::connect(address).await;
        client.send_bytes(handshake(path).as_bytes()).await;
        asked.notified().await;

        let start = Instant::now();
        let leaving = async {
            eventually("the port is closed", || std::net::TcpStream::connect(address).is_err()).await;
            go_on.notify_one();
            if grace == LONG {
                assert_eq!(client.response().await.status.as_u16(), 101);
                assert_eq!(client.recv_close().await, Some(close_code::GOING_AWAY));
                client.send(Frame::close(1001, b"")).await;
            }
            assert_eq!(client.take(1).await, None, "the connection ends");
        };
        tokio::join!(shut_down(server, grace), leaving);
        assert!(start.elapsed() < LONG);
        assert_eq!(journal.events(), [noted], "{path}");
    }
}

/// A handle that is dropped shuts its server down, too, and waits for nobody.
#[tokio::test]
async fn dropping_the_handle_ends_the_server() {
    let journal = Journal::default();
    let server = serve_handler(greeting(&journal)).await;
    let address = server.address();
    let mut client = server.connect("/ws").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "hello");
    let metrics = server.metrics().unwrap().clone();
    assert_eq!(value(&server, ACTIVE), 1.0);
    drop(server);
    assert_eq!(client.recv_close().await.unwrap().unwrap().code, close_code::GOING_AWAY);
    assert_eq!(client.recv().await.unwrap(), None);
    journal.has("disconnect Some(1001)").await;
    eventually("the books are closed", || metrics.render().contains(&format!("{ACTIVE} 0\n"))).await;
    eventually("the port is free", || std::net::TcpListener::bind(address).is_ok()).await;
}
