//! The conditions of filters: `||`, `&&`, `!`, parentheses, comparisons and tests for existence.

use serde_json::Value;

use super::comparison::Comparison;
use super::error::JsonPathError;
use super::filter::{Filter, Operand, Origin, Query};
use super::parser::{Parser, function, is_name_char};

type Result<T> = std::result::Result<T, JsonPathError>;

/// Longer operators come before those that they start with.
const COMPARISONS: [(&str, Comparison); 6] = [
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

/// Operators of other dialects or languages, and what to say of them.
const FOREIGN: [(&str, &str); 10] = [
    ("=~", "the regex operator `=~` is not part of JSONPath (RFC 9535); use a regex pattern"),
    ("=", "write `==`"),
    ("&", "write `&&`"),
    ("|", "write `||`"),
    ("and ", "write `&&`"),
    ("or ", "write `||`"),
    ("in ", "the operator `in` is not part of JSONPath (RFC 9535); write `@.a == 1 || @.a == 2`"),
    ("+", "arithmetic is not part of JSONPath (RFC 9535)"),
    ("*", "arithmetic is not part of JSONPath (RFC 9535)"),
    ("/", "arithmetic is not part of JSONPath (RFC 9535)"),
];

impl Parser<'_> {
    /// A whole condition; blanks before and after it are taken.
    pub(super) fn condition(&mut self) -> Result<Filter> {
        let mut any = vec![self.conjunction()?];
        while self.cursor.eat("||") {
            any.push(self.conjunction()?);
        }
        Ok(one_or(any, Filter::AnyOf))
    }

    fn conjunction(&mut self) -> Result<Filter> {
        let mut all = vec![self.term()?];
        while self.cursor.eat("&&") {
            all.push(self.term()?);
        }
        Ok(one_or(all, Filter::AllOf))
    }

    fn term(&mut self) -> Result<Filter> {
        self.cursor.eat_blanks();
        let negated = self.cursor.eat("!");
        self.cursor.eat_blanks();
        let start = self.cursor.at();
        let filter = if self.cursor.eat("(") {
            self.parentheses()?
        } else {
            match self.comparison_or_test()? {
                Filter::Compare(..) if negated => {
                    return Err(self.cursor.error_at(start, "a comparison after `!` needs parentheses: !(@.a == 1)"));
                }
                filter => filter,
            }
        };
        self.cursor.eat_blanks();
        self.refuse_foreign_operator()?;
        Ok(if negated { Filter::Not(Box::new(filter)) } else { filter })
    }

    fn parentheses(&mut self) -> Result<Filter> {
        let start = self.cursor.at();
        let filter = self.nested(Self::condition)?;
        if !self.cursor.eat(")") {
            return Err(match self.cursor.peek() {
                Some(c) => self.cursor.error(format!("unexpected `{c}`; `)`, `&&` or `||` must come here")),
                None => self.cursor.error_at(start, "the closing `)` is missing"),
            });
        }
        let end = self.cursor.at();
        self.cursor.eat_blanks();
        match self.comparison() {
            Some(_) => {
                Err(self.cursor.error_at(end, "the sides of a comparison stand without parentheses: (@.a == 1)"))
            }
            None => Ok(filter),
        }
    }

    fn comparison_or_test(&mut self) -> Result<Filter> {
        let start = self.cursor.at();
        let left = self.operand()?;
        self.cursor.eat_blanks();
        self.refuse_foreign_operator()?;
        let Some(comparison) = self.comparison() else {
            return match left {
                Operand::Query(query) => self.test(start, query),
                Operand::Literal(_) => {
                    Err(self.cursor.error_at(start, "a value alone is no condition; compare it, as in `@.a == 1`"))
                }
            };
        };
        self.refuse_many(start, &left)?;
        self.cursor.eat_blanks();
        let start = self.cursor.at();
        let right = self.operand()?;
        self.refuse_many(start, &right)?;
        Ok(Filter::Compare(left, comparison, right))
    }

    fn comparison(&mut self) -> Option<Comparison> {
        COMPARISONS.iter().find(|(text, _)| self.cursor.eat(text)).map(|(_, comparison)| *comparison)
    }

    /// Each candidate would search the whole document again, so `$` may only go straight to one place.
    fn test(&self, start: usize, query: Query) -> Result<Filter> {
        if query.origin == Origin::Root && !query.path.is_singular() {
            let problem = "a query from `$` inside a filter may have only names and indexes; start from `@`";
            return Err(self.cursor.error_at(start, problem));
        }
        Ok(Filter::Exists(query))
    }

    fn refuse_many(&self, start: usize, operand: &Operand) -> Result<()> {
        match operand {
            Operand::Query(query) if !query.path.is_singular() => {
                let problem = "a side of a comparison must be one value: only names and indexes lead to it";
                Err(self.cursor.error_at(start, problem))
            }
            _ => Ok(()),
        }
    }

    fn refuse_foreign_operator(&self) -> Result<()> {
        let rest = self.cursor.rest();
        let known = COMPARISONS.iter().map(|(text, _)| *text).chain(["&&", "||"]);
        match FOREIGN.iter().find(|(text, _)| rest.starts_with(text)) {
            Some((_, advice)) if !known.into_iter().any(|text| rest.starts_with(text)) => {
                Err(self.cursor.error(*advice))
            }
            _ => Ok(()),
        }
    }

    fn operand(&mut self) -> Result<Operand> {
        match self.cursor.peek() {
            Some('@') => self.query("@", Origin::Current),
            Some('$') => self.query("$", Origin::Root),
            Some('\'' | '"') => self.cursor.string().map(|text| Operand::Literal(Value::String(text))),
            Some('-' | '0'..='9') => self.cursor.number().map(Operand::Literal),
            Some(c) if is_name_char(c) => self.word(),
            Some('[' | '{') => Err(self.cursor.error("arrays and objects cannot be written in a filter")),
            Some(c) => Err(self.cursor.error(format!("unexpected `{c}`; `@`, `$` or a value must come here"))),
            None => Err(self.cursor.error("the filter ends too early")),
        }
    }

    fn query(&mut self, start: &str, origin: Origin) -> Result<Operand> {
        self.cursor.eat(start);
        Ok(Operand::Query(Query { origin, path: self.path()? }))
    }

    fn word(&mut self) -> Result<Operand> {
        let start = self.cursor.at();
        let word = self.cursor.eat_while(is_name_char);
        let literal = match word {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            _ => {
                let problem = match self.cursor.peek() {
                    Some('(') => function(word),
                    _ => format!("unknown word `{word}`; text is quoted: '{word}', and a member is @.{word}"),
                };
                return Err(self.cursor.error_at(start, problem));
            }
        };
        Ok(Operand::Literal(literal))
    }
}

fn one_or(mut filters: Vec<Filter>, several: impl FnOnce(Vec<Filter>) -> Filter) -> Filter {
    match filters.len() {
        1 => filters.swap_remove(0),
        _ => several(filters),
    }
}
