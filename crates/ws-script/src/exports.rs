//! What a script exports: where it answers, and which callbacks it has.

use rquickjs::{Array, Ctx, Function, Object, Persistent, Value};
use ws_core::PathPattern;

use crate::snapshot::Snapshot;
use crate::{ScriptError, ScriptErrorKind};

const DEFAULT_PATH: &str = "/ws/**";
const CALLBACKS: [&str; 4] = ["onConnect", "onMessage", "onDisconnect", "onOutbound"];

/// Where a script answers, and to what. It says nothing of the engine, so other threads may hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exports {
    pub(crate) paths: Vec<PathPattern>,
    pub(crate) subprotocols: Vec<String>,
    pub(crate) on_connect: bool,
    pub(crate) on_message: bool,
    pub(crate) on_disconnect: bool,
    pub(crate) on_outbound: bool,
}

/// The callbacks themselves.
pub(crate) struct Callbacks {
    pub(crate) on_connect: Option<Persistent<Function<'static>>>,
    pub(crate) on_message: Option<Persistent<Function<'static>>>,
    pub(crate) on_disconnect: Option<Persistent<Function<'static>>>,
    pub(crate) on_outbound: Option<Persistent<Function<'static>>>,
}

impl Exports {
    /// Reads a module's exports. Every mistake is found.
    pub(crate) fn read<'js>(
        ctx: &Ctx<'js>,
        namespace: &Object<'js>,
        file: &str,
        snapshot: &Snapshot,
    ) -> Result<(Self, Callbacks), Vec<ScriptError>> {
        let mut reader = Reader { ctx, namespace, file, snapshot, errors: Vec::new() };
        reader.find_misspelt();
        let paths = reader.paths();
        let subprotocols = reader.strings("subprotocols").unwrap_or_default();
        let [on_connect, on_message, on_disconnect, on_outbound] = CALLBACKS.map(|name| reader.callback(name));
        let callbacks = Callbacks { on_connect, on_message, on_disconnect, on_outbound };
        let exports = Self {
            paths,
            subprotocols,
            on_connect: callbacks.on_connect.is_some(),
            on_message: callbacks.on_message.is_some(),
            on_disconnect: callbacks.on_disconnect.is_some(),
            on_outbound: callbacks.on_outbound.is_some(),
        };
        let mut errors = reader.errors;
        if errors.is_empty()
            && !(exports.on_connect || exports.on_message || exports.on_disconnect || exports.on_outbound)
        {
            let is_empty = snapshot.source(file).is_some_and(|source| source.trim().is_empty());
            let found = if is_empty { "it is empty" } else { "it exports no callback" };
            let message = format!(
                "{found}: add one of {}, or begin the file's name with `_` if it is only for imports",
                CALLBACKS.join(", ")
            );
            errors.push(ScriptError::new(ScriptErrorKind::Load, file, message));
        }
        if errors.is_empty() { Ok((exports, callbacks)) } else { Err(errors) }
    }
}

struct Reader<'a, 'js> {
    ctx: &'a Ctx<'js>,
    namespace: &'a Object<'js>,
    file: &'a str,
    snapshot: &'a Snapshot,
    errors: Vec<ScriptError>,
}

impl<'js> Reader<'_, 'js> {
    fn problem(&mut self, export: &str, message: String) {
        let error = ScriptError::new(ScriptErrorKind::Load, self.file, message);
        let place = self.snapshot.place_of(self.file, |line| {
            let at = line.find("export")?;
            line[at..].find(export).map(|offset| at + offset)
        });
        self.errors.push(match place {
            Some((line, column)) => error.at(line, column),
            None => error,
        });
    }

    fn value(&mut self, name: &str) -> Option<Value<'js>> {
        match self.namespace.get::<_, Value<'js>>(name) {
            Ok(value) if value.is_undefined() => None,
            Ok(value) => Some(value),
            Err(_) => {
                // An export that its module never set.
                self.ctx.catch();
                None
            }
        }
    }

    fn callback(&mut self, name: &str) -> Option<Persistent<Function<'static>>> {
        let value = self.value(name)?;
        let kind = value.type_name();
        match value.into_function() {
            Some(function) => Some(Persistent::save(self.ctx, function)),
            None => {
                self.problem(name, format!("`{name}` is a function, not {kind}"));
                None
            }
        }
    }

    /// A string or an array of strings; None if it is not exported.
    fn strings(&mut self, name: &str) -> Option<Vec<String>> {
        let value = self.value(name)?;
        let strings = if value.is_string() {
            value.get::<String>().map(|one| vec![one])
        } else {
            Array::from_value(value).and_then(|array| array.iter::<String>().collect())
        };
        match strings {
            Ok(strings) if !strings.is_empty() => Some(strings),
            _ => {
                self.ctx.catch();
                self.problem(name, format!("`{name}` is a string or an array of strings"));
                None
            }
        }
    }

    fn paths(&mut self) -> Vec<PathPattern> {
        let texts = self.strings("path").unwrap_or_else(|| vec![DEFAULT_PATH.to_owned()]);
        let mut paths = Vec::new();
        for text in texts {
            match text.parse() {
                Ok(path) => paths.push(path),
                Err(error) => self.problem("path", format!("`path` {text:?}: {error}")),
            }
        }
        paths
    }

    fn find_misspelt(&mut self) {
        let names: Vec<String> = self.namespace.keys::<String>().filter_map(Result::ok).collect();
        for name in names {
            let known = || CALLBACKS.into_iter().chain(["path", "subprotocols"]);
            if known().any(|known| known == name) {
                continue;
            }
            let near = known().find(|known| {
                known.eq_ignore_ascii_case(&name) || (name.len() > 4 && strsim::damerau_levenshtein(known, &name) <= 2)
            });
            match near.or_else(|| elsewhere(&name)) {
                Some(near) => self.problem(&name, format!("the export `{name}` is not known: did you mean `{near}`?")),
                None if name == "default" => {
                    let message =
                        format!("`export default` is not read: export by name, such as {}", CALLBACKS.join(", "));
                    self.problem(&name, message);
                }
                None if is_like_a_callback(&name) => {
                    let message = format!("the export `{name}` is not known: callbacks are {}", CALLBACKS.join(", "));
                    self.problem(&name, message);
                }
                None => {}
            }
        }
    }
}

/// What is called otherwise in browsers and in Node.
fn elsewhere(name: &str) -> Option<&'static str> {
    match name {
        "onOpen" | "onopen" | "onConnection" => Some("onConnect"),
        "onClose" | "onclose" => Some("onDisconnect"),
        "onSend" => Some("onOutbound"),
        _ => None,
    }
}

/// Whether a name begins with `on`, as those of callbacks do.
fn is_like_a_callback(name: &str) -> bool {
    name.strip_prefix("on").is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_uppercase()))
}
