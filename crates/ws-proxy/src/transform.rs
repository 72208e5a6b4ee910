//! Changing messages on their way between client and upstream.

use std::fmt;
use std::sync::Arc;

use ws_core::Message;

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProxyDirection {
    /// From the client to the upstream.
    ToUpstream,
    /// From the upstream to the client.
    ToClient,
}

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Transformed {
    /// It goes on as it is.
    #[default]
    Pass,
    /// This one goes on instead.
    Replace(Message),
    /// Nothing goes on.
    Drop,
    /// Nothing goes on, and this goes back to where the message came from.
    Answer(Message),
    /// These go on instead, and those go back, each in their order.
    Send {
        /// What goes on.
        onward: Vec<Message>,
        /// What goes back to where the message came from.
        back: Vec<Message>,
    },
}

impl Transformed {
    /// What goes on and what goes back.
    pub(crate) fn apply(self, message: Message, mut onward: impl FnMut(Message), mut back: impl FnMut(Message)) {
        match self {
            Self::Pass => onward(message),
            Self::Replace(other) => onward(other),
            Self::Drop => {}
            Self::Answer(answer) => back(answer),
            Self::Send { onward: forth, back: returned } => {
                forth.into_iter().for_each(onward);
                returned.into_iter().for_each(back);
            }
        }
    }
}

/// Looks at every message between client and upstream, but for Close frames, and decides what becomes of it.
///
/// It is called from the connection's own task: it must not block. What it makes is not shown to it again.
///
/// ```
/// use ws_core::Message;
/// use ws_proxy::{ProxyDirection, TransformFn, Transformed};
///
/// let shout = TransformFn::new(|direction, message| match (direction, message) {
///     (ProxyDirection::ToUpstream, Message::Text(text)) => Transformed::Replace(Message::text(text.to_uppercase())),
///     _ => Transformed::Pass,
/// });
/// # drop(shout);
/// ```
#[derive(Clone)]
pub struct TransformFn(Arc<Transform>);

type Transform = dyn Fn(ProxyDirection, &Message) -> Transformed + Send + Sync;

impl TransformFn {
    /// Makes a transform of a closure.
    #[must_use]
    pub fn new(transform: impl Fn(ProxyDirection, &Message) -> Transformed + Send + Sync + 'static) -> Self {
        Self(Arc::new(transform))
    }

    /// What becomes of `message`.
    #[must_use]
    pub fn apply(&self, direction: ProxyDirection, message: &Message) -> Transformed {
        (self.0)(direction, message)
    }
}

impl fmt::Debug for TransformFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransformFn").finish_non_exhaustive()
    }
}

/// A transform equals itself and its clones.
impl PartialEq for TransformFn {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for TransformFn {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transform_equals_its_clones_only() {
        let one = TransformFn::new(|_, _| Transformed::Pass);
        assert_eq!(one, one.clone());
        assert_ne!(one, TransformFn::new(|_, _| Transformed::Pass));
    }

    #[test]
    fn messages_go_on_and_back() {
        let text = |text: &str| Message::text(text.to_owned());
        for (transformed, forth, back) in [
            (Transformed::Pass, vec!["m"], vec![]),
            (Transformed::Replace(text("a")), vec!["a"], vec![]),
            (Transformed::Drop, vec![], vec![]),
            (Transformed::Answer(text("a")), vec![], vec!["a"]),
            (
                Transformed::Send { onward: vec![text("a"), text("b")], back: vec![text("c")] },
                vec!["a", "b"],
                vec!["c"],
            ),
        ] {
            let (mut went, mut returned) = (Vec::new(), Vec::new());
            transformed.apply(text("m"), |m| went.push(m), |m| returned.push(m));
            assert_eq!(went, forth.into_iter().map(text).collect::<Vec<_>>());
            assert_eq!(returned, back.into_iter().map(text).collect::<Vec<_>>());
        }
    }
}
