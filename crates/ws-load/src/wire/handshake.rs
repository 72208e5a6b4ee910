//! The opening handshake (RFC 6455, section 4.1), over any stream.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// More than an answer may have before its body.
const LARGEST_HEAD: usize = 64 << 10;
/// How much of a refusal's body is read, to say why.
const LARGEST_BODY: usize = 1 << 10;
/// How long such a body is waited for.
const BODY_PATIENCE: Duration = Duration::from_millis(500);
const MOST_HEADERS: usize = 128;
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Another status than 101, and the first line of its body.
    Status(u16, String),
    /// What is no answer to a handshake.
    Broken(String),
    /// The connection failed.
    Io(std::io::Error),
}

/// A request, but for its key.
#[derive(Clone, Debug)]
pub(crate) struct Handshake {
    head: String,
    subprotocols: Vec<String>,
}

impl Handshake {
    /// `headers` are added as they stand; of those that the handshake needs itself, only `Host` may be among them.
    pub(crate) fn new(authority: &str, path: &str, subprotocols: &[String], headers: &[(String, String)]) -> Self {
        let mut head = format!("GET {path} HTTP/1.1\r\n");
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            head.push_str(&format!("Host: {authority}\r\n"));
        }
        head.push_str("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n");
        if !subprotocols.is_empty() {
            head.push_str(&format!("Sec-WebSocket-Protocol: {}\r\n", subprotocols.join(", ")));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        Self { head, subprotocols: subprotocols.to_vec() }
    }

    /// Shakes hands; gives back what came behind the answer: the first bytes of frames.
    ///
    /// # Errors
    /// If the server refuses, or its answer is none.
    pub(crate) async fn shake<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        nonce: u128,
    ) -> Result<Vec<u8>, Refusal> {
        let key = STANDARD.encode(nonce.to_ne_bytes());
        let request = format!("{}Sec-WebSocket-Key: {key}\r\n\r\n", self.head);
        stream.write_all(request.as_bytes()).await.map_err(Refusal::Io)?;
        stream.flush().await.map_err(Refusal::Io)?;
        let mut bytes = Vec::with_capacity(1 << 10);
        loop {
            if stream.read_buf(&mut bytes).await.map_err(Refusal::Io)? == 0 {
                return Err(Refusal::Broken("it hung up before it had answered".to_owned()));
            }
            let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
            let mut answer = httparse::Response::new(&mut headers);
            match answer.parse(&bytes) {
                Ok(httparse::Status::Complete(length)) => {
                    let refused = self.judge(&answer, &key)?;
                    let rest = bytes.split_off(length);
                    return match refused {
                        None => Ok(rest),
                        Some(status) => Err(Refusal::Status(status, reason(stream, rest).await)),
                    };
                }
                Ok(httparse::Status::Partial) if bytes.len() > LARGEST_HEAD => {
                    return Err(Refusal::Broken("an answer with more than 64 KiB of headers".to_owned()));
                }
                Ok(httparse::Status::Partial) => {}
                Err(error) => return Err(Refusal::Broken(format!("an answer that is not HTTP: {error}"))),
            }
        }
    }

    /// The status with which it was refused, if it was.
    fn judge(&self, answer: &httparse::Response<'_, '_>, key: &str) -> Result<Option<u16>, Refusal> {
        let header = |name: &str| {
            let header = answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
            std::str::from_utf8(header.value).ok()
        };
        let broken = |what: &str| Err(Refusal::Broken(what.to_owned()));
        if answer.code != Some(101) {
            return Ok(answer.code);
        }
        if !header("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket")) {
            return broken("an answer without `Upgrade: websocket`");
        }
        let mut options = header("connection").unwrap_or_default().split(',');
        if !options.any(|option| option.trim().eq_ignore_ascii_case("upgrade")) {
            return broken("an answer without `Connection: Upgrade`");
        }
        if header("sec-websocket-accept") != Some(accept(key).as_str()) {
            return broken("a wrong Sec-WebSocket-Accept");
        }
        if header("sec-websocket-extensions").is_some_and(|value| !value.trim().is_empty()) {
            return broken("an extension that was not offered");
        }
        match header("sec-websocket-protocol") {
            Some(chosen) if !self.subprotocols.iter().any(|offered| offered == chosen) => {
                broken("a subprotocol that was not offered")
            }
            None if !self.subprotocols.is_empty() => broken("none of the subprotocols was accepted"),
            _ => Ok(None),
        }
    }
}

/// The first line of a refusal's body, as far as it comes without waiting for its end.
async fn reason<S: AsyncRead + Unpin>(stream: &mut S, mut body: Vec<u8>) -> String {
    if body.is_empty() {
        body.resize(LARGEST_BODY, 0);
        // There need not be one, and the connection may be kept open.
        let read = timeout(BODY_PATIENCE, stream.read(&mut body)).await.map_or(0, |read| read.unwrap_or(0));
        body.truncate(read);
    }
    body.truncate(LARGEST_BODY);
    let text = String::from_utf8_lossy(&body);
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().chars().take(200).collect()
}

fn accept(key: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(key.as_bytes());
    hash.update(GUID);
    STANDARD.encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    async fn shake(subprotocols: &[&str], answer: impl Fn(&str) -> String) -> Result<Vec<u8>, Refusal> {
        let (mut near, mut far) = duplex(4096);
        let subprotocols: Vec<_> = subprotocols.iter().map(|name| (*name).to_owned()).collect();
        let headers = [("Authorization".to_owned(), "Bearer x".to_owned())];
        let handshake = Handshake::new("localhost:1", "/ws?a=b", &subprotocols, &headers);
        let server = async {
            let mut request = vec![0; 1024];
            let length = far.read(&mut request).await.unwrap();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            assert!(request.starts_with("GET /ws?a=b HTTP/1.1\r\nHost: localhost:1\r\n"), "{request}");
            assert!(request.contains("\r\nAuthorization: Bearer x\r\n"), "{request}");
            let key = request.split("Sec-WebSocket-Key: ").nth(1).unwrap().split('\r').next().unwrap();
            far.write_all(answer(key).as_bytes()).await.unwrap();
            drop(far);
        };
        tokio::join!(handshake.shake(&mut near, 7), server).0
    }

    fn switching(key: &str, more: &str) -> String {
        let accept = accept(key);
        format!(
            "HTTP/1.1 101 X\r\nupgrade: WebSocket\r\nconnection: keep-alive, UPGRADE\r\nSec-WebSocket-Accept: {accept}\r\n{more}\r\n"
        )
    }

    #[tokio::test]
    async fn what_comes_behind_the_answer_is_kept() {
        let rest = shake(&["a", "b"], |key| switching(key, "Sec-WebSocket-Protocol: b\r\n") + "\u{1}x").await.unwrap();
        assert_eq!(rest, b"\x01x");
    }

    #[tokio::test]
    async fn wrong_answers_are_told_apart() {
        let wrong_key = |_: &str| switching("x", "");
        for (error, why) in [
            (shake(&[], wrong_key).await, "wrong Sec-WebSocket-Accept"),
            (shake(&["a"], |key| switching(key, "")).await, "none of the subprotocols"),
            (shake(&[], |key| switching(key, "Sec-WebSocket-Protocol: x\r\n")).await, "subprotocol that was not"),
            (shake(&[], |key| switching(key, "Sec-WebSocket-Extensions: x\r\n")).await, "extension"),
            (shake(&[], |key| switching(key, "").replace("keep-alive, UPGRADE", "close")).await, "without `Connection"),
            (shake(&[], |key| switching(key, "").replace("WebSocket", "h2c")).await, "without `Upgrade"),
            (shake(&[], |_| "SSH-2.0\r\n".to_owned()).await, "not HTTP"),
            (shake(&[], |_| String::new()).await, "hung up"),
            (shake(&[], |_| format!("HTTP/1.1 101 X\r\nX: {}", "x".repeat(LARGEST_HEAD))).await, "64 KiB of headers"),
        ] {
            let error = format!("{:?}", error.unwrap_err());
            assert!(error.contains(why), "{error}");
        }
    }

    #[tokio::test]
    async fn a_refusal_has_its_status_and_its_reason() {
        let refused = |_: &str| "HTTP/1.1 503 Busy\r\nContent-Length: 9\r\n\r\ntoo many\n".to_owned();
        let error = format!("{:?}", shake(&[], refused).await.unwrap_err());
        assert_eq!(error, "Status(503, \"too many\")");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_may_have_no_body_and_keep_the_connection() {
        let (mut near, mut far) = duplex(4096);
        far.write_all(b"HTTP/1.1 401 Unauthorized\r\n\r\n").await.unwrap();
        let handshake = Handshake::new("localhost", "/", &[], &[]);
        let error = format!("{:?}", handshake.shake(&mut near, 7).await.unwrap_err());
        assert_eq!(error, "Status(401, \"\")");
    }

    #[test]
    fn the_accept_value_is_the_one_of_the_rfc() {
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
