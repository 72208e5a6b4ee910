//! What is sent: how long, which bytes, made of which template.

mod session;
mod template;

use std::sync::Arc;

use crate::marker::Marker;
pub(crate) use session::{Cue, Line, Part, Recorded, leaf};
pub use session::{Moment, Said, Session};
pub(crate) use template::Facts;
use template::Template;
pub use template::TemplateError;

/// What virtual users send. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Payload {
    content: Content,
    is_binary: bool,
}

#[derive(Clone, Debug)]
enum Content {
    /// The id, and filler up to this length; without the id where that is too short for it.
    Sized(usize),
    Verbatim(Arc<[u8]>),
    /// One for each message of a connection, from the first again after the last.
    Templates(Arc<[Template]>),
    /// One for each connection, in turn.
    Sessions(Arc<[Session]>),
}

impl Payload {
    /// Text of so many bytes. From 31 bytes on it begins with an id that tells the answers apart.
    #[must_use]
    pub fn sized(bytes: usize) -> Self {
        Self { content: Content::Sized(bytes), is_binary: false }
    }

    /// The same message again and again: as text if it is UTF-8, else as binary.
    #[must_use]
    pub fn verbatim(content: Vec<u8>) -> Self {
        let is_binary = std::str::from_utf8(&content).is_err();
        Self { content: Content::Verbatim(content.into()), is_binary }
    }

    /// A text in which `{{n}}`, `{{vu}}`, `{{id}}`, `{{uuid}}`, `{{now}}` and `{{random}}` are replaced in each message.
    ///
    /// ```
    /// # fn main() -> Result<(), ws_load::TemplateError> {
    /// let ping = ws_load::Payload::template(r#"{"type":"ping","id":"{{id}}"}"#)?;
    /// assert!(ping.has_id());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If it has another name in braces.
    pub fn template(text: &str) -> Result<Self, TemplateError> {
        let template = Template::parse(text)?;
        Ok(Self { content: Content::Templates([template].into()), is_binary: false })
    }

    /// A message from each line that is not empty: each connection sends them one after the other, from the first again after the
    /// last. Each line is a template.
    ///
    /// # Errors
    /// If a line is no template, with its number; or if there is none.
    pub fn script(text: &str) -> Result<Self, TemplateError> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let templates: Vec<_> = lines
            .map(|(index, line)| Template::parse(line).map_err(|error| error.in_line(index + 1)))
            .collect::<Result<_, _>>()?;
        if templates.is_empty() {
            return Err(TemplateError::empty());
        }
        Ok(Self { content: Content::Templates(templates.into()), is_binary: false })
    }

    /// What the clients of these sessions say, line by line: each connection takes the next session, and ends with it. It belongs to
    /// [`Pace::Recorded`](crate::Pace::Recorded).
    #[must_use]
    pub fn sessions(sessions: Vec<Session>) -> Self {
        Self { content: Content::Sessions(sessions.into()), is_binary: false }
    }

    /// The same as binary messages; sessions know themselves which of theirs are.
    #[must_use]
    pub fn binary(mut self) -> Self {
        self.is_binary = true;
        self
    }

    /// Whether each message has an id that answers can be told apart by.
    #[must_use]
    pub fn has_id(&self) -> bool {
        match &self.content {
            Content::Sized(bytes) => *bytes >= Marker::LENGTH,
            Content::Verbatim(_) | Content::Sessions(_) => false,
            Content::Templates(templates) => templates.iter().all(Template::has_id),
        }
    }

    /// Whether each message has an id or its number, by which a field of an answer can tell it.
    pub(crate) fn has_id_or_number(&self) -> bool {
        match &self.content {
            Content::Templates(templates) => templates.iter().all(|it| it.has_id() || it.has_number()),
            _ => self.has_id(),
        }
    }

    /// How long messages are, if that does not depend on a template.
    pub(crate) fn length(&self) -> Option<usize> {
        match &self.content {
            Content::Sized(bytes) => Some(*bytes),
            Content::Verbatim(content) => Some(content.len()),
            Content::Templates(_) | Content::Sessions(_) => None,
        }
    }

    /// Empty if it is none.
    pub(crate) fn as_sessions(&self) -> &[Session] {
        match &self.content {
            Content::Sessions(sessions) => sessions,
            _ => &[],
        }
    }

    pub(crate) fn is_binary(&self) -> bool {
        self.is_binary
    }

    /// Appends a message.
    pub(crate) fn render(&self, out: &mut Vec<u8>, facts: &mut Facts<'_>) {
        match &self.content {
            Content::Sized(bytes) => {
                let end = out.len() + bytes;
                if *bytes >= Marker::LENGTH {
                    facts.marker.push(out);
                }
                out.resize(end, b'x');
            }
            Content::Verbatim(content) => out.extend_from_slice(content),
            Content::Templates(templates) => {
                let index = facts.position as usize % templates.len();
                templates[index].render(out, facts);
            }
            // Their lines are said as they are.
            Content::Sessions(_) => {}
        }
    }
}

impl Default for Payload {
    /// 32 bytes of text.
    fn default() -> Self {
        Self::sized(32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(payload: &Payload, number: u32) -> String {
        let mut out = Vec::new();
        let marker = Marker { user: 2, number, due: 9 };
        let random = &mut fastrand::Rng::with_seed(1);
        payload.render(&mut out, &mut Facts { marker, position: number - 1, random });
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_size_is_kept_with_the_id_or_without() {
        for (bytes, has_id) in [(0, false), (30, false), (31, true), (32, true), (5_000, true)] {
            let payload = Payload::sized(bytes);
            let text = render(&payload, 1);
            assert_eq!((text.len(), Marker::find(text.as_bytes()).is_some()), (bytes, has_id));
            assert_eq!(payload.has_id(), has_id);
        }
    }

    #[test]
    fn lines_come_one_after_the_other() {
        let script = Payload::script("hello {{n}}\n\n  \nbye {{n}}\n").unwrap();
        assert_eq!([1, 2, 3].map(|n| render(&script, n)), ["hello 1", "bye 2", "hello 3"]);
        assert!(!script.has_id());
    }

    #[test]
    fn what_is_no_script_is_told_with_its_line() {
        let error = Payload::script("a\n{{nn}}").unwrap_err().to_string();
        assert!(error.starts_with("line 2: "), "{error}");
        assert!(Payload::script("\n").is_err());
    }

    #[test]
    fn bytes_that_are_no_text_are_binary() {
        assert!(Payload::verbatim(vec![0xff]).is_binary());
        assert!(!Payload::verbatim(b"text".to_vec()).is_binary());
        assert!(Payload::verbatim(b"text".to_vec()).binary().is_binary());
    }
}
