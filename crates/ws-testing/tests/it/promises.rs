//! What is expected until the server is verified, or dropped.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use crate::{echo, exchange};

#[tokio::test]
async fn everything_that_did_not_come_is_named_once() {
    let server = echo().await;
    server.expecting("a").times(1);
    server.expecting("b").within(Duration::from_millis(20)).at_least(1);
    server.expecting("^c$").to_client().on("/ws").times(2);
    server.expecting("secret").within(Duration::from_millis(20)).never();
    exchange(&server, "/ws", &["a", "c", "c", "a secret"]).await;
    let unverified = server.verify().await.unwrap_err();
    let counts: Vec<_> = unverified.unmet().iter().map(|unmet| unmet.count()).collect();
    assert_eq!(counts, [2, 0, 1], "{unverified}");
    let report = unverified.to_string();
    assert!(report.contains("expected exactly 1 message from clients like `a`"), "{report}");
    assert!(report.contains("\n\nexpected at least 1 message from clients like `b` within 20ms, found 0"), "{report}");
    // They are settled.
    server.verify().await.unwrap();
}

#[tokio::test]
async fn what_is_on_its_way_is_waited_for() {
    let server = echo().await;
    server.expecting("late").at_least(3);
    let verified = async { server.verify().await };
    let (verified, ()) = tokio::join!(verified, exchange(&server, "/ws", &["late", "late", "late"]));
    verified.unwrap();
}

/// More than the journal keeps: they were counted when they came.
#[tokio::test]
async fn what_the_journal_no_longer_keeps_counts() {
    let journal = ws_server::JournalConfig { events: 5, ..ws_server::JournalConfig::default() };
    let config = ws_server::WsConfig { journal, raw_echo: true, ..ws_server::WsConfig::default() };
    let server = ws_server::WsServer::builder().config(config).build().unwrap();
    let server = ws_testing::TestServer::start(server).await;
    server.expecting("x").times(50);
    exchange(&server, "/ws", &["x"; 50]).await;
    server.verify().await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_dropped_looks_for_itself() {
    let server = echo().await;
    server.expecting("comes").times(1);
    exchange(&server, "/ws", &["comes"]).await;
    drop(server);

    let server = echo().await;
    server.expecting("comes not").at_least(1);
    exchange(&server, "/ws", &["comes no"]).await;
    let panic = catch_unwind(AssertUnwindSafe(|| drop(server))).unwrap_err();
    let report = panic.downcast_ref::<String>().unwrap();
    assert!(
        report.starts_with("expected at least 1 message from clients like `comes not` within 5s, found 0\n"),
        "{report}"
    );
    assert!(report.contains("\nnearest:\n  #2 comes no\n"), "{report}");
    assert!(report.contains("`verify().await`"), "{report}");
}

/// A test that has failed already is told of its own failure.
#[tokio::test]
#[should_panic(expected = "the first failure")]
async fn a_test_that_fails_is_not_told_more() {
    let server = echo().await;
    server.expecting("never comes").at_least(1);
    let failure = catch_unwind(AssertUnwindSafe(|| {
        let _server = server;
        panic!("the first failure");
    }));
    resume_unwind(failure.unwrap_err());
}
