//! How many tests there may be, and which make room for others.

use ws_server::{TestError, WsServer};

use super::{connect_to, refused, saying, test};
use crate::eventually::eventually;
use crate::scrape::{ACTIVE, value};
use crate::serving::serve;
use crate::talking::say;

const MOST: usize = 1_000;

/// A test that nobody is connected to and nothing was uploaded for makes room; one with uploads or connections does not, and
/// when there are only such, a handshake is refused with 503, and nobody gets into another test.
#[tokio::test]
async fn only_tests_that_nobody_wants_make_room() {
    let server = serve(WsServer::builder()).await;
    let mut first = connect_to(&server, "first", "/ws").await;
    for n in 0..MOST - 2 {
        test(&server, &format!("uploaded-{n}")).upload_rules(&saying("uploaded")).unwrap();
    }
    for n in 0..3 {
        let passing = connect_to(&server, &format!("passing-{n}"), "/ws").await;
        passing.close(1000, "").await.unwrap();
        eventually("it is gone", || value(&server, ACTIVE) == 1.0).await;
    }
    test(&server, "last").upload_rules(&saying("uploaded")).unwrap();
    let problem = refused(&server, "one more", "/ws").await;
    assert!(problem.contains("400"), "{problem}");
    let problem = refused(&server, "one-more", "/ws").await;
    assert!(problem.contains("503"), "{problem}");
    let error = test(&server, "one-more").upload_rules(&saying("uploaded")).unwrap_err();
    assert!(matches!(error, TestError::Full(MOST)), "{error}");
    say(&mut first, "who", &["echo: who"]).await;
    say(&mut connect_to(&server, "uploaded-7", "/ws").await, "who", &["uploaded"]).await;
    test(&server, "uploaded-9").end().await;
    say(&mut connect_to(&server, "one-more", "/ws").await, "who", &["echo: who"]).await;
}
