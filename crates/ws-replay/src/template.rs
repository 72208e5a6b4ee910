//! Templates: texts with tokens in double braces, compiled once when a file is loaded.
//!
//! Rendering is one pass: what a token inserts is never looked at again, so a client's message cannot bring tokens in.
//! What is no token, or cannot be filled, stays as it stands.

mod doubt;
mod faker;
mod filling;
mod now;
mod renderer;
mod token;
mod value;
mod values;

use std::ops::Range;

use bytestring::ByteString;
use ws_patterns::Name;

use crate::moment::Moment;
use filling::Filling;
use token::Token;

pub(crate) use doubt::Doubt;
pub use renderer::TemplateRenderer;
pub(crate) use token::Scope;
pub(crate) use value::ValueTemplate;
pub(crate) use values::{Values, fnv1a};

/// The most that the tokens of one text insert together, in bytes. Those that would insert more stay as they stand.
const MOST_INSERTED: usize = 16 * 1024 * 1024;

/// A compiled text.
#[derive(Debug)]
pub(crate) struct Template {
    source: ByteString,
    /// The tokens and where they stand in the source, in order.
    tokens: Vec<(Range<usize>, Token)>,
}

impl Template {
    /// Compiles `text`. Tokens that take something from a client message look at `scope`. What is doubtful or wrong about
    /// the tokens is given to `doubt`, with its place in bytes of `text`; such a token stays as it stands.
    pub(crate) fn compile(text: String, scope: Scope<'_>, mut doubt: impl FnMut(Range<usize>, Doubt)) -> Self {
        let mut tokens = Vec::new();
        let mut from = 0;
        while let Some(close) = text[from..].find("}}").map(|at| from + at) {
            let end = close + 2;
            // The innermost braces are the token: in `{{{uuid}}}` it is the `{{uuid}}` within.
            if let Some(start) = text[from..close].rfind("{{").map(|at| from + at) {
                match Token::parse(&text[start..end], scope) {
                    Ok(token) => tokens.push((start..end, token)),
                    Err(found) => doubt(start..end, found),
                }
            }
            from = end;
        }
        if let Some(start) = text[from..].rfind("{{").map(|at| from + at) {
            doubt(start..text.len(), Doubt::unclosed(&text[start..], scope));
        }
        Self { source: ByteString::from(text), tokens }
    }

    /// A text in which braces are braces.
    pub(crate) fn verbatim(text: String) -> Self {
        Self { source: ByteString::from(text), tokens: Vec::new() }
    }

    /// The text as it is written, with its tokens.
    pub(crate) fn as_str(&self) -> &str {
        &self.source
    }

    /// The text of one message. If templates are switched off, it is the source.
    pub(crate) fn render(&self, moment: &Moment<'_>, values: &mut Values) -> ByteString {
        if self.tokens.is_empty() || !values.expand {
            return self.source.clone();
        }
        self.fill(&mut Filling::new(moment, values)).into()
    }

    /// The names in its expressions, each as often as it is there.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Name> {
        self.tokens.iter().flat_map(|(_, token)| token.names())
    }

    fn fill(&self, filling: &mut Filling<'_>) -> String {
        let mut text = String::with_capacity(self.source.len());
        let mut from = 0;
        for (place, token) in &self.tokens {
            text.push_str(&self.source[from..place.start]);
            if !filling.insert(token, &mut text) {
                text.push_str(&self.source[place.clone()]);
            }
            from = place.end;
        }
        text.push_str(&self.source[from..]);
        text
    }
}

/// The place of the first token in a text that is no template, whatever message there may be.
pub(crate) fn token_in(text: &str) -> Option<Range<usize>> {
    let scope = Scope { key: "", groups: &[], open: true };
    let template = Template::compile(text.to_owned(), scope, |_, _| {});
    template.tokens.into_iter().next().map(|(place, _)| place)
}

#[cfg(test)]
mod tests;
