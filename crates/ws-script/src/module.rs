//! Where imports come from: the snapshot of the folder, and nothing else.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use rquickjs::loader::{ImportAttributes, Loader, Resolver};
use rquickjs::module::Declared;
use rquickjs::{Ctx, Error, Exception, Module, Result};

use crate::snapshot::Snapshot;

/// The files that a script has loaded, its own and those it imported.
pub(crate) type Loaded = Arc<Mutex<BTreeSet<String>>>;

/// Resolves and loads modules of one script.
#[derive(Clone)]
pub(crate) struct Modules {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) loaded: Loaded,
}

impl Modules {
    pub(crate) fn declare<'js>(&self, ctx: &Ctx<'js>, name: &str) -> Result<Module<'js, Declared>> {
        let source = self.snapshot.source(name).ok_or_else(|| Error::new_loading(name))?;
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        Module::declare(ctx.clone(), name, source.as_bytes())
    }

    /// What an import names, or why it is refused.
    fn target(&self, base: &str, specifier: &str) -> std::result::Result<String, String> {
        let only = "only files below the folder of scripts can be imported, as `./name.js`";
        if !specifier.starts_with("./") && !specifier.starts_with("../") {
            return Err(format!("import of `{specifier}` is refused: {only}"));
        }
        let mut segments: Vec<&str> = base.split('/').collect();
        segments.pop();
        for segment in specifier.split('/') {
            match segment {
                "" | "." => {}
                ".." => {
                    segments.pop().ok_or_else(|| format!("import of `{specifier}` is refused: {only}"))?;
                }
                name => segments.push(name),
            }
        }
        let name = segments.join("/");
        if self.snapshot.source(&name).is_some() {
            return Ok(name);
        }
        if self.snapshot.leads_outside(&name) {
            return Err(format!(
                "import of `{specifier}` is refused: it is a link that leads out of the folder of scripts"
            ));
        }
        if !name.ends_with(".js") && name.rsplit('/').next().is_some_and(|last| last.contains('.')) {
            return Err(format!("import of `{specifier}`: only `.js` files can be imported"));
        }
        let with_end = format!("{name}.js");
        let hint = match self.snapshot.source(&with_end) {
            Some(_) => format!(": did you mean `{specifier}.js`?"),
            None => String::new(),
        };
        Err(format!("import of `{specifier}`: there is no file `{name}`{hint}"))
    }
}

/// Whether a source seems to have an `import(...)`, which may load a file at any time.
pub(crate) fn imports_later(source: &str) -> bool {
    source.split("import").skip(1).any(|behind| behind.trim_start().starts_with('('))
}

impl Resolver for Modules {
    fn resolve<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        base: &str,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> Result<String> {
        self.target(base, name).map_err(|problem| {
            // The engine has no place for an import that cannot be resolved.
            let place = self.snapshot.place_of(base, |line| {
                let quoted = [format!("\"{name}\""), format!("'{name}'"), format!("`{name}`")];
                quoted.iter().find_map(|quoted| line.find(quoted.as_str()))
            });
            throw(ctx, base, place, &problem)
        })
    }
}

impl Loader for Modules {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> Result<Module<'js, Declared>> {
        self.declare(ctx, name)
    }
}

fn throw(ctx: &Ctx<'_>, file: &str, place: Option<(u32, u32)>, problem: &str) -> Error {
    let (Ok(error) | Err(error)) = Exception::from_message(ctx.clone(), problem).and_then(|exception| {
        if let Some((line, column)) = place {
            exception.as_object().set("stack", format!("    at import ({file}:{line}:{column})\n"))?;
        }
        Ok(exception.throw())
    });
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_stay_below_the_folder() {
        let snapshot = Snapshot::of(&[("a.js", ""), ("lib/b.js", ""), ("lib/c.js", "")]);
        let modules = Modules { snapshot: Arc::new(snapshot), loaded: Loaded::default() };
        for (base, specifier, expected) in [
            ("a.js", "./lib/b.js", Ok("lib/b.js")),
            ("lib/b.js", "./c.js", Ok("lib/c.js")),
            ("lib/b.js", "../a.js", Ok("a.js")),
            ("lib/b.js", "./../lib/./c.js", Ok("lib/c.js")),
            ("lib/b.js", "../../a.js", Err("refused")),
            ("a.js", "/etc/passwd", Err("refused")),
            ("a.js", "fs", Err("refused")),
            ("a.js", "file:///a.js", Err("refused")),
            ("a.js", "..", Err("refused")),
            ("a.js", "./lib/b", Err("did you mean `./lib/b.js`")),
            ("a.js", "./d.js", Err("there is no file `d.js`")),
            ("a.js", "./data.json", Err("only `.js` files")),
        ] {
            let got = modules.target(base, specifier);
            match (&got, expected) {
                (Ok(name), Ok(expected)) => assert_eq!(name, expected, "{specifier}"),
                (Err(problem), Err(expected)) => assert!(problem.contains(expected), "{specifier}: {problem}"),
                _ => panic!("{specifier}: {got:?}"),
            }
        }
    }
}
