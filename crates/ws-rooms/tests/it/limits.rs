//! What clients can make a server keep is bounded, and going over a bound changes nothing.

use ws_rooms::{RoomLimits, RoomManager, RoomOptions};

use crate::client::broadcast;

fn with_limits(limits: RoomLimits) -> RoomManager {
    RoomManager::with_options(RoomOptions { limits, ..Default::default() })
}

#[tokio::test]
async fn a_name_that_is_too_long_is_refused_and_not_repeated() {
    let rooms = RoomManager::new();
    let longest = "x".repeat(256);
    rooms.join("a", &longest).await.unwrap();
    let error = rooms.join("a", &"x".repeat(257)).await.unwrap_err();
    assert_eq!(error.to_string(), "Room operation failed: the room name has 257 bytes: at most 256 are allowed");
    assert_eq!(rooms.get_connection_rooms("a").await, [longest]);
    assert_eq!(rooms.stats().rooms, 1);
    assert_eq!(broadcast(&rooms, &"x".repeat(257), "to nobody").await, 0);
}

#[tokio::test]
async fn a_connection_is_in_so_many_rooms_and_no_more() {
    let rooms = with_limits(RoomLimits { rooms_per_connection: 2, ..Default::default() });
    rooms.join("a", "1").await.unwrap();
    rooms.join("a", "2").await.unwrap();
    rooms.join("a", "2").await.unwrap();
    let error = rooms.join("a", "3").await.unwrap_err();
    assert_eq!(error.to_string(), "Room operation failed: the connection is in 2 rooms: at most 2 are allowed");
    assert_eq!(rooms.stats().rooms, 2);
    rooms.join("b", "3").await.unwrap();
    rooms.leave("a", "1").await.unwrap();
    rooms.join("a", "3").await.unwrap();
    assert_eq!(rooms.get_connection_rooms("a").await, ["2", "3"]);
}

#[tokio::test]
async fn there_are_so_many_rooms_and_no_more() {
    let rooms = with_limits(RoomLimits { rooms: 2, ..Default::default() });
    rooms.join("a", "1").await.unwrap();
    rooms.join("b", "2").await.unwrap();
    let error = rooms.join("c", "3").await.unwrap_err();
    assert_eq!(error.to_string(), "Room operation failed: there are 2 rooms already: no more are allowed");
    assert_eq!(rooms.stats().connections, 2, "who could join nothing leaves no trace");
    rooms.join("c", "2").await.unwrap();
    rooms.leave("a", "1").await.unwrap();
    rooms.join("c", "3").await.unwrap();
}

#[tokio::test]
async fn a_limit_of_nothing_allows_nothing() {
    for limits in [
        RoomLimits { rooms: 0, ..Default::default() },
        RoomLimits { rooms_per_connection: 0, ..Default::default() },
        RoomLimits { name_bytes: 0, ..Default::default() },
    ] {
        let rooms = with_limits(limits);
        assert!(rooms.join("a", "1").await.is_err(), "{limits:?}");
        assert_eq!((rooms.stats().rooms, rooms.stats().connections), (0, 0));
    }
}

#[tokio::test]
async fn a_limit_can_be_as_high_as_a_number_goes() {
    let rooms = with_limits(RoomLimits { name_bytes: usize::MAX, rooms_per_connection: usize::MAX, rooms: usize::MAX });
    rooms.join("a", &"x".repeat(10_000)).await.unwrap();
}
