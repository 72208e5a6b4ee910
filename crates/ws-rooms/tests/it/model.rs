//! Any sequence of operations gives what a simple model of rooms gives.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use ws_rooms::{RoomLimits, RoomManager, RoomOptions};

use crate::client::{Client, broadcast, sorted};

const CONNECTIONS: usize = 4;
const ROOMS: usize = 4;
const LIMITS: RoomLimits = RoomLimits { name_bytes: 1, rooms_per_connection: 3, rooms: 3 };

#[derive(Debug, Clone)]
enum Step {
    Join {
        connection: usize,
        room: usize,
    },
    JoinById {
        connection: usize,
        room: usize,
    },
    Leave {
        connection: usize,
        room: usize,
    },
    LeaveAll {
        connection: usize,
    },
    /// So many messages, one behind the other.
    Broadcast {
        room: usize,
        count: usize,
    },
    /// A message to one alone, in between.
    Send {
        connection: usize,
    },
    Read {
        connection: usize,
    },
    Close {
        connection: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let connection = || 0..CONNECTIONS;
    let room = || 0..ROOMS;
    prop_oneof![
        4 => (connection(), room()).prop_map(|(connection, room)| Step::Join { connection, room }),
        2 => (connection(), room()).prop_map(|(connection, room)| Step::JoinById { connection, room }),
        3 => (connection(), room()).prop_map(|(connection, room)| Step::Leave { connection, room }),
        1 => connection().prop_map(|connection| Step::LeaveAll { connection }),
        6 => (room(), 1..20_usize).prop_map(|(room, count)| Step::Broadcast { room, count }),
        1 => connection().prop_map(|connection| Step::Send { connection }),
        2 => connection().prop_map(|connection| Step::Read { connection }),
        1 => connection().prop_map(|connection| Step::Close { connection }),
    ]
}

/// What rooms are, without speed or concurrency.
#[derive(Default)]
struct Model {
    /// The rooms of each connection in the order of joining.
    lists: BTreeMap<usize, Vec<usize>>,
    members: BTreeMap<usize, BTreeSet<usize>>,
    /// Connections that are in a room and have joined one with their sender.
    reachable: BTreeSet<usize>,
    closed: BTreeSet<usize>,
}

impl Model {
    /// Says whether the join is allowed.
    fn join(&mut self, connection: usize, room: usize, with_sender: bool) -> bool {
        if with_sender && self.closed.contains(&connection) {
            return false;
        }
        let list = self.lists.get(&connection).map_or(&[][..], Vec::as_slice);
        let new = !list.contains(&room);
        if new && list.len() == LIMITS.rooms_per_connection {
            return false;
        }
        if !self.members.contains_key(&room) && self.members.len() == LIMITS.rooms {
            return false;
        }
        if with_sender {
            self.reachable.insert(connection);
        }
        if new {
            self.lists.entry(connection).or_default().push(room);
        }
        self.members.entry(room).or_default().insert(connection);
        true
    }

    fn leave(&mut self, connection: usize, room: usize) {
        let Some(list) = self.lists.get_mut(&connection) else { return };
        list.retain(|&joined| joined != room);
        if list.is_empty() {
            self.lists.remove(&connection);
            self.reachable.remove(&connection);
        }
        self.remove_member(connection, room);
    }

    fn leave_all(&mut self, connection: usize) {
        for room in self.lists.get(&connection).cloned().unwrap_or_default() {
            self.leave(connection, room);
        }
    }

    fn remove_member(&mut self, connection: usize, room: usize) {
        if let Some(members) = self.members.get_mut(&room) {
            members.remove(&connection);
            if members.is_empty() {
                self.members.remove(&room);
            }
        }
    }

    /// Whom a broadcast reaches. Those whose connection is closed are members no longer.
    fn broadcast(&mut self, room: usize) -> BTreeSet<usize> {
        let members = self.members.get(&room).cloned().unwrap_or_default();
        let asked = members.intersection(&self.reachable).copied();
        let (gone, reached): (BTreeSet<_>, BTreeSet<_>) =
            asked.partition(|connection| self.closed.contains(connection));
        for connection in gone {
            self.remove_member(connection, room);
        }
        reached
    }
}

async fn check(steps: Vec<Step>) {
    let rooms = RoomManager::with_options(RoomOptions { limits: LIMITS, ..Default::default() });
    let mut clients: Vec<_> = (0..CONNECTIONS).map(|n| Client::new(n.to_string())).collect();
    let mut model = Model::default();
    let mut waiting = vec![Vec::new(); CONNECTIONS];
    let mut texts = (0..).map(|number: u32| number.to_string());
    for step in steps {
        match step {
            Step::Join { connection, room } => {
                let joined = clients[connection].join(&rooms, &room.to_string()).await;
                assert_eq!(joined.is_ok(), model.join(connection, room, true), "{step:?}: {joined:?}");
            }
            Step::JoinById { connection, room } => {
                let joined = rooms.join(&connection.to_string(), &room.to_string()).await;
                assert_eq!(joined.is_ok(), model.join(connection, room, false), "{step:?}: {joined:?}");
            }
            Step::Leave { connection, room } => {
                rooms.leave(&connection.to_string(), &room.to_string()).await.unwrap();
                model.leave(connection, room);
            }
            Step::LeaveAll { connection } => {
                rooms.leave_all(&connection.to_string()).await.unwrap();
                model.leave_all(connection);
            }
            Step::Broadcast { room, count } => {
                for text in texts.by_ref().take(count) {
                    let expected = model.broadcast(room);
                    assert_eq!(broadcast(&rooms, &room.to_string(), &text).await, expected.len());
                    expected.into_iter().for_each(|connection| waiting[connection].push(text.clone()));
                }
            }
            Step::Send { connection } => {
                let text = texts.next().unwrap();
                if clients[connection].sender.send_text(text.clone()).await.is_ok() {
                    waiting[connection].push(text);
                }
            }
            Step::Read { connection } => {
                assert_eq!(clients[connection].texts(), std::mem::take(&mut waiting[connection]));
            }
            Step::Close { connection } => {
                clients[connection].queue.close();
                model.closed.insert(connection);
                waiting[connection].clear();
            }
        }
        assert_same(&rooms, &model).await;
    }
    for (client, waiting) in clients.iter_mut().zip(waiting) {
        assert_eq!(client.texts(), waiting);
    }
}

async fn assert_same(rooms: &RoomManager, model: &Model) {
    for connection in 0..CONNECTIONS {
        let list = model.lists.get(&connection).cloned().unwrap_or_default();
        let list: Vec<_> = list.iter().map(usize::to_string).collect();
        assert_eq!(rooms.get_connection_rooms(&connection.to_string()).await, list);
    }
    for room in 0..ROOMS {
        let members = model.members.get(&room).cloned().unwrap_or_default();
        let members: Vec<_> = members.iter().map(usize::to_string).collect();
        assert_eq!(sorted(rooms.get_room_members(&room.to_string()).await), members);
    }
    assert_eq!(rooms.stats().rooms, model.members.len());
    assert_eq!(rooms.stats().connections, model.lists.len());
}

proptest! {
    #[test]
    fn any_sequence_gives_what_the_model_gives(steps in prop::collection::vec(step(), 1..60)) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(check(steps));
    }
}
