//! Which paths go to which upstream.

use serde::Deserialize;
use ws_core::PathPattern;

use crate::ProxyError;

/// A rule for the paths that it fits; the first that fits decides.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProxyRule {
    /// The path of the client's URL, e.g. `/ws/users/*`: `*` stands for one segment, `**` at the end for all the rest,
    /// also for none.
    pub path: String,
    /// Whether these paths go to the upstream; if not, they stay with local handlers.
    #[serde(default = "yes")]
    pub proxy: bool,
    /// Another upstream for these paths. As with the main one, what stands behind `/ws` in the client's path is appended.
    #[serde(default)]
    pub upstream_url: Option<String>,
}

fn yes() -> bool {
    true
}

impl ProxyRule {
    /// Paths that go to the upstream.
    #[must_use]
    pub fn proxy(path: impl Into<String>) -> Self {
        Self { path: path.into(), proxy: true, upstream_url: None }
    }

    /// Paths that stay with local handlers.
    #[must_use]
    pub fn local(path: impl Into<String>) -> Self {
        Self { path: path.into(), proxy: false, upstream_url: None }
    }

    /// Sends these paths to another upstream.
    #[must_use]
    pub fn upstream(mut self, url: impl Into<String>) -> Self {
        self.upstream_url = Some(url.into());
        self
    }

    /// Whether the rule is for `path`. A rule whose path cannot be read fits none; [`check`](Self::check) says so.
    pub(crate) fn fits(&self, path: &str) -> bool {
        self.path.parse().is_ok_and(|pattern: PathPattern| pattern.matches(path))
    }

    pub(crate) fn check(&self) -> Result<(), ProxyError> {
        let wrong = |problem| ProxyError::Rule { path: self.path.clone(), problem };
        self.path.parse::<PathPattern>().map(drop).map_err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_segments() {
        for (rule, fitting, other) in [
            (
                "/ws/users/*",
                &["/ws/users/7", "/ws/users/a b"][..],
                &["/ws/users", "/ws/users/", "/ws/users/7/x", "/ws"][..],
            ),
            ("/ws/**", &["/ws", "/ws/", "/ws/a", "/ws/a/b"], &["/", "/wsx", "/x/ws"]),
            ("/ws/*/feed", &["/ws/a/feed"], &["/ws/feed", "/ws//feed", "/ws/a/b/feed"]),
            ("/ws/*/**", &["/ws/a", "/ws/a/b"], &["/ws"]),
            ("/ws/chat", &["/ws/chat"], &["/ws/chat/", "/ws/Chat", "/ws"]),
            ("/**", &["/", "/ws"], &[]),
        ] {
            let rule = ProxyRule::proxy(rule);
            rule.check().unwrap();
            fitting.iter().for_each(|path| assert!(rule.fits(path), "{rule:?} {path}"));
            other.iter().for_each(|path| assert!(!rule.fits(path), "{rule:?} {path}"));
        }
    }

    #[test]
    fn a_rule_that_cannot_be_meant_is_refused() {
        for path in ["", "ws/*", "/ws/**/x", "/ws/user-*", "/ws/***"] {
            assert!(ProxyRule::local(path).check().is_err(), "{path}");
        }
    }
}
