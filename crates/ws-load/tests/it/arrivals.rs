//! Connections that arrive one by one: at most so many at once, each with a number of its own, and the wait counts.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;

use tokio_tungstenite::tungstenite::Message;
use ws_load::{Crowd, Lifetime, Payload, Plan};

use crate::server::{Server, run};

/// Each stays for one message.
fn arriving(server: &Server, per_second: f64, at_most: usize) -> Plan {
    let mut plan = server.plan(1);
    plan.crowd = Crowd::Arrivals { per_second, at_most };
    plan.lifetime = Some(Lifetime::Messages(1));
    plan.duration = Some(Duration::from_secs(1));
    plan
}

#[test]
fn no_more_than_so_many_are_there() {
    // Nobody has an answer, so nobody goes.
    let server = Server::start(|_, _| vec![]);
    let mut plan = arriving(&server, 100.0, 3);
    plan.timeout = Duration::from_secs(2);
    let report = run(plan);
    assert_eq!((report.sessions(), report.most_open(), report.unsent()), (3, 3, 97), "{report}");
}

#[test]
fn who_has_to_wait_has_arrived_all_the_same() {
    let server = Server::start(|number, message: Message| {
        if number == 1 {
            sleep(Duration::from_millis(400));
        }
        vec![message]
    });
    let mut plan = arriving(&server, 100.0, 1);
    plan.threads = 1;
    let report = run(plan);
    let json = report.to_json(&[]);
    // The second one was due 10 ms after the first.
    assert!(json["metrics"]["ws_connecting"]["max"].as_f64().unwrap() > 300.0, "{report}");
}

#[test]
fn each_has_a_number_of_its_own() {
    let users: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let seen = Arc::clone(&users);
    let server = Server::start(move |_, message: Message| {
        seen.lock().unwrap().insert(message.to_text().unwrap().split(' ').next().unwrap().to_owned());
        vec![message]
    });
    let mut plan = arriving(&server, 100.0, 100);
    plan.payload = Payload::template("{{vu}} {{id}}").unwrap();
    let report = run(plan);
    assert_eq!((users.lock().unwrap().len() as u64, report.lost()), (report.sent(), 0), "{report}");
    assert!(report.sent() >= 2, "{report}");
}
