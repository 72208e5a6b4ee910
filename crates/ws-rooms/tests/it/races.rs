//! Joins, leaves, broadcasts and disconnects at the same time: no ghost, no deadlock, nothing left behind.

use std::sync::{Arc, Barrier};

use ws_core::Rooms;
use ws_rooms::RoomManager;

use crate::client::{Client, at_once, broadcast};

/// Both lists tell the same: who is a member has the room, and who has the room is a member.
async fn assert_consistent(rooms: &RoomManager, ids: &[String], names: &[String]) {
    for name in names {
        for id in rooms.get_room_members(name).await {
            assert!(rooms.get_connection_rooms(&id).await.contains(name), "{id} is a ghost in {name}");
        }
    }
    for id in ids {
        for name in rooms.get_connection_rooms(id).await {
            assert!(rooms.get_room_members(&name).await.contains(id), "{id} is not in {name}");
        }
    }
}

#[test]
fn joins_that_race_with_leave_all_happen_before_or_after_it() {
    const ROUNDS: usize = 500;
    let rooms = RoomManager::new();
    let (ids, names) = (["a".to_owned()], (0..20).map(|n| n.to_string()).collect::<Vec<_>>());
    let join_all = || names.iter().for_each(|name| at_once(rooms.join("a", name)).unwrap());
    let leave_all = || at_once(rooms.leave_all("a")).unwrap();
    let start = Barrier::new(2);
    for _ in 0..ROUNDS {
        join_all();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                join_all();
            });
            start.wait();
            leave_all();
        });
        at_once(assert_consistent(&rooms, &ids, &names));
        leave_all();
        assert_eq!((rooms.stats().rooms, rooms.stats().connections), (0, 0));
    }
}

/// Many tasks change the memberships of few connections in few rooms, so that they meet all the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everything_at_once_leaves_both_lists_the_same() {
    const TASKS: usize = 8;
    const STEPS: usize = 5000;
    let rooms = RoomManager::new();
    let clients: Arc<Vec<Client>> = Arc::new((0..6).map(|n| Client::new(format!("c{n}"))).collect());
    let names: Arc<Vec<String>> = Arc::new((0..4).map(|n| format!("room{n}")).collect());
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (rooms, clients, names) = (rooms.clone(), Arc::clone(&clients), Arc::clone(&names));
            tokio::spawn(async move {
                // A fixed walk for each task; the interleaving is what varies.
                let mut random = task as u64 + 1;
                for _ in 0..STEPS {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let client = &clients[(random >> 33) as usize % clients.len()];
                    let name = &names[(random >> 40) as usize % names.len()];
                    match (random >> 48) % 10 {
                        0..4 => client.join(&rooms, name).await.unwrap(),
                        4..7 => rooms.leave(&client.id, name).await.unwrap(),
                        7 => rooms.leave_all(&client.id).await.unwrap(),
                        8 => drop(broadcast(&rooms, name, "x").await),
                        _ => drop(rooms.get_room_members(name).await),
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }

    let ids: Vec<_> = clients.iter().map(|client| client.id.clone()).collect();
    assert_consistent(&rooms, &ids, &names).await;
    for id in &ids {
        rooms.leave_all(id).await.unwrap();
    }
    assert_eq!((rooms.stats().rooms, rooms.stats().connections), (0, 0));
}

/// R07 without sockets: connections come and go as sessions do, while others broadcast.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn connections_that_come_and_go_leave_no_ghost() {
    let rooms = RoomManager::new();
    let sessions: Vec<_> = (0..8)
        .map(|session| {
            let rooms = rooms.clone();
            tokio::spawn(async move {
                for n in 0..500 {
                    let mut client = Client::new(format!("{session}-{n}"));
                    client.join(&rooms, "lobby").await.unwrap();
                    client.join(&rooms, &format!("own-{session}")).await.unwrap();
                    broadcast(&rooms, "lobby", "hello").await;
                    assert!(client.texts().contains(&"hello".to_owned()), "a member hears itself");
                    if n % 2 == 0 {
                        client.queue.close();
                        broadcast(&rooms, "lobby", "bye").await;
                    }
                    Rooms::leave_all(&rooms, &client.id).await.unwrap();
                }
            })
        })
        .collect();
    for session in sessions {
        session.await.unwrap();
    }
    assert!(rooms.get_room_members("lobby").await.is_empty());
    assert_eq!((rooms.stats().rooms, rooms.stats().connections), (0, 0));
}

/// The limit on rooms holds also when many try at once, and gives back every place.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_limit_on_rooms_gives_back_every_place() {
    use ws_rooms::{RoomLimits, RoomOptions};

    let limits = RoomLimits { rooms: 3, ..Default::default() };
    let rooms = RoomManager::with_options(RoomOptions { limits, ..Default::default() });
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let rooms = rooms.clone();
            tokio::spawn(async move {
                let id = task.to_string();
                for n in 0..2000 {
                    // Some get in, some do not; nobody keeps a place.
                    let _ = rooms.join(&id, &format!("{task}-{n}")).await;
                    rooms.leave_all(&id).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    for n in 0..3 {
        rooms.join("a", &n.to_string()).await.unwrap();
    }
    assert!(rooms.join("a", "3").await.is_err());
}
