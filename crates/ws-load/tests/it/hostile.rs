//! Servers that mean no good: what they say harms neither the report nor who reads it, and costs no memory.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::accept_async;
use ws_load::{Answers, Failure, Pace, Payload};

use crate::server::{Server, echo_on, run, shake_hands};

#[test]
fn what_a_server_says_is_shown_and_not_obeyed() {
    let server = Server::serving(|mut stream, seen| async move {
        if seen.connections.fetch_add(1, Ordering::SeqCst) == 0 {
            return echo_on(stream).await;
        }
        let _ = stream.readable().await;
        let body = "\u{1b}[2J<script>alert('\"&')</script>";
        let _ = stream.write_all(format!("HTTP/1.1 403 No\r\n\r\n{body}").as_bytes()).await;
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    });
    let mut plan = server.plan(2);
    plan.duration = Some(Duration::from_millis(300));
    let report = run(plan);
    assert_eq!(report.failures().collect::<Vec<_>>(), [(&Failure::Status(403), 1)], "{report}");
    let (table, page) = (report.to_string(), report.to_html(&[]));
    assert!(table.contains("[2J<script>alert") && !table.contains('\u{1b}'), "{table:?}");
    assert!(page.contains("&lt;script&gt;alert(&#39;&quot;&amp;&#39;)&lt;/script&gt;"), "{page}");
    assert!(!page.contains("<script") && !page.contains('\u{1b}'), "{page}");
}

#[test]
fn who_is_sent_away_at_once_gives_up() {
    let server = Server::serving(|mut stream, seen| async move {
        seen.connections.fetch_add(1, Ordering::SeqCst);
        // Close 1013 in the same write: nobody can say anything before.
        shake_hands(&mut stream, &[0x88, 2, 0x03, 0xf5]).await;
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    });
    let mut plan = server.plan(1);
    (plan.messages, plan.duration) = (Some(10), None);
    let report = run(plan);
    assert_eq!((report.sessions(), report.sent()), (5, 0), "{report}");
    assert_eq!(report.failures().collect::<Vec<_>>(), [(&Failure::Closed(1013), 5)], "{report}");
    assert_eq!(server.seen.connections.load(Ordering::SeqCst), 5);
}

#[test]
fn who_does_not_read_fills_no_memory_and_what_waited_for_it_is_unsent() {
    for (hangs_up, failure) in [(true, Failure::Broken), (false, Failure::CloseTimeout)] {
        let server = Server::serving(move |stream, _| async move {
            let Ok(socket) = accept_async(stream).await else { return };
            tokio::time::sleep(Duration::from_millis(200)).await;
            if !hangs_up {
                std::future::pending::<()>().await;
            }
            drop(socket);
        });
        let mut plan = server.plan(1);
        plan.payload = Payload::sized(64 << 10);
        plan.pace = Pace::Open { per_second: 20_000.0 };
        (plan.duration, plan.timeout) = (Some(Duration::from_millis(400)), Duration::from_secs(1));
        let report = run(plan);
        assert_eq!(report.failures().collect::<Vec<_>>(), [(&failure, 1)], "{report}");
        // What the sockets hold, and a little more.
        assert!((1..32 << 4).contains(&report.sent()), "{report}");
        assert_eq!((report.sent() + report.unsent(), report.lost()), (8_000, report.sent()), "{report}");
    }
}

#[test]
fn who_pings_and_does_not_read_fills_no_memory() {
    const PINGS: usize = 512 << 10;
    let server = Server::serving(|stream, seen| async move {
        let Ok(mut socket) = accept_async(stream).await else { return };
        let stream = socket.get_mut();
        let ping = [&[0x89, 125][..], &[b'x'; 125]].concat();
        for _ in 0..PINGS / 1024 {
            if stream.write_all(&ping.repeat(1024)).await.is_err() {
                return;
            }
        }
        seen.messages.store(1, Ordering::SeqCst);
        let mut scratch = vec![0; 1 << 16];
        while let Ok(read @ 1..) = stream.read(&mut scratch).await {
            seen.connections.fetch_add(read, Ordering::SeqCst);
        }
    });
    let mut plan = server.plan(1);
    plan.answers = Answers::None;
    plan.pace = Pace::Closed { in_flight: 1, think: Duration::from_millis(100) };
    plan.duration = Some(Duration::from_secs(6));
    let report = run(plan);
    assert_eq!(server.messages(), 1, "all pings were taken: {report}");
    let read = server.seen.connections.load(Ordering::SeqCst);
    // What the sockets hold, and a little more.
    assert!((1 << 16..32 << 20).contains(&read), "{read} bytes of {} were pongs", PINGS * 131);
}
