//! Values behind known keys.

use super::{Key, Node};
use crate::ProblemKind;
use crate::source::{Findings, Span};
use ws_patterns::nearest;

/// A value that was understood, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Placed<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

/// A map of which all keys are known. What is of a wrong type is reported when it is asked for, and is as good as missing.
#[derive(Debug)]
pub(crate) struct Record<'n> {
    span: Span,
    fields: Vec<(&'static str, &'n Key, &'n Node)>,
    /// The known keys that unknown ones were probably meant to be: they were reported, so they are not missing.
    misspelt: Vec<&'static str>,
}

impl<'n> Record<'n> {
    pub(super) fn read(
        span: Span,
        entries: &'n [(Key, Node)],
        known: &'static [&'static str],
        findings: &mut Findings<'_, '_>,
    ) -> Self {
        let mut record = Self { span, fields: Vec::new(), misspelt: Vec::new() };
        for (key, node) in entries {
            let Some(name) = known.iter().copied().find(|name| *name == key.text) else {
                let nearest = nearest(&key.text, known.iter().copied());
                record.misspelt.extend(nearest);
                findings.at_span(key.span, ProblemKind::UnknownKey { key: key.text.clone(), nearest });
                continue;
            };
            if record.fields.iter().any(|(field, ..)| *field == name) {
                findings.at_span(key.span, ProblemKind::GivenTwice(name));
                continue;
            }
            // Many programs write what is left out as null.
            if !node.is_null() {
                record.fields.push((name, key, node));
            }
        }
        record
    }

    /// Where all of it stands.
    pub(crate) fn span(&self) -> Span {
        self.span
    }

    /// The value of a key, whatever it is.
    pub(crate) fn get(&self, key: &str) -> Option<&'n Node> {
        self.fields.iter().find(|(name, ..)| *name == key).map(|(.., node)| *node)
    }

    /// The place of a key that is there.
    pub(crate) fn key_span(&self, key: &str) -> Option<Span> {
        self.fields.iter().find(|(name, ..)| *name == key).map(|(_, key, _)| key.span)
    }

    /// Whether a key was misspelt: then what seems to be missing may be there.
    pub(crate) fn is_misspelt(&self) -> bool {
        !self.misspelt.is_empty()
    }

    /// The keys that are there, in the order of the file.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.fields.iter().map(|(name, ..)| *name)
    }

    /// The value of a key; that it is missing is reported.
    pub(crate) fn required(&self, key: &'static str, findings: &mut Findings<'_, '_>) -> Option<&'n Node> {
        let found = self.get(key);
        if found.is_none() && !self.misspelt.contains(&key) {
            findings.at_span(self.span, ProblemKind::Missing(key));
        }
        found
    }

    /// A text, if the key is there.
    pub(crate) fn text(
        &self,
        key: &'static str,
        expected: &'static str,
        findings: &mut Findings<'_, '_>,
    ) -> Option<Placed<&'n str>> {
        let node = self.get(key)?;
        Some(Placed { value: node.text(key, expected, findings)?, span: node.span })
    }

    /// Whether it is true, if the key is there.
    pub(crate) fn flag(&self, key: &'static str, findings: &mut Findings<'_, '_>) -> Option<Placed<bool>> {
        let node = self.get(key)?;
        Some(Placed { value: node.flag(key, findings)?, span: node.span })
    }

    /// A whole number, 0 or more, if the key is there.
    pub(crate) fn whole(
        &self,
        key: &'static str,
        expected: &'static str,
        findings: &mut Findings<'_, '_>,
    ) -> Option<Placed<u64>> {
        let node = self.get(key)?;
        Some(Placed { value: node.whole(key, expected, findings)?, span: node.span })
    }
}
