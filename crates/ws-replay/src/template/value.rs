//! Templates that make values, as `set` has them.

use std::ops::Range;

use serde_json::{Number, Value};
use ws_patterns::Name;

use super::filling::{Filling, Made};
use super::{Doubt, Scope, Template, Values};
use crate::moment::Moment;

/// A compiled text that makes a value: that of its token, with its type, if the text is nothing but one token; else a
/// text.
///
/// It is expanded also where the templates of messages are switched off: what it makes decides what is done.
#[derive(Debug)]
pub(crate) struct ValueTemplate(Template);

impl ValueTemplate {
    /// As [`Template::compile`].
    pub(crate) fn compile(text: String, scope: Scope<'_>, doubt: impl FnMut(Range<usize>, Doubt)) -> Self {
        Self(Template::compile(text, scope, doubt))
    }

    /// A text in which braces are braces.
    pub(crate) fn verbatim(text: String) -> Self {
        Self(Template::verbatim(text))
    }

    /// The value at a moment. A token that stands alone and cannot be filled makes `null`.
    pub(crate) fn render(&self, moment: &Moment<'_>, values: &mut Values) -> Value {
        let mut filling = Filling::new(moment, values);
        match &*self.0.tokens {
            [(place, token)] if *place == (0..self.0.source.len()) => match filling.make(token) {
                Some(Made::Text(text)) => Value::String(text.into_owned()),
                Some(Made::Value(value)) => value.into_owned(),
                Some(Made::Float(number)) => Number::from_f64(number).map_or(Value::Null, Value::Number),
                None => Value::Null,
            },
            _ => Value::String(self.0.fill(&mut filling)),
        }
    }

    /// As [`Template::names`].
    pub(crate) fn names(&self) -> impl Iterator<Item = &Name> {
        self.0.names()
    }
}
