//! One publishes, all must hear each message once.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;
use ws_load::{Pace, Report};

use crate::server::{Server, run};

/// A member for whom this is said is cut off.
const CUT: usize = usize::MAX;

/// A room: `copies` says how often a member gets a message, of the member's number (0: who publishes) and the message's, from 1.
/// `hears_itself`: whether who publishes is told, too.
fn room(hears_itself: bool, copies: impl Fn(usize, u64) -> usize + Send + Sync + 'static) -> Report {
    let members: Arc<Mutex<Vec<mpsc::Sender<Message>>>> = Arc::default();
    let copies = Arc::new(copies);
    let server = Server::serving(move |stream, seen| {
        let (members, copies) = (Arc::clone(&members), Arc::clone(&copies));
        async move {
            let Ok(socket) = accept_async(stream).await else { return };
            let (mut to_client, mut from_client) = socket.split();
            let (sender, mut receiver) = mpsc::channel(100_000);
            let me = {
                let mut members = members.lock().unwrap();
                members.push(sender);
                members.len() - 1
            };
            let forward = async {
                while let Some(message) = receiver.recv().await {
                    if to_client.send(message).await.is_err() {
                        return;
                    }
                }
            };
            let publish = async {
                while let Some(Ok(message)) = from_client.next().await {
                    if !message.is_text() {
                        continue;
                    }
                    let number = seen.messages.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
                    let mut members = members.lock().unwrap();
                    let all = members.len();
                    for (member, sender) in members.iter_mut().enumerate() {
                        let member = (member + all - me) % all;
                        let times = if member == 0 && !hears_itself { 0 } else { copies(member, number) };
                        if times == CUT {
                            *sender = mpsc::channel(1).0;
                            continue;
                        }
                        for _ in 0..times {
                            let _ = sender.try_send(message.clone());
                        }
                    }
                }
            };
            tokio::select! {
                () = forward => {}
                () = publish => {}
            }
        }
    });
    let mut plan = server.plan(10);
    plan.broadcast = true;
    plan.pace = Pace::Open { per_second: 200.0 };
    plan.duration = Some(Duration::from_secs(1));
    // Who does not hear itself is not waited for so long.
    plan.timeout = Duration::from_secs(if hears_itself { 2 } else { 600 });
    let report = run(plan);
    assert_eq!(report.sent(), server.messages(), "{report}");
    assert!((190..=200).contains(&report.sent()), "{report}");
    report
}

#[test]
fn all_hear_each_message() {
    let report = room(true, |_, _| 1);
    assert_eq!((report.round_trips(), report.lost(), report.doubled()), (report.sent() * 10, 0, 0), "{report}");
    assert!(report.to_string().contains("which hears itself"), "{report}");
    assert!(report.round_trip(0.5).unwrap() > 0.0);
}

#[test]
fn who_publishes_need_not_hear_itself() {
    let report = room(false, |_, _| 1);
    assert_eq!((report.round_trips(), report.lost(), report.doubled()), (report.sent() * 9, 0, 0), "{report}");
    assert!(report.to_string().contains("which does not hear itself"), "{report}");
}

#[test]
fn what_is_missing_and_what_is_doubled_is_found() {
    let report = room(true, |member, number| match (member, number) {
        (3, 7) => 0,
        (3, 9) => 2,
        _ => 1,
    });
    assert_eq!((report.lost(), report.doubled()), (1, 1), "{report}");
    assert_eq!(report.round_trips(), report.sent() * 10 - 1, "{report}");
}

#[test]
fn who_is_cut_off_has_missed_all_that_follows() {
    let report = room(true, |member, number| if member == 3 && number == 51 { CUT } else { 1 });
    assert_eq!(report.failures().map(|(_, count)| count).sum::<u64>(), 1, "{report}");
    assert_eq!((report.lost(), report.round_trips()), (report.sent() - 50, report.sent() * 9 + 50), "{report}");
}

#[test]
fn what_others_say_in_the_room_is_not_taken_for_it() {
    // Of another user, and a number that was not sent yet.
    let foreign = ["mf-000002-00000001-000000000000", "mf-000001-0000ffff-000000000000"];
    let server = Server::start(move |_, message| vec![foreign[0].into(), message, foreign[1].into()]);
    let mut plan = server.plan(1);
    (plan.broadcast, plan.pace) = (true, Pace::Open { per_second: 200.0 });
    plan.duration = Some(Duration::from_millis(500));
    let report = run(plan);
    let sent = report.sent();
    assert_eq!((report.round_trips(), report.unexpected()), (sent, sent * 2), "{report}");
    assert_eq!((report.lost(), report.doubled()), (0, 0), "{report}");
}

#[test]
fn who_hears_itself_late_is_waited_for() {
    let server = Server::serving(|stream, _| async move {
        let Ok(mut socket) = accept_async(stream).await else { return };
        while let Some(Ok(message)) = socket.next().await {
            if message.is_text() {
                tokio::time::sleep(Duration::from_millis(300)).await;
                let _ = socket.send(message).await;
            }
        }
    });
    let mut plan = server.plan(1);
    (plan.broadcast, plan.pace) = (true, Pace::Open { per_second: 20.0 });
    plan.duration = Some(Duration::from_millis(100));
    let report = run(plan);
    assert_eq!((report.round_trips(), report.lost()), (report.sent(), 0), "{report}");
    assert!(report.sent() > 0 && report.to_string().contains("which hears itself"), "{report}");
}
