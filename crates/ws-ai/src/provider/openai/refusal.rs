//! Answers that are none: what a server's failure means, told without what must not be told.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde_json::Value;

use super::chunk::ServerError;
use crate::provider::api_key::ApiKey;
use crate::{ProviderError, ProviderErrorKind};

/// How much of a server's words is told.
const LONGEST_QUOTE: usize = 300;

/// A call that was not answered.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) error: ProviderError,
    /// All that the server said, which is not for people: it tells what of the request it did not like.
    pub(super) said: String,
}

impl Refusal {
    pub(super) fn new(kind: ProviderErrorKind, message: impl Into<String>) -> Self {
        Self { error: ProviderError::new(kind, message), said: String::new() }
    }

    /// What a status other than success means.
    pub(super) fn of_status(status: StatusCode, headers: &HeaderMap, said: String, key: Option<&ApiKey>) -> Self {
        let mut message = format!("the provider answered {status}");
        if status.is_redirection() {
            // Nobody is followed: the key would go along.
            let target = headers.get(header::LOCATION).and_then(|location| location.to_str().ok());
            let host = target.and_then(|target| target.parse::<http::Uri>().ok()?.host().map(str::to_owned));
            let host = host.unwrap_or_else(|| "another place".to_owned());
            message.push_str(&format!(", which leads to {}: name its URL instead", quote(&host, key)));
        } else if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            // Servers quote keys here, whole or masked.
            message.push_str(": is the key the right one, and may it use this model?");
        } else if !said.trim().is_empty() {
            let told = serde_json::from_str::<Value>(&said).ok().and_then(|value| ServerError::of(&value));
            let told = told.map_or_else(|| said.clone(), |error| error.message);
            message.push_str(&format!(": {}", quote(&told, key)));
        }
        let mut error = ProviderError::new(ProviderErrorKind::Status(status.as_u16()), message);
        error.retry_after = headers
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| retry_after(value, Timestamp::now()));
        Self { error, said }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for Refusal {}

/// What a server said, as it can be told: without the key, on one line, and not too long.
pub(super) fn quote(said: &str, key: Option<&ApiKey>) -> String {
    let said = key.map_or_else(|| said.to_owned(), |key| key.redact(said));
    let mut quoted = String::new();
    for word in said.split_whitespace() {
        if !quoted.is_empty() {
            quoted.push(' ');
        }
        // What would move the cursor of a terminal, or forge a line of a log, is told by its number.
        for c in word.chars() {
            if c.is_control() { quoted.extend(c.escape_unicode()) } else { quoted.push(c) }
        }
        if quoted.len() > LONGEST_QUOTE {
            quoted.truncate(quoted.floor_char_boundary(LONGEST_QUOTE));
            quoted.push_str("...");
            break;
        }
    }
    quoted
}

/// An error that the server told in the middle of an answer.
pub(super) fn told(error: &ServerError, key: Option<&ApiKey>) -> ProviderError {
    let kind = error.status.map_or(ProviderErrorKind::Cut, ProviderErrorKind::Status);
    let message = match error.status {
        Some(401 | 403) => "the provider refused the key in the middle of its answer".to_owned(),
        _ => format!("the provider broke off its answer: {}", quote(&error.message, key)),
    };
    ProviderError::new(kind, message)
}

/// Seconds, or a date of HTTP.
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at = rfc2822::parse(value).ok()?.timestamp();
    Some(at.duration_since(now).try_into().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    fn of(status: u16, said: &str) -> String {
        let key = ApiKey::new("sk-proj-0123456789").unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        Refusal::of_status(status, &HeaderMap::new(), said.to_owned(), Some(&key)).to_string()
    }

    #[test]
    fn both_kinds_of_retry_after_are_read() {
        let now: Timestamp = "2015-10-21T07:27:30Z".parse().unwrap();
        assert_eq!(retry_after(" 20 ", now), Some(Duration::from_secs(20)));
        assert_eq!(retry_after("0.5", now), Some(Duration::from_millis(500)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:00 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:27:00 GMT", now), Some(Duration::ZERO));
        for none in ["", "soon", "-1", "NaN", "inf", "1e999"] {
            assert_eq!(retry_after(none, now), None, "{none}");
        }
    }

    #[test]
    fn the_servers_reason_is_told_on_one_line() {
        assert_eq!(
            of(404, r#"{"error":{"message":"model `m` not found","type":"x"}}"#),
            "the provider answered 404 Not Found: model `m` not found"
        );
        assert_eq!(
            of(500, "<html>\n <b>oops</b>\u{1b}[31m"),
            "the provider answered 500 Internal Server Error: <html> <b>oops</b>\\u{1b}[31m"
        );
        assert_eq!(of(503, " "), "the provider answered 503 Service Unavailable");
        let long = of(500, &"\u{e9}".repeat(5_000));
        assert!(long.ends_with("...") && long.len() < 400, "{long}");
    }

    /// G10.
    #[test]
    fn a_key_that_is_quoted_is_not_told() {
        for status in [400, 401, 403, 429, 500] {
            let told = of(status, r#"{"error":{"message":"Incorrect key: sk-proj-0123456789, sk-proj-****6789"}}"#);
            assert!(!told.contains("sk-proj") && !told.contains("6789"), "{told}");
        }
    }

    #[test]
    fn a_redirect_names_where_it_leads() {
        let headers = headers(header::LOCATION, "https://elsewhere.example/v1?token=secret");
        let told = Refusal::of_status(StatusCode::FOUND, &headers, String::new(), None).to_string();
        assert_eq!(told, "the provider answered 302 Found, which leads to elsewhere.example: name its URL instead");
    }
}
