//! How long it takes to join, to leave and to broadcast, by the number of members and of rooms.
//!
//! A broadcast ends in the outbound queues of the members, as that of a session does; emptying them is not counted.

#![allow(clippy::unwrap_used, reason = "nothing here comes from outside")]

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use divan::{Bencher, black_box, counter::ItemsCount};
use ws_core::engine::{OutboundQueue, outbound_queue};
use ws_core::{Message, QueueLimits, Rooms, WsSender};
use ws_rooms::RoomManager;

const MEMBERS: [usize; 4] = [1, 10, 100, 1_000];
const ROOMS: [usize; 5] = [1, 10, 100, 1_000, 10_000];

fn main() {
    divan::main();
}

/// The result of a future that has nothing to wait for.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => unreachable!("rooms of one node do not wait"),
    }
}

struct Member {
    id: String,
    sender: WsSender,
    queue: OutboundQueue,
}

impl Member {
    fn new(number: usize) -> Self {
        let (sender, queue) = outbound_queue(QueueLimits::default());
        Self { id: format!("member-{number}"), sender, queue }
    }

    fn joined(number: usize, rooms: &RoomManager, room: &str) -> Self {
        let member = Self::new(number);
        now(Rooms::join(rooms, &member.id, &member.sender, room)).unwrap();
        member
    }

    fn read_all(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(message) = self.queue.poll_next(&mut context) {
            black_box(message);
        }
    }
}

#[divan::bench(args = MEMBERS)]
fn broadcast(bencher: Bencher<'_, '_>, members: usize) {
    let rooms = RoomManager::new();
    let joined = RefCell::new(Vec::from_iter((0..members).map(|number| Member::joined(number, &rooms, "room"))));
    let message = Message::text("a message to all of them");
    assert_eq!(now(rooms.broadcast("room", message.clone())).unwrap(), members);
    bencher
        .counter(ItemsCount::new(members))
        .with_inputs(|| joined.borrow_mut().iter_mut().for_each(Member::read_all))
        .bench_local_values(|()| now(rooms.broadcast(black_box("room"), message.clone())));
}

/// To a room of ten members, of many.
#[divan::bench(args = ROOMS)]
fn broadcast_among(bencher: Bencher<'_, '_>, count: usize) {
    let rooms = RoomManager::new();
    let names: Vec<String> = (0..count).map(|room| format!("room-{room}")).collect();
    let joined =
        RefCell::new(Vec::from_iter(names.iter().enumerate().map(|(room, name)| {
            Vec::from_iter((0..10).map(|number| Member::joined(room * 10 + number, &rooms, name)))
        })));
    let message = Message::text("a message to all of them");
    let turn = RefCell::new(0);
    bencher
        .counter(ItemsCount::new(10_usize))
        .with_inputs(|| {
            let room = turn.replace_with(|turn| (*turn + 7) % count);
            joined.borrow_mut()[room].iter_mut().for_each(Member::read_all);
            names[room].as_str()
        })
        .bench_local_values(|room| now(rooms.broadcast(black_box(room), message.clone())));
}

/// One comes and goes, where others are.
#[divan::bench(args = MEMBERS)]
fn join_and_leave(bencher: Bencher<'_, '_>, members: usize) {
    let rooms = RoomManager::new();
    let _others = Vec::from_iter((0..members).map(|number| Member::joined(number, &rooms, "room")));
    let guest = Member::new(members);
    bencher.bench_local(|| {
        now(Rooms::join(&rooms, &guest.id, &guest.sender, black_box("room"))).unwrap();
        now(Rooms::leave(&rooms, &guest.id, black_box("room"))).unwrap();
    });
}
