//! Opening connections: TCP, the upgrade request and its answer (RFC 6455, section 4).
//!
//! It blocks, a batch at a time: the whole batch is asked for before the first answer is read, so the server always
//! has work waiting, and the sockets are handed on before any traffic starts.

use std::{
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

/// Opens `count` WebSocket connections to `path`, all of them or none.
pub(crate) fn open(address: SocketAddr, path: &str, count: usize) -> Result<Vec<TcpStream>> {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    );
    let mut open = Vec::with_capacity(count);
    while open.len() < count {
        let batch = open.len()..count.min(open.len() + BATCH);
        for _ in batch.clone() {
            let mut stream = TcpStream::connect(address).with_context(|| format!("connection {}", open.len()))?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(request.as_bytes())?;
            open.push(stream);
        }
        for stream in &mut open[batch] {
            read_answer(stream).context("handshake")?;
        }
    }
    Ok(open)
}

fn read_answer(stream: &mut TcpStream) -> Result<()> {
    let mut answer = Vec::with_capacity(512);
    let mut chunk = [0; 1024];
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        ensure!(answer.len() < 8192, "the head of the answer does not end");
        let read = stream.read(&mut chunk)?;
        ensure!(read > 0, "the server closed the connection");
        answer.extend_from_slice(&chunk[..read]);
    }
    check_answer(&answer)
}

fn check_answer(answer: &[u8]) -> Result<()> {
    let answer = std::str::from_utf8(answer).context("the head of the answer is not text")?;
    let lowercase = answer.to_ascii_lowercase();
    ensure!(answer.ends_with("\r\n\r\n"), "the server sent something before it was asked: {answer}");
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
            (good.clone() + "\u{1}", "before it was asked"),
        ] {
            let error = check_answer(bad.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
