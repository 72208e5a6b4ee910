//! Reads what a script threw: the text, and the place in the file as it was written.

use rquickjs::{CaughtError, Coerced, Ctx, FromJs, Value};

use crate::limits::size;
use crate::native::Shared;
use crate::{ScriptError, ScriptErrorKind};

const MAX_TEXT_BYTES: usize = 1024;

/// What a thrown value says. The script's own getters may run: this belongs into a turn.
pub(super) fn read<'js>(ctx: &Ctx<'js>, shared: &Shared, thrown: CaughtError<'js>) -> ScriptError {
    let too_much = || format!("used more than {} of memory", size(shared.options.limits.memory));
    let (kind, text, stack) = match thrown {
        CaughtError::Exception(exception) => {
            let message = exception.message().unwrap_or_default();
            let stack = exception.stack().unwrap_or_default();
            let name = exception
                .as_object()
                .get::<_, Coerced<String>>("name")
                .map_or_else(|_| "Error".to_owned(), |name| name.0);
            let is_memory = name == "InternalError" && message == "out of memory";
            let kind = if is_memory { ScriptErrorKind::Memory } else { ScriptErrorKind::Thrown };
            let text = if is_memory { too_much() } else { format!("{name}: {message}") };
            (kind, text, stack)
        }
        // The engine could not even make an error.
        CaughtError::Value(value) if value.is_null() => (ScriptErrorKind::Memory, too_much(), String::new()),
        CaughtError::Value(value) => {
            (ScriptErrorKind::Thrown, format!("threw {}", describe(ctx, value)), String::new())
        }
        CaughtError::Error(error) => (ScriptErrorKind::Thrown, error.to_string(), String::new()),
    };
    // Getters that fail leave their own errors behind.
    ctx.catch();
    let error = ScriptError::new(kind, &*shared.name, cut(&text));
    match place(&stack) {
        Some((file, line, column)) => ScriptError { file: file.to_owned(), ..error.at(line, column) },
        None => error,
    }
}

fn describe<'js>(ctx: &Ctx<'js>, value: Value<'js>) -> String {
    if let Some(text) = value.as_string() {
        return text.to_string().map_or_else(|_| "a string".to_owned(), |text| format!("{text:?}"));
    }
    let kind = value.type_name();
    Coerced::<String>::from_js(ctx, value).map_or_else(|_| kind.to_owned(), |text| text.0)
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT_BYTES)]
}

/// The first place of a stack that is in a file of the folder: `    at f (lib/a.js:3:7)` or `    at a.js:3:7`.
fn place(stack: &str) -> Option<(&str, u32, u32)> {
    stack.lines().find_map(|line| {
        let line = line.trim().strip_prefix("at ")?;
        let place = match line.rsplit_once(" (") {
            Some((_, place)) => place.strip_suffix(')')?,
            None => line,
        };
        let (rest, column) = place.rsplit_once(':')?;
        let (file, line) = rest.rsplit_once(':')?;
        file.ends_with(".js").then_some((file, line.parse().ok()?, column.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_the_first_in_a_file() {
        let stack = "    at parse (native)\n    at json (mockforge:prelude:94:40)\n    at on (msg) (lib/a b.js:3:7)\n    at b.js:1:1\n";
        assert_eq!(place(stack), Some(("lib/a b.js", 3, 7)));
        assert_eq!(place("    at b.js:12:1\n"), Some(("b.js", 12, 1)));
        assert_eq!(place("    at eval (<input>:1:1)\n"), None);
        assert_eq!(place(""), None);
    }
}
