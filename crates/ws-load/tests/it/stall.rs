//! Coordinated omission: a server that stalls for two seconds is seen by the open model, and hidden by the closed one.

use std::thread::sleep;
use std::time::Duration;

use tokio_tungstenite::tungstenite::Message;
use ws_load::{Pace, Report};

use crate::server::{Server, run};

const STALL: Duration = Duration::from_secs(2);

fn stalled(pace: Pace) -> Report {
    // In the middle: the whole server stands still once.
    let server = Server::start(|number, message: Message| {
        if number == 500 {
            sleep(STALL);
        }
        vec![message]
    });
    let mut plan = server.plan(4);
    plan.pace = pace;
    plan.duration = Some(Duration::from_secs(6));
    let report = run(plan);
    assert_eq!((report.lost(), report.doubled()), (0, 0), "{report}");
    assert_eq!((report.sent(), report.round_trips()), (server.messages(), server.messages()), "{report}");
    report
}

#[test]
fn the_open_model_shows_a_stall() {
    let report = stalled(Pace::Open { per_second: 1_000.0 });
    // A third of the messages was due in the two seconds.
    assert!((5_900..=6_100).contains(&(report.sent() + report.unsent())), "{report}");
    let p999 = report.round_trip(0.999).unwrap();
    assert!(p999 > 1_900.0, "{report}");
    assert!(report.round_trip(0.9).unwrap() > 1_000.0, "{report}");
    assert!("p99.9>1s".parse::<ws_load::Threshold>().unwrap().judge(&report).failed);
}

#[test]
fn the_closed_model_hides_it_and_says_so() {
    let report = stalled(Pace::Closed { in_flight: 1, think: Duration::from_millis(1) });
    // Four messages of thousands.
    assert!(report.round_trip(0.99).unwrap() < 1_000.0, "{report}");
    assert!(report.round_trip(1.0).unwrap() > 1_900.0, "{report}");
    assert!(report.to_string().contains("a server that stalls is asked less meanwhile"), "{report}");
}

/// The wait of what could not even be sent counts as well.
#[test]
fn a_message_that_has_to_wait_for_its_turn_was_due_all_the_same() {
    let server = Server::start(|number, message: Message| {
        if number == 200 {
            sleep(STALL);
        }
        vec![message]
    });
    let mut plan = server.plan(4);
    plan.pace = Pace::Open { per_second: 400.0 };
    plan.most_in_flight = 1;
    plan.duration = Some(Duration::from_secs(4));
    let report = run(plan);
    assert_eq!((report.sent() + report.unsent(), report.lost()), (1_600, 0), "{report}");
    // Half of all was due in the two seconds, and only four of them were on their way.
    assert!(report.round_trip(0.75).unwrap() > 700.0, "{report}");
    assert!(report.round_trip(0.999).unwrap() > 1_900.0, "{report}");
}
