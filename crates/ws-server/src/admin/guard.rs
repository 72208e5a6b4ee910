//! Who may ask: a bearer token where there is one; else only who is on this machine and no page of somebody else.
//!
//! Without a token the server fails closed: it answers only where it listens on a loopback address by itself, under a name of
//! this machine (a page elsewhere may have its own name resolve to 127.0.0.1), behind no proxy (whose clients are anywhere),
//! and to no browser on behalf of another origin. It knows no cookies: they ignore ports, and are sent without being asked for.

use std::net::{IpAddr, SocketAddr};

use axum::body::Body;
use axum::response::Response;
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use sha2::{Digest, Sha256};

use super::problem::Problem;
use crate::AdminConfig;

/// That a request came in by our own accept loop, and where that listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listening(pub(crate) SocketAddr);

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a request may be answered.
pub(super) fn admit(request: &Parts, config: &AdminConfig) -> Result<(), Problem> {
    match &config.token {
        Some(token) => shows(&request.headers, token),
        None => is_of_this_machine(request, config),
    }
}

fn shows(headers: &HeaderMap, token: &str) -> Result<(), Problem> {
    let shown = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    let shown = shown.and_then(|value| {
        let (scheme, token) = value.split_at_checked(b"bearer ".len())?;
        scheme.eq_ignore_ascii_case(b"bearer ").then_some(token.trim_ascii())
    });
    let problem = match shown {
        Some(shown) if is_same(shown, token.as_bytes()) => return Ok(()),
        Some(_) => "the token is another one",
        None => "show the admin token: `Authorization: Bearer TOKEN`",
    };
    let challenge = HeaderValue::from_static("Bearer realm=\"mockforge admin\"");
    Err(Problem::new(StatusCode::UNAUTHORIZED, problem).header(header::WWW_AUTHENTICATE, challenge))
}

/// Compares in a time that tells nothing of where two secrets differ, nor of how long they are.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let (one, other) = (Sha256::digest(one), Sha256::digest(other));
    one.iter().zip(other.iter()).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

fn is_of_this_machine(request: &Parts, config: &AdminConfig) -> Result<(), Problem> {
    let forbidden = |detail: &str| Err(Problem::new(StatusCode::FORBIDDEN, format!("{detail} {SET_A_TOKEN}")));
    match request.extensions.get::<Listening>() {
        Some(Listening(address)) if address.ip().is_loopback() => {}
        Some(_) => return forbidden("This server listens beyond its own machine."),
        None => return forbidden("Nobody knows from where this server can be reached."),
    }
    if !host(request).is_some_and(|host| is_loopback(host.host())) {
        return forbidden("The host that was asked for is no name of this machine, such as localhost or 127.0.0.1.");
    }
    if request.headers.keys().any(|name| is_of_a_proxy(name.as_str())) {
        return forbidden("The request came through a proxy, from nobody knows where.");
    }
    if is_of_a_foreign_page(request, config) {
        let detail = "This origin is not allowed here: name it in `admin.allowed_origins`.";
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
    }
    Ok(())
}

const SET_A_TOKEN: &str =
    "Requests from elsewhere need a token: --admin-token TOKEN, MOCKFORGE_WS_ADMIN_TOKEN or `admin.token`.";

/// What was asked for: the target, if it names a host, goes before the header (RFC 9112, section 3.2.2).
fn host(request: &Parts) -> Option<Authority> {
    let authority = match request.uri.authority() {
        Some(authority) => authority.clone(),
        None => {
            let mut hosts = request.headers.get_all(header::HOST).into_iter();
            let only = hosts.next().filter(|_| hosts.next().is_none())?;
            Authority::try_from(only.as_bytes()).ok()?
        }
    };
    Some(authority).filter(|authority| !authority.as_str().contains('@'))
}

fn is_loopback(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let ip = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&host);
    host == "localhost" || host.ends_with(".localhost") || ip.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

fn is_of_a_proxy(header: &str) -> bool {
    matches!(header, "forwarded" | "via" | "x-real-ip" | "x-client-ip" | "true-client-ip" | "cf-connecting-ip")
        || header.starts_with("x-forwarded-")
}

/// Whether a browser asks for a page that is neither ours nor allowed.
fn is_of_a_foreign_page(request: &Parts, config: &AdminConfig) -> bool {
    if allowed_origin(&request.headers, config).is_some() {
        return false;
    }
    // Every other port of this machine is `same-site`.
    let is_foreign = |site: &HeaderValue| !matches!(site.as_bytes(), b"same-origin" | b"none");
    if request.headers.get_all(SEC_FETCH_SITE).into_iter().any(is_foreign) {
        return true;
    }
    let is_own = |origin: &HeaderValue| {
        let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        // Without the scheme: TLS may end before us.
        origin.zip(host(request)).is_some_and(|((_, origin), host)| origin.eq_ignore_ascii_case(host.as_str()))
    };
    request.headers.get_all(header::ORIGIN).into_iter().any(|origin| !is_own(origin))
}

/// The origin of the page that asks, if it is one of those that the configuration names.
fn allowed_origin<'a>(headers: &'a HeaderMap, config: &AdminConfig) -> Option<&'a HeaderValue> {
    let mut origins = headers.get_all(header::ORIGIN).into_iter();
    let origin = origins.next().filter(|_| origins.next().is_none())?;
    let is_allowed = |allowed: &String| allowed.as_bytes().eq_ignore_ascii_case(origin.as_bytes());
    config.allowed_origins.iter().any(is_allowed).then_some(origin)
}

/// The answer to a browser that asks whether a page may ask; none, if this is no such question.
///
/// It shows no token, and gets nothing but the answer.
pub(super) fn preflight(request: &Parts, config: &AdminConfig) -> Option<Result<Response, Problem>> {
    const METHOD: HeaderName = header::ACCESS_CONTROL_REQUEST_METHOD;
    let asks = request.headers.contains_key(header::ORIGIN) && request.headers.contains_key(METHOD);
    if request.method != Method::OPTIONS || !asks {
        return None;
    }
    if allowed_origin(&request.headers, config).is_none() {
        let detail = "This origin is not allowed here: name it in `admin.allowed_origins`.";
        return Some(Err(Problem::new(StatusCode::FORBIDDEN, detail)));
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, DELETE"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, x-mockforge-test"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
        (HeaderName::from_static("access-control-allow-private-network"), "true"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Some(Ok(response))
}

/// Lets the page that asked read the answer, if it may.
pub(super) fn share(asked: &HeaderMap, answer: &mut HeaderMap, config: &AdminConfig) {
    if let Some(origin) = allowed_origin(asked, config) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after"));
    }
    if !config.allowed_origins.is_empty() {
        answer.append(header::VARY, HeaderValue::from_static("origin"));
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    const LOOPBACK: &str = "127.0.0.1:3001";

    /// What a request for `target` with these headers gets that came to a server on `address`.
    fn status(config: &AdminConfig, address: Option<&str>, target: &str, headers: &[(&str, &str)]) -> Option<u16> {
        let mut request = Request::get(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).unwrap();
        if let Some(address) = address {
            request.extensions_mut().insert(Listening(address.parse().unwrap()));
        }
        admit(&request.into_parts().0, config).err().map(|problem| problem.status().as_u16())
    }

    #[track_caller]
    fn check(admitted: bool, headers: &[(&str, &str)]) {
        let status = status(&AdminConfig::default(), Some(LOOPBACK), "/x", headers);
        assert_eq!(status, (!admitted).then_some(403), "{headers:?}");
    }

    #[test]
    fn only_names_of_this_machine_are_asked_for() {
        for host in
            ["localhost", "LocalHost:1", "api.localhost:3001", "127.0.0.1:3001", "127.9.9.9", "[::1]", "[::1]:3001"]
        {
            check(true, &[("host", host)]);
        }
        for host in [
            "evil.example",
            "evil.example:3001",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "notlocalhost",
            "localhost@evil.example",
            "evil@localhost",
            "192.168.0.1",
            "0.0.0.0",
            "[::]",
            "[::ffff:127.0.0.1]",
            "2130706433",
            "",
            "a b",
        ] {
            check(false, &[("host", host)]);
        }
        check(false, &[]);
        check(false, &[("host", "localhost"), ("host", "evil.example")]);
    }

    #[test]
    fn a_target_that_names_a_host_goes_before_the_header() {
        let config = AdminConfig::default();
        let headers = [("host", "localhost")];
        assert_eq!(status(&config, Some(LOOPBACK), "http://evil.example/x", &headers), Some(403));
        assert_eq!(status(&config, Some(LOOPBACK), "http://localhost/x", &[("host", "evil.example")]), None);
    }

    #[test]
    fn without_a_token_only_a_loopback_address_of_our_own_serves() {
        let (config, headers) = (AdminConfig::default(), [("host", "localhost")]);
        for (address, admitted) in [
            (Some("127.0.0.1:1"), true),
            (Some("[::1]:1"), true),
            (Some("0.0.0.0:1"), false),
            (Some("[::]:1"), false),
            (Some("192.168.0.1:1"), false),
            (None, false),
        ] {
            assert_eq!(status(&config, address, "/x", &headers), (!admitted).then_some(403), "{address:?}");
        }
    }

    #[test]
    fn nobody_asks_through_a_proxy() {
        for name in ["forwarded", "x-forwarded-for", "X-Forwarded-Host", "x-forwarded-anything", "x-real-ip", "Via"] {
            check(false, &[("host", "localhost"), (name, "")]);
        }
    }

    #[test]
    fn pages_of_other_origins_are_refused() {
        let host = ("host", "localhost:3001");
        check(true, &[host, ("origin", "http://localhost:3001"), ("sec-fetch-site", "same-origin")]);
        check(true, &[host, ("origin", "https://LOCALHOST:3001")]);
        check(true, &[host, ("sec-fetch-site", "none")]);
        for origin in
            ["null", "http://localhost", "http://localhost:3000", "https://evil.example", "localhost:3001", ""]
        {
            check(false, &[host, ("origin", origin)]);
        }
        for site in ["same-site", "cross-site", "", "anything"] {
            check(false, &[host, ("sec-fetch-site", site)]);
        }
        check(false, &[host, ("origin", "http://localhost:3001"), ("origin", "https://evil.example")]);
        check(false, &[host, ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")]);
        check(false, &[host, ("origin", "http://localhost:3001"), ("sec-fetch-site", "cross-site")]);
    }

    #[test]
    fn allowed_origins_may_ask() {
        let config =
            AdminConfig { allowed_origins: vec!["http://localhost:5173".to_owned()], ..AdminConfig::default() };
        let check = |admitted: bool, headers: &[(&str, &str)]| {
            let status = status(&config, Some(LOOPBACK), "/x", headers);
            assert_eq!(status, (!admitted).then_some(403), "{headers:?}");
        };
        let host = ("host", "localhost:3001");
        check(true, &[host, ("origin", "http://localhost:5173"), ("sec-fetch-site", "same-site")]);
        check(false, &[host, ("origin", "http://localhost:5174"), ("sec-fetch-site", "same-site")]);
        check(false, &[host, ("sec-fetch-site", "same-site")]);
        check(false, &[("host", "evil.example"), ("origin", "http://localhost:5173")]);
    }

    #[test]
    fn a_token_is_all_that_counts_where_there_is_one() {
        let config = AdminConfig { token: Some("s3cret".to_owned()), ..AdminConfig::default() };
        for (value, admitted) in [
            ("Bearer s3cret", true),
            ("bearer s3cret", true),
            ("Bearer s3cre", false),
            ("Bearer s3crets", false),
            ("Bearer ", false),
            ("Bearer", false),
            ("s3cret", false),
            ("Basic s3cret", false),
            ("", false),
        ] {
            let headers = [("host", "anything.example"), ("x-forwarded-for", "1.2.3.4"), ("authorization", value)];
            assert_eq!(status(&config, None, "/x", &headers), (!admitted).then_some(401), "{value}");
        }
        assert_eq!(status(&config, Some(LOOPBACK), "/x", &[("host", "localhost")]), Some(401));
    }
}
