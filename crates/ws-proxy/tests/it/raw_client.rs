//! A client that reads the bytes of a Close frame: tungstenite takes code 1014 for a mistake and shows another.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(10);

/// The request of a good handshake.
pub(crate) const HANDSHAKE: &str = "GET /ws HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

pub(crate) struct RawClient {
    socket: TcpStream,
}

impl RawClient {
    /// Connects to `/ws`.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(HANDSHAKE.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await.unwrap());
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
        Self { socket }
    }

    /// Sends a short text.
    pub(crate) async fn send_text(&mut self, text: &str) {
        // Masked with zeros.
        let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0];
        frame.extend_from_slice(text.as_bytes());
        self.socket.write_all(&frame).await.unwrap();
    }

    /// Reads up to the server's Close frame, which must have a code.
    pub(crate) async fn recv_close(&mut self) -> (u16, String) {
        let reading = async {
            loop {
                let opcode = self.socket.read_u8().await.unwrap() & 0xf;
                let length = match self.socket.read_u8().await.unwrap() {
                    126 => self.socket.read_u16().await.unwrap() as usize,
                    length => length as usize,
                };
                let mut payload = vec![0; length];
                self.socket.read_exact(&mut payload).await.unwrap();
                if opcode == 8 {
                    let reason = String::from_utf8(payload.split_off(2)).unwrap();
                    return (u16::from_be_bytes([payload[0], payload[1]]), reason);
                }
            }
        };
        timeout(PATIENCE, reading).await.expect("a Close frame")
    }
}
