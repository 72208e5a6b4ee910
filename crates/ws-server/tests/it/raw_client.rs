//! A client that writes bytes: for what no well-behaved client sends, and for reading exactly what comes.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::BytesMut;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long anything may take; it costs only where a test fails.
const PATIENCE: Duration = Duration::from_secs(20);
/// The key of RFC 6455, section 1.3, and what a server makes of it.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// The request of a good handshake.
pub(crate) fn handshake(target: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    )
}

/// A socket with what was read from it and not yet used.
pub(crate) struct RawClient {
    socket: TcpStream,
    unused: BytesMut,
}

impl RawClient {
    /// Connects, and says nothing yet.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).await.unwrap();
        // Each write is a segment of its own.
        socket.set_nodelay(true).unwrap();
        Self { socket, unused: BytesMut::new() }
    }

    /// Connects to `target` by a good handshake.
    pub(crate) async fn open(address: SocketAddr, target: &str) -> Self {
        let mut client = Self::connect(address).await;
        let response = client.request(&handshake(target)).await;
        assert_eq!(response.status, StatusCode::SWITCHING_PROTOCOLS, "{}", response.body);
        client
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Sends a request, and reads its response.
    pub(crate) async fn request(&mut self, request: &str) -> Response {
        self.send_bytes(request.as_bytes()).await;
        self.response().await
    }

    pub(crate) async fn response(&mut self) -> Response {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.extend(self.take(1).await.expect("the connection ended within the head of a response"));
        }
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: HeaderMap = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value.trim()).unwrap()))
            .collect();
        let length =
            headers.get(http::header::CONTENT_LENGTH).map_or(0, |length| length.to_str().unwrap().parse().unwrap());
        let body = self.take(length).await.expect("the connection ended within the body of a response");
        Response { status, headers, body: String::from_utf8(body).unwrap() }
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        timeout(PATIENCE, self.socket.write_all(bytes)).await.expect("the server does not read").unwrap();
    }

    pub(crate) async fn send(&mut self, frame: Frame) {
        self.send_bytes(&frame.encode()).await;
    }

    /// The next frame; `None` when the connection has ended, cleanly or not.
    pub(crate) async fn recv(&mut self) -> Option<Frame> {
        let head = self.take(2).await?;
        let length = match head[1] {
            short @ 0..=125 => usize::from(short),
            126 => usize::from(u16::from_be_bytes(self.take(2).await?.try_into().unwrap())),
            127 => u64::from_be_bytes(self.take(8).await?.try_into().unwrap()).try_into().unwrap(),
            _ => panic!("a server masks no frame"),
        };
        let payload = self.take(length).await?;
        Some(Frame {
            fin: head[0] & 0x80 != 0,
            reserved: head[0] >> 4 & 7,
            opcode: head[0] & 15,
            masked: false,
            payload,
        })
    }

    /// The code of the Close frame that must come next; `None` inside is a Close frame without a code.
    pub(crate) async fn recv_close(&mut self) -> Option<u16> {
        let frame = self.recv().await.expect("the connection ended without a Close frame");
        assert_eq!(frame.opcode, Frame::CLOSE, "no Close frame: {frame:?}");
        frame.payload.first_chunk().map(|code| u16::from_be_bytes(*code))
    }

    /// The bare socket; waiting on it blocks its thread.
    pub(crate) fn into_blocking(self) -> std::net::TcpStream {
        let socket = self.socket.into_std().unwrap();
        socket.set_nonblocking(false).unwrap();
        socket
    }

    /// Ends our half of the connection.
    pub(crate) async fn shutdown(&mut self) {
        self.socket.shutdown().await.unwrap();
    }

    /// Ends the connection with a reset.
    pub(crate) fn reset(self) {
        self.socket.set_zero_linger().unwrap();
    }

    /// Reads `count` bytes; `None` if the connection ends before that.
    pub(crate) async fn take(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.unused.len() < count {
            let read = self.socket.read_buf(&mut self.unused);
            match timeout(PATIENCE, read).await.expect("nothing came from the server") {
                Ok(1..) => {}
                Ok(0) | Err(_) => return None,
            }
        }
        Some(self.unused.split_to(count).into())
    }
}

/// What HTTP answers.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// A frame of RFC 6455, section 5.2, good or bad.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) fin: bool,
    pub(crate) reserved: u8,
    pub(crate) opcode: u8,
    pub(crate) masked: bool,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    pub(crate) const CONTINUATION: u8 = 0;
    pub(crate) const TEXT: u8 = 1;
    pub(crate) const BINARY: u8 = 2;
    pub(crate) const CLOSE: u8 = 8;
    pub(crate) const PING: u8 = 9;
    pub(crate) const PONG: u8 = 10;

    /// A whole message of a client.
    pub(crate) fn new(opcode: u8, payload: impl Into<Vec<u8>>) -> Self {
        Self { fin: true, reserved: 0, opcode, masked: true, payload: payload.into() }
    }

    pub(crate) fn text(text: &str) -> Self {
        Self::new(Self::TEXT, text)
    }

    pub(crate) fn close(code: u16, reason: &[u8]) -> Self {
        Self::new(Self::CLOSE, [&code.to_be_bytes(), reason].concat())
    }

    /// More of the message is to come.
    pub(crate) fn unfinished(self) -> Self {
        Self { fin: false, ..self }
    }

    /// What a server would have sent.
    pub(crate) fn unmasked(self) -> Self {
        Self { masked: false, ..self }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![u8::from(self.fin) << 7 | self.reserved << 4 | self.opcode];
        let mask_bit = u8::from(self.masked) << 7;
        match self.payload.len() {
            short @ 0..=125 => bytes.push(mask_bit | short as u8),
            medium @ 126..=0xffff => {
                bytes.push(mask_bit | 126);
                bytes.extend((medium as u16).to_be_bytes());
            }
            long => {
                bytes.push(mask_bit | 127);
                bytes.extend((long as u64).to_be_bytes());
            }
        }
        if self.masked {
            bytes.extend(MASK);
            bytes.extend(self.payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        } else {
            bytes.extend(&self.payload);
        }
        bytes
    }
}
