//! Reading a query from left to right: characters, blanks, integers and literals of RFC 9535.

use serde_json::Value;

use super::error::JsonPathError;

/// The greatest index that RFC 9535 allows: integers up to here are exact in every JSON implementation.
const MAX_INTEGER: i64 = (1 << 53) - 1;

/// A place in a query.
pub(crate) struct Cursor<'q> {
    text: &'q str,
    at: usize,
}

impl<'q> Cursor<'q> {
    pub(crate) fn new(text: &'q str) -> Self {
        Self { text, at: 0 }
    }

    /// The byte offset of what comes next.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn rest(&self) -> &'q str {
        &self.text[self.at..]
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Takes `expected` if it comes next.
    pub(crate) fn eat(&mut self, expected: &str) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.at += expected.len();
        }
        found
    }

    /// Takes so many bytes; there must be so many, and a character must end with them.
    pub(crate) fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// Takes what comes next, as long as it is `wanted`.
    pub(crate) fn eat_while(&mut self, wanted: impl Fn(char) -> bool) -> &'q str {
        let rest = self.rest();
        let len = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    pub(crate) fn eat_blanks(&mut self) {
        self.eat_while(is_blank);
    }

    /// Takes blanks if `expected` follows them, and `expected`.
    pub(super) fn eat_after_blanks(&mut self, expected: &str) -> bool {
        let before = self.at;
        self.eat_blanks();
        let found = self.eat(expected);
        if !found {
            self.at = before;
        }
        found
    }

    pub(super) fn error(&self, problem: impl Into<String>) -> JsonPathError {
        self.error_at(self.at, problem)
    }

    pub(super) fn error_at(&self, at: usize, problem: impl Into<String>) -> JsonPathError {
        JsonPathError::new(self.text, at, problem)
    }

    /// An index, or a bound or step of a slice.
    pub(crate) fn integer(&mut self) -> Result<i64, JsonPathError> {
        let start = self.at;
        let negative = self.eat("-");
        let digits = self.eat_while(|c| c.is_ascii_digit());
        let problem = if digits.is_empty() {
            "digits must follow the minus sign"
        } else if digits.starts_with('0') && (negative || digits.len() > 1) {
            "an index has no leading zero and no minus sign before zero"
        } else if let Some(integer) = digits.parse().ok().filter(|integer: &i64| *integer <= MAX_INTEGER) {
            return Ok(if negative { -integer } else { integer });
        } else {
            "an index or step beyond 9007199254740991 is out of range"
        };
        Err(self.error_at(start, problem))
    }

    /// A number in a filter; its grammar is JSON's.
    pub(super) fn number(&mut self) -> Result<Value, JsonPathError> {
        let start = self.at;
        let number = self.eat_while(|c| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E'));
        serde_json::from_str(number)
            .map_err(|_| self.error_at(start, format!("`{number}` is not a JSON number, or too great for one")))
    }

    /// A quoted string, without its quotes and escapes.
    pub(crate) fn string(&mut self) -> Result<String, JsonPathError> {
        let start = self.at;
        let quote = if self.eat("'") {
            '\''
        } else {
            self.eat("\"");
            '"'
        };
        let mut string = String::new();
        loop {
            string.push_str(self.eat_while(|c| c != quote && c != '\\' && c >= ' '));
            match self.peek() {
                Some('\\') => string.push(self.escape(quote)?),
                Some(c) if c == quote => {
                    self.at += 1;
                    return Ok(string);
                }
                Some(c) => {
                    let problem = format!("a control character must be escaped, as \\u{:04x}", u32::from(c));
                    return Err(self.error(problem));
                }
                None => return Err(self.error_at(start, format!("the closing {quote} is missing"))),
            }
        }
    }

    fn escape(&mut self, quote: char) -> Result<char, JsonPathError> {
        let start = self.at;
        self.at += 1;
        let escaped = match self.peek() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some(c @ ('/' | '\\')) => c,
            Some(c) if c == quote => c,
            Some('u') => return self.unicode_escape(start),
            _ => {
                let problem =
                    format!("an unknown escape; known are \\b \\f \\n \\r \\t \\/ \\\\ \\{quote} and \\uXXXX");
                return Err(self.error_at(start, problem));
            }
        };
        self.at += 1;
        Ok(escaped)
    }

    /// `\uXXXX`, of which two make a character outside the basic plane.
    fn unicode_escape(&mut self, start: usize) -> Result<char, JsonPathError> {
        let first = self.code_unit(start)?;
        let mut units = vec![first];
        if (0xD800..0xDC00).contains(&first) && self.rest().starts_with("\\u") {
            self.at += 1;
            units.push(self.code_unit(start)?);
        }
        match char::decode_utf16(units).next() {
            Some(Ok(c)) => Ok(c),
            _ => Err(self.error_at(start, "half of a surrogate pair is no character")),
        }
    }

    fn code_unit(&mut self, start: usize) -> Result<u16, JsonPathError> {
        let digits = self.rest().get(1..5).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let unit = unit.ok_or_else(|| self.error_at(start, "four hexadecimal digits must follow \\u"))?;
        self.at += 5;
        Ok(unit)
    }
}

pub(crate) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str) -> Result<String, String> {
        Cursor::new(text).string().map_err(|error| error.to_string())
    }

    #[test]
    fn strings_are_unescaped() {
        let cases = [
            ("'a b'", "a b"),
            ("\"it's\"", "it's"),
            ("''", ""),
            (r"'it\'s'", "it's"),
            (r#""say \"x\"""#, "say \"x\""),
            (r"'\b\f\n\r\t\/\\'", "\u{8}\u{c}\n\r\t/\\"),
            (r"'\u00e9\u00E9'", "\u{e9}\u{e9}"),
            (r"'\uD83D\uDE00'", "\u{1f600}"),
            ("'\u{1f600}'", "\u{1f600}"),
        ];
        for (text, expected) in cases {
            assert_eq!(string(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn bad_strings_say_what_is_wrong() {
        let cases = [
            ("'a", "closing ' is missing"),
            ("\"a'", "closing \" is missing"),
            (r"'\x'", "unknown escape"),
            (r#"'\"'"#, "unknown escape"),
            ("'\\", "unknown escape"),
            (r"'\u12'", "four hexadecimal digits"),
            (r"'\u12\u{e9}9'", "four hexadecimal digits"),
            (r"'\u+123'", "four hexadecimal digits"),
            (r"'\uD83D'", "half of a surrogate pair"),
            (r"'\uD83D\n'", "half of a surrogate pair"),
            (r"'\uD83D\uD83D'", "half of a surrogate pair"),
            (r"'\uDE00'", "half of a surrogate pair"),
            ("'a\nb'", "escaped, as \\u000a"),
        ];
        for (text, expected) in cases {
            let error = string(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn integers_keep_to_the_range_of_rfc_9535() {
        assert_eq!(Cursor::new("0]").integer().unwrap(), 0);
        assert_eq!(Cursor::new("-9007199254740991]").integer().unwrap(), -MAX_INTEGER);
        for text in ["-", "-0", "01", "-01", "9007199254740992", "-9007199254740992", "99999999999999999999999"] {
            assert!(Cursor::new(text).integer().is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_are_those_of_json() {
        for text in ["0", "-0", "-1.5", "1e3", "1E-2", "0.1"] {
            assert!(Cursor::new(text).number().is_ok(), "{text}");
        }
        for text in ["01", "1.", ".5", "-", "1e", "+1", "1e999", "1-1"] {
            assert!(Cursor::new(text).number().is_err(), "{text}");
        }
    }
}
