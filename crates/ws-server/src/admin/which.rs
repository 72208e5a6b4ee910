//! Which connections a request is about: those of one test, of none, or all.

use http::HeaderMap;
use serde_json::{Value, json};

use super::problem::Problem;
use crate::realm::TestId;

/// The header that names a test, here as in handshakes.
const HEADER: &str = "x-mockforge-test";
/// The parameter that names one, and the name that it has in handshakes.
pub(super) const PARAMETER: &str = "test";
const ALIAS: &str = "mockforge-test";

/// The connections that a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Which {
    /// Those of no test.
    Untagged,
    /// Those of this test.
    Test(TestId),
    /// All.
    All,
}

impl Which {
    /// Whether a connection of `test` is one of them.
    pub(super) fn has(&self, test: Option<&str>) -> bool {
        match self {
            Self::Untagged => test.is_none(),
            Self::Test(id) => test == Some(id.as_str()),
            Self::All => true,
        }
    }

    /// The test, if it is one.
    pub(super) fn test(&self) -> Option<&TestId> {
        match self {
            Self::Test(id) => Some(id),
            Self::Untagged | Self::All => None,
        }
    }
}

/// What an operation may be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scoping {
    /// It has nothing to do with tests.
    None,
    /// One test, or the connections of none.
    One,
    /// These, or all.
    OneOrAll,
    /// A connection, whose id says enough: with a test, only if it is of that one.
    ById,
}

impl Scoping {
    /// Whether a parameter of the query is for this module.
    pub(super) fn takes(self, parameter: &str) -> bool {
        self != Self::None && matches!(parameter, PARAMETER | ALIAS)
    }

    /// Refuses a test where there is none to be named; `parameters` are those that are not for this module.
    pub(super) fn check<'a>(self, mut parameters: impl Iterator<Item = &'a str>) -> Result<(), Problem> {
        match parameters.find(|name| matches!(*name, PARAMETER | ALIAS)) {
            None => Ok(()),
            Some(name) => {
                let detail = format!("`{name}`: this call is about the whole server, not about one test: leave it out");
                Err(Problem::unreadable(detail))
            }
        }
    }

    /// Reads what the request says; `parameters` are those that are for this module.
    pub(super) fn read(self, headers: &HeaderMap, parameters: &[String]) -> Result<Which, Problem> {
        if self == Self::None {
            return Ok(Which::All);
        }
        let mut said = parameters.to_vec();
        for value in headers.get_all(HEADER) {
            said.push(String::from_utf8_lossy(value.as_bytes()).into_owned());
        }
        said.dedup();
        match &*said {
            [] if self == Self::ById => Ok(Which::All),
            [] => Ok(Which::Untagged),
            [all] if all == "*" && self != Self::One => Ok(Which::All),
            [all] if all == "*" => Err(Problem::unreadable("an action is about one test: `test=*` is for reading")),
            [id] => Ok(Which::Test(id.parse()?)),
            _ => Err(Problem::unreadable("the request names more than one test")),
        }
    }

    /// The parameter as it is described, if there is one.
    pub(super) fn parameter(self) -> Option<Value> {
        let (pattern, whom) = match self {
            Self::None => return None,
            Self::One => (ID, "Connections of this test; without it, those of no test."),
            Self::OneOrAll => (ID_OR_ALL, "Connections of this test; without it, those of no test; `*`: all."),
            Self::ById => (ID_OR_ALL, "Only if the connection is of this test; `*` or nothing: whosever it is."),
        };
        let description = format!("{whom} The header `X-Mockforge-Test` says the same, and so does `{ALIAS}`.");
        let schema = json!({ "type": "string", "pattern": pattern });
        Some(json!({ "name": PARAMETER, "in": "query", "description": description, "schema": schema }))
    }
}

const ID: &str = "^[A-Za-z0-9._-]{1,64}$";
const ID_OR_ALL: &str = r"^([A-Za-z0-9._-]{1,64}|\*)$";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(scoping: Scoping, header: Option<&str>, parameters: &[&str]) -> Result<Which, u16> {
        let headers = header.map(|id| (http::HeaderName::from_static(HEADER), id.parse().unwrap()));
        let parameters: Vec<_> = parameters.iter().map(|id| (*id).to_owned()).collect();
        scoping.read(&headers.into_iter().collect(), &parameters).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn header_and_parameter_name_a_test() {
        use Scoping::{ById, One, OneOrAll};
        let test = || Ok(Which::Test("a".parse().unwrap()));
        for (scoping, header, parameters, expected) in [
            (One, None, &[][..], Ok(Which::Untagged)),
            (OneOrAll, None, &[], Ok(Which::Untagged)),
            (ById, None, &[], Ok(Which::All)),
            (One, Some("a"), &[], test()),
            (One, None, &["a"], test()),
            (One, Some("a"), &["a"], test()),
            (One, Some("b"), &["a"], Err(400)),
            (One, None, &["*"], Err(400)),
            (OneOrAll, None, &["*"], Ok(Which::All)),
            (OneOrAll, Some("*"), &[], Ok(Which::All)),
            (ById, None, &["a"], test()),
            (One, None, &[""], Err(400)),
            (One, None, &["a b"], Err(400)),
            (One, None, &[&"x".repeat(65)], Err(400)),
            (Scoping::None, Some("a b"), &[], Ok(Which::All)),
        ] {
            assert_eq!(read(scoping, header, parameters), expected, "{scoping:?} {header:?} {parameters:?}");
        }
    }
}
