//! The opening handshake: what a client asks for, and what a handler may decide on it.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::Extensions;

/// A client's opening handshake, before or after it was accepted.
#[derive(Clone)]
pub struct Handshake {
    target: Box<str>,
    /// The path, if it is another one than it was before it was decoded.
    decoded: Option<Box<str>>,
    headers: HeaderMap,
    peer: Option<SocketAddr>,
    test_id: Option<Box<str>>,
    extensions: Arc<Extensions>,
}

impl Handshake {
    /// A handshake for `target` (path and query as they stand in the request line), with its headers and the peer's address.
    ///
    /// ```
    /// let handshake = ws_core::Handshake::new("/ws/a%20b?room=x%2Fy", Default::default(), None);
    /// assert_eq!(handshake.path(), "/ws/a b");
    /// assert_eq!(handshake.query_param("room").as_deref(), Some("x/y"));
    /// ```
    #[must_use]
    pub fn new(target: impl Into<String>, headers: HeaderMap, peer: Option<SocketAddr>) -> Self {
        let target = target.into().into_boxed_str();
        let decoded = match percent_decode_str(raw_path(&target)).decode_utf8_lossy() {
            Cow::Borrowed(_) => None,
            Cow::Owned(path) => Some(path.into_boxed_str()),
        };
        Self { target, decoded, headers, peer, test_id: None, extensions: Arc::default() }
    }

    /// A handshake for a decoded path, without headers.
    pub(crate) fn of_path(path: String) -> Self {
        const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'#').add(b'%').add(b'?');
        let target = utf8_percent_encode(&path, ESCAPED).to_string().into_boxed_str();
        let decoded = (path != *target).then(|| path.into_boxed_str());
        Self { target, decoded, headers: HeaderMap::new(), peer: None, test_id: None, extensions: Arc::default() }
    }

    /// The same handshake, as one of the test `id`.
    #[must_use]
    pub fn of_test(self, id: impl Into<Box<str>>) -> Self {
        Self { test_id: Some(id.into()), ..self }
    }

    /// The path, percent-decoded once.
    #[must_use]
    pub fn path(&self) -> &str {
        self.decoded.as_deref().unwrap_or_else(|| raw_path(&self.target))
    }

    /// Path and query exactly as the client sent them.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The query as the client sent it, without the `?`.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.target.split_once('?').map(|(_, query)| query)
    }

    /// The first query parameter called `name`, decoded.
    #[must_use]
    pub fn query_param(&self, name: &str) -> Option<Cow<'_, str>> {
        form_urlencoded::parse(self.query()?.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// All headers of the request, but for those of the upgrade itself (such as `Sec-WebSocket-Key`).
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The first header called `name`, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The cookie called `name`, as it was sent.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.values(&header::COOKIE, ';').find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            (key == name).then_some(value)
        })
    }

    /// The subprotocols that the client offers, in its order of preference.
    pub fn offered_subprotocols(&self) -> impl Iterator<Item = &str> {
        self.values(&header::SEC_WEBSOCKET_PROTOCOL, ',').filter(|name| !name.is_empty())
    }

    /// The test that the client says it belongs to. Tests that run at the same time are told apart by it; the words in which
    /// the client said it are in neither query nor headers.
    #[must_use]
    pub fn test_id(&self) -> Option<&str> {
        self.test_id.as_deref()
    }

    /// Typed state. What `on_handshake` leaves here is the connection's if the handshake is accepted, by whomever.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// The address of the client, where the transport has one.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    fn values<'a>(&'a self, name: &HeaderName, separator: char) -> impl Iterator<Item = &'a str> + use<'a> {
        self.headers
            .get_all(name)
            .into_iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(move |value| value.split(separator))
            .map(str::trim)
    }
}

/// What stands before the query of `target`.
fn raw_path(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}

/// Shows no header values and no query: they carry secrets.
impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake")
            .field("path", &self.path())
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

/// What a handler says to a handshake. The first handler that does not pass decides.
#[derive(Debug, Default)]
#[non_exhaustive]
pub enum HandshakeDecision {
    /// No opinion: the next handler is asked; when all pass, the handshake is accepted.
    #[default]
    Pass,
    /// Accept it, with these answers.
    Accept(Acceptance),
    /// Refuse it with an HTTP response.
    Refuse(Refusal),
}

/// How a handshake is accepted.
#[derive(Debug, Default)]
pub struct Acceptance {
    subprotocol: SubprotocolChoice,
    headers: HeaderMap,
    extensions: http::Extensions,
    leaves_pings: bool,
}

/// Which subprotocol an accepted connection gets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SubprotocolChoice {
    /// The one that the server would choose by itself.
    #[default]
    Negotiate,
    /// None, whatever is offered.
    None,
    /// This one.
    Is(String),
}

/// An [`Acceptance`], taken apart.
#[derive(Debug)]
#[non_exhaustive]
pub struct AcceptanceParts {
    /// The subprotocol.
    pub subprotocol: SubprotocolChoice,
    /// Headers for the 101 response.
    pub headers: HeaderMap,
    /// The connection's state.
    pub extensions: Extensions,
    /// Whether pings are left to the handlers.
    pub leaves_pings: bool,
}

impl Acceptance {
    /// Accepts as the server would by itself.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses the subprotocol; it must be one that the client offered, or clients will drop the connection.
    #[must_use]
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        self.subprotocol = SubprotocolChoice::Is(name.into());
        self
    }

    /// Chooses no subprotocol, also where the server would by itself.
    #[must_use]
    pub fn no_subprotocol(mut self) -> Self {
        self.subprotocol = SubprotocolChoice::None;
        self
    }

    /// Leaves the client's pings to the handlers: the session answers none. A proxy does that, so that the real server
    /// answers.
    #[must_use]
    pub fn leave_pings(mut self) -> Self {
        self.leaves_pings = true;
        self
    }

    /// Adds a header to the 101 response.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Keeps `state` for the connection's handlers, who find it in
    /// [`WsContext::extensions`](crate::WsContext::extensions).
    #[must_use]
    pub fn extension<T: Clone + Send + Sync + 'static>(mut self, state: T) -> Self {
        self.extensions.insert(state);
        self
    }

    /// Takes it apart, for who answers the handshake.
    #[must_use]
    pub fn into_parts(self) -> AcceptanceParts {
        let Self { subprotocol, headers, extensions, leaves_pings } = self;
        AcceptanceParts { subprotocol, headers, extensions: extensions.into(), leaves_pings }
    }
}

/// How a handshake is refused: an HTTP response instead of the upgrade.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Refusal {
    /// Refuses with `status` and an empty body.
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// Adds a header to the response.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Sets the body of the response. The server sends UTF-8 as `text/plain; charset=utf-8`, unless a
    /// [header](Self::header) says what it is.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Takes it apart: status, headers and body.
    #[must_use]
    pub fn into_parts(self) -> (StatusCode, HeaderMap, Bytes) {
        (self.status, self.headers, self.body)
    }
}

impl From<Acceptance> for HandshakeDecision {
    fn from(acceptance: Acceptance) -> Self {
        Self::Accept(acceptance)
    }
}

impl From<Refusal> for HandshakeDecision {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handshake(target: &str, headers: &[(HeaderName, &'static str)]) -> Handshake {
        let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        Handshake::new(target, headers, None)
    }

    #[test]
    fn a_path_is_decoded_once() {
        assert_eq!(handshake("/ws/a%2520b", &[]).path(), "/ws/a%20b");
        assert_eq!(handshake("/ws/%ff", &[]).path(), "/ws/\u{fffd}");
    }

    #[test]
    fn secrets_are_not_printed() {
        let handshake = handshake("/ws?token=SECRET", &[(header::AUTHORIZATION, "Bearer SECRET")]);
        assert!(!format!("{handshake:?}").contains("SECRET"));
    }

    #[test]
    fn a_decoded_path_is_taken_as_it_is() {
        let handshake = Handshake::of_path("/ws/100%?".into());
        assert_eq!((handshake.path(), handshake.query()), ("/ws/100%?", None));
        assert_eq!(Handshake::new(handshake.target(), HeaderMap::new(), None).path(), "/ws/100%?");
    }

    #[test]
    fn subprotocols_come_from_all_headers_in_order() {
        let name = header::SEC_WEBSOCKET_PROTOCOL;
        let handshake = handshake("/ws", &[(name.clone(), "b, a"), (name, "c,,")]);
        assert_eq!(handshake.offered_subprotocols().collect::<Vec<_>>(), ["b", "a", "c"]);
    }

    #[test]
    fn cookies_and_parameters_are_found_by_name() {
        let handshake = handshake("/ws?a=1&b=%20&a=2", &[(header::COOKIE, "x=1; session=a=b")]);
        assert_eq!(handshake.cookie("session"), Some("a=b"));
        assert_eq!(handshake.cookie("y"), None);
        assert_eq!(handshake.query_param("a").as_deref(), Some("1"));
        assert_eq!(handshake.query_param("b").as_deref(), Some(" "));
        assert_eq!(handshake.query(), Some("a=1&b=%20&a=2"));
    }
}
