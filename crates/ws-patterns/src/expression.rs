//! Expressions: conditions and simple arithmetic on what is known of a connection and on the message.
//!
//! They are for files that people write. They have no loops, no functions and no assignment: what needs those is a
//! handler. An expression never fails, never panics, and takes time and space that its length bounds.

mod arithmetic;
mod error;
mod name;
mod parser;
mod term;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde_json::Value;

pub use error::ExpressionError;
pub use name::Name;
use term::Term;

use crate::jsonpath::is_blank;

/// The longest expression, in bytes.
const MAX_LENGTH: usize = 1024;
/// How deep parentheses, `!` and signs may be nested.
const MAX_NESTING: usize = 16;

/// A condition or a computation, compiled once; clones are cheap and share it.
///
/// | what | how it is written, what binds least first |
/// |---|---|
/// | logic | <code>a &#124;&#124; b</code>, `a && b`, `!a` |
/// | comparisons | `==` `!=` `<` `<=` `>` `>=` |
/// | arithmetic | `+` `-`, then `*` `/` `%`, then the sign `-` |
/// | values | `1`, `2.5`, `'text'`, `"text"`, `true`, `false`, `null` |
/// | names | `state.user.name`, `state['a b'][0]`: what [`Facts`] know |
/// | the message | a JSONPath, as `$.items[0].price`: the first value that it selects |
///
/// Everything has a value, so nothing fails:
///
/// - What is not known is `null`, and so is what cannot be computed, such as `1 / 0` or `'a' + 2`.
/// - `false`, `null`, `0` and `""` do not hold; all else does. `&&` and `||` give the value that decided, so
///   `state.name || 'guest'` is the name or else `guest`.
/// - Values of unlike types are unequal, and neither is less; only numbers and texts have an order. But a text that is
///   a number, such as what a regex captured, meets a number as a number: `'5' < 10`.
/// - Arithmetic takes such texts as numbers, too, and `+` `-` `*` take `null` as 0: `'5' + 1` is 6, and `state.count + 1`
///   counts from 1. Texts are not joined.
/// - Whole numbers stay whole as long as they fit into 64 bits; `7 / 2` is `3.5`.
///
/// So that no expression can exhaust the program, one has at most 1,024 bytes and 16 levels of nesting.
///
/// ```
/// use serde_json::{Value, json};
/// use ws_patterns::{Expression, Facts, Name};
///
/// struct Order { state: Value, message: Value }
///
/// impl Facts for Order {
///     fn value(&self, name: &Name) -> Option<Value> {
///         (name.root() == "state").then(|| name.rest_in(&self.state).cloned()).flatten()
///     }
///     fn message(&self) -> Option<&Value> {
///         Some(&self.message)
///     }
/// }
///
/// let order = Order { state: json!({"limit": 100}), message: json!({"price": 30, "count": 4}) };
/// let too_much = Expression::parse("$.price * $.count > state.limit")?;
/// assert!(too_much.holds(&order));
/// assert_eq!(Expression::parse("state.limit / 3 * 3")?.evaluate(&order), 100.0);
///
/// let error = Expression::parse("state.limit = 5").unwrap_err();
/// assert_eq!(error.to_string(), "expression `state.limit = 5`, character 13: to compare, write `==`");
/// assert_eq!(error.offset(), 12);
/// # Ok::<(), ws_patterns::ExpressionError>(())
/// ```
#[derive(Clone)]
pub struct Expression {
    text: Arc<str>,
    term: Arc<Term>,
}

/// What names in expressions stand for, and the message that their JSONPaths look at.
pub trait Facts {
    /// What `name` stands for; `None` if it is not known, which expressions take as `null`.
    fn value(&self, name: &Name) -> Option<Value>;

    /// The message as JSON, if there is one and it is JSON.
    fn message(&self) -> Option<&Value>;
}

/// Nothing is known, and there is no message.
impl Facts for () {
    fn value(&self, _: &Name) -> Option<Value> {
        None
    }

    fn message(&self) -> Option<&Value> {
        None
    }
}

impl Expression {
    /// Compiles an expression. Which names there are is up to the [`Facts`]; here, all are taken.
    ///
    /// # Errors
    /// If it is malformed, too long or nested too deep; the text says where, what was expected, and what was probably
    /// meant.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let term = parser::parse(text)?;
        // Other blanks than those that the parser skips can be names in a JSONPath.
        Ok(Self { text: text.trim_matches(is_blank).into(), term: Arc::new(term) })
    }

    /// Its value.
    #[must_use]
    pub fn evaluate(&self, facts: &dyn Facts) -> Value {
        self.term.evaluate(facts).into_owned()
    }

    /// Whether its value holds: it is not `false`, `null`, `0` or empty text.
    #[must_use]
    pub fn holds(&self, facts: &dyn Facts) -> bool {
        term::holds(&self.term.evaluate(facts))
    }

    /// The names in it, in the order in which they are written, each as often as it is.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.term.operands().into_iter().filter_map(|term| match term {
            Term::Name(name) => Some(name),
            _ => None,
        })
    }

    /// The name, if it is nothing but that.
    #[must_use]
    pub fn as_name(&self) -> Option<&Name> {
        match &*self.term {
            Term::Name(name) => Some(name),
            _ => None,
        }
    }

    /// The names that it compares with a value that is written there, by `==` or `!=`, each with that value.
    ///
    /// ```
    /// use ws_patterns::Expression;
    ///
    /// let expression = Expression::parse("machine.login == 'in' && state.n > 3")?;
    /// let compared: Vec<_> = expression.compared().map(|(name, value)| (name.to_string(), value.clone())).collect();
    /// assert_eq!(compared, [("machine.login".to_owned(), "in".into())]);
    /// # Ok::<(), ws_patterns::ExpressionError>(())
    /// ```
    pub fn compared(&self) -> impl Iterator<Item = (&Name, &Value)> {
        self.term.compared().into_iter()
    }

    /// Whether it looks at the message, by a JSONPath.
    #[must_use]
    pub fn reads_message(&self) -> bool {
        self.term.operands().into_iter().any(|term| matches!(term, Term::Path(_)))
    }

    /// The expression as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Expression {
    type Err = ExpressionError;

    fn from_str(text: &str) -> Result<Self, ExpressionError> {
        Self::parse(text)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.text).finish()
    }
}
