//! The opening handshake as part of the mock: who is let in, how, and who is not, by what the handshake says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use regex::Regex;
use serde::{Deserialize, Serialize};
use ws_conditions::ConnectionNumbers;
use ws_core::{
    Acceptance, HandlerError, HandlerResult, Handshake, HandshakeDecision, Refusal, WsContext, WsHandler, WsMessage,
};

/// What happens to handshakes that fit. The first rule that fits decides.
///
/// ```
/// # fn main() -> Result<(), serde_json::Error> {
/// let rule: ws_server::HandshakeRule = serde_json::from_str(
///     r#"{"headers": {"authorization": false}, "refuse": {"status": 401, "body": "who are you?"}}"#,
/// )?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HandshakeRule {
    /// Which of the handshakes on this path, counted from 1: `3`, `1-2` or `3-`. All, if it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<ConnectionNumbers>,
    /// What query parameters must be.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, Expected>,
    /// What headers must be; their names in any case.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Expected>,
    /// What cookies must be.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub cookies: BTreeMap<String, Expected>,
    /// A subprotocol that must be among those offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offers: Option<String>,
    /// How long the answer takes, in milliseconds.
    pub delay_ms: u64,
    /// Accept it, with these answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accept: Option<AcceptWith>,
    /// Refuse it, with this answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refuse: Option<RefuseWith>,
}

/// What a value of a handshake must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Expected {
    /// There, whatever it is, or not there.
    Present(bool),
    /// Exactly this.
    Exactly(String),
    /// Matched by a regex, which is not anchored.
    #[serde(rename_all = "snake_case")]
    Matching {
        /// The regex.
        regex: String,
    },
}

/// How a handshake is accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AcceptWith {
    /// The subprotocol, whatever the client offers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subprotocol: Option<String>,
    /// Headers of the 101 response.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
}

/// How a handshake is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RefuseWith {
    /// The status of the response, 300 to 599.
    pub status: u16,
    /// Its headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Its body.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
}

/// The handler that decides handshakes by rules. It takes no part in what comes after them.
pub struct HandshakeRules {
    rules: Arc<[Rule]>,
    /// How many handshakes there were.
    asked: AtomicU64,
}

struct Rule {
    connections: ConnectionNumbers,
    values: Vec<(Source, Test)>,
    offers: Option<String>,
    delay: Duration,
    decision: Decision,
}

enum Source {
    Query(String),
    Header(HeaderName),
    Cookie(String),
}

enum Test {
    Present(bool),
    Exactly(String),
    Matching(Regex),
}

enum Decision {
    Pass,
    Accept(Option<String>, HeaderMap),
    Refuse(StatusCode, HeaderMap, Bytes),
}

impl HandshakeRules {
    /// Compiles `rules`, which are asked in their order.
    ///
    /// # Errors
    /// [`HandlerError::Generic`] names the rule, by its number from 1, and what is wrong with it.
    pub fn new(rules: Vec<HandshakeRule>) -> HandlerResult<Self> {
        let rules = rules.into_iter().zip(1..).map(|(rule, number)| {
            Rule::compile(rule).map_err(|problem| HandlerError::Generic(format!("handshake rule {number}: {problem}")))
        });
        Ok(Self { rules: rules.collect::<Result<_, _>>()?, asked: AtomicU64::new(0) })
    }

    /// The same rules, which count from the beginning.
    pub(crate) fn anew(&self) -> Self {
        Self { rules: Arc::clone(&self.rules), asked: AtomicU64::new(0) }
    }
}

#[async_trait]
impl WsHandler for HandshakeRules {
    async fn on_handshake(&self, handshake: &Handshake) -> HandlerResult<HandshakeDecision> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let Some(rule) = self.rules.iter().find(|rule| rule.fits(number, handshake)) else {
            return Ok(HandshakeDecision::Pass);
        };
        if !rule.delay.is_zero() {
            tokio::time::sleep(rule.delay).await;
        }
        Ok(rule.decision.answer())
    }

    async fn on_message(&self, _: &mut WsContext, _: WsMessage) -> HandlerResult<()> {
        Ok(())
    }
}

impl Rule {
    fn compile(rule: HandshakeRule) -> Result<Self, String> {
        let mut values = Vec::new();
        for (name, expected) in rule.query {
            values.push((Source::Query(name), expected.compile()?));
        }
        for (name, expected) in rule.headers {
            values.push((Source::Header(header_name(&name)?), expected.compile()?));
        }
        for (name, expected) in rule.cookies {
            values.push((Source::Cookie(name), expected.compile()?));
        }
        let connections = rule.connections.unwrap_or_else(|| (1..).into());
        if let Some(problem) = connections.problem() {
            return Err(format!("connections: {problem}"));
        }
        let decision = match (rule.accept, rule.refuse) {
            (Some(_), Some(_)) => return Err("it cannot accept and refuse".to_owned()),
            (None, None) if rule.delay_ms == 0 => return Err("it says neither accept, refuse nor delay_ms".to_owned()),
            (None, None) => Decision::Pass,
            (Some(with), None) => Decision::Accept(with.subprotocol, headers(with.headers)?),
            (None, Some(with)) => {
                let status =
                    StatusCode::from_u16(with.status).ok().filter(|status| (300..600).contains(&status.as_u16()));
                let status = status.ok_or_else(|| format!("status {} refuses nothing: use 300 to 599", with.status))?;
                Decision::Refuse(status, headers(with.headers)?, with.body.into())
            }
        };
        Ok(Self { connections, values, offers: rule.offers, delay: Duration::from_millis(rule.delay_ms), decision })
    }

    fn fits(&self, number: u64, handshake: &Handshake) -> bool {
        self.connections.contains(number)
            && self.offers.as_ref().is_none_or(|name| handshake.offered_subprotocols().any(|offered| offered == name))
            && self.values.iter().all(|(source, test)| test.passes(source.read(handshake).as_deref()))
    }
}

impl Source {
    fn read<'a>(&self, handshake: &'a Handshake) -> Option<std::borrow::Cow<'a, str>> {
        match self {
            Self::Query(name) => handshake.query_param(name),
            Self::Header(name) => handshake.header(name.as_str()).map(Into::into),
            Self::Cookie(name) => handshake.cookie(name).map(Into::into),
        }
    }
}

impl Expected {
    fn compile(self) -> Result<Test, String> {
        Ok(match self {
            Self::Present(present) => Test::Present(present),
            Self::Exactly(value) => Test::Exactly(value),
            Self::Matching { regex } => Test::Matching(Regex::new(&regex).map_err(|error| error.to_string())?),
        })
    }
}

impl Test {
    fn passes(&self, value: Option<&str>) -> bool {
        match self {
            Self::Present(present) => value.is_some() == *present,
            Self::Exactly(expected) => value == Some(expected),
            Self::Matching(regex) => value.is_some_and(|value| regex.is_match(value)),
        }
    }
}

impl Decision {
    fn answer(&self) -> HandshakeDecision {
        match self {
            Self::Pass => HandshakeDecision::Pass,
            Self::Accept(subprotocol, headers) => {
                let accepted = subprotocol.iter().fold(Acceptance::new(), Acceptance::subprotocol);
                let with_header = |accepted: Acceptance, (name, value): (&HeaderName, &HeaderValue)| {
                    accepted.header(name.clone(), value.clone())
                };
                headers.iter().fold(accepted, with_header).into()
            }
            Self::Refuse(status, headers, body) => {
                let refusal = Refusal::new(*status).body(body.clone());
                headers
                    .iter()
                    .fold(refusal, |refusal, (name, value)| refusal.header(name.clone(), value.clone()))
                    .into()
            }
        }
    }
}

fn header_name(name: &str) -> Result<HeaderName, String> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` is no name of a header"))
}

fn headers(pairs: BTreeMap<String, String>) -> Result<HeaderMap, String> {
    let pair = |(name, value): (String, String)| {
        let value =
            HeaderValue::from_str(&value).map_err(|_| format!("the value of header `{name}` cannot be sent"))?;
        Ok((header_name(&name)?, value))
    };
    pairs.into_iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(json: &str) -> Result<Rule, String> {
        Rule::compile(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn mistakes_say_what_is_wrong() {
        for (json, problem) in [
            (r#"{"headers": {"a b": true}, "accept": {}}"#, "`a b`"),
            (r#"{"query": {"a": {"regex": "("}}, "accept": {}}"#, "regex"),
            (r#"{"refuse": {"status": 200}}"#, "200"),
            (r#"{"refuse": {"status": 400}, "accept": {}}"#, "accept and refuse"),
            (r#"{"refuse": {"status": 400, "headers": {"x": "a\nb"}}}"#, "`x`"),
            (r#"{"query": {"a": "b"}}"#, "neither"),
        ] {
            let error = rule(json).err().unwrap();
            assert!(error.contains(problem), "{json}: {error}");
        }
    }

    #[test]
    fn connections_that_cannot_be_are_no_rule() {
        let rule = HandshakeRule {
            connections: Some(0.into()),
            accept: Some(AcceptWith::default()),
            ..HandshakeRule::default()
        };
        assert!(Rule::compile(rule).err().unwrap().contains("counted from 1"));
        for json in [r#"{"connections": 0}"#, r#"{"connections": "3-1"}"#, r#"{"connections": "x"}"#] {
            serde_json::from_str::<HandshakeRule>(json).unwrap_err();
        }
    }

    #[test]
    fn a_rule_fits_when_all_that_it_names_fits() {
        let headers = [("x-plan", "pro-7"), ("cookie", "session=abc"), ("sec-websocket-protocol", "v1, v2")];
        let headers = headers.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let handshake = Handshake::new("/ws?room=tea", headers.into_iter().collect(), None);
        for (json, fits) in [
            (r#"{"accept": {}}"#, true),
            (r#"{"query": {"room": "tea"}, "headers": {"X-Plan": {"regex": "^pro"}}, "accept": {}}"#, true),
            (r#"{"query": {"room": "te"}, "accept": {}}"#, false),
            (r#"{"query": {"room": true, "token": false}, "accept": {}}"#, true),
            (r#"{"cookies": {"session": false}, "accept": {}}"#, false),
            (r#"{"offers": "v2", "accept": {}}"#, true),
            (r#"{"offers": "v3", "accept": {}}"#, false),
            (r#"{"connections": "2-", "accept": {}}"#, true),
            (r#"{"connections": "1", "accept": {}}"#, false),
        ] {
            assert_eq!(rule(json).unwrap().fits(2, &handshake), fits, "{json}");
        }
    }
}
