//! Templates: texts with tokens in double braces, compiled once when a file is loaded.
//!
//! Rendering is one pass: what a token inserts is never looked at again, so a client's message cannot bring tokens in.
//! What is no token, or cannot be filled, stays as it stands.

mod faker;
mod token;
mod values;

use std::ops::Range;
use std::time::Duration;

use bytestring::ByteString;

use crate::released::Released;
use token::{Doubt, Moment, Token};

pub(crate) use token::Scope;
pub(crate) use values::Values;

/// A compiled text.
#[derive(Debug)]
pub(crate) struct Template {
    source: ByteString,
    /// The tokens and where they stand in the source, in order.
    tokens: Vec<(Range<usize>, Token)>,
}

impl Template {
    /// Compiles `text`. Tokens that take something from a client message look at `scope`. What is doubtful or wrong about
    /// the tokens is given to `doubt`, and such a token stays as it stands.
    pub(crate) fn compile(text: String, scope: Scope<'_>, mut doubt: impl FnMut(Doubt)) -> Self {
        let mut tokens = Vec::new();
        let mut from = 0;
        while let Some(close) = text[from..].find("}}").map(|at| from + at) {
            let end = close + 2;
            // The innermost braces are the token: in `{{{uuid}}}` it is the `{{uuid}}` within.
            if let Some(start) = text[from..close].rfind("{{").map(|at| from + at) {
                match Token::parse(&text[start..end], scope) {
                    Ok(token) => tokens.push((start..end, token)),
                    Err(found) => doubt(found),
                }
            }
            from = end;
        }
        if let Some(start) = text[from..].rfind("{{").map(|at| from + at) {
            doubt(Doubt::unclosed(&text[start..]));
        }
        Self { source: ByteString::from(text), tokens }
    }

    /// A text in which braces are braces.
    pub(crate) fn verbatim(text: String) -> Self {
        Self { source: ByteString::from(text), tokens: Vec::new() }
    }

    /// The text of one message. `script_time` is the `ts` of its entry, `released` what released the last wait.
    pub(crate) fn render(&self, script_time: Duration, values: &mut Values, released: Option<&Released>) -> ByteString {
        if self.tokens.is_empty() || !values.expand {
            return self.source.clone();
        }
        let moment = Moment { now: values.clock.at(script_time), released };
        let mut text = String::with_capacity(self.source.len());
        let mut from = 0;
        for (place, token) in &self.tokens {
            text.push_str(&self.source[from..place.start]);
            if token.fill(&moment, &mut values.random, &mut text).is_none() {
                text.push_str(&self.source[place.clone()]);
            }
            from = place.end;
        }
        text.push_str(&self.source[from..]);
        text.into()
    }
}
