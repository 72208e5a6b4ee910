//! Filling the tokens of one text: what each inserts, and how much all may.

use std::borrow::Cow;
use std::fmt::Write;

use jiff::Timestamp;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::Value;
use ws_patterns::Facts;

use super::token::Token;
use super::{MOST_INSERTED, Values, faker, now};
use crate::moment::Moment;

/// One text that is being made.
pub(super) struct Filling<'a> {
    moment: &'a Moment<'a>,
    /// The same in the whole text.
    now: Timestamp,
    random: &'a mut ChaCha8Rng,
    /// How many bytes may still be inserted.
    left: usize,
}

/// What a token stands for.
pub(super) enum Made<'a> {
    Text(Cow<'a, str>),
    Value(Cow<'a, Value>),
    /// Written with all its digits, never with an exponent.
    Float(f64),
}

impl<'a> Filling<'a> {
    pub(super) fn new(moment: &'a Moment<'a>, values: &'a mut Values) -> Self {
        let now = values.clock.at(moment.script_time);
        Self { moment, now, random: &mut values.random, left: MOST_INSERTED }
    }

    /// Puts what a token stands for behind `text`. If that is nothing, or too much, nothing is put, and this is false.
    pub(super) fn insert(&mut self, token: &Token, text: &mut String) -> bool {
        // When there was too much, no more is made, so that the work is bounded too.
        if self.left == 0 {
            return false;
        }
        let before = text.len();
        let Some(made) = self.make(token) else { return token.is_kept() };
        // Writing to a String cannot fail.
        let _ = match &made {
            Made::Text(made) => text.write_str(made),
            Made::Value(made) => match &**made {
                Value::String(made) => text.write_str(made),
                made => write!(text, "{made}"),
            },
            Made::Float(made) => write!(text, "{made}"),
        };
        let left = self.left.checked_sub(text.len() - before);
        if left.is_none() {
            text.truncate(before);
        }
        self.left = left.unwrap_or_default();
        left.is_some()
    }

    /// What a token stands for; `None` if it cannot be filled.
    pub(super) fn make<'t>(&mut self, token: &'t Token) -> Option<Made<'t>>
    where
        'a: 't,
    {
        let moment = self.moment;
        let text = |text: &'a str| Made::Text(Cow::Borrowed(text));
        Some(match token {
            Token::Uuid => Made::Text(faker::uuid(self.random).into()),
            Token::Now(offset) => Made::Text(now::written(self.now, *offset).into()),
            Token::RandInt(low, high) => Made::Value(Cow::Owned(self.random.random_range(*low..=*high).into())),
            Token::RandFloat => Made::Float(self.random.random()),
            Token::Faker(faker) => Made::Text(faker.make(self.random).into()),
            Token::Message => Made::Text(moment.released?.text()),
            Token::Path(path) => Made::Value(Cow::Borrowed(path.first(moment.message()?)?)),
            Token::Group(number) => text(moment.released?.numbered(*number)?),
            Token::Named(name) => text(moment.released?.named(name)?),
            Token::Expression(expression) => Made::Value(Cow::Owned(match expression.as_name() {
                Some(name) => moment.value(name)?,
                None => expression.evaluate(moment),
            })),
        })
    }
}
