//! The load against servers that are honest, and servers that are not: each lie has to end the run.

use std::{
    io::Write,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use tokio_tungstenite::tungstenite::{self, Bytes};

use super::*;
use crate::process::Probe;

const TIMING: Timing = Timing { warm_up: Duration::from_millis(20), measured: Duration::from_millis(60) };

/// A server with a blocking thread for each connection. `answer` gets the raw stream, how many messages came before
/// on this connection, and the message. The threads end with their connections.
fn serve(answer: impl Fn(&mut TcpStream, usize, Bytes) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = Arc::clone(&answer);
            thread::spawn(move || {
                let mut raw = stream.try_clone().unwrap();
                let Ok(mut socket) = tungstenite::accept(stream) else { return };
                let mut before = 0;
                while let Ok(message) = socket.read() {
                    if message.is_text() {
                        answer(&mut raw, before, message.into_data());
                        before += 1;
                    }
                }
            });
        }
    });
    address
}

fn send(stream: &mut TcpStream, payload: &[u8]) {
    let frame = [&[0x81, payload.len() as u8], payload].concat();
    // The load may have gone already.
    let _ = stream.write_all(&frame);
}

fn echo(address: SocketAddr) -> anyhow::Result<Traffic> {
    Echo { connections: 4, bytes: 32, in_flight: 3 }.run(address, &Probe::new(std::process::id()), TIMING)
}

fn broadcast(address: SocketAddr) -> anyhow::Result<Traffic> {
    Broadcast { members: 5, bytes: 32, outstanding: 4 }.run(address, &Probe::new(std::process::id()), TIMING)
}

/// A room whose member `deaf` misses every tenth message.
fn room(deaf: Option<usize>) -> SocketAddr {
    let members: Mutex<Vec<TcpStream>> = Mutex::default();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let members = Arc::new(members);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let raw = stream.try_clone().unwrap();
            let Ok(mut socket) = tungstenite::accept(stream) else { return };
            members.lock().unwrap().push(raw);
            let members = Arc::clone(&members);
            thread::spawn(move || {
                let mut count = 0;
                while let Ok(message) = socket.read() {
                    for (index, member) in members.lock().unwrap().iter_mut().enumerate() {
                        if deaf != Some(index) || count % 10 != 9 {
                            send(member, &message.clone().into_data());
                        }
                    }
                    count += 1;
                }
            });
        }
    });
    address
}

#[track_caller]
fn assert_fails<T>(result: anyhow::Result<T>, why: &str) {
    let error = format!("{:#}", result.err().expect("a lie went unseen"));
    assert!(error.contains(why), "{error}");
}

#[test]
fn an_honest_echo_is_measured() {
    let traffic = echo(serve(|stream, _, message| send(stream, &message))).unwrap();
    assert!(traffic.events > 0);
    assert!(traffic.seconds >= TIMING.measured.as_secs_f64());
    let trip = traffic.round_trip.unwrap();
    assert!(trip.p50_us <= trip.p99_us && trip.p99_us > 0);
}

#[test]
fn a_wrong_answer_fails() {
    let lies = |stream: &mut TcpStream, before, message: Bytes| {
        let mut message = message.to_vec();
        if before == 20 {
            message[31] ^= 1;
        }
        send(stream, &message);
    };
    assert_fails(echo(serve(lies)), "expected message");
}

#[test]
fn an_answer_that_comes_twice_fails() {
    let twice = |stream: &mut TcpStream, before, message: Bytes| {
        send(stream, &message);
        if before == 20 {
            send(stream, &message);
        }
    };
    assert_fails(echo(serve(twice)), "expected message");
}

#[test]
fn a_lost_answer_fails() {
    let lossy = |stream: &mut TcpStream, before, message: Bytes| {
        if before != 20 {
            send(stream, &message);
        }
    };
    assert_fails(echo(serve(lossy)), "expected message");
}

#[test]
fn a_connection_that_ends_fails() {
    let quits = |stream: &mut TcpStream, before, message: Bytes| {
        send(stream, &message);
        if before == 20 {
            stream.shutdown(Shutdown::Both).unwrap();
        }
    };
    let error = format!("{:#}", echo(serve(quits)).unwrap_err());
    assert!(
        ["closed the connection", "Broken pipe", "Connection reset"].iter().any(|why| error.contains(why)),
        "{error}"
    );
}

#[test]
fn a_ping_is_answered_and_no_message() {
    let pings = |stream: &mut TcpStream, _, message: Bytes| {
        let _ = stream.write_all(&[0x89, 2, b'h', b'i']);
        send(stream, &message);
    };
    assert!(echo(serve(pings)).unwrap().events > 0);
}

#[test]
fn a_ping_in_json_wants_its_pong() {
    let pings = |address| Ping { connections: 4 }.run(address, &Probe::new(std::process::id()), TIMING);
    let pong = |stream: &mut TcpStream, _, message: Bytes| {
        let ping = String::from_utf8(message.to_vec()).unwrap();
        send(stream, ping.replace("ping", "pong").as_bytes());
    };
    assert!(pings(serve(pong)).unwrap().events > 0);
    let echo = serve(|stream, _, message| send(stream, &message));
    assert_fails(pings(echo), r#"expected {"type":"pong","n":"#);
}

#[test]
fn a_room_is_measured_in_deliveries() {
    let traffic = broadcast(room(None)).unwrap();
    assert!(traffic.events > 0);
}

#[test]
fn a_member_that_misses_a_message_fails() {
    assert_fails(broadcast(room(Some(3))), "on connection 3: expected message");
}

#[test]
fn connections_come_and_go() {
    let address = serve(|_, _, _| ());
    let traffic = Connect { count: 30 }.run(address, &Probe::new(std::process::id())).unwrap();
    assert_eq!(traffic.events, 30);
}

#[test]
fn idle_connections_have_to_answer() {
    let probe = Probe::new(std::process::id());
    Idle { connections: 20 }.run(serve(|stream, _, message| send(stream, &message)), &probe).unwrap();
    let hangs_up = |stream: &mut TcpStream, before, message: Bytes| {
        send(stream, &message);
        if before == 0 {
            stream.shutdown(Shutdown::Both).unwrap();
        }
    };
    assert!(Idle { connections: 20 }.run(serve(hangs_up), &probe).is_err());
}
