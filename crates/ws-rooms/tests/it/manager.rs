//! R10 and R11: the methods of `RoomManager`, one by one.

use ws_core::Rooms;
use ws_rooms::RoomManager;

use crate::client::{Client, broadcast, clients_in, sorted};

#[tokio::test]
async fn joining_and_leaving_show_in_both_lists() {
    let rooms = RoomManager::new();
    rooms.join("a", "lobby").await.unwrap();
    rooms.join("a", "attic").await.unwrap();
    rooms.join("b", "lobby").await.unwrap();
    rooms.join("a", "cellar").await.unwrap();
    assert_eq!(sorted(rooms.get_room_members("lobby").await), ["a", "b"]);
    assert_eq!(rooms.get_connection_rooms("a").await, ["lobby", "attic", "cellar"], "in the order of joining");

    rooms.leave("a", "attic").await.unwrap();
    assert_eq!(rooms.get_connection_rooms("a").await, ["lobby", "cellar"]);
    assert!(rooms.get_room_members("attic").await.is_empty());

    rooms.leave_all("a").await.unwrap();
    assert!(rooms.get_connection_rooms("a").await.is_empty());
    assert_eq!(rooms.get_room_members("lobby").await, ["b"]);
    assert!(rooms.get_room_members("cellar").await.is_empty());
}

#[tokio::test]
async fn joining_twice_changes_nothing() {
    let rooms = RoomManager::new();
    let mut client = Client::new("a");
    client.join(&rooms, "lobby").await.unwrap();
    client.join(&rooms, "attic").await.unwrap();
    client.join(&rooms, "lobby").await.unwrap();
    rooms.join("a", "lobby").await.unwrap();
    assert_eq!(rooms.get_room_members("lobby").await, ["a"]);
    assert_eq!(rooms.get_connection_rooms("a").await, ["lobby", "attic"]);
    assert_eq!(broadcast(&rooms, "lobby", "once").await, 1);
    assert_eq!(client.texts(), ["once"]);
}

#[tokio::test]
async fn leaving_what_was_not_joined_is_no_error() {
    let rooms = RoomManager::new();
    rooms.leave("nobody", "nowhere").await.unwrap();
    rooms.leave_all("nobody").await.unwrap();
    rooms.join("a", "lobby").await.unwrap();
    rooms.leave("a", "nowhere").await.unwrap();
    rooms.leave("nobody", "lobby").await.unwrap();
    assert_eq!(rooms.get_room_members("lobby").await, ["a"]);
}

#[tokio::test]
async fn clones_share_their_rooms_and_other_managers_do_not() {
    let rooms = RoomManager::default();
    rooms.clone().join("a", "lobby").await.unwrap();
    assert_eq!(rooms.get_room_members("lobby").await, ["a"]);
    assert!(RoomManager::default().get_room_members("lobby").await.is_empty());
}

#[tokio::test]
async fn the_trait_sees_the_same_rooms() {
    let manager = RoomManager::new();
    let rooms: &dyn Rooms = &manager;
    let client = Client::new("a");
    rooms.join("a", &client.sender, "lobby").await.unwrap();
    rooms.join("a", &client.sender, "attic").await.unwrap();
    assert_eq!(manager.get_connection_rooms("a").await, ["lobby", "attic"]);
    assert_eq!(rooms.members("lobby").await, ["a"]);
    rooms.leave("a", "lobby").await.unwrap();
    assert_eq!(rooms.rooms_of("a").await, ["attic"]);
    rooms.leave_all("a").await.unwrap();
    assert_eq!(manager.stats().connections, 0);
}

#[tokio::test]
async fn a_broadcaster_neither_makes_nor_keeps_its_room() {
    let rooms = RoomManager::new();
    let lobby = rooms.get_broadcaster("lobby").await;
    assert_eq!(lobby.room(), "lobby");
    assert_eq!(rooms.stats().rooms, 0);
    assert_eq!(lobby.broadcast("nobody hears it").await, 0);
    assert_eq!(rooms.stats().rooms, 0);

    let mut clients = clients_in(&rooms, "lobby", 2).await;
    assert_eq!(lobby.broadcast("all hear it").await, 2);
    for client in &mut clients {
        assert_eq!(client.texts(), ["all hear it"]);
        rooms.leave_all(&client.id).await.unwrap();
    }
    assert_eq!(rooms.stats().rooms, 0);
    assert_eq!(lobby.clone().broadcast("nobody again").await, 0);
}

#[tokio::test]
async fn who_joins_by_id_alone_is_listed_but_not_reached() {
    let rooms = RoomManager::new();
    rooms.join("a", "lobby").await.unwrap();
    assert_eq!(broadcast(&rooms, "lobby", "x").await, 0);
    assert_eq!(rooms.get_room_members("lobby").await, ["a"]);
}

#[tokio::test]
async fn a_join_with_a_sender_makes_the_connection_reachable_in_all_its_rooms() {
    let rooms = RoomManager::new();
    let mut client = Client::new("a");
    rooms.join("a", "before").await.unwrap();
    client.join(&rooms, "with").await.unwrap();
    rooms.join("a", "after").await.unwrap();
    for room in ["before", "with", "after"] {
        assert_eq!(broadcast(&rooms, room, room).await, 1, "{room}");
    }
    assert_eq!(client.texts(), ["before", "with", "after"]);
}

#[tokio::test]
async fn a_connection_that_comes_back_under_its_id_is_reached_by_its_new_sender() {
    let rooms = RoomManager::new();
    Client::new("a").join(&rooms, "lobby").await.unwrap();
    let mut again = Client::new("a");
    again.join(&rooms, "lobby").await.unwrap();
    assert_eq!(broadcast(&rooms, "lobby", "x").await, 1);
    assert_eq!(again.texts(), ["x"]);
}

/// Whoever kept a sender of a connection that has ended cannot bring back its ghost.
#[tokio::test]
async fn a_connection_that_has_ended_cannot_join() {
    let rooms = RoomManager::new();
    let mut client = Client::new("a");
    client.join(&rooms, "lobby").await.unwrap();
    client.queue.close();
    rooms.leave_all("a").await.unwrap();
    let error = client.join(&rooms, "lobby").await.unwrap_err();
    assert_eq!(error.to_string(), "Room operation failed: the connection is closed");
    assert_eq!((rooms.stats().rooms, rooms.stats().connections), (0, 0));
}

/// R11.
#[tokio::test]
async fn a_hundred_thousand_rooms_leave_nothing_behind() {
    let rooms = RoomManager::new();
    let mut client = Client::new("a");
    for n in 0..100_000 {
        let room = format!("room-{n}");
        client.join(&rooms, &room).await.unwrap();
        assert_eq!(broadcast(&rooms, &room, "x").await, 1);
        rooms.leave(&client.id, &room).await.unwrap();
        assert_eq!(client.texts(), ["x"]);
    }
    assert_eq!(rooms.stats().rooms, 0);
    assert_eq!(rooms.stats().connections, 0);
}

#[tokio::test]
async fn stats_count_rooms_and_connections_not_memberships() {
    let rooms = RoomManager::new();
    for room in ["a", "b", "c"] {
        clients_in(&rooms, room, 2).await;
    }
    assert_eq!(rooms.stats().rooms, 3);
    assert_eq!(rooms.stats().connections, 2);
    assert!(format!("{rooms:?}").contains("rooms: 3"));
}
