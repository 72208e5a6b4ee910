//! What a client says, kept until the next request.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// The most texts that are kept; the oldest give way.
const MOST_TEXTS: usize = 8;
/// The most bytes that are kept of a text.
const MOST_BYTES: usize = 1024;

/// Tells a story what its client says. Clones tell the same story.
#[derive(Clone, Default)]
pub struct Listener {
    /// `None`: the story does not listen.
    said: Option<Arc<Mutex<VecDeque<String>>>>,
}

impl Listener {
    pub(super) fn attentive() -> Self {
        Self { said: Some(Arc::default()) }
    }

    /// Takes what the client said into the next request. Of more than 8 texts between two requests the latest are taken, of each text at
    /// most 1 KiB.
    pub fn hear(&self, text: &str) {
        let Some(said) = &self.said else { return };
        let text = text[..text.floor_char_boundary(MOST_BYTES)].to_owned();
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() == MOST_TEXTS {
            said.pop_front();
        }
        said.push_back(text);
    }

    /// Whether what is heard changes anything: the story evolves.
    #[must_use]
    pub fn is_attentive(&self) -> bool {
        self.said.is_some()
    }

    /// Moves what was said since to the end of `texts`.
    pub(super) fn drain_into(&self, texts: &mut Vec<String>) {
        let Some(said) = &self.said else { return };
        texts.extend(said.lock().unwrap_or_else(PoisonError::into_inner).drain(..));
        texts.drain(..texts.len().saturating_sub(MOST_TEXTS));
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("is_attentive", &self.is_attentive()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_says_is_bounded() {
        let listener = Listener::attentive();
        for nth in 0..20 {
            listener.clone().hear(&format!("{nth}"));
        }
        let mut texts = vec!["before".to_owned()];
        listener.drain_into(&mut texts);
        assert_eq!(texts, ["12", "13", "14", "15", "16", "17", "18", "19"]);
        listener.hear(&"\u{e9}".repeat(1000));
        listener.drain_into(&mut texts);
        assert_eq!((texts.len(), texts[7].as_str()), (8, "\u{e9}".repeat(512).as_str()));
        let deaf = Listener::default();
        deaf.hear("x");
        deaf.drain_into(&mut texts);
        assert!(!deaf.is_attentive() && texts.len() == 8);
    }
}
