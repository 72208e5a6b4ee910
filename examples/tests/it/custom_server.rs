//! The example `custom-server`: the crates below the facade.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::program::{Program, cargo_run, why_not};

#[tokio::test]
async fn it_answers_by_patterns() {
    let server = Program::start("custom-server", &[]).await;
    let mut client = server.connect("/ws").await;
    for (question, answer) in
        [("ping", "pong"), ("Hello you", "Hi there!"), (r#"{"type":"subscribe"}"#, r#"{"type":"subscribed"}"#)]
    {
        // What has no answer stays without one.
        client.send_text("something else").await.unwrap();
        client.send_text(question).await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), answer);
    }
}

#[tokio::test]
async fn a_path_is_a_room_and_the_counts_are_right() {
    let server = Program::start("custom-server", &[]).await;
    let mut clients = Vec::new();
    for path in ["/ws/rooms/blue", "/ws/rooms/blue", "/ws/rooms/red"] {
        let mut client = server.connect(path).await;
        let room = path.rsplit('/').next().unwrap();
        assert_eq!(client.recv_text().await.unwrap(), format!("You are in room {room}"));
        clients.push(client);
    }
    clients[0].send_text("who is here?").await.unwrap();
    for client in &mut clients[..2] {
        assert_eq!(client.recv_text().await.unwrap(), "who is here?");
    }
    // The other room hears only its own.
    clients[2].send_text("red").await.unwrap();
    assert_eq!(clients[2].recv_text().await.unwrap(), "red");

    let metrics = get(server.host(), "/metrics").await;
    assert!(metrics.contains("\nmockforge_ws_connections_active 3\n"), "{metrics}");
    assert!(metrics.contains("\nmockforge_ws_messages_sent_total 6\n"), "{metrics}");
}

#[tokio::test]
async fn a_taken_port_is_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut command = cargo_run("custom-server");
    command.env("MOCKFORGE_WS_PORT", &port);
    let said = why_not(command).await;
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with(&format!("error: port {port} is in use")), "{said}");
    assert!(said.contains("MOCKFORGE_WS_PORT"), "{said}");
}

async fn get(host: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
