//! When messages leave, and on which connection: thought, what may be in flight, turns, due moments.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio_tungstenite::tungstenite::Message;
use ws_load::{Answers, Lifetime, Pace, Payload, Plan};

use crate::server::{Server, run};

/// The texts that came, and when.
type Texts = Arc<Mutex<Vec<(Instant, String)>>>;

/// A server that echoes, or not.
fn listening(echoes: bool) -> (Server, Texts) {
    let texts = Texts::default();
    let heard = Arc::clone(&texts);
    let server = Server::start(move |_, message: Message| {
        heard.lock().unwrap().push((Instant::now(), message.to_text().unwrap().to_owned()));
        if echoes { vec![message] } else { vec![] }
    });
    (server, texts)
}

/// Half a second in which nobody answers, and longer than that is waited for answers.
fn unanswered(server: &Server, pace: Pace) -> Plan {
    let mut plan = server.plan(1);
    plan.pace = pace;
    (plan.duration, plan.timeout) = (Some(Duration::from_millis(500)), Duration::from_secs(2));
    plan
}

#[test]
fn who_thinks_lets_that_time_pass() {
    const THINK: Duration = Duration::from_millis(50);
    for answers in [Answers::ById, Answers::None] {
        let (server, texts) = listening(answers != Answers::None);
        let mut plan = server.plan(1);
        plan.pace = Pace::Closed { in_flight: 1, think: THINK };
        (plan.messages, plan.duration, plan.answers) = (Some(5), None, answers);
        let report = run(plan);
        let texts = texts.lock().unwrap();
        assert_eq!(texts.len(), 5, "{report}");
        assert!(texts[4].0 - texts[0].0 >= THINK * 3, "{report}");
        // Until the last word.
        assert!((0.2..60.0).contains(&report.seconds()), "{report}");
    }
}

#[test]
fn no_more_than_asked_for_is_in_flight() {
    let (server, _) = listening(false);
    let report = run(unanswered(&server, Pace::Closed { in_flight: 4, think: Duration::ZERO }));
    assert_eq!((report.sent(), report.lost(), server.messages()), (4, 4, 4), "{report}");
}

#[test]
fn what_exceeds_the_most_in_flight_is_not_sent() {
    let (server, _) = listening(false);
    let mut plan = unanswered(&server, Pace::Open { per_second: 200.0 });
    plan.most_in_flight = 3;
    let report = run(plan);
    assert_eq!((report.sent(), report.lost(), report.unsent()), (3, 3, 97), "{report}");
    assert_eq!(server.messages(), 3);
    let unsent = "unsent>=97%".parse::<ws_load::Threshold>().unwrap().judge(&report);
    assert_eq!((unsent.failed, unsent.measured.as_str()), (true, "97.000%"));
}

#[test]
fn a_burst_is_no_reason_to_send_more_than_was_asked_for() {
    let server = Server::echo();
    let mut plan = server.plan(1);
    // Ten are due at once.
    plan.pace = Pace::Open { per_second: 40_000.0 };
    (plan.messages, plan.duration) = (Some(1_005), Some(Duration::from_millis(300)));
    let report = run(plan.clone());
    assert_eq!((report.sent(), report.round_trips(), server.messages()), (1_005, 1_005, 1_005), "{report}");
    (plan.messages, plan.lifetime) = (Some(1_006), Some(Lifetime::Messages(1_005)));
    let report = run(plan);
    assert_eq!((report.sent(), report.round_trips(), report.sessions()), (1_006, 1_006, 2), "{report}");
}

#[test]
fn connections_send_in_turn() {
    let (server, texts) = listening(true);
    let mut plan = server.plan(4);
    (plan.pace, plan.threads) = (Pace::Open { per_second: 400.0 }, 1);
    plan.payload = Payload::template("{{vu}} {{id}}").unwrap();
    plan.duration = Some(Duration::from_millis(500));
    let report = run(plan);
    let mut counts = BTreeMap::<_, u64>::new();
    for (_, text) in texts.lock().unwrap().iter() {
        *counts.entry(text.split(' ').next().unwrap().to_owned()).or_default() += 1;
    }
    assert!(report.sent() >= 100 && counts.values().sum::<u64>() == report.sent(), "{counts:?} {report}");
    assert_eq!(counts.keys().collect::<Vec<_>>(), ["1", "2", "3", "4"]);
    let (least, most) = (counts.values().min().unwrap(), counts.values().max().unwrap());
    assert!(most - least <= 1, "{counts:?}");
}

#[test]
fn an_id_tells_when_its_message_was_due() {
    for broadcast in [false, true] {
        let (server, texts) = listening(true);
        let mut plan = server.plan(1);
        (plan.broadcast, plan.pace) = (broadcast, Pace::Open { per_second: 200.0 });
        plan.duration = Some(Duration::from_millis(500));
        let report = run(plan);
        let texts = texts.lock().unwrap();
        let due: Vec<_> = texts.iter().map(|(_, text)| u64::from_str_radix(&text[19..31], 16).unwrap()).collect();
        assert!(due.len() > 50 && due.len() as u64 == report.sent(), "{report}");
        // However late each was sent.
        for pair in due.windows(2) {
            assert!(pair[1].abs_diff(pair[0]).abs_diff(5_000_000) <= 1, "{pair:?} {report}");
        }
    }
}

#[test]
fn what_is_random_is_so_in_each_message() {
    let (server, texts) = listening(true);
    let mut plan = server.plan(4);
    plan.payload = Payload::template("{{uuid}} {{random}} {{id}}").unwrap();
    (plan.messages, plan.duration) = (Some(5), None);
    let report = run(plan);
    let texts = texts.lock().unwrap();
    for part in 0..3 {
        let different: std::collections::BTreeSet<_> =
            texts.iter().map(|(_, text)| text.split(' ').nth(part).unwrap()).collect();
        assert_eq!(different.len(), 20, "{different:?} {report}");
    }
}

#[test]
fn each_connection_begins_a_script_with_its_first_line() {
    let (server, texts) = listening(true);
    let mut plan = server.plan(1);
    (plan.payload, plan.answers) = (Payload::script("a\nb\nc").unwrap(), Answers::InOrder);
    (plan.lifetime, plan.messages, plan.duration) = (Some(Lifetime::Messages(2)), Some(5), None);
    let report = run(plan);
    let texts: Vec<_> = texts.lock().unwrap().iter().map(|(_, text)| text.clone()).collect();
    assert_eq!((texts.join(" ").as_str(), report.sessions()), ("a b a b a", 3), "{report}");
}
