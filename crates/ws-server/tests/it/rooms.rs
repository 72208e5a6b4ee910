//! Rooms over sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};
use ws_core::{HandlerRegistry, HandlerResult, QueueLimits, WhenFull, WsContext, WsHandler, WsMessage, close_code};
use ws_rooms::{RoomManager, RoomOptions};
use ws_server::{WsConfig, WsServer, router_with_handlers};
use ws_testing::{TestClient, TestServer};

use crate::eventually::eventually;
use crate::scrape::{self, ACTIVE, ended_with};
use crate::serving::{serve, serve_handler};

/// Obeys commands; each client begins in the room `general`.
struct Chat;

#[async_trait::async_trait]
impl WsHandler for Chat {
    async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        ctx.join_room("general").await
    }

    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        let WsMessage::Text(text) = msg else { return Ok(()) };
        let (command, argument) = text.split_once(' ').unwrap_or((&text, ""));
        match command {
            "/id" => ctx.send_text(&ctx.connection_id.clone()).await,
            "/join" => {
                ctx.join_room(argument).await?;
                ctx.send_text("joined").await
            }
            "/leave" => {
                ctx.leave_room(argument).await?;
                ctx.send_text("left").await
            }
            "/rooms" => ctx.send_json(&json!(ctx.get_rooms().await)).await,
            "/members" => {
                let mut members = ctx.get_room_members(argument).await;
                members.sort();
                ctx.send_json(&json!(members)).await
            }
            "/msg" => {
                for room in ctx.get_rooms().await {
                    ctx.broadcast_to_room(&room, argument).await?;
                }
                Ok(())
            }
            "/try" => {
                let result = ctx.broadcast_to_room(argument, "is anybody there?").await;
                ctx.send_text(&format!("{result:?}")).await
            }
            "/flood" => {
                for n in 0..argument.parse().unwrap() {
                    ctx.broadcast_to_room("general", &format!("{n}")).await?;
                }
                Ok(())
            }
            "/panic" => panic!("on purpose"),
            other => panic!("no command {other}"),
        }
    }
}

/// A client that is in the room `general`, and its id.
async fn join(server: &TestServer) -> (TestClient, String) {
    let mut client = server.connect("/ws/chat").await.unwrap();
    client.send_text("/id").await.unwrap();
    let id = client.recv_text().await.unwrap();
    (client, id)
}

async fn ask(client: &mut TestClient, command: &str) -> String {
    client.send_text(command).await.unwrap();
    client.recv_text().await.unwrap()
}

async fn ask_json(client: &mut TestClient, command: &str) -> Value {
    serde_json::from_str(&ask(client, command).await).unwrap()
}

/// R01: a connection joins, lists and leaves rooms; joining twice and leaving what one is not in change nothing.
#[tokio::test]
async fn a_connection_joins_lists_and_leaves() {
    let server = serve_handler(Chat).await;
    let (mut client, _) = join(&server).await;
    assert_eq!(ask_json(&mut client, "/rooms").await, json!(["general"]));
    for _ in 0..2 {
        assert_eq!(ask(&mut client, "/join lobby").await, "joined");
        assert_eq!(ask_json(&mut client, "/rooms").await, json!(["general", "lobby"]));
    }
    for _ in 0..2 {
        assert_eq!(ask(&mut client, "/leave lobby").await, "left");
        assert_eq!(ask_json(&mut client, "/rooms").await, json!(["general"]));
    }
}

/// R02, R03: a broadcast reaches every member once, and nobody who never joined or has left.
#[tokio::test]
async fn a_broadcast_reaches_members_and_nobody_else() {
    let server = serve_handler(Chat).await;
    let (mut a, _) = join(&server).await;
    let (mut b, _) = join(&server).await;
    let (mut c, _) = join(&server).await;
    a.send_text("/msg hi").await.unwrap();
    for client in [&mut a, &mut b, &mut c] {
        assert_eq!(client.recv_text().await.unwrap(), "hi");
    }
    assert_eq!(ask(&mut c, "/leave general").await, "left");
    a.send_text("/msg without c").await.unwrap();
    // Nobody got anything twice: otherwise that would come first. When a has its copy, c would have had its own.
    for client in [&mut a, &mut b] {
        assert_eq!(client.recv_text().await.unwrap(), "without c");
    }
    assert_eq!(ask_json(&mut c, "/rooms").await, json!([]));
}

/// R04: a broadcast to a room that nobody is in is no error.
#[tokio::test]
async fn a_broadcast_to_nobody_is_no_error() {
    let server = serve_handler(Chat).await;
    let (mut client, _) = join(&server).await;
    assert_eq!(ask(&mut client, "/try unknown").await, "Ok(())");
    ask(&mut client, "/join empty").await;
    ask(&mut client, "/leave empty").await;
    assert_eq!(ask(&mut client, "/try empty").await, "Ok(())");
}

/// R05: two common rooms make two deliveries, one for each broadcast.
#[tokio::test]
async fn each_broadcast_is_delivered_once() {
    let server = serve_handler(Chat).await;
    let (mut a, _) = join(&server).await;
    let (mut b, _) = join(&server).await;
    for client in [&mut a, &mut b] {
        ask(client, "/join lobby").await;
    }
    a.send_text("/msg hi").await.unwrap();
    for client in [&mut a, &mut b] {
        assert_eq!(client.recv_text().await.unwrap(), "hi");
        assert_eq!(client.recv_text().await.unwrap(), "hi");
        assert_eq!(ask_json(client, "/rooms").await, json!(["general", "lobby"]));
    }
}

/// R06: rooms are shared by all paths of a server.
#[tokio::test]
async fn rooms_are_shared_across_paths() {
    let server = serve_handler(Chat).await;
    let mut a = server.connect("/ws/a").await.unwrap();
    let mut b = server.connect("/ws/b").await.unwrap();
    for client in [&mut a, &mut b] {
        assert_eq!(ask_json(client, "/rooms").await, json!(["general"]));
    }
    a.send_text("/msg across").await.unwrap();
    for client in [&mut a, &mut b] {
        assert_eq!(client.recv_text().await.unwrap(), "across");
    }
}

/// R06: two routers do not share rooms, even with one registry.
#[tokio::test]
async fn two_routers_have_rooms_of_their_own() {
    let registry = Arc::new(HandlerRegistry::new());
    registry.register(Chat);
    let first = TestServer::new(router_with_handlers(Arc::clone(&registry))).await;
    let second = TestServer::new(router_with_handlers(registry)).await;
    let (mut a, a_id) = join(&first).await;
    let (mut b, b_id) = join(&second).await;
    assert_eq!(ask_json(&mut a, "/members general").await, json!([a_id]));
    assert_eq!(ask_json(&mut b, "/members general").await, json!([b_id]));
    a.send_text("/msg for the first").await.unwrap();
    assert_eq!(a.recv_text().await.unwrap(), "for the first");
    b.send_text("/msg for the second").await.unwrap();
    assert_eq!(b.recv_text().await.unwrap(), "for the second");
}

/// R07: a connection that ends, in whatever way, is a member no longer, without any code of the handler.
#[tokio::test]
async fn a_connection_that_ends_leaves_its_rooms() {
    let server = serve_handler(Chat).await;
    let (mut a, a_id) = join(&server).await;
    for way in ["close", "drop", "panic"] {
        let (mut b, b_id) = join(&server).await;
        let mut both = vec![a_id.clone(), b_id];
        both.sort();
        assert_eq!(ask_json(&mut a, "/members general").await, json!(both), "{way}");
        match way {
            "close" => drop(b.close(1000, "").await.unwrap()),
            "drop" => drop(b),
            _ => {
                b.send_text("/panic").await.unwrap();
                b.recv_close().await.unwrap();
            }
        }
        eventually(way, || scrape::value(&server, ACTIVE) == 1.0).await;
        assert_eq!(ask_json(&mut a, "/members general").await, json!([a_id]), "{way}");
    }
}

/// R08: what one connection broadcasts, message by message, each member gets in the order in which it was sent.
#[tokio::test]
async fn members_get_broadcasts_in_order() {
    const COUNT: usize = 1000;
    let server = serve_handler(Chat).await;
    let mut members = Vec::new();
    for _ in 0..4 {
        members.push(join(&server).await.0);
    }
    let (mut sender, _) = join(&server).await;
    let sending = async {
        for n in 0..COUNT {
            sender.send_text(&format!("/msg {n}")).await.unwrap();
        }
        numbers(&mut sender, COUNT).await;
    };
    tokio::join!(sending, join_all(members.iter_mut().map(|member| numbers(member, COUNT))));
}

/// R08: many more broadcasts in one call of a handler than a queue holds cut nobody who reads.
#[tokio::test]
async fn a_flood_of_one_call_cuts_nobody_who_reads() {
    let outbound_queue = QueueLimits { messages: 256, ..QueueLimits::default() };
    flood(WsConfig { outbound_queue, ..WsConfig::default() }).await;
}

/// R08: the same where the members' sessions run on other threads than the handler that floods them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flood_of_one_call_cuts_nobody_on_other_threads() {
    flood(WsConfig::default()).await;
}

async fn flood(config: WsConfig) {
    const COUNT: usize = 2000;
    let server = serve(WsServer::builder().config(config).handler(Chat)).await;
    let mut members = Vec::new();
    for _ in 0..4 {
        members.push(join(&server).await.0);
    }
    members[0].send_text(&format!("/flood {COUNT}")).await.unwrap();
    join_all(members.iter_mut().map(|member| numbers(member, COUNT))).await;
    assert_eq!(scrape::value(&server, ACTIVE), 4.0);
    assert_eq!(ended_with(&server, "slow_consumer"), 0.0);
}

/// Expects the texts `0`, `1`, ... in this order.
async fn numbers(client: &mut TestClient, count: usize) {
    for n in 0..count {
        assert_eq!(client.recv_text().await.unwrap(), n.to_string());
    }
}

/// A member of the room `general` that does not read, with a small receive buffer.
async fn stalled(address: SocketAddr) -> WebSocketStream<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(address).await.unwrap();
    client_async(format!("ws://{address}/ws/chat"), stream).await.unwrap().0
}

/// The size of the messages that are broadcast beside a stalled member.
const PAYLOAD: usize = 64 * 1024;
/// How much may wait for a member.
const QUEUE: QueueLimits = QueueLimits { messages: 16, bytes: 512 * 1024 };
/// More than the queue and the kernel's buffers hold for one that does not read.
const BOUND: usize = 32 * 1024 * 1024;

/// A chat with nine members that read and one that does not.
struct BesideStalled {
    server: TestServer,
    rooms: RoomManager,
    members: Vec<TestClient>,
    stalled: WebSocketStream<TcpStream>,
}

impl BesideStalled {
    async fn new(slow_member: WhenFull) -> Self {
        let rooms = RoomManager::with_options(RoomOptions { slow_member, ..RoomOptions::default() });
        let close_timeout = Duration::from_secs(60);
        let config = WsConfig { outbound_queue: QUEUE, close_timeout, ..WsConfig::default() };
        let server = serve(WsServer::builder().config(config).rooms(rooms.clone()).handler(Chat)).await;
        let mut members = Vec::new();
        for _ in 0..9 {
            members.push(join(&server).await.0);
        }
        let stalled = stalled(server.address()).await;
        eventually("all ten are in the room", || rooms.stats().connections == 10).await;
        Self { server, rooms, members, stalled }
    }
}

/// One of the members broadcasts, and all of them read: none ever lags by more than one message.
async fn round(members: &mut [TestClient], n: usize) {
    let text = format!("{n} {}", "x".repeat(PAYLOAD));
    let sender = n % members.len();
    members[sender].send_text(&format!("/msg {text}")).await.unwrap();
    for member in members {
        assert!(member.recv_text().await.unwrap() == text, "message {n}");
    }
}

/// Rounds until `is_enough`, which must come before more was sent to the stalled member than may be kept for it.
async fn rounds_until(members: &mut [TestClient], is_enough: impl Fn() -> bool) -> usize {
    let mut count = 0;
    while !is_enough() {
        assert!(count * PAYLOAD < BOUND, "after {count} rounds the stalled member is still sent to");
        round(members, count).await;
        count += 1;
    }
    count
}

/// The stalled member reads up to a gap, while the others go on: the room has not given it up.
async fn reads_up_to_a_gap(members: &mut [TestClient], stalled: &mut WebSocketStream<TcpStream>, count: usize) {
    let speaking = async {
        for n in count.. {
            round(members, n).await;
        }
    };
    let reading = async {
        let mut expected = 0;
        loop {
            let message = stalled.next().await.unwrap().unwrap();
            let n: usize = message.to_text().unwrap().split(' ').next().unwrap().parse().unwrap();
            if n > expected {
                return;
            }
            assert_eq!(n, expected);
            expected += 1;
        }
    };
    tokio::select! {
        () = speaking => {}
        () = reading => {}
    }
}

/// R09: a member that does not read is cut after a bounded amount, with code 1013, and the others lose nothing by it.
#[tokio::test]
async fn a_member_that_does_not_read_is_cut() {
    let BesideStalled { server, rooms, mut members, mut stalled } = BesideStalled::new(WhenFull::Cut).await;
    let count = rounds_until(&mut members, || rooms.stats().cut == 1).await;
    for n in count..count + 5 {
        round(&mut members, n).await;
    }
    // Now it reads: what was on its way is still there, whole, and the Close frame is behind it.
    let mut received = 0;
    let close = loop {
        match stalled.next().await.unwrap().unwrap() {
            Message::Close(frame) => break frame.unwrap(),
            message => {
                assert!(message.to_text().unwrap().starts_with(&format!("{received} ")));
                received += 1;
            }
        }
    };
    assert_eq!(u16::from(close.code), close_code::TRY_AGAIN_LATER);
    assert!(received < count);
    assert!(stalled.next().await.is_none());
    eventually("it has ended", || scrape::value(&server, ACTIVE) == 9.0).await;
    assert_eq!(ended_with(&server, "slow_consumer"), 1.0);
    assert_eq!(rooms.stats().connections, 9);
}

/// The configuration says what becomes of such a member in the rooms that a server has of its own.
#[tokio::test]
async fn the_policy_for_slow_members_can_be_configured() {
    let config = WsConfig { outbound_queue: QUEUE, slow_member: WhenFull::Skip, ..WsConfig::default() };
    let server = serve(WsServer::builder().config(config).handler(Chat)).await;
    let mut members = [join(&server).await.0];
    let mut stalled = stalled(server.address()).await;
    eventually("both are there", || scrape::value(&server, ACTIVE) == 2.0).await;
    let count = BOUND / PAYLOAD;
    for n in 0..count {
        round(&mut members, n).await;
    }
    reads_up_to_a_gap(&mut members, &mut stalled, count).await;
}

/// R09: by the other policy it misses messages, which are counted; it stays a member, and when it reads, it gets the
/// rest.
#[tokio::test]
async fn a_member_that_does_not_read_is_skipped_by_policy() {
    let BesideStalled { server, rooms, mut members, mut stalled } = BesideStalled::new(WhenFull::Skip).await;
    let count = rounds_until(&mut members, || rooms.stats().skipped >= 3).await;
    reads_up_to_a_gap(&mut members, &mut stalled, count).await;
    // While it reads, its session says what it has missed.
    let reading = async { while stalled.next().await.is_some() {} };
    let counted = eventually("what was skipped is counted", || {
        scrape::value(&server, "mockforge_ws_messages_skipped_total") == rooms.stats().skipped as f64
    });
    tokio::select! {
        () = reading => panic!("its connection has ended"),
        () = counted => {}
    }
    assert_eq!((scrape::value(&server, ACTIVE), rooms.stats().connections), (10.0, 10));
}
