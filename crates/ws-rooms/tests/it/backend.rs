//! Two nodes, bridged by a backend that lives in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use ws_core::{HandlerError, HandlerResult, Message};
use ws_rooms::{LocalMembers, RoomBackend, RoomManager, RoomOptions};

use crate::client::{Client, broadcast, sorted};

/// What all nodes share: in a real cluster, a broker.
#[derive(Default)]
struct Bus {
    nodes: BTreeMap<&'static str, LocalMembers>,
    /// Who is in which room, with the node.
    memberships: BTreeSet<(String, &'static str, String)>,
    published: usize,
    down: bool,
}

type SharedBus = Arc<Mutex<Bus>>;

fn lock(bus: &SharedBus) -> MutexGuard<'_, Bus> {
    bus.lock().unwrap()
}

fn join_bus(bus: &SharedBus, node: &'static str) -> RoomManager {
    RoomManager::with_backend(RoomOptions::default(), |local| {
        lock(bus).nodes.insert(node, local);
        NodeBackend { bus: Arc::clone(bus), node }
    })
}

struct NodeBackend {
    bus: SharedBus,
    node: &'static str,
}

impl NodeBackend {
    fn up(&self) -> HandlerResult<MutexGuard<'_, Bus>> {
        let bus = lock(&self.bus);
        if bus.down { Err(HandlerError::RoomError("the bus is down".into())) } else { Ok(bus) }
    }
}

#[async_trait]
impl RoomBackend for NodeBackend {
    fn joined(&self, room: &str, connection_id: &str) {
        let new = lock(&self.bus).memberships.insert((room.into(), self.node, connection_id.into()));
        assert!(new, "{connection_id} joined {room} twice");
    }

    fn left(&self, room: &str, connection_id: &str) {
        let known = lock(&self.bus).memberships.remove(&(room.into(), self.node, connection_id.into()));
        assert!(known, "{connection_id} left {room} without having joined it");
    }

    async fn publish(&self, room: &str, message: &Message) -> HandlerResult<usize> {
        let others: Vec<_> = {
            let mut bus = self.up()?;
            bus.published += 1;
            bus.nodes.iter().filter(|(node, _)| **node != self.node).map(|(_, local)| local.clone()).collect()
        };
        Ok(others.iter().map(|local| local.deliver(room, message)).sum())
    }

    async fn members(&self, room: &str) -> HandlerResult<Vec<String>> {
        let bus = self.up()?;
        let remote = bus.memberships.iter().filter(|(name, node, _)| name == room && *node != self.node);
        Ok(remote.map(|(_, _, id)| id.clone()).collect())
    }
}

#[tokio::test]
async fn a_broadcast_crosses_once_and_does_not_come_back() {
    let bus = SharedBus::default();
    let (east, west) = (join_bus(&bus, "east"), join_bus(&bus, "west"));
    let (mut a, mut b, mut c) = (Client::new("a"), Client::new("b"), Client::new("c"));
    a.join(&east, "lobby").await.unwrap();
    b.join(&west, "lobby").await.unwrap();
    c.join(&west, "attic").await.unwrap();

    assert_eq!(broadcast(&east, "lobby", "from the east").await, 2);
    assert_eq!(west.get_broadcaster("lobby").await.broadcast("from the west").await, 2);
    assert_eq!(east.get_broadcaster("attic").await.broadcast("to a room that is not here").await, 1);
    assert_eq!(lock(&bus).published, 3, "what is delivered is not published again");
    assert_eq!(a.texts(), ["from the east", "from the west"]);
    assert_eq!(b.texts(), ["from the east", "from the west"]);
    assert_eq!(c.texts(), ["to a room that is not here"]);
}

#[tokio::test]
async fn member_lists_merge() {
    let bus = SharedBus::default();
    let (east, west) = (join_bus(&bus, "east"), join_bus(&bus, "west"));
    let b = Client::new("b");
    east.join("a", "lobby").await.unwrap();
    b.join(&west, "lobby").await.unwrap();
    west.join("c", "lobby").await.unwrap();
    west.join("c", "attic").await.unwrap();
    for node in [&east, &west] {
        assert_eq!(sorted(node.get_room_members("lobby").await), ["a", "b", "c"]);
        assert_eq!(node.get_room_members("attic").await, ["c"]);
    }

    west.leave_all("c").await.unwrap();
    assert_eq!(sorted(east.get_room_members("lobby").await), ["a", "b"]);
    drop(b);
    broadcast(&east, "lobby", "b is found gone by this").await;
    assert_eq!(east.get_room_members("lobby").await, ["a"]);
    west.leave_all("b").await.unwrap();
    east.leave_all("a").await.unwrap();
    assert!(lock(&bus).memberships.is_empty());
}

#[tokio::test]
async fn a_lost_node_is_not_missed() {
    let bus = SharedBus::default();
    let (east, west) = (join_bus(&bus, "east"), join_bus(&bus, "west"));
    let mut a = Client::new("a");
    a.join(&east, "lobby").await.unwrap();
    Client::new("b").join(&west, "lobby").await.unwrap();
    drop(west);

    assert_eq!(broadcast(&east, "lobby", "still here").await, 1);
    assert_eq!(a.texts(), ["still here"]);
    assert_eq!(east.stats().backend_failures, 0);
}

#[tokio::test]
async fn local_members_are_served_while_the_backend_fails() {
    let bus = SharedBus::default();
    let (east, west) = (join_bus(&bus, "east"), join_bus(&bus, "west"));
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    a.join(&east, "lobby").await.unwrap();
    b.join(&west, "lobby").await.unwrap();

    lock(&bus).down = true;
    assert_eq!(broadcast(&east, "lobby", "only east").await, 1);
    assert_eq!(east.get_room_members("lobby").await, ["a"]);
    assert_eq!(east.stats().backend_failures, 2);
    east.join("late", "lobby").await.unwrap();

    lock(&bus).down = false;
    assert_eq!(broadcast(&east, "lobby", "both").await, 2);
    assert_eq!(sorted(west.get_room_members("lobby").await), ["a", "b", "late"]);
    assert_eq!(east.stats().backend_failures, 2);
    assert_eq!(a.texts(), ["only east", "both"]);
    assert_eq!(b.texts(), ["both"]);
}

/// A backend learns of changes in the order in which they happened; the asserts in `joined` and `left` see to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_backend_is_told_each_change_once_and_in_order() {
    let bus = SharedBus::default();
    let (east, west) = (join_bus(&bus, "east"), join_bus(&bus, "west"));
    let tasks: Vec<_> = (0..4)
        .map(|task| {
            let (node, id) = if task % 2 == 0 { (east.clone(), "a") } else { (west.clone(), "b") };
            tokio::spawn(async move {
                for n in 0..1000 {
                    let mut client = Client::with_queue_of(1, id);
                    client.join(&node, "lobby").await.unwrap();
                    broadcast(&node, "lobby", "x").await;
                    if n % 3 == 0 {
                        client.queue.close();
                        broadcast(&node, "lobby", "x").await;
                    }
                    node.leave(id, "lobby").await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert!(lock(&bus).memberships.is_empty());
    assert_eq!((east.stats().rooms, west.stats().rooms), (0, 0));
}
