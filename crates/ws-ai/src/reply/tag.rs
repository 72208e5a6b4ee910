//! The tags between which some models think, in the text of their answers.

const LONGEST: usize = "/thinking".len();

/// Watches for a tag.
#[derive(Debug, Default)]
pub(super) struct Tag {
    /// What stands behind a `<`.
    name: Option<String>,
}

impl Tag {
    /// Whether this character completes a tag behind which there are thoughts.
    pub(super) fn opens_thought(&mut self, character: char) -> bool {
        matches!(self.completed(character).as_deref(), Some("think" | "thinking"))
    }

    /// Whether this character completes a tag behind which they end.
    pub(super) fn closes_thought(&mut self, character: char) -> bool {
        matches!(self.completed(character).as_deref(), Some("/think" | "/thinking"))
    }

    fn completed(&mut self, character: char) -> Option<String> {
        match (character, &mut self.name) {
            ('<', name) => *name = Some(String::new()),
            ('>', name) => return name.take(),
            ('a'..='z' | '/', Some(name)) if name.len() < LONGEST => name.push(character),
            (_, name) => *name = None,
        }
        None
    }
}
