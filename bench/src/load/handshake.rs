//! Opening connections: TCP, the upgrade request and its answer (RFC 6455, section 4).
//!
//! It blocks, a batch at a time: the whole batch is asked for before the first answer is read, so the server always
//! has work waiting, and the sockets are handed on before any traffic starts.

use std::{
    fmt::Display,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use anyhow::{Context, Result, ensure};

use super::PATIENCE;

/// How many handshakes are under way at once.
pub(crate) const BATCH: usize = 64;

/// The key and its answer from RFC 6455, section 1.3: every server must derive the same one.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A connection, upgraded.
pub(crate) struct Opened {
    pub(crate) stream: TcpStream,
    /// What came right behind the answer.
    pub(crate) early: Vec<u8>,
}

impl Opened {
    /// The connection, if the server waits until it is asked.
    pub(crate) fn silent(self) -> Result<TcpStream> {
        ensure!(self.early.is_empty(), "the server sent {} bytes before it was asked", self.early.len());
        Ok(self.stream)
    }
}

/// Opens `count` WebSocket connections, all of them or none, each to the path that its number has.
pub(crate) fn open<P: Display>(address: SocketAddr, count: usize, path: impl Fn(usize) -> P) -> Result<Vec<Opened>> {
    let mut open = Vec::with_capacity(count);
    while open.len() < count {
        let batch = open.len()..count.min(open.len() + BATCH);
        for number in batch.clone() {
            let mut stream = TcpStream::connect(address).with_context(|| format!("connection {number}"))?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(request(address, path(number)).as_bytes())?;
            open.push(Opened { stream, early: Vec::new() });
        }
        for opened in &mut open[batch] {
            opened.early = read_answer(&mut opened.stream).context("handshake")?;
        }
    }
    Ok(open)
}

fn request(address: SocketAddr, path: impl Display) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    )
}

/// Reads and checks the answer, and returns what came behind it.
fn read_answer(stream: &mut TcpStream) -> Result<Vec<u8>> {
    const END: &[u8] = b"\r\n\r\n";
    let mut answer = Vec::with_capacity(512);
    let mut chunk = [0; 1024];
    let end = loop {
        if let Some(end) = answer.windows(END.len()).position(|end| end == END) {
            break end + END.len();
        }
        ensure!(answer.len() < 8192, "the head of the answer does not end");
        let read = stream.read(&mut chunk)?;
        ensure!(read > 0, "the server closed the connection");
        answer.extend_from_slice(&chunk[..read]);
    };
    let early = answer.split_off(end);
    check_answer(&answer)?;
    Ok(early)
}

fn check_answer(answer: &[u8]) -> Result<()> {
    let answer = std::str::from_utf8(answer).context("the head of the answer is not text")?;
    let lowercase = answer.to_ascii_lowercase();
    ensure!(lowercase.starts_with("http/1.1 101 "), "the server did not upgrade: {answer}");
    ensure!(
        answer.lines().any(|line| line.split_once(':').is_some_and(|(name, value)| {
            name.eq_ignore_ascii_case("sec-websocket-accept") && value.trim() == ACCEPT
        })),
        "wrong Sec-WebSocket-Accept: {answer}"
    );
    ensure!(!lowercase.contains("sec-websocket-extensions"), "the server took an extension: {answer}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_true_upgrade_is_taken() {
        let good = format!("HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: {ACCEPT}\r\n\r\n");
        check_answer(good.as_bytes()).unwrap();
        for (bad, why) in [
            (good.replace("101", "200"), "did not upgrade"),
            (good.replace(ACCEPT, "AAAA"), "wrong Sec-WebSocket-Accept"),
            (good.replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"), "extension"),
        ] {
            let error = check_answer(bad.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn what_comes_early_is_kept_or_refused() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut stream = stream;
                let answer = format!("HTTP/1.1 101 Go\r\nSec-WebSocket-Accept: {ACCEPT}\r\n\r\nearly");
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        let mut opened = open(address, 1, |_| "/").unwrap();
        assert_eq!(opened[0].early, b"early");
        let error = opened.remove(0).silent().unwrap_err().to_string();
        assert!(error.contains("before it was asked"), "{error}");
    }
}
