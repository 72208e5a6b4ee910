//! Recorded sessions, played against servers that keep to them and servers that do not.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use ws_load::{Answers, Crowd, Failure, Moment, Pace, Payload, Plan, Said, Session, Stop};

use crate::server::{Server, run, within_a_minute};

/// What came on each connection, in the order in which they were opened, and when.
type Heard = Arc<Mutex<Vec<Vec<(Instant, Message)>>>>;

/// What one does after so many messages, 0 for the opening; `None` closes with 4000.
type Does = fn(usize) -> Option<Vec<&'static str>>;

fn server(does: Does) -> (Server, Heard) {
    let heard = Heard::default();
    let shared = Arc::clone(&heard);
    let server = Server::serving(move |stream, _| {
        let heard = Arc::clone(&shared);
        async move {
            let Ok(mut socket) = accept_async(stream).await else { return };
            let index = {
                let mut heard = heard.lock().unwrap();
                heard.push(Vec::new());
                heard.len() - 1
            };
            for count in 0.. {
                match does(count) {
                    Some(answers) => {
                        for answer in answers {
                            let _ = socket.send(Message::text(answer)).await;
                        }
                    }
                    None => {
                        let frame = CloseFrame { code: 4000.into(), reason: "".into() };
                        let _ = socket.close(Some(frame)).await;
                    }
                }
                let Some(Ok(message)) = socket.next().await else { return };
                if message.is_close() {
                    break;
                }
                heard.lock().unwrap()[index].push((Instant::now(), message));
            }
            // The Close frame is answered while the end is waited for.
            while let Some(Ok(_)) = socket.next().await {}
        }
    });
    (server, heard)
}

/// `<` is a message of the server, and other words are lines of the client; each comes 1 ms after the one before, or so long after that.
fn session(written: &str) -> Session {
    let mut at = Duration::ZERO;
    let mut moments = Vec::new();
    for word in written.split(' ') {
        match word.strip_suffix("ms").and_then(|pause| pause.parse().ok()) {
            Some(pause) => at += Duration::from_millis(pause),
            None => {
                at += Duration::from_millis(1);
                let message = Said::Text(word.to_owned());
                moments.push(if word == "<" { Moment::Hears { at, message } } else { Moment::Says { at, message } });
            }
        }
    }
    Session { moments, ends_at: at, closed_by_server: None }
}

/// Each connection plays a session once.
fn plan(server: &Server, connections: usize, sessions: Vec<Session>) -> Plan {
    let mut plan = server.plan(connections);
    (plan.pace, plan.answers, plan.duration) = (Pace::Recorded { speed: 1.0 }, Answers::InOrder, None);
    plan.payload = Payload::sessions(sessions);
    plan
}

fn texts(heard: &Heard) -> Vec<String> {
    let heard = heard.lock().unwrap();
    let mut all: Vec<_> = heard
        .iter()
        .map(|messages| messages.iter().map(|(_, message)| message.to_text().unwrap()).collect::<Vec<_>>().join(" "))
        .collect();
    all.sort();
    all
}

#[test]
fn each_connection_says_the_lines_of_a_session_and_goes() {
    let (server, heard) = server(|count| Some(if count == 0 { vec!["hi"] } else { vec!["a", "b"] }));
    let report = run(plan(&server, 3, vec![session("< one < < two < <"), session("< three < < 100ms")]));
    assert_eq!(texts(&heard), ["one two", "one two", "three"]);
    assert_eq!((report.sessions(), report.played(), report.failures().count()), (3, 3, 0), "{report}");
    // The greeting, and the second of two answers, answer nothing, and were to come.
    assert_eq!((report.sent(), report.received(), report.round_trips()), (5, 13, 5), "{report}");
    assert_eq!((report.lost(), report.unexpected(), report.doubled()), (0, 0, 0), "{report}");
    assert_eq!(report.close_codes(), &BTreeMap::from([(1000, 3)]));
    let json = report.to_json(&[]);
    assert_eq!(json["metrics"]["ws_sessions_played"]["count"], 3);
    let table = report.to_string();
    assert!(table.starts_with(&format!("ws://{}/ws\n3 connections, recorded sessions, ", server.address())), "{table}");
    assert!(table.contains("  played                   3  sessions to their end\n"), "{table}");
}

#[test]
fn lines_keep_their_pauses_behind_what_they_wait_for() {
    let (server, heard) = server(|count| match count {
        1 => {
            std::thread::sleep(Duration::from_millis(300));
            Some(vec!["late"])
        }
        _ => Some(vec![]),
    });
    let report = run(plan(&server, 1, vec![session("one < 200ms two 100ms three 400ms")]));
    let heard = heard.lock().unwrap();
    let at = |index: usize| heard[0][index].0;
    // The answer, and then the pause.
    assert!(at(1) - at(0) >= Duration::from_millis(490), "{report}");
    assert!(at(2) - at(1) >= Duration::from_millis(90), "{report}");
    // It stays as long as the one that was recorded, and what had no answer is not waited for.
    let kept = report.to_json(&[])["metrics"]["ws_session_duration"]["min"].as_f64().unwrap();
    assert!((950.0..60_000.0).contains(&kept), "{report}");
    assert_eq!((report.sent(), report.round_trips(), report.lost(), report.played()), (3, 1, 0, 1), "{report}");
}

#[test]
fn speed_leaves_pauses_out() {
    let (server, _) = server(|_| Some(vec!["yes"]));
    let mut plan = plan(&server, 1, vec![session("< one < 3600000ms two < 3600000ms")]);
    plan.pace = Pace::Recorded { speed: f64::INFINITY };
    let report = run(plan);
    assert_eq!((report.sent(), report.round_trips(), report.played()), (2, 2, 1), "{report}");
    assert!(report.to_string().contains("recorded sessions without their pauses"), "{report}");
}

#[test]
fn a_server_that_says_less_holds_up_for_the_timeout() {
    let (server, heard) = server(|_| Some(vec![]));
    let mut plan = plan(&server, 1, vec![session("< one < two")]);
    plan.timeout = Duration::from_millis(300);
    let report = run(plan);
    assert_eq!(texts(&heard), ["one two"]);
    let heard = heard.lock().unwrap();
    assert!(heard[0][1].0 - heard[0][0].0 >= Duration::from_millis(300), "{report}");
    assert_eq!((report.sent(), report.lost(), report.played()), (2, 1, 1), "{report}");
}

#[test]
fn the_sessions_take_turns() {
    let (server, heard) = server(|_| Some(vec![]));
    let mut plan = plan(&server, 2, ["a", "b", "c", "d", "e"].map(session).to_vec());
    plan.duration = Some(Duration::from_secs(600));
    let shared = Arc::clone(&heard);
    let report = within_a_minute(move || {
        let stop = Stop::default();
        ws_load::run(plan, &stop, |_| {
            if shared.lock().unwrap().len() >= 20 {
                stop.stop();
            }
        })
    });
    let report = report.unwrap();
    let mut counts = BTreeMap::<_, usize>::new();
    texts(&heard).into_iter().filter(|text| !text.is_empty()).for_each(|text| *counts.entry(text).or_default() += 1);
    assert_eq!(counts.keys().collect::<Vec<_>>(), ["a", "b", "c", "d", "e"], "{report}");
    assert!(report.played() >= 20 - 2 && report.failures().count() == 0, "{report}");
}

#[test]
fn who_arrives_plays_once() {
    let (server, heard) = server(|_| Some(vec!["yes"]));
    let mut plan = plan(&server, 1, vec![session("< a <")]);
    plan.crowd = Crowd::Arrivals { per_second: 50.0, at_most: 100 };
    plan.duration = Some(Duration::from_millis(500));
    let report = run(plan);
    assert!(report.sessions() >= 10, "{report}");
    assert_eq!(report.sessions(), texts(&heard).len() as u64, "{report}");
    assert_eq!((report.sent(), report.round_trips()), (report.sessions(), report.sent()), "{report}");
}

#[test]
fn a_server_that_closes_as_it_was_recorded_has_not_failed() {
    let closes: Does = |count| (count < 1).then(Vec::new);
    for (recorded, written, expected) in [
        (Some(4000), "bye", None),
        (None, "bye 60000ms", Some(Failure::Closed(4000))),
        (Some(1000), "bye", Some(Failure::Closed(4000))),
        // Too early.
        (Some(4000), "bye 60000ms more", Some(Failure::Closed(4000))),
    ] {
        let (server, _) = server(closes);
        let session = Session { closed_by_server: recorded, ..session(written) };
        let report = run(plan(&server, 1, vec![session]));
        let failures: Vec<_> = report.failures().map(|(failure, _)| failure.clone()).collect();
        assert_eq!(failures, Vec::from_iter(expected), "{report}");
        assert_eq!(report.close_codes(), &BTreeMap::from([(4000, 1)]), "{report}");
        assert_eq!(report.played(), u64::from(failures.is_empty()), "{report}");
    }
}

/// Answers with ids among pushes, one of them never and one late: not taken for those of others.
#[test]
fn a_field_tells_answers_from_what_comes_by_itself() {
    let (server, _) = server(|count| {
        Some(match count {
            0 => vec![r#"{"tick":1}"#],
            1 => vec![r#"{"tick":2}"#, r#"{"re":"a"}"#, r#"{"re":"a","more":1}"#],
            2 => vec![r#"{"tick":3}"#],
            _ => vec![r#"{"tick":4}"#, r#"{"re":"c"}"#, r#"{"re":"b"}"#],
        })
    });
    let at = Duration::from_millis;
    let says = |millis, text: &str| Moment::Says { at: at(millis), message: Said::Text(text.to_owned()) };
    let hears = |millis, text: &str| Moment::Hears { at: at(millis), message: Said::Text(text.to_owned()) };
    let mut moments = Vec::new();
    for (index, id) in (0_u64..).zip(["a", "b", "c", "d"]) {
        moments.push(says(index * 10, &format!(r#"{{"id":"{id}"}}"#)));
        moments.push(hears(index * 10 + 5, &format!(r#"{{"re":"{id}"}}"#)));
    }
    let session = Session { moments, ends_at: at(50), closed_by_server: None };
    let mut plan = plan(&server, 1, vec![session]);
    plan.timeout = Duration::from_millis(500);
    // The second one's answer comes with the third one's, when it was given up; the fourth one's never.
    (plan.answers, plan.checks) = ("json:$.re".parse().unwrap(), vec!["contains:re".parse().unwrap()]);
    plan.pace = Pace::Recorded { speed: 0.01 };
    let report = run(plan);
    assert_eq!((report.sent(), report.round_trips(), report.lost(), report.late()), (4, 3, 2, 1), "{report}");
    assert_eq!((report.doubled(), report.unexpected()), (0, 0), "{report}");
    assert_eq!(report.checks().collect::<Vec<_>>(), [("contains:re", 3, 0)], "{report}");
}

#[test]
fn what_was_recorded_and_does_not_come_is_missing() {
    let (server, _) = server(|count| Some(if count == 1 { vec!["one"] } else { vec![] }));
    let mut plan = plan(&server, 2, vec![session("one < < < two three < <")]);
    plan.timeout = Duration::from_millis(200);
    let report = run(plan);
    // Two of three before `two`, and both at the end.
    assert_eq!((report.missing(), report.received(), report.played()), (8, 2, 2), "{report}");
    let table = report.to_string();
    assert!(
        table.contains("  missing                  8  recorded messages that did not come in time: 4 lines "),
        "{table}"
    );
    let missing = "missing>70%".parse::<ws_load::Threshold>().unwrap().judge(&report);
    assert_eq!((missing.failed, missing.measured.as_str()), (true, "80.000%"));
    // Its silence is a part of it.
    assert!(report.seconds() >= 0.4, "{report}");
}

#[test]
fn a_server_that_takes_nothing_is_given_up() {
    let server = Server::serving(|stream, _| async move {
        let _socket = accept_async(stream).await;
        std::future::pending::<()>().await;
    });
    let lines = vec![Moment::Says { at: Duration::ZERO, message: Said::Binary(vec![0; 16 << 20]) }; 2];
    let session = Session { moments: lines, ends_at: Duration::ZERO, closed_by_server: None };
    let mut recorded = plan(&server, 1, vec![session]);
    let mut counted = server.plan(1);
    counted.payload = Payload::sized(16 << 20);
    (counted.messages, counted.duration) = (Some(2), None);
    counted.pace = Pace::Closed { in_flight: 100, think: Duration::ZERO };
    (recorded.timeout, counted.timeout) = (Duration::from_millis(500), Duration::from_millis(500));
    let report = run(recorded);
    assert_eq!(report.failures().collect::<Vec<_>>(), [(&Failure::Stuck, 1)], "{report}");
    let report = run(counted);
    // The second connection has nothing more to say: it just is not let go.
    let failures: Vec<_> = report.failures().collect();
    assert_eq!(failures, [(&Failure::Stuck, 1), (&Failure::CloseTimeout, 1)], "{report}");
}

#[test]
fn a_server_that_does_not_close_is_left() {
    let (server, _) = server(|_| Some(vec![]));
    let session = Session { closed_by_server: Some(4000), ..session("bye") };
    let mut plan = plan(&server, 1, vec![session]);
    plan.timeout = Duration::from_millis(500);
    let report = run(plan);
    let kept = report.to_json(&[])["metrics"]["ws_session_duration"]["min"].as_f64().unwrap();
    assert!((500.0..60_000.0).contains(&kept), "{report}");
    assert_eq!(report.failures().collect::<Vec<_>>(), [(&Failure::NotClosed, 1)], "{report}");
    assert!(report.to_string().contains("did not close the connection, as was recorded (with 4000)"), "{report}");
    assert_eq!((report.played(), report.close_codes()), (0, &BTreeMap::from([(1000, 1)])), "{report}");
}

#[test]
fn bytes_come_as_bytes() {
    let (server, heard) = server(|_| Some(vec![]));
    let says = |message| Moment::Says { at: Duration::ZERO, message };
    let moments = vec![says(Said::Binary(vec![0, 255])), says(Said::Text("{{n}}".to_owned()))];
    let session = Session { moments, ends_at: Duration::ZERO, closed_by_server: None };
    run(plan(&server, 1, vec![session]));
    let heard = heard.lock().unwrap();
    let messages: Vec<_> = heard[0].iter().map(|(_, message)| message.clone()).collect();
    assert_eq!(messages, [Message::binary(vec![0, 255]), Message::text("{{n}}")]);
}
