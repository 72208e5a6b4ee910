//! Which headers go through a proxy: those that are between client and server, not those of one connection.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// Headers of one connection: RFC 9110, section 7.6.1, and those of the handshake that each side does by itself.
const OF_ONE_CONNECTION: [HeaderName; 10] = [
    header::CONNECTION,
    header::UPGRADE,
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::EXPECT,
    HeaderName::from_static("keep-alive"),
    // What a refusal's body is encoded in is between the upstream and us: clients get it as it is.
    header::ACCEPT_ENCODING,
];

const PREFIXES: [&str; 2] = ["sec-websocket-", "proxy-"];

/// What of `headers` is end-to-end.
pub(crate) fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let named: Vec<&str> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    let stays = |name: &HeaderName| {
        OF_ONE_CONNECTION.contains(name)
            || PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix))
            || named.iter().any(|named| name.as_str().eq_ignore_ascii_case(named))
    };
    headers.iter().filter(|(name, _)| !stays(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Whether a list-valued header has `token`.
pub(crate) fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    values(headers, name).any(|value| value.eq_ignore_ascii_case(token))
}

/// The members of a list-valued header.
pub(crate) fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> + use<'a> {
    let texts = headers.get_all(name).into_iter().filter_map(|value: &HeaderValue| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).map(str::trim).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_one_connection_stays() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("cookie", "a=1"),
            ("cookie", "b=2"),
            ("authorization", "Bearer x"),
            ("origin", "http://localhost"),
            ("traceparent", "00-1-2-01"),
            ("user-agent", "test"),
            ("x-own", "1"),
            ("connection", "Upgrade, X-Hop"),
            ("x-hop", "1"),
            ("upgrade", "websocket"),
            ("host", "localhost"),
            ("sec-websocket-key", "x"),
            ("sec-websocket-extensions", "permessage-deflate"),
            ("sec-websocket-protocol", "a"),
            ("proxy-authorization", "x"),
            ("keep-alive", "5"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("content-length", "0"),
        ] {
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_static(value));
        }
        let through = end_to_end(&headers);
        let names: Vec<_> = through.iter().map(|(name, value)| format!("{name}={}", value.to_str().unwrap())).collect();
        assert_eq!(
            names,
            [
                "cookie=a=1",
                "cookie=b=2",
                "authorization=Bearer x",
                "origin=http://localhost",
                "traceparent=00-1-2-01",
                "user-agent=test",
                "x-own=1"
            ]
        );
    }

    #[test]
    fn tokens_are_found_in_lists() {
        let headers = [(header::CONNECTION, HeaderValue::from_static("keep-alive, Upgrade"))].into_iter().collect();
        assert!(has_token(&headers, &header::CONNECTION, "upgrade"));
        assert!(!has_token(&headers, &header::CONNECTION, "grade"));
    }
}
