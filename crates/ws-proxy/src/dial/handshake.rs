//! The opening handshake of [RFC 6455, section 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1), as a client.
//!
//! hyper does it: an upstream may choose no subprotocol, its refusal has a body, and what it sends right behind its 101 is not
//! lost. No extension is ever offered.

use std::error::Error as _;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{Builder, Connection};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{Answer, Request, UpstreamStream};
use crate::headers::{end_to_end, has_token, values};
use crate::url::UpstreamUrl;
use crate::{ProxyError, UpstreamRefusal};

/// The most of a refusal's body that is passed on.
const MAX_BODY: usize = 64 * 1024;
/// How long a refusal's body may take; what has come by then is passed on.
const BODY_TIMEOUT: Duration = Duration::from_secs(1);
/// The most that an upstream's head may take.
const MAX_HEAD: usize = 64 * 1024;

/// A stream on which frames can be spoken.
pub(super) struct Opened {
    pub(super) stream: UpstreamStream,
    /// What came behind the handshake already.
    pub(super) read: Bytes,
    pub(super) answer: Answer,
}

pub(super) async fn open(stream: UpstreamStream, request: &Request) -> Result<Opened, ProxyError> {
    let url = &*request.url;
    let failed = |error: hyper::Error| from_hyper(error, url);
    let key = generate_key();
    let head = head(request, &key).map_err(|problem| ProxyError::Handshake { url: url.to_string(), problem })?;

    let mut builder = Builder::new();
    builder.title_case_headers(true).max_buf_size(MAX_HEAD);
    // Kept until the end: without it, hyper would take the connection for done.
    let (mut requests, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let mut carrier = Carrier { connection, is_done: false };
    let response = {
        let mut response = pin!(requests.send_request(head));
        poll_fn(|cx| {
            // A failure of it is the response's, too.
            let _ = carrier.poll(cx);
            response.as_mut().poll(cx)
        })
        .await
        .map_err(failed)?
    };
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let (head, body) = response.into_parts();
        let body = read_body(body, &mut carrier).await;
        let refusal = UpstreamRefusal { status: head.status, headers: end_to_end(&head.headers), body };
        return Err(ProxyError::Refused { url: url.to_string(), refusal: Box::new(refusal) });
    }
    let answer = check(response.headers(), request, &key)
        .map_err(|problem| ProxyError::Handshake { url: url.to_string(), problem })?;
    poll_fn(|cx| carrier.poll(cx)).await.map_err(failed)?;
    let parts = carrier.connection.into_parts();
    Ok(Opened { stream: parts.io.into_inner(), read: parts.read_buf, answer })
}

/// Moves the bytes of an HTTP connection, for as long as it is one.
struct Carrier {
    connection: Connection<TokioIo<UpstreamStream>, String>,
    is_done: bool,
}

impl Carrier {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        if self.is_done {
            return Poll::Ready(Ok(()));
        }
        let done = ready!(self.connection.poll_without_shutdown(cx));
        self.is_done = true;
        Poll::Ready(done)
    }
}

fn head(request: &Request, key: &str) -> Result<http::Request<String>, String> {
    let url = &*request.url;
    let mut head = http::Request::new(String::new());
    *head.uri_mut() = url.target().parse().map_err(|error: http::uri::InvalidUri| error.to_string())?;
    let headers = head.headers_mut();
    *headers = request.headers.clone();
    let value = |text: &str| HeaderValue::from_str(text).map_err(|error| error.to_string());
    headers.insert(header::HOST, value(url.authority())?);
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    headers.insert(header::SEC_WEBSOCKET_KEY, value(key)?);
    if let Some(subprotocols) = &request.subprotocols {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, subprotocols.clone());
    }
    if let Some(credentials) = &url.credentials
        && !headers.contains_key(header::AUTHORIZATION)
    {
        headers.insert(header::AUTHORIZATION, credentials.clone());
    }
    Ok(head)
}

/// What RFC 6455, section 4.1, demands of the answer.
fn check(headers: &HeaderMap, request: &Request, key: &str) -> Result<Answer, String> {
    if !has_token(headers, &header::UPGRADE, "websocket") || !has_token(headers, &header::CONNECTION, "upgrade") {
        return Err("its 101 does not upgrade to `websocket`".to_owned());
    }
    let accept = headers.get(header::SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
    if accept != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
        return Err("its Sec-WebSocket-Accept is not the answer to our key".to_owned());
    }
    if let Some(extension) = values(headers, &header::SEC_WEBSOCKET_EXTENSIONS).next() {
        return Err(format!("it uses the extension `{extension}`, which was not offered"));
    }
    let mut chosen = values(headers, &header::SEC_WEBSOCKET_PROTOCOL);
    let subprotocol = chosen.next().map(str::to_owned);
    if let Some(subprotocol) = &subprotocol {
        let offered = request.subprotocols.as_ref().and_then(|offered| offered.to_str().ok()).unwrap_or_default();
        if chosen.next().is_some() || !offered.split(',').any(|offered| offered.trim() == subprotocol) {
            return Err(format!("it chose the subprotocol `{subprotocol}`, which was not offered"));
        }
    }
    Ok(Answer { subprotocol, headers: end_to_end(headers) })
}

/// Collects a body as far as it may go; where it breaks off, what has come is the body.
async fn read_body(mut body: Incoming, carrier: &mut Carrier) -> Bytes {
    let mut collected = BytesMut::new();
    let collecting = async {
        while collected.len() < MAX_BODY {
            let frame = poll_fn(|cx| {
                let _ = carrier.poll(cx);
                Pin::new(&mut body).poll_frame(cx)
            });
            match frame.await.map(|frame| frame.map(|frame| frame.into_data())) {
                Some(Ok(Ok(data))) => collected.extend_from_slice(&data),
                Some(Ok(Err(_))) => {}
                Some(Err(_)) | None => return,
            }
        }
    };
    let _ = timeout(BODY_TIMEOUT, collecting).await;
    collected.truncate(MAX_BODY);
    collected.freeze()
}

fn from_hyper(error: hyper::Error, url: &UpstreamUrl) -> ProxyError {
    let url = url.to_string();
    let is_lost = error.is_incomplete_message()
        || error.is_canceled()
        || error.is_closed()
        || error.source().is_some_and(|source| source.is::<io::Error>());
    if is_lost {
        return ProxyError::Lost { url };
    }
    ProxyError::Handshake { url, problem: error.to_string() }
}
