//! The opening handshake of [RFC 6455, section 4.2](https://www.rfc-editor.org/rfc/rfc6455#section-4.2), as a handler of
//! axum routes: checks, decision, 101, and the session on the upgraded stream.
//!
//! It answers by hand instead of using axum's `WebSocketUpgrade`, whose socket hides frames and the transport.

mod opening;
mod test_tag;

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use tokio::time::{Instant, sleep};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tracing::{debug, error, info};
use ws_conditions::HandshakeAnswer;
use ws_core::{Acceptance, Connection, Handshake, HandshakeDecision, Refusal, SubprotocolChoice};
use ws_wire::WireOptions;

pub(crate) use self::opening::Handover;
use self::opening::Opening;
use self::test_tag::Named;
use crate::Subprotocols;
use crate::realm::{Entry, Realm};
use crate::session::{Chain, Metered, Session};
use crate::shared::Shared;

/// Answers every request on a WebSocket path.
pub(crate) async fn upgrade(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    answer_handshake(&shared, request).await
}

/// Answers a request on a WebSocket path.
pub(crate) async fn answer_handshake<B>(shared: &Arc<Shared>, mut request: Request<B>) -> Response {
    let accept_key = match check(&request, shared.version().config.scheme()) {
        Ok(key) => derive_accept_key(key.as_bytes()),
        Err(refusal) => {
            let (handshake, _) = read(&request);
            return answer(refused(shared.realms.server(), &handshake, refusal, "no WebSocket handshake"));
        }
    };
    let (handshake, named) = read(&request);
    match decide(shared, handshake, named).await {
        Err(Denial::Refused(refusal)) => answer(refusal),
        Err(Denial::Dropped) => no_answer(),
        Ok(Accepted { opening, subprotocol, headers }) => {
            match request.extensions().get::<Handover>() {
                Some(handover) => handover.give(opening),
                None => drop(shared.tasks.spawn(opening.serve_upgraded(hyper::upgrade::on(&mut request)))),
            }
            switch_protocols(&accept_key, subprotocol, headers)
        }
    }
}

/// Answers requests for paths below none of the routes: those that the configuration names are WebSocket paths, too. The others
/// are told what there is.
pub(crate) async fn no_such_path(shared: Arc<Shared>, has_admin: bool, request: Request) -> Response {
    if shared.version().names(read(&request).0.path()) {
        return upgrade(State(shared), request).await;
    }
    let path = request.uri().path();
    let refusal = Refusal::new(StatusCode::NOT_FOUND);
    if has_token(request.headers(), &header::UPGRADE, "websocket") {
        info!(path, "WebSocket handshake refused: WebSockets are at /ws and /ws/...");
        shared.realms.server().observers.tell(|observer| observer.on_refuse(&read(&request).0, refusal.status()));
    } else {
        debug!(path, "HTTP request for a path that is not there");
    }
    let also = if has_admin { "The inspector and the admin API are at /__admin/.\n" } else { "" };
    answer(refusal.body(format!("There is nothing at {path}. WebSockets are at /ws and /ws/...\n{also}")))
}

/// Tells everybody of a refusal, and the log by what it came.
fn refused(realm: &Realm, handshake: &Handshake, refusal: Refusal, by: &str) -> Refusal {
    info!(path = handshake.path(), status = refusal.status().as_u16(), by, "WebSocket handshake refused");
    realm.observers.tell(|observer| observer.on_refuse(handshake, refusal.status()));
    refusal
}

/// Refuses what is no WebSocket handshake; gives back the client's key.
fn check<'a, B>(request: &'a Request<B>, scheme: &str) -> Result<&'a HeaderValue, Refusal> {
    let headers = request.headers();
    let is_upgrade = request.method() == Method::GET
        && request.version() >= Version::HTTP_11
        && has_token(headers, &header::CONNECTION, "upgrade")
        && has_token(headers, &header::UPGRADE, "websocket");
    let version = headers.get(header::SEC_WEBSOCKET_VERSION).map(HeaderValue::as_bytes);
    if !is_upgrade || version != Some(b"13") {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1:3001");
        let path = request.uri().path();
        return Err(Refusal::new(StatusCode::UPGRADE_REQUIRED)
            .header(header::UPGRADE, HeaderValue::from_static("websocket"))
            .header(header::CONNECTION, HeaderValue::from_static("Upgrade"))
            .header(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))
            .body(format!(
                "This is a WebSocket endpoint. Connect with a WebSocket client, for example: mockforge connect {scheme}://{host}{path}\n"
            )));
    }
    headers.get(header::SEC_WEBSOCKET_KEY).filter(|key| is_key(key.as_bytes())).ok_or_else(|| {
        Refusal::new(StatusCode::BAD_REQUEST)
            .body("The header Sec-WebSocket-Key is missing or is not the base64 text of 16 bytes.\n")
    })
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|value| value.trim().eq_ignore_ascii_case(token))
}

fn is_key(key: &[u8]) -> bool {
    let base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.strip_suffix(b"==").is_some_and(|digits| digits.len() == 22 && digits.iter().all(base64))
}

/// The headers of the upgrade itself: [`check`] has read them, and nobody needs them afterwards.
const UPGRADE_HEADERS: [HeaderName; 4] =
    [header::CONNECTION, header::UPGRADE, header::SEC_WEBSOCKET_KEY, header::SEC_WEBSOCKET_VERSION];

/// What the client asks for, and the test that it names. Everything is copied out: borrowed, it would keep the request's
/// buffers for as long as the connection lives.
fn read<B>(request: &Request<B>) -> (Handshake, Named) {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let is_of_this_hop = |name: &HeaderName| {
        // What `Connection` names is meant for the next hop only (RFC 9110, section 7.6.1).
        UPGRADE_HEADERS.contains(name) || has_token(request.headers(), &header::CONNECTION, name.as_str())
    };
    let kept = request.headers().iter().filter(|(name, _)| !is_of_this_hop(name));
    // No more room than they take: grown by itself, a map has room for six headers with its first.
    let mut headers = HeaderMap::with_capacity(request.headers().len().saturating_sub(UPGRADE_HEADERS.len()));
    for (name, value) in kept {
        if let Ok(copy) = HeaderValue::from_bytes(value.as_bytes()) {
            headers.append(name, copy);
        }
    }
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    let (target, named) = test_tag::take(target, &mut headers);
    let handshake = Handshake::new(target, headers, peer);
    match &named {
        Ok(Some(id)) => (handshake.of_test(id.as_str()), named),
        _ => (handshake, named),
    }
}

/// A handshake that was accepted: what is served, and what the client is answered.
struct Accepted {
    opening: Opening,
    subprotocol: Option<String>,
    headers: HeaderMap,
}

/// How a handshake is not accepted.
enum Denial {
    /// With this answer.
    Refused(Refusal),
    /// Without an answer: the connection is closed.
    Dropped,
}

/// Lets a handshake into the realm of the test that it names, or of those that name none; or says why not, and by what.
fn admit(shared: &Shared, handshake: &Handshake, named: &Named) -> Result<Entry, (Refusal, &'static str)> {
    let config = &shared.version().config;
    let refuse = |status, problem: &str| Refusal::new(status).body(format!("{problem}\n"));
    if !config.allows_origin(handshake) {
        return Err((refuse(StatusCode::FORBIDDEN, "This origin is not allowed here."), "allowed_origins"));
    }
    let id = named.as_ref().map_err(|problem| (refuse(StatusCode::BAD_REQUEST, problem), "the test that it names"))?;
    if id.is_some() && test_tag::is_foreign_page(handshake, config) {
        let problem = "A page of another site may not name a test, unless `allowed_origins` has its origin.";
        return Err((refuse(StatusCode::FORBIDDEN, problem), "the origin of who names a test"));
    }
    shared.realms.enter(id.as_ref()).map_err(|problem| {
        let refusal = refuse(StatusCode::SERVICE_UNAVAILABLE, &problem.to_string());
        (refusal.header(header::RETRY_AFTER, HeaderValue::from_static("1")), "the test that it names")
    })
}

/// Asks limits, conditions and handlers; an accepted connection is open in the books from here on.
async fn decide(shared: &Arc<Shared>, handshake: Handshake, named: Named) -> Result<Accepted, Denial> {
    let entry = admit(shared, &handshake, &named).map_err(|(refusal, by)| {
        let known = named.ok().and_then(|id| shared.realms.get(id.as_ref()));
        let realm = known.as_ref().unwrap_or(shared.realms.server());
        Denial::Refused(refused(realm, &handshake, refusal, by))
    })?;
    let realm = entry.realm();
    let refuse = |handshake: &Handshake, refusal: Refusal, by: &str| {
        Err(Denial::Refused(refused(realm, handshake, refusal, by)))
    };
    // In this order: a version that comes meanwhile is one that the chain has not seen.
    let mut versions = realm.versions.subscribe();
    let version = Arc::clone(&versions.borrow_and_update());
    let config = &version.config;
    let chosen = shared.choose_scope.as_ref().and_then(|choose| choose(&handshake));
    let followed = chosen.is_none().then(|| (Arc::clone(&version), versions));
    let scope = chosen.unwrap_or_else(|| Arc::clone(version.scope(handshake.path())));
    let mut plan = None;
    if let Some(conditions) = &scope.conditions {
        let (verdict, connection) = conditions.next(Instant::now());
        if !verdict.delay.is_zero() {
            tokio::select! {
                () = sleep(verdict.delay) => {}
                () = shared.shutdown.cancelled() => return refuse(&handshake, full(), "shutdown"),
            }
        }
        match verdict.answer {
            HandshakeAnswer::Accept => plan = Some(connection),
            HandshakeAnswer::Refuse(refusal) => return refuse(&handshake, refusal, "conditions"),
            HandshakeAnswer::Drop => {
                info!(path = handshake.path(), "WebSocket handshake dropped without an answer");
                realm.observers.tell(|observer| observer.on_drop(&handshake));
                return Err(Denial::Dropped);
            }
        }
    }
    let Some(slot) = shared.take_slot().filter(|_| !shared.is_shutting_down()) else {
        return refuse(&handshake, full(), "max_connections or shutdown");
    };
    let chain = Chain::new(scope, followed, handshake.path(), Some(shared.metrics.handlers()));
    let acceptance = match ask(&chain.current(), &handshake).await {
        Ok(acceptance) => acceptance,
        Err(refusal) => return refuse(&handshake, refusal, "a handler, rule or upstream"),
    };
    let accepted = acceptance.into_parts();
    let chosen = match accepted.subprotocol {
        SubprotocolChoice::Is(name) => Ok(Some(name)),
        SubprotocolChoice::None => Ok(None),
        SubprotocolChoice::Negotiate => negotiate(&config.subprotocols, &handshake),
    };
    let subprotocol = match chosen {
        Ok(subprotocol) => subprotocol,
        Err(refusal) => return refuse(&handshake, refusal, "subprotocols"),
    };
    let connection = Connection::new(handshake, subprotocol.clone(), accepted.extensions);
    connection.set_leaves_pings(accepted.leaves_pings);
    let wire = WireOptions { max_message_size: config.max_message_size, auto_pong: !accepted.leaves_pings };
    let plan = plan.map(|plan| plan.open(connection.opened_at()));
    let realm = Arc::clone(realm);
    let session = Session::open(Arc::clone(shared), realm, Arc::clone(config), chain, connection, plan, slot);
    if let Some(frame) = entry.too_late() {
        session.close(frame);
    }
    Ok(Accepted { opening: Opening::new(session, wire), subprotocol, headers: accepted.headers })
}

fn full() -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE)
        .header(header::RETRY_AFTER, HeaderValue::from_static("1"))
        .body("The server has as many connections as it may have.\n")
}

/// The first handler that does not pass decides; when all pass, the handshake is accepted.
async fn ask(handlers: &[Metered], handshake: &Handshake) -> Result<Acceptance, Refusal> {
    for Metered { handler, .. } in handlers {
        let asked = AssertUnwindSafe(async { handler.on_handshake(handshake).await }).catch_unwind().await;
        match asked {
            Ok(Ok(HandshakeDecision::Accept(acceptance))) => return Ok(acceptance),
            Ok(Ok(HandshakeDecision::Refuse(refusal))) => return Err(refusal),
            Ok(Ok(_)) => {}
            Ok(Err(failure)) => {
                error!(path = handshake.path(), "on_handshake failed: {failure}");
                return Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR).body(format!("{failure}\n")));
            }
            Err(_) => {
                error!(path = handshake.path(), "on_handshake panicked");
                return Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR).body("A handler panicked.\n"));
            }
        }
    }
    Ok(Acceptance::new())
}

fn negotiate(rule: &Subprotocols, handshake: &Handshake) -> Result<Option<String>, Refusal> {
    let mut offered = handshake.offered_subprotocols();
    let chosen = match rule {
        Subprotocols::FirstOffered => offered.next(),
        Subprotocols::Among(known) | Subprotocols::Require(known) => {
            offered.find(|name| known.iter().any(|k| k == name))
        }
    };
    let chosen = chosen.map(str::to_owned);
    let offers: Vec<_> = handshake.offered_subprotocols().collect();
    if offers.is_empty() {
        return Ok(None);
    }
    debug!(path = handshake.path(), ?offers, ?chosen, "subprotocol negotiated");
    match (chosen, rule) {
        (None, Subprotocols::Require(known)) => Err(Refusal::new(StatusCode::BAD_REQUEST)
            .body(format!("None of the offered subprotocols is known here; known are: {}.\n", known.join(", ")))),
        (chosen, _) => Ok(chosen),
    }
}

/// A refusal as it is sent. What is text says so, unless somebody has said what it is: a browser saves what it knows nothing of,
/// or shows an error of its own.
fn answer(refusal: Refusal) -> Response {
    let (status, mut headers, body) = refusal.into_parts();
    if !body.is_empty() {
        let is_text = std::str::from_utf8(&body).is_ok();
        let kind = if is_text { "text/plain; charset=utf-8" } else { "application/octet-stream" };
        headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static(kind));
    }
    (status, headers, Body::from(body)).into_response()
}

/// Closes the connection instead of answering: a body that fails before its first byte makes hyper give up before it has
/// written the head.
fn no_answer() -> Response {
    let failure = futures_util::future::err::<Bytes, _>(std::io::Error::other("dropped as the conditions want it"));
    Response::new(Body::from_stream(futures_util::stream::once(failure)))
}

fn switch_protocols(accept_key: &str, subprotocol: Option<String>, extra: HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.extend(extra);
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    for (name, value) in
        [(header::SEC_WEBSOCKET_ACCEPT, Some(accept_key)), (header::SEC_WEBSOCKET_PROTOCOL, subprotocol.as_deref())]
    {
        match value.map(HeaderValue::from_str) {
            Some(Ok(value)) => drop(headers.insert(name, value)),
            Some(Err(_)) => error!("a handler chose a subprotocol that is no header value: none is sent"),
            None => {}
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offering(offered: &'static str) -> Handshake {
        let headers = [(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(offered))].into_iter().collect();
        Handshake::new("/ws", headers, None)
    }

    #[test]
    fn subprotocols_are_chosen_by_rule() {
        let known = vec!["b".to_owned(), "c".to_owned()];
        let check = |rule: &Subprotocols, offered, expected: Option<&str>| {
            let chosen = negotiate(rule, &offering(offered)).ok();
            assert_eq!(chosen, Some(expected.map(str::to_owned)), "{offered}");
        };
        check(&Subprotocols::FirstOffered, "a, b", Some("a"));
        check(&Subprotocols::FirstOffered, "", None);
        check(&Subprotocols::Among(known.clone()), "a, c, b", Some("c"));
        check(&Subprotocols::Among(known.clone()), "a", None);
        check(&Subprotocols::Require(known.clone()), "", None);
        assert!(negotiate(&Subprotocols::Require(known), &offering("a")).is_err());
    }

    #[test]
    fn keys_are_the_base64_of_16_bytes() {
        assert!(is_key(b"dGhlIHNhbXBsZSBub25jZQ=="));
        for key in ["", "==", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZ!==", "dGhlIHNhbXBsZSBub25jZQQQ=="] {
            assert!(!is_key(key.as_bytes()), "{key}");
        }
    }
}
