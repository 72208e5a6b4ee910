//! Order, bounds and ends of the outbound queue.

use std::future::poll_fn;

use super::*;
use crate::Fanout;

async fn next(queue: &mut OutboundQueue) -> Outbound {
    poll_fn(|cx| queue.poll_next(cx)).await
}

fn limits(messages: usize, bytes: usize) -> QueueLimits {
    QueueLimits { messages, bytes }
}

#[tokio::test]
async fn a_full_queue_makes_senders_wait_in_order() {
    let (sender, mut queue) = outbound_queue(limits(2, 1000));
    let sending = async {
        for n in 0..100 {
            sender.send_text(n.to_string()).await.unwrap();
        }
    };
    let reading = async {
        for n in 0..100 {
            assert_eq!(next(&mut queue).await.message, Message::text(n.to_string()));
        }
    };
    tokio::join!(sending, reading);
}

#[test]
fn bytes_are_bounded_but_one_message_of_any_size_fits() {
    let (sender, _queue) = outbound_queue(limits(100, 10));
    assert_eq!(sender.offer(Message::binary(vec![0; 11]), WhenFull::Skip), Offered::Sent);
    assert_eq!(sender.offer(Message::binary(vec![]), WhenFull::Skip), Offered::Skipped);
}

#[tokio::test]
async fn nothing_follows_a_close_frame() {
    let (sender, mut queue) = outbound_queue(limits(10, 1000));
    sender.send_text("last").await.unwrap();
    sender.close(4000, "done").await.unwrap();
    assert_eq!(sender.offer(Message::text("late"), WhenFull::Skip), Offered::Closed);
    assert_eq!(next(&mut queue).await.message, Message::text("last"));
    assert!(matches!(next(&mut queue).await.message, Message::Close(Some(frame)) if frame.code == 4000));
}

#[tokio::test]
async fn a_disconnection_comes_behind_what_waits() {
    let (sender, mut queue) = outbound_queue(limits(10, 1000));
    sender.send_text("last").await.unwrap();
    sender.disconnect().unwrap();
    assert_eq!(sender.offer(Message::text("late"), WhenFull::Skip), Offered::Closed);
    sender.disconnect().unwrap_err();
    assert_eq!(next(&mut queue).await.message, Message::text("last"));
    assert!(!queue.is_disconnected());
    assert!(poll_fn(|cx| Poll::Ready(queue.poll_next(cx))).await.is_pending());
    assert!(queue.is_disconnected());
}

#[tokio::test]
async fn a_waiting_sender_learns_that_the_reader_is_gone() {
    let (sender, queue) = outbound_queue(limits(1, 1000));
    sender.send_text("1").await.unwrap();
    let waiting = sender.send_text("2");
    let (sent, ()) = tokio::join!(waiting, async { drop(queue) });
    assert!(sent.is_err());
}

#[tokio::test]
async fn a_close_frame_does_not_wait_for_space() {
    let (sender, mut queue) = outbound_queue(limits(1, 1000));
    sender.send_text("1").await.unwrap();
    sender.close(4000, "").await.unwrap();
    assert_eq!(next(&mut queue).await.message, Message::text("1"));
    assert!(matches!(next(&mut queue).await.message, Message::Close(_)));
}

#[tokio::test]
async fn a_cut_wakes_the_reader_whatever_it_does_and_drops_what_waits() {
    let (sender, mut queue) = outbound_queue(limits(1, 1000));
    sender.send_text("1").await.unwrap();
    let woken = poll_fn(|cx| {
        if queue.awake(cx).cut {
            return Poll::Ready(true);
        }
        // The reader is awake and its socket blocked: it has not asked for a message.
        assert_eq!(sender.offer(Message::text("2"), WhenFull::Cut), Offered::Cut);
        Poll::Pending
    });
    assert!(woken.await);
    assert!(poll_fn(|cx| Poll::Ready(queue.poll_next(cx))).await.is_pending());
    assert_eq!(sender.offer(Message::text("3"), WhenFull::Cut), Offered::Closed);
}

#[tokio::test]
async fn a_sender_relaxes_when_half_of_its_queue_is_free() {
    let (sender, mut queue) = outbound_queue(limits(4, 1000));
    for n in 0..4 {
        sender.send_text(n.to_string()).await.unwrap();
    }
    let mut relaxed = Box::pin(sender.relaxed());
    for left in [3, 2] {
        assert!(poll_fn(|cx| Poll::Ready(relaxed.as_mut().poll(cx))).await.is_pending(), "{left}");
        next(&mut queue).await;
    }
    relaxed.await;
}

#[tokio::test]
async fn a_sender_given_up_while_it_waited_leaves_nothing_behind() {
    let (sender, mut queue) = outbound_queue(limits(1, 1000));
    sender.send_text("1").await.unwrap();
    {
        let mut waiting = Box::pin(sender.send_text("2"));
        assert!(poll_fn(|cx| Poll::Ready(waiting.as_mut().poll(cx))).await.is_pending());
    }
    assert_eq!(queue.shared.state().blocked, 0);
    assert_eq!(next(&mut queue).await.message, Message::text("1"));
    assert!(poll_fn(|cx| Poll::Ready(queue.poll_next(cx))).await.is_pending());
}

fn is_empty(queue: &mut OutboundQueue) -> bool {
    queue.poll_ready(&mut Context::from_waker(Waker::noop())).is_pending()
}

/// All that waits, as text.
async fn all(queue: &mut OutboundQueue) -> Vec<String> {
    let mut all = Vec::new();
    while !is_empty(queue) {
        all.push(next(queue).await.message.as_text().unwrap_or("-").to_owned());
    }
    all
}

/// Sends to one connection as to a group.
fn publish(fanout: &mut Fanout, sender: &WsSender, message: Message, when_full: WhenFull) -> Offered {
    let mut came = Offered::Sent;
    let sent = fanout.send(message, when_full, 1, |_| Some(sender), |_, offered| came = offered);
    assert_eq!(sent == 1, came == Offered::Sent);
    came
}

#[tokio::test]
async fn what_was_published_keeps_its_place_between_other_messages() {
    let (sender, mut queue) = outbound_queue(QueueLimits::default());
    let (mut one, mut other) = (Fanout::new(), Fanout::new());
    let (mut expected, mut count) = (Vec::new(), 0);
    // Every change between the three is there, and runs of any length.
    for from in [0, 0, 1, 0, 2, 1, 2, 2, 1, 1, 1, 0, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0] {
        let text = count.to_string();
        count += 1;
        match from {
            0 => sender.send_text(text.clone()).await.unwrap(),
            from => {
                let fanout = if from == 1 { &mut one } else { &mut other };
                assert_eq!(publish(fanout, &sender, Message::text(text.clone()), WhenFull::Cut), Offered::Sent);
            }
        }
        expected.push(text);
    }
    assert_eq!(all(&mut queue).await, expected);
}

#[tokio::test]
async fn a_batch_ends_within_a_run_where_the_queue_is_short() {
    let (sender, mut queue) = outbound_queue(limits(8, 1000));
    let mut fanout = Fanout::new();
    for n in 0..8 {
        assert_eq!(publish(&mut fanout, &sender, Message::text(n.to_string()), WhenFull::Skip), Offered::Sent);
    }
    let late = Message::text("late");
    assert_eq!(publish(&mut fanout, &sender, late.clone(), WhenFull::Skip), Offered::Skipped);
    assert_eq!(next(&mut queue).await.message, Message::text("0"));
    // Two are as good as on the wire, of which one is given out.
    assert_eq!(queue.shared.state().messages, 6);
    assert_eq!(queue.shared.state().bytes, 6);
    assert_eq!(publish(&mut fanout, &sender, late, WhenFull::Skip), Offered::Sent);
    assert_eq!(all(&mut queue).await, ["1", "2", "3", "4", "5", "6", "7", "late"]);
    let state = queue.shared.state();
    assert_eq!((state.messages, state.bytes), (0, 0));
}

#[tokio::test]
async fn a_batch_ends_behind_its_bytes() {
    let (sender, mut queue) = outbound_queue(QueueLimits::default());
    let mut fanout = Fanout::new();
    let large = Message::binary(vec![0; BATCH.bytes / 2]);
    for _ in 0..5 {
        assert_eq!(publish(&mut fanout, &sender, large.clone(), WhenFull::Skip), Offered::Sent);
        sender.send(large.clone()).await.unwrap();
    }
    next(&mut queue).await;
    assert_eq!(queue.shared.state().messages, 8);
    assert_eq!(queue.shared.state().bytes, 8 * large.len());
}

#[test]
fn what_was_published_is_bounded_cut_and_refused_as_all_else() {
    let (sender, mut queue) = outbound_queue(limits(2, 10));
    let mut fanout = Fanout::new();
    let mut offer = |text, when_full| publish(&mut fanout, &sender, Message::text(text), when_full);
    assert_eq!(offer("12345678", WhenFull::Skip), Offered::Sent);
    assert_eq!(offer("12345678", WhenFull::Skip), Offered::Skipped, "16 bytes");
    assert_eq!(offer("12", WhenFull::Skip), Offered::Sent);
    assert_eq!(offer("", WhenFull::Cut), Offered::Cut, "3 messages");
    assert_eq!(offer("", WhenFull::Skip), Offered::Closed);
    assert!(is_empty(&mut queue), "what waited is dropped");
}

#[tokio::test]
async fn a_published_close_frame_is_the_last() {
    let (sender, mut queue) = outbound_queue(QueueLimits::default());
    let mut fanout = Fanout::new();
    let mut offer = |message| publish(&mut fanout, &sender, message, WhenFull::Cut);
    assert_eq!(offer(Message::text("first")), Offered::Sent);
    assert_eq!(offer(Message::text("last")), Offered::Sent);
    assert_eq!(offer(Message::Close(None)), Offered::Sent);
    assert_eq!(offer(Message::text("late")), Offered::Closed);
    assert_eq!(all(&mut queue).await, ["first", "last", "-"]);
}

#[tokio::test]
async fn another_writer_of_a_run_is_told_apart() {
    let (sender, mut queue) = outbound_queue(QueueLimits::default());
    let mut fanout = Fanout::new();
    for origin in [Origin::Room, Origin::Admin, Origin::Admin] {
        let sender = sender.clone().with_origin(origin);
        assert_eq!(publish(&mut fanout, &sender, Message::text("x"), WhenFull::Cut), Offered::Sent);
        fanout.regroup();
    }
    for origin in [Origin::Room, Origin::Admin, Origin::Admin] {
        assert_eq!(next(&mut queue).await.origin, origin);
    }
}

#[tokio::test]
async fn the_front_stays_until_it_is_taken() {
    let (sender, mut queue) = outbound_queue(QueueLimits::default());
    sender.send_text("own").await.unwrap();
    let mut fanout = Fanout::new();
    for text in ["first", "second"] {
        publish(&mut fanout, &sender, Message::text(text), WhenFull::Cut);
    }
    assert_eq!(queue.front(), None, "nobody has asked whether there is one");
    for (text, is_shared) in [("own", false), ("first", true), ("second", true)] {
        assert!(!is_empty(&mut queue));
        assert_eq!(queue.front(), Some((&Message::text(text), Origin::Handler)));
        assert_eq!(
            (queue.front(), queue.front_shared().is_some()),
            (Some((&Message::text(text), Origin::Handler)), is_shared)
        );
        queue.skip(1);
    }
    assert!(is_empty(&mut queue));
    assert_eq!(queue.pop(), None);
}

/// Reads on a thread of its own until so many messages of the group have come; gives back what came of it, and what came for this
/// connection alone.
fn read_until(mut queue: OutboundQueue, count: usize) -> std::thread::JoinHandle<(Vec<u32>, Vec<u32>)> {
    std::thread::spawn(move || {
        let (mut group, mut own) = (Vec::new(), Vec::new());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        while group.len() < count {
            let next = runtime.block_on(next(&mut queue)).message;
            let text = next.as_text().unwrap();
            match text.strip_prefix("own ") {
                Some(number) => own.push(number.parse().unwrap()),
                None => group.push(text.parse().unwrap()),
            }
        }
        (group, own)
    })
}

#[test]
fn nothing_is_lost_or_doubled_while_others_read_and_one_of_them_goes() {
    const READERS: usize = 5;
    const MESSAGES: u32 = 20_000;
    let (mut senders, mut threads) = (Vec::new(), Vec::new());
    for reader in 0..=READERS {
        let (sender, queue) = outbound_queue(limits(usize::MAX, usize::MAX));
        senders.push(sender);
        // The first one goes when it has heard the half.
        threads.push(read_until(queue, MESSAGES as usize / if reader == 0 { 2 } else { 1 }));
    }
    let (mut fanout, mut gone) = (Fanout::new(), None);
    for number in 0..MESSAGES {
        if number == MESSAGES / 4 * 3 {
            let (group, _) = threads.remove(0).join().unwrap();
            assert!(group.into_iter().eq(0..MESSAGES / 2));
        }
        let (count, mut refused) = (senders.len(), None);
        let message = Message::text(number.to_string());
        let sent = fanout.send(message, WhenFull::Cut, count, |at| senders.get(at), |at, _| refused = Some(at));
        assert_eq!(sent + usize::from(refused.is_some()), count);
        if let Some(at) = refused {
            senders.swap_remove(at);
            fanout.regroup();
            gone = Some((at, number));
        }
        if number % 7 == 0 {
            let own = Message::text(format!("own {number}"));
            senders[1 + number as usize % (READERS - 1)].offer(own, WhenFull::Cut);
        }
    }
    assert!(gone.is_some_and(|(at, number)| at == 0 && number > MESSAGES / 2), "{gone:?}");
    for thread in threads {
        let (group, own) = thread.join().unwrap();
        assert!(group.into_iter().eq(0..MESSAGES));
        assert!(own.is_sorted());
    }
}

#[tokio::test]
async fn who_follows_a_run_is_not_asked_but_keeps_its_bounds() {
    let (sender, mut queue) = outbound_queue(limits(100, 100_000));
    let mut fanout = Fanout::new();
    let (mut expected, mut unasked) = (Vec::new(), 0);
    loop {
        let before = queue.shared.state().messages;
        let text = expected.len().to_string();
        if publish(&mut fanout, &sender, Message::text(text.clone()), WhenFull::Skip) == Offered::Skipped {
            break;
        }
        expected.push(text);
        unasked += u32::from(queue.shared.state().messages == before);
    }
    assert_eq!((expected.len(), queue.shared.state().messages), (100, 100));
    assert!(unasked > 50, "asked for all but {unasked}");
    assert_eq!(all(&mut queue).await, expected);
    let state = queue.shared.state();
    assert_eq!((state.messages, state.bytes), (0, 0));
}
