//! Templates outside of scripts: one text at a time, for handlers that are programs.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ws_core::Connection;

use super::{Scope, Template, Values};
use crate::memory::{Memory, Request, RoomMemory};
use crate::moment::Moment;
use crate::problem::did_you_mean;
use crate::{PathCounts, ProblemKind, ReplayOptions};

/// Expands the tokens of templates in texts of programs, such as handlers in JavaScript: `{{uuid}}`, `{{now+1h}}`,
/// `{{faker.email}}` and the others of scripts, which docs/templates.md lists.
///
/// Each connection has random values of its own, which end with it. With a seed they repeat: the n-th connection of a path
/// that has texts rendered, or that has the number n already from a script or from rules, gets the same values in each run, if
/// it asks for the same ones in the same order. They are others than those of scripts and rules. Texts without a connection
/// share one more such stream.
///
/// What tokens look at is what is there outside of a script:
/// - `{{now}}` shows the time of day; a clock that starts at a fixed time stands still, as there is no script that moves it;
/// - `state`, `machine`, `correlation` and `connection.messages` are those of the scripts and rules that answer on the same
///   connection; where there are none, `{{state.x}}` is empty, and no messages were counted;
/// - tokens of a message or of an entry are errors, as there is none: `$.path`, `{{1}}`, `match`, `request.ws.message`,
///   `lastMessage`, `room`, `repetition`. So is, without a connection, what only a connection has;
/// - a name that leads to nothing, such as a parameter that is not in the query, stays as it stands.
///
/// It expands also if [`ReplayOptions::expand`] is off: who calls it has asked for it. What tokens insert is not looked at
/// again, but the text itself is: it should not hold what clients say.
///
/// ```
/// use ws_replay::{ReplayOptions, TemplateRenderer};
///
/// let templates = TemplateRenderer::new(&ReplayOptions::seeded(7));
/// let mail = templates.render(None, r#"{"mail":"{{faker.email}}","at":"{{now}}"}"#)?;
/// assert!(mail.contains("@example.") && mail.contains("2024-01-01T00:00:00Z"), "{mail}");
///
/// let error = templates.render(None, "{{faker.emial}}").unwrap_err();
/// assert_eq!(error, "unknown token `{{faker.emial}}`; did you mean `{{faker.email}}`?");
/// # Ok::<(), String>(())
/// ```
pub struct TemplateRenderer {
    options: ReplayOptions,
    connections: PathCounts,
    without_connection: Drawer,
    /// By their texts.
    compiled: Mutex<HashMap<Box<str>, Arc<Template>>>,
}

/// The number of the stream of random values: behind those that the entries of a script may have, and before those of rules.
const STREAM: u64 = 1 << 62;

/// How many templates are kept, and how long the longest is, in bytes. A program has a few; others are made by it.
const MOST_COMPILED: usize = 256;
const LONGEST_COMPILED: usize = 4 * 1024;

/// What names in texts begin with that only an entry of a script, or a rule, gives a meaning to.
const OF_ENTRIES: [&str; 4] = ["room", "match", "lastMessage", "repetition"];
/// The same of a connection.
const OF_CONNECTIONS: [&str; 5] = ["state", "request", "connection", "machine", "correlation"];

/// What texts of one connection are made of. Kept in its extensions; clones share it.
#[derive(Clone)]
struct Drawer(Arc<(Mutex<Values>, Memory)>);

impl TemplateRenderer {
    /// Renders with the seed and the clock of `options`.
    #[must_use]
    pub fn new(options: &ReplayOptions) -> Self {
        let options = ReplayOptions { expand: true, ..options.clone() };
        Self {
            without_connection: Drawer::new(&options, "", 0, Memory::default()),
            options,
            connections: PathCounts::default(),
            compiled: Mutex::default(),
        }
    }

    /// Expands the tokens of `text`, for that connection or for none. This takes some microseconds, and never waits for
    /// anybody but another text of the same connection.
    ///
    /// # Errors
    /// A token that is none, with the one that was probably meant; braces that open and do not close; a token that needs
    /// something that is not there.
    pub fn render(&self, connection: Option<&Arc<Connection>>, text: &str) -> Result<String, String> {
        if !text.contains("{{") {
            return Ok(text.to_owned());
        }
        let template = self.compiled(text)?;
        match connection {
            Some(connection) => Ok(self.drawer(connection).render(&template, Memory::known_of(connection))),
            None => match template.names().find(|name| OF_CONNECTIONS.contains(&name.root())) {
                Some(name) => Err(format!("`{name}` is of a connection, and there is none here")),
                None => Ok(self.without_connection.render(&template, None)),
            },
        }
    }

    fn compiled(&self, text: &str) -> Result<Arc<Template>, String> {
        if let Some(known) = lock(&self.compiled).get(text) {
            return Ok(Arc::clone(known));
        }
        let template = Arc::new(compile(text)?);
        if text.len() <= LONGEST_COMPILED {
            let mut compiled = lock(&self.compiled);
            // Those that are in use come back with their next use.
            if compiled.len() >= MOST_COMPILED {
                compiled.clear();
            }
            compiled.insert(text.into(), Arc::clone(&template));
        }
        Ok(template)
    }

    fn drawer(&self, connection: &Connection) -> Drawer {
        if let Some(known) = connection.extensions().get() {
            return known;
        }
        let next = || self.connections.next(connection.path());
        let drawer = match Memory::known_of(connection) {
            Some(memory) => Drawer::new(&self.options, connection.path(), memory.nth(next), memory),
            // Who makes the memory of a connection knows its rooms: that is for scripts and rules.
            None => {
                let request = Request::of(connection.handshake(), connection.id());
                let memory = Memory::new(request, RoomMemory::default());
                Drawer::new(&self.options, connection.path(), memory.nth(next), memory)
            }
        };
        connection.extensions().insert(drawer.clone());
        drawer
    }
}

impl Drawer {
    fn new(options: &ReplayOptions, path: &str, nth: u64, memory: Memory) -> Self {
        Self(Arc::new((Mutex::new(Values::new(options, path, nth).stream(STREAM)), memory)))
    }

    /// `memory` is that of the connection's scripts and rules.
    fn render(&self, template: &Template, memory: Option<Memory>) -> String {
        let (values, own_memory) = &*self.0;
        let memory = memory.as_ref().unwrap_or(own_memory);
        let moment = Moment { script_time: Duration::ZERO, released: None, memory, room: None, repetition: None };
        template.render(&moment, &mut lock(values)).into()
    }
}

fn compile(text: &str) -> Result<Template, String> {
    let mut wrong = None;
    let scope = Scope { key: "text", groups: &[], open: false };
    let template = Template::compile(text.to_owned(), scope, |_, doubt| {
        wrong.get_or_insert_with(|| in_words(&doubt.0));
    });
    if let Some(name) = template.names().find(|name| OF_ENTRIES.contains(&name.root())) {
        wrong.get_or_insert_with(|| format!("`{name}` is of scripts and rules, and has no meaning here"));
    }
    wrong.map_or(Ok(template), Err)
}

/// What is doubtful in a file is wrong here: nobody asked whether it should be sent as it stands.
fn in_words(doubt: &ProblemKind) -> String {
    match doubt {
        ProblemKind::UnknownToken { token, nearest, .. } => {
            format!("unknown token `{token}`{}", did_you_mean(nearest.as_deref()))
        }
        ProblemKind::UnclosedToken { text, .. } => format!("`{{{{` without `}}}}`: `{text}`"),
        ProblemKind::TokenExpression { token, reason, .. } | ProblemKind::TokenPath { token, reason, .. } => {
            format!("`{token}`: {reason}")
        }
        ProblemKind::NoMessage { token, .. } | ProblemKind::NoGroup { token, .. } => {
            format!(
                "`{token}` takes something from a message that a script or a rule waits for, and there is none here"
            )
        }
        other => other.to_string(),
    }
}

/// Nothing under these locks can panic half way.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for TemplateRenderer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TemplateRenderer").field("options", &self.options).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
