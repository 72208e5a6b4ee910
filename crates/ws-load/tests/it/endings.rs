//! How a message and a connection end: late, at once, and what of it is measured.

use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::io::AsyncReadExt;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use ws_load::{Crowd, Failure, Lifetime, Pace, Report, Threshold};

use crate::server::{Server, echo_on, run, shake_hands};

fn measured(report: &Report, threshold: &str) -> (bool, String) {
    let verdict = threshold.parse::<Threshold>().unwrap().judge(report);
    (verdict.failed, verdict.measured)
}

#[test]
fn late_answers_are_among_the_percentiles_and_those_that_never_come_are_slower_than_all() {
    // The fifth message is sent only when the four before it are given up: their answers come then, but for that to the first.
    let held = Mutex::new(Vec::new());
    let server = Server::start(move |number, message| {
        let mut held = held.lock().unwrap();
        held.push(message);
        match number {
            1..=4 => Vec::new(),
            5 => held.drain(..).skip(1).collect(),
            _ => held.drain(..).collect(),
        }
    });
    let mut plan = server.plan(1);
    (plan.messages, plan.duration) = (Some(20), None);
    plan.timeout = Duration::from_secs(1);
    plan.pace = Pace::Closed { in_flight: 4, think: Duration::ZERO };
    plan.checks = vec!["same".parse().unwrap()];
    let report = run(plan);
    assert_eq!((report.sent(), report.round_trips(), report.lost(), report.late()), (20, 19, 4, 3), "{report}");
    assert_eq!(report.checks().collect::<Vec<_>>(), [("same", 19, 0)]);
    // Of twenty, the slowest four took as long as the timeout at least.
    assert_eq!(measured(&report, "p75>1s"), (false, measured(&report, "p75>1h").1));
    assert!(measured(&report, "p94>=1s").0, "{report}");
    assert!(!measured(&report, "p94>1h").0, "{report}");
    assert_eq!(measured(&report, "p96>1h"), (true, "no answer".to_owned()));
    assert_eq!(measured(&report, "lost>20%"), (false, "20.000%".to_owned()));
    let table = report.to_string();
    assert!(table.contains("  1 without an answer") && table.contains("no answer"), "{table}");
}

#[test]
fn where_answers_are_taken_in_order_a_loss_makes_those_behind_it_doubtful() {
    const DOUBT: &str = "answers are taken in order: one that came too late may be taken for the next one's";
    let run_with = |answers: &str| {
        let held = Mutex::new(Vec::new());
        let server = Server::start(move |number, message| {
            let mut held = held.lock().unwrap();
            held.push(message);
            if number == 1 { Vec::new() } else { held.drain(..).collect() }
        });
        let mut plan = server.plan(1);
        (plan.messages, plan.duration) = (Some(3), None);
        plan.timeout = Duration::from_secs(1);
        plan.answers = answers.parse().unwrap();
        run(plan).to_string()
    };
    let (by_order, by_id) = (run_with("order"), run_with("id"));
    assert!(by_order.contains(DOUBT), "{by_order}");
    assert!(!by_id.contains(DOUBT), "{by_id}");
}

#[test]
fn a_load_lasts_from_its_first_message_to_its_last_answer() {
    const THOUGHT: Duration = Duration::from_millis(50);
    let server = Server::start(|_, message| {
        std::thread::sleep(THOUGHT);
        vec![message]
    });
    let mut plan = server.plan(1);
    (plan.messages, plan.duration) = (Some(1), None);
    let report = run(plan);
    assert!(report.seconds() >= THOUGHT.as_secs_f64(), "{report}");
    assert!(!measured(&report, "rate>20").0, "{report}");
}

#[test]
fn who_shakes_hands_when_the_load_ends_is_counted() {
    let server = Server::serving(|stream, seen| async move {
        seen.connections.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(300)).await;
        echo_on(stream).await;
    });
    let mut plan = server.plan(1);
    (plan.crowd, plan.lifetime) = (Crowd::Arrivals { per_second: 20.0, at_most: 100 }, Some(Lifetime::Messages(1)));
    plan.duration = Some(Duration::from_millis(700));
    let report = run(plan);
    assert_eq!(report.sessions(), server.seen.connections.load(Ordering::SeqCst) as u64, "{report}");
    assert_eq!(report.failures().count(), 0, "{report}");
}

#[test]
fn why_a_server_closes_is_told() {
    let server = Server::serving(|stream, _| async move {
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        let frame = CloseFrame { code: 1012.into(), reason: "back at\tten".into() };
        let _ = socket.close(Some(frame)).await;
        while let Some(Ok(_)) = socket.next().await {}
    });
    let mut plan = server.plan(1);
    (plan.messages, plan.duration) = (Some(1), None);
    let report = run(plan);
    assert!(report.to_string().contains("  closed by the server with 1012 (back at\u{fffd}ten)\n"), "{report}");
}

#[test]
fn a_close_frame_that_comes_with_the_handshake_is_answered() {
    let server = Server::serving(|mut stream, seen| async move {
        shake_hands(&mut stream, &[0x88, 2, 0x03, 0xf5]).await;
        // A masked Close frame of two bytes, and nothing else.
        let mut frames = Vec::new();
        let _ = stream.read_to_end(&mut frames).await;
        if let [0x88, 0x82, a, b, _, _, first, second] = frames[..]
            && [first ^ a, second ^ b] == 1013_u16.to_be_bytes()
        {
            seen.closed.fetch_add(1, Ordering::SeqCst);
        }
        seen.connections.fetch_add(1, Ordering::SeqCst);
    });
    let mut plan = server.plan(1);
    (plan.messages, plan.duration) = (Some(1), None);
    let report = run(plan);
    assert_eq!(report.failures().collect::<Vec<_>>(), [(&Failure::Closed(1013), 5)], "{report}");
    // The first four: that the last one is heard nobody waits for.
    while server.seen.connections.load(Ordering::SeqCst) < 4 {
        std::thread::yield_now();
    }
    assert!(server.seen.closed.load(Ordering::SeqCst) >= 4, "{:?}", server.seen);
}
