//! How a connection was asked for, as names in templates see it.

use std::fmt;

use serde_json::{Map, Value, json};
use ws_core::Handshake;
use ws_patterns::Name;

/// A client's handshake, copied: what keeps the handshake itself would keep the connection, and so itself.
pub(crate) struct Request {
    connection_id: String,
    /// `path`, `query` and `headers`.
    facts: Value,
}

impl Request {
    pub(crate) fn of(handshake: &Handshake, connection_id: &str) -> Self {
        // The first of several counts, as for `Handshake::query_param` and `Handshake::header`.
        let mut query = Map::new();
        for (name, value) in form_urlencoded::parse(handshake.query().unwrap_or_default().as_bytes()) {
            query.entry(name.into_owned()).or_insert_with(|| value.into_owned().into());
        }
        let mut headers = Map::new();
        for (name, value) in handshake.headers() {
            if let Ok(value) = value.to_str() {
                headers.entry(name.as_str()).or_insert_with(|| value.into());
            }
        }
        let facts = json!({"path": handshake.path(), "query": query, "headers": headers});
        Self { connection_id: connection_id.to_owned(), facts }
    }

    pub(crate) fn connection_id(&self) -> &str {
        &self.connection_id
    }

    /// What a name that starts with `request` stands for. Names of headers may have capitals.
    pub(crate) fn value(&self, name: &Name) -> Option<Value> {
        let found = match name.rest() {
            [headers, header] if headers == "headers" => self.facts["headers"].get(header.to_ascii_lowercase()),
            _ => name.rest_in(&self.facts),
        };
        found.cloned()
    }
}

/// Nobody's.
impl Default for Request {
    fn default() -> Self {
        Self { connection_id: String::new(), facts: json!({}) }
    }
}

/// Shows neither query nor headers: they carry secrets.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("connection_id", &self.connection_id).finish_non_exhaustive()
    }
}
