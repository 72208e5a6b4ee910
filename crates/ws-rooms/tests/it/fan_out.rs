//! Whom a broadcast reaches, in which order, and what it does with those who read slowly or are gone.

use ws_core::{CloseFrame, Message, Origin, Rooms, WhenFull};
use ws_rooms::{RoomManager, RoomOptions};

use crate::client::{Client, at_once, broadcast, clients_in, sorted};

/// R02, R03.
#[tokio::test]
async fn every_member_is_reached_once_and_nobody_else() {
    let rooms = RoomManager::new();
    let mut clients = clients_in(&rooms, "lobby", 3).await;
    let mut elsewhere = Client::new("elsewhere");
    elsewhere.join(&rooms, "attic").await.unwrap();
    assert_eq!(broadcast(&rooms, "lobby", "hi").await, 3);

    rooms.leave("c2", "lobby").await.unwrap();
    assert_eq!(broadcast(&rooms, "lobby", "bye").await, 2);
    assert_eq!(clients[0].texts(), ["hi", "bye"]);
    assert_eq!(clients[1].texts(), ["hi", "bye"]);
    assert_eq!(clients[2].texts(), ["hi"]);
    assert!(elsewhere.texts().is_empty());
}

/// R04.
#[tokio::test]
async fn an_unknown_room_reaches_nobody_and_is_no_error() {
    assert_eq!(broadcast(&RoomManager::new(), "nowhere", "x").await, 0);
}

/// R05.
#[tokio::test]
async fn two_common_rooms_mean_one_message_for_each_broadcast() {
    let rooms = RoomManager::new();
    let mut client = Client::new("a");
    client.join(&rooms, "one").await.unwrap();
    client.join(&rooms, "two").await.unwrap();
    broadcast(&rooms, "one", "1").await;
    broadcast(&rooms, "two", "2").await;
    assert_eq!(client.texts(), ["1", "2"]);
}

#[tokio::test]
async fn all_members_share_one_payload_that_a_room_sent() {
    let rooms = RoomManager::new();
    let mut clients = clients_in(&rooms, "lobby", 2).await;
    rooms.get_broadcaster("lobby").await.send(Message::binary(vec![7; 100])).await.unwrap();
    let mut payloads = clients.iter_mut().map(|client| {
        let [outbound] = <[_; 1]>::try_from(client.outbound()).unwrap();
        assert_eq!(outbound.origin, Origin::Room);
        let Message::Binary(payload) = outbound.message else { panic!("not binary") };
        payload
    });
    let (first, second) = (payloads.next().unwrap(), payloads.next().unwrap());
    assert_eq!(first.as_ptr(), second.as_ptr());
}

#[tokio::test]
async fn control_frames_go_to_all_if_they_may_be_sent() {
    let rooms = RoomManager::new();
    let mut clients = clients_in(&rooms, "lobby", 2).await;
    let lobby = rooms.get_broadcaster("lobby").await;
    assert!(lobby.send(Message::Ping(vec![0; 126].into())).await.is_err());
    let unsendable = Message::Close(Some(CloseFrame { code: 1006, reason: "".into() }));
    assert!(lobby.send(unsendable.clone()).await.is_err());
    assert!(Rooms::broadcast(&rooms, "lobby", unsendable).await.is_err());

    let close = Message::Close(Some(CloseFrame::new(4000, "the lobby closes").unwrap()));
    assert_eq!(lobby.send(close.clone()).await.unwrap(), 2);
    for client in &mut clients {
        assert_eq!(client.outbound().pop().unwrap().message, close);
    }
    assert_eq!(lobby.broadcast("late").await, 0);
}

/// R08: the messages of one sender keep their order, and all members see the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_member_sees_the_same_order() {
    const SENDERS: usize = 4;
    const MESSAGES: usize = 1000;
    let rooms = RoomManager::new();
    let mut clients = clients_in(&rooms, "lobby", 10).await;
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let rooms = rooms.clone();
            tokio::spawn(async move {
                for n in 0..MESSAGES {
                    assert_eq!(broadcast(&rooms, "lobby", &format!("{sender} {n}")).await, 10);
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }

    let seen = clients[0].texts();
    for sender in 0..SENDERS {
        let of_sender = seen.iter().filter_map(|text| text.strip_prefix(&format!("{sender} ")));
        assert!(of_sender.eq((0..MESSAGES).map(|n| n.to_string())), "sender {sender}");
    }
    for client in &mut clients[1..] {
        assert_eq!(client.texts(), seen, "{}", client.id);
    }
}

/// R09: what a stalled member costs is its queue, and nobody else notices.
#[tokio::test]
async fn a_slow_member_is_cut() {
    let rooms = RoomManager::new();
    let mut slow = Client::with_queue_of(2, "slow");
    slow.join(&rooms, "lobby").await.unwrap();
    let mut others = clients_in(&rooms, "lobby", 9).await;
    for (n, reached) in [(0, 10), (1, 10), (2, 9), (3, 9)] {
        assert_eq!(broadcast(&rooms, "lobby", &n.to_string()).await, reached, "{n}");
        assert_eq!(rooms.get_room_members("lobby").await.len(), reached, "{n}");
    }
    assert!(slow.news().cut, "its session is told");
    assert!(slow.texts().is_empty(), "what waited is dropped");
    assert_eq!(rooms.stats().cut, 1);
    assert_eq!(rooms.stats().skipped, 0);
    for other in &mut others {
        assert_eq!(other.texts(), ["0", "1", "2", "3"]);
    }
}

/// R09, the other policy.
#[tokio::test]
async fn a_slow_member_is_skipped() {
    let rooms = RoomManager::with_options(RoomOptions { slow_member: WhenFull::Skip, ..Default::default() });
    let mut slow = Client::with_queue_of(2, "slow");
    slow.join(&rooms, "lobby").await.unwrap();
    for (n, reached) in [(0, 1), (1, 1), (2, 0), (3, 0)] {
        assert_eq!(broadcast(&rooms, "lobby", &n.to_string()).await, reached, "{n}");
    }
    assert_eq!(slow.news().skipped, 2, "its session is told");
    assert_eq!(rooms.stats().skipped, 2);
    assert_eq!(rooms.stats().cut, 0);

    assert_eq!(slow.texts(), ["0", "1"]);
    assert_eq!(broadcast(&rooms, "lobby", "4").await, 1, "it is still a member");
    assert_eq!(slow.texts(), ["4"]);
}

#[tokio::test]
async fn a_member_that_is_gone_is_a_member_no_longer() {
    let rooms = RoomManager::new();
    let mut clients = clients_in(&rooms, "lobby", 2).await;
    let gone = clients.pop().unwrap();
    gone.join(&rooms, "attic").await.unwrap();
    drop(gone);

    assert_eq!(broadcast(&rooms, "lobby", "x").await, 1);
    assert_eq!(rooms.get_room_members("lobby").await, ["c0"]);
    assert_eq!(broadcast(&rooms, "attic", "x").await, 0);
    assert_eq!(rooms.stats().rooms, 1, "the attic is empty now");
}

/// `on_disconnect` runs when the queue is closed already, and may want to say good-bye to all rooms.
#[tokio::test]
async fn a_connection_that_ends_knows_its_rooms_until_it_has_left_them() {
    let rooms = RoomManager::new();
    let clients = clients_in(&rooms, "lobby", 2).await;
    let mut ending = Client::new("ending");
    ending.join(&rooms, "lobby").await.unwrap();
    ending.join(&rooms, "attic").await.unwrap();
    ending.queue.close();

    broadcast(&rooms, "lobby", "meanwhile").await;
    assert_eq!(rooms.get_connection_rooms("ending").await, ["lobby", "attic"]);
    assert_eq!(sorted(rooms.get_room_members("lobby").await), ["c0", "c1"]);
    rooms.leave_all("ending").await.unwrap();
    assert!(rooms.get_connection_rooms("ending").await.is_empty());
    assert_eq!(rooms.stats().connections, clients.len());
}

#[tokio::test]
async fn a_broadcast_to_ten_thousand_members_waits_for_none() {
    let rooms = RoomManager::new();
    let mut clients = clients_in(&rooms, "stadium", 10_000).await;
    assert_eq!(at_once(broadcast(&rooms, "stadium", "goal")), 10_000);
    assert!(clients.iter_mut().all(|client| client.texts() == ["goal"]));
}
