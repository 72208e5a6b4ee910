//! From a query's text to its compiled path: the grammar of RFC 9535, and an error that names whatever it refuses.
//!
//! What belongs to other dialects of JSONPath is refused too, not guessed at, with what to write instead.

use super::cursor::{Cursor, is_blank};
use super::error::JsonPathError;
use super::path::{Path, PathBuilder, Selector};
use super::walk::Plain;
use super::{MAX_ALTERNATIVES, MAX_DESCENTS, MAX_LENGTH, MAX_NESTING};

type Result<T> = std::result::Result<T, JsonPathError>;

/// Compiles the query that `text` starts with, and tells how many bytes it takes. What follows is for the caller to
/// judge; if there is nothing that it expects, [`unexpected`] says what is wrong.
pub(super) fn parse(text: &str) -> Result<(Path, usize)> {
    let mut parser = Parser::new(text);
    if !parser.cursor.eat("$") {
        return Err(parser.cursor.error("a query starts with `$`"));
    }
    let path = parser.path()?;
    Ok((path, parser.cursor.at()))
}

/// What is wrong with a query that goes on at byte `at`, where it should have ended.
pub(super) fn unexpected(text: &str, at: usize) -> JsonPathError {
    let rest = text[at..].trim_start_matches(is_blank);
    let problem = match rest.chars().next() {
        None => return JsonPathError::new(text, at, "the query must end before these blanks"),
        Some('=' | '!' | '<' | '>') => "a comparison belongs into a filter, as in `$[?@.a == 1]`".to_owned(),
        Some(':') => "a value after a colon belongs to the patterns of files; here, write a filter".to_owned(),
        Some('^') => "the parent operator `^` is not part of JSONPath (RFC 9535)".to_owned(),
        Some('~') => "the name operator `~` is not part of JSONPath (RFC 9535)".to_owned(),
        Some(c) => format!("unexpected `{c}`; `.name`, `[...]` or the end must come here"),
    };
    JsonPathError::new(text, text.len() - rest.len(), problem)
}

/// The state of one parse. Conditions of filters are in `filter_parser.rs`.
pub(super) struct Parser<'q> {
    pub(super) cursor: Cursor<'q>,
    nesting: usize,
    descents: usize,
    alternatives: usize,
}

impl<'q> Parser<'q> {
    fn new(text: &'q str) -> Self {
        Self { cursor: Cursor::new(text), nesting: 0, descents: 0, alternatives: 1 }
    }

    /// Runs `parse` one level deeper, unless that is too deep.
    pub(super) fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.nesting == MAX_NESTING {
            let problem = format!("filters and parentheses are nested more than {MAX_NESTING} deep");
            return Err(self.cursor.error(problem));
        }
        self.nesting += 1;
        let parsed = parse(self);
        self.nesting -= 1;
        parsed
    }

    /// The segments after `$` or `@`.
    pub(super) fn path(&mut self) -> Result<Path> {
        let mut path = Path::builder();
        while let Some(at) = self.segment(&mut path)? {
            if at > MAX_LENGTH {
                return Err(self.cursor.error(format!("the query is longer than {MAX_LENGTH} bytes")));
            }
        }
        path.finish().map_err(|problem| self.cursor.error(problem))
    }

    /// One segment, if another follows, and where it ended.
    fn segment(&mut self, path: &mut PathBuilder) -> Result<Option<usize>> {
        let start = self.cursor.at();
        let selectors = if self.cursor.eat_after_blanks("..") {
            self.count_descent(start)?;
            path.descend().map_err(|problem| self.cursor.error(problem))?;
            if self.cursor.eat("[") { self.brackets()? } else { vec![self.after_dot()?] }
        } else if self.cursor.eat_after_blanks(".") {
            vec![self.after_dot()?]
        } else if self.cursor.eat_after_blanks("[") {
            self.brackets()?
        } else {
            return Ok(None);
        };
        path.child(selectors).map_err(|problem| self.cursor.error(problem))?;
        Ok(Some(self.cursor.at()))
    }

    fn count_descent(&mut self, start: usize) -> Result<()> {
        self.descents += 1;
        if self.descents > MAX_DESCENTS {
            let problem = format!("more than {MAX_DESCENTS} descent `..` in one query is not supported");
            return Err(self.cursor.error_at(start, problem));
        }
        Ok(())
    }

    /// `*` or a plain name.
    fn after_dot(&mut self) -> Result<Selector> {
        if self.cursor.eat("*") {
            return Ok(Selector::Plain(Plain::Wildcard));
        }
        let start = self.cursor.at();
        let name = self.cursor.eat_while(is_name_char);
        let problem = match (name.chars().next(), self.cursor.peek()) {
            (Some(_), Some('(')) => function(name),
            (Some(_), Some('-')) => {
                let rest = self.cursor.eat_while(|c| is_name_char(c) || c == '-');
                format!("a plain name has no `-`; write ['{name}{rest}'] without the dot")
            }
            (Some(first), _) if first.is_ascii_digit() => format!(
                "a plain name does not start with a digit; write [{name}] for an element or ['{name}'] for a member, without the dot"
            ),
            (Some(_), _) => return Ok(Selector::Plain(Plain::Name(name.to_owned()))),
            (None, Some('[' | '\'' | '"')) => "brackets follow without a dot, as in $['a'] or $..['a']".to_owned(),
            (None, Some('.')) => "more than two dots".to_owned(),
            (None, _) => "a name or `*` must follow the dot".to_owned(),
        };
        Err(self.cursor.error_at(start, problem))
    }

    /// What stands between brackets, of which the first is taken already.
    fn brackets(&mut self) -> Result<Vec<Selector>> {
        let start = self.cursor.at();
        let mut selectors = vec![];
        loop {
            self.cursor.eat_blanks();
            selectors.push(self.selector()?);
            self.cursor.eat_blanks();
            if self.cursor.eat("]") {
                break;
            }
            if !self.cursor.eat(",") {
                let problem = match self.cursor.peek() {
                    Some(c) => format!("unexpected `{c}`; `,` or `]` must come here"),
                    None => "the closing `]` is missing".to_owned(),
                };
                return Err(self.cursor.error(problem));
            }
        }
        self.alternatives = self.alternatives.saturating_mul(selectors.len());
        if self.alternatives > MAX_ALTERNATIVES {
            let problem = format!("the unions of one query combine to more than {MAX_ALTERNATIVES} alternatives");
            return Err(self.cursor.error_at(start, problem));
        }
        Ok(selectors)
    }

    fn selector(&mut self) -> Result<Selector> {
        match self.cursor.peek() {
            Some('\'' | '"') => self.cursor.string().map(|name| Selector::Plain(Plain::Name(name))),
            Some('-' | ':' | '0'..='9') => self.index_or_slice().map(Selector::Plain),
            Some('*') => {
                self.cursor.eat("*");
                Ok(Selector::Plain(Plain::Wildcard))
            }
            Some('?') => {
                self.cursor.eat("?");
                self.nested(Self::condition).map(Selector::Filter)
            }
            other => Err(self.no_selector(other)),
        }
    }

    fn no_selector(&mut self, next: Option<char>) -> JsonPathError {
        let start = self.cursor.at();
        let problem = match next {
            Some('(') => "a script expression `(...)` is not part of JSONPath (RFC 9535); \
                          the last element is [-1], a filter starts with `?`"
                .to_owned(),
            Some(']') => "nothing stands between the brackets; `[*]` selects all".to_owned(),
            Some(c) if is_name_char(c) => {
                let name = self.cursor.eat_while(|c| is_name_char(c) || c == '-');
                format!("a name between brackets is quoted: ['{name}']")
            }
            Some(c) => format!("unexpected `{c}`; a quoted name, an index, a slice, `*` or `?` must come here"),
            None => "the closing `]` is missing".to_owned(),
        };
        self.cursor.error_at(start, problem)
    }

    fn index_or_slice(&mut self) -> Result<Plain> {
        let start = self.bound()?;
        let is_slice = self.cursor.eat_after_blanks(":");
        if let (Some(index), false) = (start, is_slice) {
            return Ok(Plain::Index(index));
        }
        let end = self.bound()?;
        let step_at = self.cursor.at();
        let step = if self.cursor.eat_after_blanks(":") { self.bound()? } else { None };
        match step.unwrap_or(1) {
            0 => Err(self.cursor.error_at(step_at, "a slice with step 0 selects nothing")),
            ..0 => Err(self.cursor.error_at(step_at, "a negative step, which selects backwards, is not supported")),
            step => Ok(Plain::Slice { start: start.unwrap_or(0), end, step }),
        }
    }

    /// A bound or step of a slice, if there is one.
    fn bound(&mut self) -> Result<Option<i64>> {
        self.cursor.eat_blanks();
        match self.cursor.peek() {
            Some('-' | '0'..='9') => self.cursor.integer().map(Some),
            _ => Ok(None),
        }
    }
}

/// What to say of a function, which no part of a query can be.
pub(super) fn function(name: &str) -> String {
    format!("function {name}() is not supported; a filter compares values, and tests what is there")
}

/// A character of a plain name; the first one is no digit.
pub(super) fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()
}
