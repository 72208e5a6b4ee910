//! Patterns of paths, as configurations write them.

use std::fmt;
use std::str::FromStr;

/// A pattern of paths: `*` is one segment, whatever it is, and `**` at the end is all the rest, be it nothing.
///
/// ```
/// use ws_core::PathPattern;
///
/// let pattern: PathPattern = "/ws/users/*".parse()?;
/// assert!(pattern.matches("/ws/users/7"));
/// assert!(!pattern.matches("/ws/users") && !pattern.matches("/ws/users/7/posts"));
///
/// let pattern: PathPattern = "/ws/**".parse()?;
/// assert!(pattern.matches("/ws") && pattern.matches("/ws/a/b"));
/// # Ok::<(), ws_core::PathPatternError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PathPattern {
    text: String,
    segments: Vec<Segment>,
    /// Whether anything may follow.
    open: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Segment {
    Literal(String),
    Any,
}

/// What is wrong with a pattern of paths.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathPatternError {
    /// It does not begin as a path does.
    #[error("a path begins with `/`")]
    NoSlash,
    /// A star beside other characters.
    #[error("`{0}`: `*` stands for a whole segment, between two slashes")]
    PartOfSegment(String),
    /// A segment as other tools write those that may be anything.
    #[error("`{0}`: a segment that may be anything is written `*`")]
    Placeholder(String),
    /// What stands behind a path in a URL.
    #[error("`{0}`: a path ends before `?` and `#`")]
    BehindPath(String),
    /// Two stars before the end.
    #[error("`**` stands at the end only")]
    RestInTheMiddle,
}

impl PathPattern {
    /// Whether a path, percent-decoded, fits.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let Some(path) = path.strip_prefix('/') else { return false };
        let mut given = path.split('/');
        for segment in &self.segments {
            let fits = match (segment, given.next()) {
                (Segment::Literal(literal), Some(given)) => given == literal,
                (Segment::Any, Some(given)) => !given.is_empty(),
                (_, None) => false,
            };
            if !fits {
                return false;
            }
        }
        self.open || given.next().is_none()
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for PathPattern {
    type Err = PathPatternError;

    fn from_str(text: &str) -> Result<Self, PathPatternError> {
        let path = text.strip_prefix('/').ok_or(PathPatternError::NoSlash)?;
        let mut segments = Vec::new();
        let mut open = false;
        for segment in path.split('/') {
            if open {
                return Err(PathPatternError::RestInTheMiddle);
            }
            match segment {
                "**" => open = true,
                "*" => segments.push(Segment::Any),
                star if star.contains('*') => return Err(PathPatternError::PartOfSegment(star.to_owned())),
                name if name.starts_with(':') || (name.starts_with('{') && name.ends_with('}')) => {
                    return Err(PathPatternError::Placeholder(name.to_owned()));
                }
                long if long.contains(['?', '#']) => return Err(PathPatternError::BehindPath(long.to_owned())),
                literal => segments.push(Segment::Literal(literal.to_owned())),
            }
        }
        Ok(Self { text: text.to_owned(), segments, open })
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_by_segments() {
        for (pattern, path, expected) in [
            ("/ws", "/ws", true),
            ("/ws", "/ws/", false),
            ("/ws", "/wss", false),
            ("/", "/", true),
            ("/**", "/", true),
            ("/**", "/a/b", true),
            ("/ws/*", "/ws/a", true),
            ("/ws/*", "/ws/a b*", true),
            ("/ws/*", "/ws/", false),
            ("/ws/*", "/ws/a/", false),
            ("/ws/*/posts", "/ws/7/posts", true),
            ("/ws/*/posts", "/ws/posts", false),
            ("/ws/*/**", "/ws/a", true),
            ("/ws/*/**", "/ws/a/b/c", true),
            ("/ws/*/**", "/ws", false),
            ("/ws/**", "/ws", true),
            ("/ws/**", "/ws/", true),
            ("/ws/**", "/wsx", false),
            ("/ws/**", "ws", false),
        ] {
            assert_eq!(pattern.parse::<PathPattern>().unwrap().matches(path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        for (text, expected) in [
            ("", PathPatternError::NoSlash),
            ("ws/*", PathPatternError::NoSlash),
            ("/ws/user-*", PathPatternError::PartOfSegment("user-*".into())),
            ("/ws/***", PathPatternError::PartOfSegment("***".into())),
            ("/**/a", PathPatternError::RestInTheMiddle),
            ("/ws/users/:id", PathPatternError::Placeholder(":id".into())),
            ("/ws/users/{id}/posts", PathPatternError::Placeholder("{id}".into())),
            ("/ws/users?id=7", PathPatternError::BehindPath("users?id=7".into())),
        ] {
            assert_eq!(text.parse::<PathPattern>(), Err(expected), "{text}");
        }
    }
}
