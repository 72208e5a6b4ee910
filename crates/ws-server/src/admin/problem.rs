//! What is answered where something is not done: problem details of [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457).

use std::fmt::Display;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;
use ws_patterns::nearest;

use super::body;

/// The content type of a problem.
pub(super) const CONTENT_TYPE: &str = "application/problem+json";

/// Why a request is not done.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
    errors: Vec<Mistake>,
    headers: HeaderMap,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), errors: Vec::new(), headers: HeaderMap::new() }
    }

    /// The request cannot be read as what the operation takes.
    pub(super) fn unreadable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// There is nothing under this name.
    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// The request can be read, but makes no sense.
    pub(super) fn senseless(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// Not now; perhaps in `seconds`.
    pub(super) fn not_now(detail: impl Into<String>, seconds: u32) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).header(header::RETRY_AFTER, seconds.into())
    }

    pub(super) fn shutting_down() -> Self {
        Self::not_now("the server shuts down", 1)
    }

    /// Adds what is wrong in the text that was sent.
    pub(super) fn errors(mut self, errors: impl IntoIterator<Item = Mistake>) -> Self {
        self.errors.extend(errors);
        self
    }

    pub(super) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    #[cfg(test)]
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let document = ProblemDocument {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Problem"),
            status: self.status.as_u16(),
            detail: self.detail,
            errors: self.errors,
        };
        let mut response = body::json(self.status, CONTENT_TYPE, &document);
        response.headers_mut().extend(self.headers);
        response
    }
}

/// A problem as it is written.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(super) struct ProblemDocument {
    /// Always `about:blank`: the status says what kind of problem it is.
    r#type: &'static str,
    /// The words of the status.
    title: &'static str,
    /// The status.
    #[schemars(range(min = 400, max = 599))]
    status: u16,
    /// What is wrong, and what to do.
    detail: String,
    /// What is wrong in the text that was sent, all of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Mistake>,
}

/// A mistake in a text that was sent.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Mistake {
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// The column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    /// What is wrong there.
    detail: String,
}

impl Mistake {
    pub(super) fn new(detail: impl Display) -> Self {
        Self { line: None, column: None, detail: detail.to_string() }
    }

    /// A mistake at a place; lines and columns count from 1.
    pub(super) fn at(line: usize, column: usize, detail: impl Display) -> Self {
        Self { line: Some(line), column: Some(column), detail: detail.to_string() }
    }

    /// A mistake in JSON, with what was probably meant.
    pub(super) fn of_json(error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        // The place is said beside the text.
        let detail = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
        let hint = meant(detail).map(|known| format!("; did you mean `{known}`?")).unwrap_or_default();
        Self::at(line.max(1), column.max(1), format_args!("{detail}{hint}"))
    }
}

/// The word that was probably meant where serde says that one is unknown: "unknown field `x`, expected `a` or `b`".
fn meant(detail: &str) -> Option<&str> {
    let (unknown, known) = detail.strip_prefix("unknown ")?.rsplit_once(", expected ")?;
    let word = unknown.split('`').nth(1)?;
    nearest(word, known.split('`').skip(1).step_by(2))
}
