//! Bandwidth and drip, to the byte and the millisecond.

use super::*;

/// Sends back what it gets.
struct Echo;

#[async_trait]
impl WsHandler for Echo {
    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        ctx.send(msg).await
    }
}

fn at_pace(conditions: &str) -> WsConfig {
    let conditions = Some(serde_json::from_str(conditions).unwrap());
    WsConfig { conditions, heartbeat_interval: Duration::ZERO, ..WsConfig::default() }
}

/// A masked binary message of 100 bytes on the wire, and its echo of 96.
async fn say_100_bytes(transport: &mut DuplexStream) {
    transport.write_all(&[&[0x82, 0x80 | 94, 0, 0, 0, 0], &[7; 94][..]].concat()).await.unwrap();
}

const ECHO: usize = 96;

/// When each of `count` bytes came, in milliseconds.
async fn arrivals(transport: &mut DuplexStream, start: Instant, count: usize) -> Vec<u128> {
    let mut times = Vec::new();
    for _ in 0..count {
        times.push(read(transport, start, 1).await.0.as_millis());
    }
    times
}

#[tokio::test(start_paused = true)]
async fn bandwidth_to_the_client_is_what_it_says() {
    let config = at_pace(r#"{ "bandwidth_out": { "bytes_per_second": 100, "burst": 6 } }"#);
    let (mut transport, rest) = start(config, Echo).await.silent();
    say_100_bytes(&mut transport).await;
    let times = arrivals(&mut transport, rest.start, ECHO).await;
    // The burst, then a hundred a second: never more than it may be, and all in time.
    for (nth, time) in times.iter().enumerate() {
        let earliest = (nth as u128 + 1).saturating_sub(6) * 10;
        assert!((earliest..=earliest + 20).contains(time), "byte {nth} at {time} ms");
    }
    assert_eq!((times[5], times[ECHO - 1]), (0, 900));
}

#[tokio::test(start_paused = true)]
async fn bandwidth_from_the_client_is_what_it_says() {
    let config = at_pace(r#"{ "bandwidth_in": { "bytes_per_second": 100, "burst": 10 } }"#);
    let (mut transport, rest) = start(config, Echo).await.silent();
    say_100_bytes(&mut transport).await;
    assert_eq!(read(&mut transport, rest.start, ECHO).await.0, Duration::from_millis(900));
}

#[tokio::test(start_paused = true)]
async fn a_drip_drips() {
    let config = at_pace(r#"{ "drip": { "bytes": 10, "every_ms": 50 } }"#);
    let (mut transport, rest) = start(config, Echo).await.silent();
    say_100_bytes(&mut transport).await;
    let times = arrivals(&mut transport, rest.start, ECHO).await;
    let expected: Vec<_> = (0..ECHO as u128).map(|nth| nth / 10 * 50).collect();
    assert_eq!(times, expected);
}

/// A client that goes is noticed, and the rest is not sent to nobody for hours.
#[tokio::test(start_paused = true)]
async fn a_paced_connection_ends_with_its_client() {
    let config = at_pace(r#"{ "drip": { "bytes": 1, "every_ms": 60000 } }"#);
    let (mut transport, rest) = start(config, Echo).await.silent();
    say_100_bytes(&mut transport).await;
    assert_eq!(read(&mut transport, rest.start, 2).await.0, 60 * SECOND);
    drop(transport);
    let (time, status) = rest.ended().await;
    assert_eq!((time, status), (60 * SECOND, EndStatus::Error));
}

/// A shutdown waits no longer for a slow line than for a slow client.
#[tokio::test(start_paused = true)]
async fn a_closing_handshake_over_a_slow_line_is_bounded() {
    let config = at_pace(r#"{ "drip": { "bytes": 1, "every_ms": 60000 } }"#);
    let running = start(config, Echo).await;
    let shared = Arc::clone(&running.shared);
    let (mut transport, rest) = running.silent();
    say_100_bytes(&mut transport).await;
    assert_eq!(read(&mut transport, rest.start, 1).await.0, Duration::ZERO);
    shared.start_shutdown();
    assert_eq!(rest.ended().await, (5 * SECOND, EndStatus::Shutdown));
}
