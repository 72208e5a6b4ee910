//! A03, A06, A07: latency over real sockets: never early, in order. The exact times are tested beside the session.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use ws_conditions::{Conditions, LatencyInjector, LatencyProfile};
use ws_server::{WsConfig, WsServer, router_with_latency, start_with_latency};
use ws_testing::{TestClient, TestServer};

use crate::eventually::eventually;
use crate::serving::serve;

const LATE: Duration = Duration::from_millis(500);

fn late() -> LatencyProfile {
    LatencyProfile::new(500, 0)
}

/// How long ten echoes take that are asked for at once; they come in order.
async fn ten_echoes(client: &mut TestClient) -> Duration {
    let start = Instant::now();
    for n in 0..10 {
        client.send_text(&n.to_string()).await.unwrap();
    }
    for n in 0..10 {
        assert_eq!(client.recv_text().await.unwrap(), format!("echo: {n}"));
    }
    start.elapsed()
}

/// A03: what is under way at the same time is late at the same time: ten messages are not ten times as late.
#[tokio::test]
async fn a_router_delays_messages() {
    let server = TestServer::new(router_with_latency(LatencyInjector::new(late(), Default::default()))).await;
    let took = ten_echoes(&mut server.connect("/ws").await.unwrap()).await;
    assert!((LATE..LATE * 8).contains(&took), "{took:?}");
    let start = Instant::now();
    let mut client = server.connect("/ws/b").await.unwrap();
    client.send_text("x").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "echo: x");
    assert!(start.elapsed() >= LATE);
}

/// A06: a path has a latency of its own.
#[tokio::test]
async fn a_path_has_its_own_latency() {
    let profile = LatencyProfile::new(0, 0).with_tag_override("/ws/slow", 500);
    let server = TestServer::new(router_with_latency(LatencyInjector::new(profile, Default::default()))).await;
    assert!(ten_echoes(&mut server.connect("/ws/slow").await.unwrap()).await >= LATE);
    // A hundred echoes one after the other: were each late by half a second, they would take fifty.
    let mut quick = server.connect("/ws/quick").await.unwrap();
    let start = Instant::now();
    for _ in 0..100 {
        quick.send_text("x").await.unwrap();
        quick.recv_text().await.unwrap();
    }
    assert!(start.elapsed() < LATE * 100);
}

/// Bandwidth paces bytes on a socket, too.
#[tokio::test]
async fn bandwidth_takes_its_time() {
    let conditions: Conditions =
        serde_json::from_str(r#"{ "bandwidth_out": { "bytes_per_second": 100000, "burst": 10000 } }"#).unwrap();
    let config = WsConfig { conditions: Some(conditions), raw_echo: true, ..WsConfig::default() };
    let server = serve(WsServer::builder().config(config)).await;
    let mut client = server.connect("/ws").await.unwrap();
    let start = Instant::now();
    client.send_text(&"x".repeat(60_000)).await.unwrap();
    assert_eq!(client.recv_text().await.unwrap().len(), 60_000);
    assert!(start.elapsed() >= LATE, "{:?}", start.elapsed());
}

/// A07: it listens on all addresses of the machine; a port that is taken is named.
#[tokio::test]
async fn start_with_latency_listens_everywhere_or_names_the_port() {
    let taken = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = start_with_latency(port, None).await.unwrap_err().to_string();
    assert!(error.contains(&port.to_string()), "{error}");
    drop(taken);

    // Another address of the loopback network than the one that everything else listens on.
    let elsewhere = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), port));
    let serving = tokio::spawn(start_with_latency(port, Some(late())));
    eventually("it listens", || std::net::TcpStream::connect(elsewhere).is_ok()).await;
    let mut client = TestClient::connect(&format!("ws://{elsewhere}/ws")).await.unwrap();
    assert!(ten_echoes(&mut client).await >= LATE);
    let error = start_with_latency(port, None).await.unwrap_err().to_string();
    assert!(error.contains(&port.to_string()), "{error}");
    assert!(!serving.is_finished());
    serving.abort();
}
