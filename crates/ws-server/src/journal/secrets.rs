//! What a journal does not tell: values of headers and query parameters whose names say that they are secret.

use std::collections::BTreeMap;

use http::HeaderMap;

/// What stands in the place of a secret.
const SECRET: &str = "[redacted]";
/// What stands in the place of a value for which there is no room.
const LEFT_OUT: &str = "[too long]";
/// How much of the headers of a handshake is kept, in bytes.
const MOST_HEADERS: usize = 4 * 1024;
/// How much of its query.
const MOST_QUERY: usize = 2 * 1024;

/// A name that has one of these in it is that of a secret.
const SECRET_WORDS: [&str; 15] = [
    "auth",
    "cookie",
    "credential",
    "jwt",
    "passwd",
    "password",
    "private",
    "pwd",
    "secret",
    "session",
    "signature",
    "token",
    "api-key",
    "api_key",
    "apikey",
];
/// And these are such by themselves.
const SECRET_NAMES: [&str; 5] = ["code", "key", "pass", "sid", "sig"];

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.contains(&&*name) || SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// Headers by name, each with its values as one; without secrets, and in not much more than 4 KiB.
pub(crate) fn shown_headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut shown = BTreeMap::new();
    let mut room = MOST_HEADERS;
    for name in headers.keys() {
        let values: Vec<_> =
            headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        let value = match name.as_str() {
            name if is_secret(name) => SECRET.to_owned(),
            // The page that it came from may have been called with one.
            "referer" => shown_target(&values.join(", ")),
            _ => values.join(", "),
        };
        let value = if name.as_str().len() + value.len() <= room { value } else { LEFT_OUT.to_owned() };
        let Some(left) = room.checked_sub(name.as_str().len() + value.len()) else { break };
        room = left;
        shown.insert(name.as_str().to_owned(), value);
    }
    shown
}

fn shown_target(target: &str) -> String {
    match target.split_once('?') {
        Some((path, query)) => format!("{path}?{}", shown_query(query)),
        None => target.to_owned(),
    }
}

/// A query as it was sent, without secrets.
pub(crate) fn shown_query(query: &str) -> String {
    if query.len() > MOST_QUERY {
        return LEFT_OUT.to_owned();
    }
    let shown = query.split('&').map(|pair| match pair.split_once('=') {
        // Whoever escapes a letter of the name does not get around it.
        Some((name, _)) if form_urlencoded::parse(name.as_bytes()).any(|(name, _)| is_secret(&name)) => {
            format!("{name}={SECRET}")
        }
        _ => pair.to_owned(),
    });
    shown.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn secrets_are_known_by_their_names() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer SECRET"),
            ("cookie", "session=SECRET"),
            ("x-api-key", "SECRET"),
            ("x-auth-token", "SECRET"),
            ("user-agent", "a browser"),
            ("accept", "a"),
            ("accept", "b"),
            ("referer", "http://localhost/?token=SECRET&page=2"),
        ] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let shown = shown_headers(&headers);
        assert!(!format!("{shown:?}").contains("SECRET"), "{shown:?}");
        assert_eq!(shown["authorization"], "[redacted]");
        assert_eq!((&*shown["user-agent"], &*shown["accept"]), ("a browser", "a, b"));
        assert_eq!(shown["referer"], "http://localhost/?token=[redacted]&page=2");
    }

    #[test]
    fn queries_keep_what_is_no_secret() {
        assert_eq!(
            shown_query("room=x%2Fy&access_token=a=b&KEY=1&flag"),
            "room=x%2Fy&access_token=[redacted]&KEY=[redacted]&flag"
        );
        assert_eq!(shown_query("%74oken=SECRET"), "%74oken=[redacted]");
        assert_eq!(shown_query(&"x".repeat(3000)), "[too long]");
    }

    #[test]
    fn long_headers_are_left_out() {
        let mut headers = HeaderMap::new();
        for n in 0..100 {
            let name = HeaderName::from_bytes(format!("x-long-{n}").as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_str(&"y".repeat(1000)).unwrap());
        }
        let shown = shown_headers(&headers);
        let size: usize = shown.iter().map(|(name, value)| name.len() + value.len()).sum();
        assert!(size <= MOST_HEADERS, "{size}");
        assert!(shown.values().any(|value| value == "[too long]") && shown.values().any(|value| value.len() == 1000));
    }
}
