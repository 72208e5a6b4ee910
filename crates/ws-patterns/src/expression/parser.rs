//! From an expression's text to its terms, and an error that says what was meant.

use serde_json::Value;

use super::term::{Operator, Term};
use super::{ExpressionError, MAX_LENGTH, MAX_NESTING, Name};
use crate::JsonPath;
use crate::jsonpath::Cursor;

type Result<T> = std::result::Result<T, ExpressionError>;

/// What may stand behind a value, and what other languages have there, with what to say of it. Longer ones come before
/// those that they start with.
const OPERATORS: [(&str, std::result::Result<Operator, &str>); 27] = [
    ("||", Ok(Operator::Or)),
    ("&&", Ok(Operator::And)),
    ("===", Err("to compare, write `==`")),
    ("!==", Err("to compare, write `!=`")),
    ("==", Ok(Operator::Equal)),
    ("!=", Ok(Operator::NotEqual)),
    ("=~", Err("expressions have no regular expressions; match the message with a pattern")),
    ("=<", Err("write `<=`")),
    ("=>", Err("write `>=`")),
    ("=", Err("to compare, write `==`")),
    ("<>", Err("write `!=`")),
    ("<<", Err("expressions do not shift bits")),
    (">>", Err("expressions do not shift bits")),
    ("<=", Ok(Operator::LessOrEqual)),
    (">=", Ok(Operator::GreaterOrEqual)),
    ("<", Ok(Operator::Less)),
    (">", Ok(Operator::Greater)),
    ("+", Ok(Operator::Plus)),
    ("-", Ok(Operator::Minus)),
    ("**", Err("expressions have no powers; write `a * a`")),
    ("*", Ok(Operator::Times)),
    ("/", Ok(Operator::Divided)),
    ("%", Ok(Operator::Remainder)),
    ("&", Err("write `&&`")),
    ("|", Err("write `||`")),
    ("?", Err("expressions have no `? :`; `a && b || c` does nearly the same")),
    ("^", Err("expressions have no powers; write `a * a`")),
];

/// Words that other languages have for operators.
const OPERATOR_WORDS: [(&str, &str); 14] = [
    ("and", "&&"),
    ("or", "||"),
    ("eq", "=="),
    ("is", "=="),
    ("equals", "=="),
    ("ne", "!="),
    ("lt", "<"),
    ("le", "<="),
    ("lte", "<="),
    ("gt", ">"),
    ("ge", ">="),
    ("gte", ">="),
    ("mod", "%"),
    ("div", "/"),
];

/// Words that other languages have for values.
const VALUE_WORDS: [(&str, &str); 6] =
    [("not", "!"), ("nil", "null"), ("none", "null"), ("undefined", "null"), ("yes", "true"), ("no", "false")];

/// Compiles a whole expression.
pub(super) fn parse(text: &str) -> Result<Term> {
    if text.len() > MAX_LENGTH {
        let problem = format!("an expression has at most {MAX_LENGTH} bytes");
        return Err(ExpressionError::new(text, text.floor_char_boundary(MAX_LENGTH), problem));
    }
    let mut parser = Parser { text, cursor: Cursor::new(text), nesting: 0 };
    let term = parser.level(0)?;
    // Behind a term stands an operator, the end, or this.
    match parser.cursor.peek() {
        None => Ok(term),
        Some(_) => Err(parser.error("this `)` closes nothing")),
    }
}

struct Parser<'t> {
    text: &'t str,
    cursor: Cursor<'t>,
    nesting: usize,
}

impl Parser<'_> {
    /// Terms between operators of this level, and of those that bind closer.
    fn level(&mut self, level: u8) -> Result<Term> {
        if level == Operator::LEVELS {
            return self.signed();
        }
        let first = self.level(level + 1)?;
        let mut rest = Vec::new();
        while let Some((len, operator)) = self.operator()?.filter(|(_, operator)| operator.level() == level) {
            if level == Operator::COMPARISONS && !rest.is_empty() {
                return Err(self.error("comparisons do not chain; write `a < b && b < c`"));
            }
            self.cursor.skip(len);
            rest.push((operator, self.level(level + 1)?));
        }
        Ok(if rest.is_empty() { first } else { Term::Chain(Box::new(first), rest) })
    }

    /// The operator that comes next, and its length; `None` at the end and before a `)`.
    fn operator(&mut self) -> Result<Option<(usize, Operator)>> {
        self.cursor.eat_blanks();
        let rest = self.cursor.rest();
        if rest.is_empty() || rest.starts_with(')') {
            return Ok(None);
        }
        match OPERATORS.iter().find(|(text, _)| rest.starts_with(text)) {
            Some((text, Ok(operator))) => Ok(Some((text.len(), *operator))),
            Some((_, Err(advice))) => Err(self.error(*advice)),
            None => Err(self.no_operator()),
        }
    }

    fn no_operator(&mut self) -> ExpressionError {
        let at = self.cursor.at();
        let word = self.cursor.eat_while(is_name_char);
        if let Some((_, operator)) = OPERATOR_WORDS.iter().find(|(known, _)| word.eq_ignore_ascii_case(known)) {
            return self.error_at(at, format!("instead of `{word}`, write `{operator}`"));
        }
        let problem = match (word, self.cursor.peek()) {
            ("", Some('.')) => "expected an operator such as `+`; a name has no blank and no second dot".to_owned(),
            ("", Some(c)) => format!("expected an operator such as `==` or the end, found `{c}`"),
            _ => format!("expected an operator such as `==` or the end, found `{word}`; text is quoted: '{word}'"),
        };
        self.error_at(at, problem)
    }

    /// A value, perhaps with `!` or `-` before it.
    fn signed(&mut self) -> Result<Term> {
        self.cursor.eat_blanks();
        if self.cursor.eat("!") {
            return self.nested(Self::signed).map(|term| Term::Not(Box::new(term)));
        }
        if self.cursor.eat("-") {
            return self.nested(Self::signed).map(|term| Term::Negative(Box::new(term)));
        }
        self.value()
    }

    /// Runs `parse` one level deeper, unless that is too deep.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.nesting == MAX_NESTING {
            return Err(self.error(format!("an expression is nested at most {MAX_NESTING} deep")));
        }
        self.nesting += 1;
        let parsed = parse(self);
        self.nesting -= 1;
        parsed
    }

    fn value(&mut self) -> Result<Term> {
        let start = self.cursor.at();
        match self.cursor.peek() {
            Some('(') => {
                self.cursor.eat("(");
                let term = self.nested(|parser| parser.level(0))?;
                if self.cursor.eat(")") { Ok(term) } else { Err(self.error_at(start, "the closing `)` is missing")) }
            }
            Some('\'' | '"') => self.string().map(|text| Term::Literal(Value::String(text))),
            Some('0'..='9') => self.number(),
            Some('$') => {
                let (path, rest) = JsonPath::parse_prefix(self.cursor.rest())
                    .map_err(|error| ExpressionError::inside(self.text, start, &error))?;
                self.cursor.skip(self.cursor.rest().len() - rest.len());
                Ok(Term::Path(path))
            }
            Some(c) if is_name_char(c) => self.word(),
            next => Err(self.no_value(next)),
        }
    }

    fn no_value(&self, next: Option<char>) -> ExpressionError {
        let problem = match next {
            None if self.text.trim().is_empty() => "an expression is missing, such as `state.count > 2`".to_owned(),
            None => "expected a value, found the end".to_owned(),
            Some('@') => "`@` is the present element of a filter; the message is `$`".to_owned(),
            Some('{') if self.cursor.rest().starts_with("{{") => {
                "there are no braces around names here: state.a == 1".to_owned()
            }
            Some('[' | '{') => "arrays and objects cannot be written in an expression".to_owned(),
            Some('\u{2018}'..='\u{201f}' | '`') => "quotes are straight: ' or \"".to_owned(),
            Some('.') => "a number has a digit before its point: 0.5".to_owned(),
            Some(c) => format!("expected a value, found `{c}`"),
        };
        self.error(problem)
    }

    fn number(&mut self) -> Result<Term> {
        let start = self.cursor.at();
        self.cursor.eat_while(|c| c.is_ascii_digit());
        if self.cursor.eat(".") {
            self.cursor.eat_while(|c| c.is_ascii_digit());
        }
        if self.cursor.eat("e") || self.cursor.eat("E") {
            let _ = self.cursor.eat("-") || self.cursor.eat("+");
        }
        // What cannot belong to a number is taken too, so that the error shows all of it.
        self.cursor.eat_while(|c| is_name_char(c) || c == '.');
        let written = &self.text[start..self.cursor.at()];
        match serde_json::from_str(written) {
            Ok(number) => Ok(Term::Literal(Value::Number(number))),
            Err(_) => Err(self.error_at(start, format!("`{written}` is not a number as JSON has it, or too great"))),
        }
    }

    /// A quoted text; its grammar is that of JSONPath.
    fn string(&mut self) -> Result<String> {
        self.cursor.string().map_err(|error| ExpressionError::inside(self.text, 0, &error))
    }

    /// `true`, `false`, `null` or a name.
    fn word(&mut self) -> Result<Term> {
        let start = self.cursor.at();
        let root = self.cursor.eat_while(is_name_char);
        let rest = self.segments()?;
        if rest.is_empty() {
            match root {
                "true" => return Ok(Term::Literal(Value::Bool(true))),
                "false" => return Ok(Term::Literal(Value::Bool(false))),
                "null" => return Ok(Term::Literal(Value::Null)),
                _ => self.refuse_foreign_value(start, root)?,
            }
        }
        let written = &self.text[start..self.cursor.at()];
        match self.cursor.peek() {
            Some('(') => Err(self.error_at(start, format!("expressions have no functions such as {written}()"))),
            Some('-') if self.cursor.rest()[1..].starts_with(|c: char| c.is_alphabetic() || c == '_') => {
                let problem = "to subtract, put blanks around `-`; a name with `-` in it is quoted: state['a-b']";
                Err(self.error(problem))
            }
            _ => Ok(Term::Name(Name::new(written, root, rest))),
        }
    }

    fn refuse_foreign_value(&self, start: usize, word: &str) -> Result<()> {
        let own = ["true", "false", "null"].map(|own| (own, own));
        let known = VALUE_WORDS.iter().chain(&own).find(|(known, _)| word.eq_ignore_ascii_case(known));
        match known {
            Some((_, instead)) => Err(self.error_at(start, format!("instead of `{word}`, write `{instead}`"))),
            None => Ok(()),
        }
    }

    /// `.a`, `.0`, `['a b']` and `[0]`, as many as there are.
    fn segments(&mut self) -> Result<Vec<String>> {
        let mut segments = Vec::new();
        loop {
            let start = self.cursor.at();
            if self.cursor.eat(".") {
                match self.cursor.eat_while(is_name_char) {
                    "" => return Err(self.error("a name must follow the dot")),
                    name => segments.push(name.to_owned()),
                }
            } else if self.cursor.eat("[") {
                segments.push(self.between_brackets()?);
                self.cursor.eat_blanks();
                if !self.cursor.eat("]") {
                    return Err(self.error_at(start, "the closing `]` is missing"));
                }
            } else {
                return Ok(segments);
            }
        }
    }

    fn between_brackets(&mut self) -> Result<String> {
        self.cursor.eat_blanks();
        match self.cursor.peek() {
            Some('\'' | '"') => self.string(),
            Some('-' | '0'..='9') => {
                let index = self.cursor.integer().map_err(|error| ExpressionError::inside(self.text, 0, &error))?;
                Ok(index.to_string())
            }
            _ => Err(self.error("expected a quoted name or an index between the brackets")),
        }
    }

    fn error(&self, problem: impl Into<String>) -> ExpressionError {
        self.error_at(self.cursor.at(), problem)
    }

    fn error_at(&self, at: usize, problem: impl Into<String>) -> ExpressionError {
        ExpressionError::new(self.text, at, problem)
    }
}

fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
