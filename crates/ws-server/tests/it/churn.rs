//! Connections that come and go in every way at once: nothing of them is left behind.
//!
//! `cargo test` does it for a few seconds. For a minute, or for as long as `MOCKFORGE_CHURN_SECONDS` says:
//! `cargo test -p ws-server --test it -- --ignored --exact --nocapture churn::nothing_is_left_behind`

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use ws_core::{HandlerError, HandlerResult, WsContext, WsHandler, WsMessage};
use ws_rooms::RoomManager;
use ws_server::{JournalConfig, WsConfig, WsServer};
use ws_testing::{TestClient, TestServer};

use crate::eventually::eventually;
use crate::memory::resident;
use crate::own_process;
use crate::raw_client::{Frame, RawClient};
use crate::scrape::{self, ACTIVE, ERRORS, TOTAL, all_ended, ended_with};
use crate::serving::serve;

const SECONDS: &str = "MOCKFORGE_CHURN_SECONDS";
/// How many clients there are at a time.
const WORKERS: u64 = 8;
/// However fast the machine is, more connections prove nothing more.
const MOST_CONNECTIONS: u64 = 200_000;
/// What the process may grow by after its first quarter: what allocators keep. In a minute that is little more than a
/// hundred bytes for each connection.
const GROWTH: u64 = 3 * 1024 * 1024;

/// Joins the lobby and a room of its own, and does what it is told.
#[derive(Default)]
struct Lobby {
    disconnects: Arc<AtomicU64>,
}

#[async_trait::async_trait]
impl WsHandler for Lobby {
    async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        ctx.join_room("lobby").await?;
        ctx.join_room(&format!("own {}", ctx.connection_id)).await
    }

    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        let WsMessage::Text(text) = msg else { return Ok(()) };
        match text.as_str() {
            "panic" => panic!("on purpose"),
            "spawn a panic" => {
                ctx.spawn(async { panic!("on purpose") });
                Ok(())
            }
            "fail" => Err(HandlerError::Generic("on purpose".into())),
            "close" => ctx.close(4000, "as you wish").await,
            "wait" => {
                ctx.spawn(std::future::pending());
                std::future::pending().await
            }
            said => ctx.broadcast_to_room("lobby", said).await,
        }
    }

    async fn on_disconnect(&self, _: &mut WsContext) -> HandlerResult<()> {
        self.disconnects.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// How a connection ends.
#[derive(Debug, Clone, Copy)]
enum End {
    ClientCloses,
    HandlerCloses,
    HandlerPanics,
    SpawnedWorkPanics,
    Dropped,
    DroppedWhileHandlerWaits,
    Reset,
    HalfAFrame,
    Violation,
}

impl End {
    const ALL: [Self; 9] = [
        Self::ClientCloses,
        Self::HandlerCloses,
        Self::HandlerPanics,
        Self::SpawnedWorkPanics,
        Self::Dropped,
        Self::DroppedWhileHandlerWaits,
        Self::Reset,
        Self::HalfAFrame,
        Self::Violation,
    ];

    /// The status that it is counted under. Who is gone may be missed by a read or by a write: that is one to us.
    fn status(self) -> &'static str {
        match self {
            Self::ClientCloses => "client_close",
            Self::HandlerCloses => "normal",
            Self::HandlerPanics | Self::SpawnedWorkPanics => "handler_error",
            _ => "error",
        }
    }

    async fn run(self, server: &TestServer, name: &str) {
        match self {
            Self::ClientCloses | Self::HandlerCloses | Self::HandlerPanics | Self::SpawnedWorkPanics => {
                let mut client = server.connect("/ws").await.unwrap();
                client.send_text("fail").await.unwrap();
                client.send_text(name).await.unwrap();
                while client.recv_text().await.unwrap() != name {}
                self.say_goodbye(client).await;
            }
            _ => {
                let mut client = RawClient::open(server.address(), "/ws").await;
                client.send(Frame::text("fail")).await;
                client.send(Frame::text(name)).await;
                while client.recv().await.unwrap().payload != name.as_bytes() {}
                match self {
                    Self::DroppedWhileHandlerWaits => client.send(Frame::text("wait")).await,
                    Self::HalfAFrame => client.send_bytes(&Frame::text(name).encode()[..5]).await,
                    Self::Violation => client.send(Frame::text(name).unmasked()).await,
                    Self::Reset => client.reset(),
                    _ => {}
                }
            }
        }
    }

    async fn say_goodbye(self, mut client: TestClient) {
        let order = match self {
            Self::ClientCloses => return drop(client.close(4001, "bye").await.unwrap()),
            Self::HandlerCloses => "close",
            Self::HandlerPanics => "panic",
            _ => "spawn a panic",
        };
        client.send_text(order).await.unwrap();
        // What others say comes in between.
        while client.recv_text().await.is_ok() {}
    }
}

/// What the clients have done together.
struct Churn {
    server: TestServer,
    rooms: RoomManager,
    disconnects: Arc<AtomicU64>,
    begun: AtomicU64,
    ended: [AtomicU64; End::ALL.len()],
}

impl Churn {
    async fn begin() -> Arc<Self> {
        let rooms = RoomManager::new();
        let lobby = Lobby::default();
        let disconnects = Arc::clone(&lobby.disconnects);
        // What a journal keeps is bounded, but not left behind.
        let journal = JournalConfig { enabled: false, ..JournalConfig::default() };
        let config = WsConfig { journal, ..WsConfig::default() };
        let server = serve(WsServer::builder().config(config).handler(lobby).rooms(rooms.clone())).await;
        Arc::new(Self { server, rooms, disconnects, begun: AtomicU64::new(0), ended: Default::default() })
    }

    /// Connects and disconnects until `is_enough`, given the number of connections.
    async fn go_on(self: &Arc<Self>, is_enough: impl Fn(u64) -> bool + Clone + Send + 'static) {
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| {
                let (churn, is_enough) = (Arc::clone(self), is_enough.clone());
                tokio::spawn(async move {
                    loop {
                        let number = churn.begun.fetch_add(1, Ordering::Relaxed);
                        if is_enough(number) {
                            churn.begun.fetch_sub(1, Ordering::Relaxed);
                            return;
                        }
                        let kind = number as usize % End::ALL.len();
                        End::ALL[kind].run(&churn.server, &number.to_string()).await;
                        churn.ended[kind].fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.await.unwrap();
        }
        all_ended(&self.server).await;
    }

    /// Checks that every connection was counted once and is in no room.
    fn check(&self) {
        let ended = |status: &str| {
            let kinds = End::ALL.iter().zip(&self.ended).filter(|(end, _)| end.status() == status);
            kinds.map(|(_, count)| count.load(Ordering::Relaxed)).sum::<u64>() as f64
        };
        let total = self.begun.load(Ordering::Relaxed) as f64;
        let server = &self.server;
        assert_eq!(self.disconnects.load(Ordering::Relaxed) as f64, total);
        assert_eq!((scrape::value(server, TOTAL), scrape::value(server, ACTIVE)), (total, 0.0));
        for status in ["normal", "client_close", "handler_error"] {
            assert_eq!(ended_with(server, status), ended(status), "{status}");
        }
        assert_eq!(ended_with(server, "error") + ended_with(server, "send_error"), ended("error"));
        // Each has failed once on purpose, and then some have ended by an error.
        assert_eq!(scrape::value(server, ERRORS), total + ended("handler_error") + ended("error"));
        let rooms = self.rooms.stats();
        assert_eq!((rooms.rooms, rooms.connections, rooms.cut), (0, 0, 0));
    }
}

/// O03, R07, R11, H04, H17: connections that join, broadcast, and end in every way leave the gauge at 0, no room, no
/// task, and no memory; every one of them is counted once, and gets its `on_disconnect` once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute, and measures the memory of its process"]
async fn nothing_is_left_behind() {
    let seconds = std::env::var(SECONDS).map_or(60.0, |seconds| seconds.parse().unwrap());
    let duration = Duration::from_secs_f64(seconds);
    // Panics are on purpose here, and there are many.
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload_as_str() != Some("on purpose") {
            quiet(panic);
        }
    }));
    let churn = Churn::begin().await;
    let tasks = Handle::current().metrics().num_alive_tasks();
    let start = Instant::now();

    let until = |time: Duration, most: u64| {
        move |number: u64| number >= 20 * WORKERS && (start.elapsed() >= time || number >= most)
    };
    churn.go_on(until(duration / 4, MOST_CONNECTIONS / 4)).await;
    let warm = resident();
    let first = churn.begun.load(Ordering::Relaxed);
    churn.go_on(move |number| number >= 4 * first).await;
    let grown = resident().saturating_sub(warm);

    churn.check();
    let total = churn.begun.load(Ordering::Relaxed);
    println!(
        "{total} connections in {:.1?}, {} KiB more memory after the first quarter",
        start.elapsed(),
        grown / 1024
    );
    eventually("no task is left", || Handle::current().metrics().num_alive_tasks() == tasks).await;
    assert!(grown < GROWTH, "{grown} bytes of memory are left behind by {} connections", total - first);
}

/// The same, for a few seconds.
#[test]
fn nothing_is_left_behind_in_a_short_time() {
    own_process::run("churn::nothing_is_left_behind", &[(SECONDS, Some("3"))]);
}
