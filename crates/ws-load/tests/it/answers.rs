//! Answers that are lost, doubled, late, wrong or of somebody else; failures of connections.

use std::sync::Mutex;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use ws_load::{Answers, Crowd, Failure, LoadError, Pace, Payload, Plan, Stop};

use crate::server::{Server, run, within_a_minute};

/// Sends so many messages on one connection.
fn counted(server: &Server, messages: u32) -> Plan {
    let mut plan = server.plan(1);
    (plan.messages, plan.duration) = (Some(messages), None);
    plan.timeout = Duration::from_millis(300);
    plan.pace = Pace::Closed { in_flight: 4, think: Duration::ZERO };
    plan
}

#[test]
fn a_lost_answer_is_counted_and_no_other_is_taken_for_it() {
    let server = Server::start(|number, message| if number == 5 { vec![] } else { vec![message] });
    let report = run(counted(&server, 20));
    assert_eq!((report.sent(), report.round_trips(), report.lost(), report.doubled()), (20, 19, 1, 0), "{report}");
    assert!("lost>0".parse::<ws_load::Threshold>().unwrap().judge(&report).failed);
}

#[test]
fn a_doubled_answer_is_counted() {
    let server = Server::start(|number, message: Message| vec![message; if number == 5 { 3 } else { 1 }]);
    let report = run(counted(&server, 20));
    assert_eq!((report.round_trips(), report.lost(), report.doubled()), (20, 0, 2), "{report}");
    assert_eq!(report.received(), 22);
}

#[test]
fn an_answer_after_the_timeout_is_late_and_was_lost() {
    // The first one is answered when the second has come: that is sent when the first was given up.
    let held = Mutex::new(None);
    let server = Server::start(move |number, message| match number {
        1 => {
            *held.lock().unwrap() = Some(message);
            vec![]
        }
        _ => held.lock().unwrap().take().into_iter().chain([message]).collect(),
    });
    let mut plan = counted(&server, 5);
    plan.pace = Pace::Closed { in_flight: 1, think: Duration::ZERO };
    plan.timeout = Duration::from_secs(1);
    let report = run(plan);
    assert_eq!((report.sent(), report.received(), report.round_trips()), (5, 5, 5), "{report}");
    assert_eq!((report.lost(), report.late(), report.doubled(), report.unexpected()), (1, 1, 0, 0), "{report}");
    for threshold in ["late>0", "late>=20%", "lost>0"] {
        assert!(threshold.parse::<ws_load::Threshold>().unwrap().judge(&report).failed, "{threshold}");
    }
}

#[test]
fn an_answer_that_comes_after_the_end_of_the_time_is_waited_for() {
    let server = Server::start(|_, message| {
        // Longer than a Close frame is waited for.
        std::thread::sleep(Duration::from_secs(3));
        vec![message]
    });
    let mut plan = server.plan(1);
    plan.duration = Some(Duration::from_millis(300));
    let report = run(plan);
    assert_eq!((report.sent(), report.round_trips(), report.lost()), (1, 1, 0), "{report}");
}

#[test]
fn a_load_takes_until_its_last_answer() {
    let server = Server::start(|_, message| {
        std::thread::sleep(Duration::from_millis(400));
        vec![message]
    });
    let mut plan = counted(&server, 1);
    plan.timeout = Duration::from_secs(20);
    let report = run(plan);
    assert_eq!((report.sent(), report.round_trips()), (1, 1), "{report}");
    assert!((0.3..60.0).contains(&report.seconds()), "{report}");
}

#[test]
fn who_stops_early_waits_a_second_for_answers() {
    let server = Server::start(|_, _| vec![]);
    let mut plan = server.plan(1);
    (plan.duration, plan.timeout) = (Some(Duration::from_secs(600)), Duration::from_secs(600));
    let report = within_a_minute(|| {
        let stop = Stop::default();
        ws_load::run(plan, &stop, |progress| {
            if progress.sent > 0 {
                stop.stop();
            }
        })
    });
    let report = report.unwrap();
    assert_eq!((report.sent(), report.lost()), (1, 1), "{report}");
}

#[test]
fn what_answers_nothing_is_no_answer() {
    let foreign = "mf-000063-00000001-000000000000";
    let server = Server::start(move |_, message| vec![Message::text("news"), message, Message::text(foreign)]);
    let report = run(counted(&server, 20));
    assert_eq!((report.round_trips(), report.unexpected(), report.lost()), (20, 40, 0), "{report}");
}

#[test]
fn answers_are_found_in_a_field() {
    let server = Server::start(|_, message| {
        let number = message.to_text().unwrap().trim_start_matches("ask ").to_owned();
        vec![Message::text(format!(r#"{{"re":{{"n":{number}}},"ok":{}}}"#, number != "7"))]
    });
    let mut plan = counted(&server, 20);
    plan.payload = Payload::template("ask {{n}}").unwrap();
    plan.answers = "json:$.re.n".parse().unwrap();
    plan.checks = vec!["json:ok=true".parse().unwrap(), "contains:re".parse().unwrap()];
    let report = run(plan);
    assert_eq!((report.round_trips(), report.lost()), (20, 0), "{report}");
    assert_eq!(report.checks().collect::<Vec<_>>(), [("json:ok=true", 19, 1), ("contains:re", 20, 0)]);
    assert!("failed-checks>0".parse::<ws_load::Threshold>().unwrap().judge(&report).failed);
}

#[test]
fn an_answer_is_compared_with_what_was_sent() {
    let server = Server::start(|number, message| match number {
        5 => vec![Message::text(message.to_text().unwrap().replace('x', "y"))],
        _ => vec![message],
    });
    let mut plan = counted(&server, 20);
    plan.checks = vec!["same".parse().unwrap()];
    let report = run(plan);
    assert_eq!(report.checks().collect::<Vec<_>>(), [("same", 19, 1)], "{report}");
}

#[test]
fn bytes_are_counted_in_each_direction() {
    let server = Server::start(|_, message| vec![Message::text(format!("{message} and so on"))]);
    let report = run(counted(&server, 20));
    let json = report.to_json(&[]);
    let metrics = &json["metrics"];
    assert_eq!((&metrics["data_sent"]["count"], &metrics["data_received"]["count"]), (&640.into(), &840.into()));
}

#[test]
fn without_answers_all_is_counted_and_nothing_is_lost() {
    let server = Server::start(|_, _| vec![]);
    let mut plan = counted(&server, 5_000);
    plan.answers = Answers::None;
    plan.payload = Payload::sized(1000).binary();
    let report = run(plan);
    assert_eq!((report.sent(), report.lost(), report.round_trips()), (5_000, 0, 0), "{report}");
    assert_eq!(server.messages(), 5_000);
}

#[test]
fn large_messages_come_whole() {
    let server = Server::echo();
    let mut plan = counted(&server, 8);
    plan.timeout = Duration::from_secs(20);
    plan.payload = Payload::sized(1 << 20);
    plan.checks = vec!["same".parse().unwrap()];
    let report = run(plan);
    assert_eq!((report.round_trips(), report.checks().next()), (8, Some(("same", 8, 0))), "{report}");
}

#[test]
fn a_close_by_the_server_is_an_error_with_its_code_and_the_user_comes_back() {
    let server = Server::start(|number, message| match number {
        5 => vec![Message::Close(Some(CloseFrame { code: 1012.into(), reason: "".into() }))],
        _ => vec![message],
    });
    let mut plan = counted(&server, 20);
    plan.pace = Pace::Closed { in_flight: 1, think: Duration::ZERO };
    let report = run(plan);
    assert_eq!(report.failures().collect::<Vec<_>>(), [(&Failure::Closed(1012), 1)], "{report}");
    assert_eq!((report.sent(), report.round_trips(), report.lost(), report.sessions()), (20, 19, 1, 2), "{report}");
    assert_eq!(report.close_codes().keys().collect::<Vec<_>>(), [&1000, &1012]);
}

#[test]
fn where_nobody_listens_there_is_no_report() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut plan = Plan::new(format!("ws://{}", listener.local_addr().unwrap()).parse().unwrap());
    plan.crowd = Crowd::Fixed { connections: 3, ramp: Duration::ZERO };
    drop(listener);
    let error = ws_load::run(plan, &Stop::default(), |_| {}).unwrap_err();
    assert!(matches!(error, LoadError::NoConnection { failure: Failure::Refused, .. }), "{error}");
}

#[test]
fn a_refused_handshake_has_its_status_and_reason() {
    let server = Server::serving(|mut stream, _| async move {
        let _ = stream.readable().await;
        let _ = stream.write_all(b"HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nfull").await;
        // What was not read would reset the connection.
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    });
    let error = ws_load::run(server.plan(1), &Stop::default(), |_| {}).unwrap_err().to_string();
    assert_eq!(error, "no connection could be opened: handshake refused with HTTP 503: full");
}

#[test]
fn who_never_answers_a_handshake_is_given_up() {
    let server = Server::serving(|stream, _| async move {
        std::future::pending::<()>().await;
        drop(stream);
    });
    let mut plan = server.plan(1);
    plan.timeout = Duration::from_millis(200);
    let error = within_a_minute(|| ws_load::run(plan, &Stop::default(), |_| {})).unwrap_err();
    assert!(matches!(error, LoadError::NoConnection { failure: Failure::ConnectTimeout, .. }), "{error}");
}
