//! Handlers' contexts on the same rooms, as in the unit tests that the documents show.

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use ws_core::{Message, WsContext};
use ws_rooms::RoomManager;

use crate::client::sorted;

#[allow(clippy::disallowed_methods, reason = "the documents' unit-test recipe")]
fn context(rooms: &RoomManager, id: &str) -> (WsContext, UnboundedReceiver<Message>) {
    let (tx, rx) = unbounded_channel();
    (WsContext::new(id, "/ws", rooms.clone(), tx), rx)
}

/// R01, R02.
#[tokio::test]
async fn contexts_reach_each_other() {
    let rooms = RoomManager::new();
    let (alice, mut to_alice) = context(&rooms, "alice");
    let (bob, mut to_bob) = context(&rooms, "bob");
    alice.join_room("general").await.unwrap();
    alice.join_room("lobby").await.unwrap();
    bob.join_room("lobby").await.unwrap();
    assert_eq!(alice.get_rooms().await, ["general", "lobby"]);
    assert_eq!(sorted(alice.get_room_members("lobby").await), ["alice", "bob"]);

    alice.broadcast_to_room("lobby", "hi").await.unwrap();
    assert_eq!(to_alice.recv().await, Some(Message::text("hi")));
    assert_eq!(to_bob.recv().await, Some(Message::text("hi")));

    alice.leave_room("lobby").await.unwrap();
    assert_eq!(alice.get_rooms().await, ["general"]);
    bob.broadcast_to_room("lobby", "alone").await.unwrap();
    assert_eq!(to_bob.recv().await, Some(Message::text("alone")));
    assert!(to_alice.try_recv().is_err());
}

#[tokio::test]
async fn a_context_whose_receiver_is_gone_is_forgotten() {
    let rooms = RoomManager::new();
    let (alice, to_alice) = context(&rooms, "alice");
    alice.join_room("lobby").await.unwrap();
    drop(to_alice);
    alice.broadcast_to_room("lobby", "x").await.unwrap();
    assert!(alice.get_room_members("lobby").await.is_empty());
}
