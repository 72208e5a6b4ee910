//! What a handshake asks for, and how many are under way.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::{accept_async, accept_hdr_async};

use crate::server::{Server, run};

#[test]
fn subprotocols_and_headers_are_sent() {
    let (sender, requests) = channel();
    let sender = Mutex::new(sender);
    let server = Server::serving(move |stream, _| {
        let sender = sender.lock().unwrap().clone();
        async move {
            let answer = |request: &Request, mut response: Response| {
                response.headers_mut().insert("sec-websocket-protocol", "b".parse().unwrap());
                let _ = sender.send((request.uri().to_string(), request.headers().clone()));
                Ok(response)
            };
            if let Ok(mut socket) = accept_hdr_async(stream, answer).await {
                while let Some(Ok(_)) = socket.next().await {}
            }
        }
    });
    let mut plan = server.plan(2);
    plan.targets = vec![format!("ws://{}/chat?room=1", server.address()).parse().unwrap()];
    plan.subprotocols = ["a", "b"].map(str::to_owned).to_vec();
    plan.headers = [("Host", "virtual.test"), ("X-Two", "1"), ("X-Two", "2")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
    (plan.messages, plan.duration, plan.answers) = (Some(1), None, ws_load::Answers::None);
    let report = run(plan);
    assert_eq!((report.sessions(), report.failures().count()), (2, 0), "{report}");
    drop(server);
    let mut keys = Vec::new();
    for (path, headers) in requests {
        let all = |name| headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
        assert_eq!(path, "/chat?room=1");
        assert_eq!((all("host"), all("x-two")), (vec!["virtual.test"], vec!["1", "2"]));
        assert_eq!(all("sec-websocket-protocol"), ["a, b"]);
        keys.push(all("sec-websocket-key").concat());
    }
    assert_eq!(keys.len(), 2);
    assert_ne!(keys[0], keys[1]);
}

#[test]
fn a_thread_has_sixty_four_handshakes_under_way_and_no_more() {
    let (under_way, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let (opened, gate) = watch::channel(false);
    let opened = Arc::new(opened);
    let server = Server::serving(move |stream, _| {
        let (under_way, most, opened, mut gate) =
            (Arc::clone(&under_way), Arc::clone(&most), Arc::clone(&opened), gate.clone());
        async move {
            let _ = stream.readable().await;
            let now = under_way.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(now, Ordering::SeqCst);
            if now == 64 {
                // Whoever else would come now has the time to.
                tokio::time::sleep(Duration::from_millis(200)).await;
                opened.send_replace(true);
            }
            let _ = gate.wait_for(|is_open| *is_open).await;
            under_way.fetch_sub(1, Ordering::SeqCst);
            let Ok(mut socket) = accept_async(stream).await else { return };
            while let Some(Ok(_)) = socket.next().await {}
        }
    });
    let mut plan = server.plan(100);
    plan.threads = 1;
    (plan.messages, plan.duration, plan.answers) = (Some(1), None, ws_load::Answers::None);
    let report = run(plan);
    assert_eq!((report.sessions(), report.failures().count()), (100, 0), "{report}");
    assert_eq!(seen.load(Ordering::SeqCst), 64, "{report}");
}
