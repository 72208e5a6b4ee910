//! How a handshake says which test it belongs to: the header `X-Mockforge-Test` or the query parameter `mockforge-test`.
//!
//! It is meant for this server alone: it is taken out of the handshake, so that rules, templates, recordings and upstreams
//! see what the application itself has said.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, Uri, header};
use ws_core::Handshake;

use crate::WsConfig;
use crate::realm::TestId;

const HEADER: HeaderName = HeaderName::from_static("x-mockforge-test");
const PARAMETER: &str = "mockforge-test";

/// Which test a handshake names; or what is wrong with how it does.
pub(super) type Named = Result<Option<TestId>, String>;

/// Takes the words that name a test out of `target` and `headers`. Nothing else in them changes.
pub(super) fn take(target: &str, headers: &mut HeaderMap) -> (String, Named) {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let parameters = query.into_iter().flat_map(|query| query.split('&'));
    let value = |parameter: &str| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        (name == PARAMETER).then(|| value.to_owned())
    };
    let in_query = parameters.clone().filter_map(value);
    let in_headers = headers.get_all(HEADER);
    let in_headers = in_headers.iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let said: Vec<_> = in_query.chain(in_headers).collect();
    let Some(first) = said.first() else { return (target.to_owned(), Ok(None)) };
    let named = match said.iter().find(|other| *other != first) {
        Some(other) => Err(format!("the handshake names two tests: {first:?} and {other:?}")),
        None => first.parse().map(Some).map_err(|problem: crate::TestError| problem.to_string()),
    };
    headers.remove(HEADER);
    let others: Vec<_> = parameters.filter(|parameter| value(parameter).is_none()).collect();
    let target = if others.is_empty() { path.to_owned() } else { format!("{path}?{}", others.join("&")) };
    (target, named)
}

/// Whether it is a page of another site, unknown to the configuration, that asks. It may connect, but not to a test: any page
/// that a developer visits could take part in the tests that run on the same machine, or begin so many that there is no room.
pub(super) fn is_foreign_page(handshake: &Handshake, config: &WsConfig) -> bool {
    let Some(origin) = handshake.headers().get(header::ORIGIN) else { return false };
    // With some configured, nobody else has come so far.
    if !config.allowed_origins.is_empty() {
        return false;
    }
    let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
    let site = origin.as_ref().and_then(Uri::host);
    if site.is_some_and(is_this_machine) {
        return false;
    }
    match handshake.header("sec-fetch-site") {
        Some(site) => !matches!(site, "same-origin" | "same-site" | "none"),
        // Not all browsers say so with WebSockets.
        None => {
            let host = handshake.header(header::HOST.as_str()).and_then(|host| host.parse::<Uri>().ok());
            site.is_none() || site != host.as_ref().and_then(Uri::host)
        }
    }
}

fn is_this_machine(host: &str) -> bool {
    let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || host.ends_with(".localhost") || ip.is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn the_tag_is_taken_out_and_nothing_else() {
        for (target, header, left, id) in [
            ("/ws", None, "/ws", None),
            ("/ws?", None, "/ws?", None),
            ("/ws?a=%2f&&b", None, "/ws?a=%2f&&b", None),
            ("/ws?mockforge-test=t1", None, "/ws", Some("t1")),
            ("/ws?a=%2f&mockforge-test=t1&&b=c+d", None, "/ws?a=%2f&&b=c+d", Some("t1")),
            ("/ws?mockforge-test=t1&mockforge-test=t1", Some("t1"), "/ws", Some("t1")),
            ("/ws?mockforge-tests=t1", Some("t.2"), "/ws?mockforge-tests=t1", Some("t.2")),
        ] {
            let mut with = headers(&[("x-other", "1")]);
            with.extend(header.map(|value| (HEADER, HeaderValue::from_static(value))));
            let (target_left, named) = take(target, &mut with);
            assert_eq!(target_left, left, "{target}");
            assert_eq!(named.unwrap().as_ref().map(TestId::as_str), id, "{target}");
            assert_eq!(with, headers(&[("x-other", "1")]), "{target}");
        }
    }

    #[test]
    fn what_is_no_id_and_what_contradicts_itself_is_told() {
        for (target, header, problem) in [
            ("/ws?mockforge-test=", None, "no id"),
            ("/ws?mockforge-test", None, "no id"),
            ("/ws?mockforge-test=a%20b", None, "no id"),
            ("/ws", Some("a b"), "no id"),
            ("/ws?mockforge-test=a", Some("b"), "two tests"),
            ("/ws?mockforge-test=a&mockforge-test=b", None, "two tests"),
        ] {
            let mut with = HeaderMap::new();
            with.extend(header.map(|value| (HEADER, HeaderValue::from_static(value))));
            let (left, named) = take(target, &mut with);
            assert_eq!((left.as_str(), with.len()), ("/ws", 0), "{target}");
            assert!(named.unwrap_err().contains(problem), "{target}");
        }
    }

    #[test]
    fn pages_of_other_sites_are_foreign() {
        let open = WsConfig::default();
        let listed = WsConfig { allowed_origins: vec!["https://evil.example".to_owned()], ..WsConfig::default() };
        for (pairs, is_foreign) in [
            (&[][..], false),
            (&[("origin", "https://evil.example")], true),
            (&[("origin", "null")], true),
            (&[("origin", "of no site at all")], true),
            (&[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")], true),
            (&[("origin", "https://evil.example"), ("host", "evil.example:3001")], false),
            (&[("origin", "https://app.example"), ("sec-fetch-site", "same-site")], false),
            (&[("origin", "http://localhost:5173"), ("sec-fetch-site", "cross-site")], false),
            (&[("origin", "http://app.localhost")], false),
            (&[("origin", "http://127.0.0.1:5173"), ("host", "localhost:3001")], false),
            (&[("origin", "http://[::1]:5173")], false),
            (&[("origin", "http://localhost.evil.example")], true),
        ] {
            let handshake = Handshake::new("/ws", headers(pairs), None);
            assert_eq!(is_foreign_page(&handshake, &open), is_foreign, "{pairs:?}");
            assert!(!is_foreign_page(&handshake, &listed), "{pairs:?}");
        }
    }
}
