//! How long a router takes to answer a message, with few routes and with many.
//!
//! The messages are for all routes in turn; a closure makes each answer out of nothing but the message.

#![allow(clippy::unwrap_used, reason = "the patterns are written here")]

use std::cell::Cell;

use divan::{Bencher, black_box};
use ws_patterns::{MessagePattern, MessageRouter};

const ROUTES: [usize; 4] = [1, 10, 100, 1_000];

fn main() {
    divan::main();
}

fn router(routes: usize, pattern: fn(usize) -> MessagePattern) -> MessageRouter {
    let mut router = MessageRouter::new();
    for route in 0..routes {
        router.on(pattern(route), |message| Some(message.to_owned()));
    }
    router
}

/// One round is one message, each in its turn.
fn route(bencher: Bencher<'_, '_>, router: &MessageRouter, messages: &[String]) {
    assert!(messages.iter().all(|message| router.route(message).is_some()), "every message has a route");
    let next = Cell::new(0);
    bencher
        .with_inputs(|| {
            let turn = next.replace((next.get() + 1) % messages.len());
            messages[turn].as_str()
        })
        .bench_local_values(|message| router.route(black_box(message)));
}

#[divan::bench(args = ROUTES)]
fn exact_text(bencher: Bencher<'_, '_>, routes: usize) {
    let messages: Vec<String> = (0..routes).map(|route| format!("command {route}")).collect();
    route(bencher, &router(routes, |route| MessagePattern::exact(format!("command {route}"))), &messages);
}

#[divan::bench(args = ROUTES)]
fn regular_expression(bencher: Bencher<'_, '_>, routes: usize) {
    let messages: Vec<String> = (0..routes).map(|route| format!("/command-{route} argument")).collect();
    let pattern = |route| MessagePattern::regex(&format!(r"^/command-{route} (\w+)$")).unwrap();
    route(bencher, &router(routes, pattern), &messages);
}

#[divan::bench(args = ROUTES)]
fn value_in_json(bencher: Bencher<'_, '_>, routes: usize) {
    let message =
        |route| format!(r#"{{"id":{route},"type":"event-{route}","user":{{"name":"Ada","tags":["a","b"]}}}}"#);
    let messages: Vec<String> = (0..routes).map(message).collect();
    let pattern = |route| MessagePattern::jsonpath_equals("$.type", format!("event-{route}")).unwrap();
    route(bencher, &router(routes, pattern), &messages);
}

/// What a message costs that no route answers.
#[divan::bench(args = ROUTES)]
fn no_route(bencher: Bencher<'_, '_>, routes: usize) {
    let router = router(routes, |route| MessagePattern::exact(format!("command {route}")));
    assert_eq!(router.route("nobody's"), None);
    bencher.bench_local(|| router.route(black_box("nobody's")));
}
