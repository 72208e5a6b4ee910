//! A folder of scripts: loaded, checked, and exchanged as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;
use ws_core::{HandlerSet, WsHandler};

use crate::instance::Plan;
use crate::module::{Loaded, imports_later};
use crate::script::{Loading, Script};
use crate::snapshot::Snapshot;
use crate::thread::Ready;
use crate::{ScriptErrors, ScriptHandler, ScriptOptions};

/// The scripts of a folder, each on a thread of its own.
///
/// Every `.js` file at the top of the folder is a script, unless its name begins with `_`. All other `.js` files, also in
/// subfolders, are there to be imported.
///
/// Loading and reloading read files and wait for the scripts' threads: call them where blocking is allowed. The threads
/// end with the folder and the last of its handlers.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let dir = dir.path();
/// std::fs::write(dir.join("echo.js"), r#"
///     export const path = "/ws/echo";
///     export function onMessage(ctx, msg) { ctx.send("echo: " + msg.text); }
/// "#)?;
/// let folder = ws_script::ScriptFolder::load(dir, ws_script::ScriptOptions::default())?;
/// let handlers = folder.handlers();
/// assert!(handlers[0].handles_path("/ws/echo") && !handlers[0].handles_path("/ws"));
///
/// std::fs::write(dir.join("echo.js"), "export function onMessage(ctx, msg) { ctx.send(msg.text) }}")?;
/// let problem = folder.reload().unwrap_err();
/// assert_eq!(problem.iter().next().map(|error| (&*error.file, error.line)), Some(("echo.js", Some(1))));
/// # Ok(())
/// # }
/// ```
pub struct ScriptFolder {
    dir: PathBuf,
    options: ScriptOptions,
    /// Held while a reload waits for threads, so that reloads come one after the other.
    reloading: Mutex<()>,
    running: Mutex<BTreeMap<String, Running>>,
}

/// A script that serves.
#[derive(Clone)]
struct Running {
    handler: Arc<ScriptHandler>,
    snapshot: Arc<Snapshot>,
    files: Loaded,
}

/// What a reload did; names of scripts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReloadReport {
    /// Those that are new.
    pub added: Vec<String>,
    /// Those that changed, themselves or in what they import.
    pub changed: Vec<String>,
    /// Those whose file is gone.
    pub removed: Vec<String>,
    /// Those that are the same: they were not touched.
    pub unchanged: Vec<String>,
    /// What was lost on the way.
    pub warnings: Vec<String>,
}

impl ReloadReport {
    /// Whether everything is as it was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

/// A new version of a script that takes over, or not, together with the others.
struct Change {
    name: String,
    loading: Loading,
    /// None: a new thread.
    decide: Option<oneshot::Sender<()>>,
    script: Arc<Script>,
    is_new: bool,
}

impl ScriptFolder {
    /// Loads all scripts of a folder and runs their top level.
    ///
    /// # Errors
    /// Every mistake in all files, each with its place; then nothing runs.
    pub fn load(dir: impl Into<PathBuf>, options: ScriptOptions) -> Result<Self, ScriptErrors> {
        options.limits.check()?;
        let folder = Self { dir: dir.into(), options, reloading: Mutex::default(), running: Mutex::default() };
        folder.reload()?;
        Ok(folder)
    }

    /// Loads a folder as [`load`](Self::load) does, and ends the scripts again. Gives their names.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn check(dir: impl Into<PathBuf>, options: ScriptOptions) -> Result<Vec<String>, ScriptErrors> {
        Self::load(dir, options).map(|folder| folder.scripts().iter().map(|script| script.name().to_owned()).collect())
    }

    /// A number that says what [`load`](Self::load) would read now: names and contents, or that they cannot be read. It is
    /// another one after any change of that, and means nothing beyond this process.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let dir = dir.path();
    /// use ws_script::ScriptFolder;
    ///
    /// let before = ScriptFolder::fingerprint(dir);
    /// std::fs::write(dir.join("notes.txt"), "no script")?;
    /// assert_eq!(ScriptFolder::fingerprint(dir), before);
    /// std::fs::write(dir.join("echo.js"), "")?;
    /// assert_ne!(ScriptFolder::fingerprint(dir), before);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn fingerprint(dir: impl AsRef<Path>) -> u64 {
        let mut hasher = DefaultHasher::new();
        match Snapshot::read_once(dir.as_ref()) {
            Ok(snapshot) => snapshot.hash(&mut hasher),
            Err(errors) => errors.to_string().hash(&mut hasher),
        }
        hasher.finish()
    }

    /// The folders in which a change may change what [`load`](Self::load) would read now: the real ones, where links lead. If
    /// the folder cannot be found there are none.
    #[must_use]
    pub fn folders(dir: impl AsRef<Path>) -> BTreeSet<PathBuf> {
        Snapshot::folders(dir.as_ref())
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The scripts as handlers, in the order of their names. One that did not change is the same handler after a reload.
    #[must_use]
    pub fn handlers(&self) -> HandlerSet {
        self.scripts().into_iter().map(|script| script as Arc<dyn WsHandler>).collect()
    }

    /// The scripts, in the order of their names.
    #[must_use]
    pub fn scripts(&self) -> Vec<Arc<ScriptHandler>> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.values().map(|running| Arc::clone(&running.handler)).collect()
    }

    /// Reads the folder again and exchanges what changed, all or nothing. A folder that is a symbolic link is the one that
    /// the link leads to now. A changed script keeps its `state` and its connections. What its old version has begun for
    /// connections goes on in that version, also their timers, and with the `state` that the new one has; of old versions that
    /// are still in use, three are kept.
    ///
    /// Nobody gets the new versions before [`handlers`](Self::handlers) are put in the place of the old ones. Until then the
    /// old handlers answer as before, so whoever exchanges the whole set at once shows every message either all old
    /// scripts or all new ones. All of them share one `state`.
    ///
    /// # Errors
    /// Every mistake in all changed files, each with its place; then everything is as it was.
    pub fn reload(&self) -> Result<ReloadReport, ScriptErrors> {
        let _one = self.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = Arc::new(Snapshot::read(&self.dir)?);
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut report = ReloadReport::default();
        let (mut changes, mut next, mut errors) = (Vec::new(), BTreeMap::new(), Vec::new());
        for name in snapshot.scripts() {
            let old = running.get(name);
            if let Some(old) = old.filter(|old| old.is_unchanged(&snapshot)) {
                report.unchanged.push(name.to_owned());
                next.insert(name.to_owned(), old.clone());
                continue;
            }
            match self.begin(name, &snapshot, old) {
                Ok(change) => changes.push(change),
                Err(problems) => errors.extend(problems),
            }
        }
        report.removed = running.keys().filter(|name| snapshot.source(name).is_none()).cloned().collect();
        let mut decisions = Vec::new();
        for Change { name, loading, decide, script, is_new } in changes {
            match loading.wait() {
                Ok(ready) => {
                    if let Some(error) = &ready.state_lost {
                        report.warnings.push(format!("the state of {name} begins anew: {error}"));
                    } else if decide.is_none() && !is_new {
                        report.warnings.push(format!("the state of {name} begins anew: its old version hangs"));
                    }
                    decisions.extend(decide);
                    if is_new { &mut report.added } else { &mut report.changed }.push(name.clone());
                    next.insert(name, Running::new(script, ready, &snapshot));
                }
                Err(problems) => errors.extend(problems),
            }
        }
        ScriptErrors::of(errors)?;
        for decision in decisions {
            // A thread that ended meanwhile answers no calls: its next reload replaces it.
            let _ = decision.send(());
        }
        let old = std::mem::replace(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner), next);
        drop(old);
        Ok(report)
    }

    fn begin(&self, name: &str, snapshot: &Arc<Snapshot>, old: Option<&Running>) -> Result<Change, ScriptErrors> {
        let plan = Plan { name: name.to_owned(), snapshot: Arc::clone(snapshot), options: self.options.clone() };
        let is_new = old.is_none();
        if let Some(old) = old
            && let Some((loading, decide)) = old.handler.script.prepare(plan.clone())
        {
            let script = Arc::clone(&old.handler.script);
            return Ok(Change { name: name.to_owned(), loading, decide: Some(decide), script, is_new });
        }
        let (script, loading) = Script::start(plan)?;
        Ok(Change { name: name.to_owned(), loading, decide: None, script, is_new })
    }
}

impl Running {
    fn new(script: Arc<Script>, ready: Ready, snapshot: &Arc<Snapshot>) -> Self {
        let Ready { exports, files, lease, .. } = ready;
        let handler = Arc::new(ScriptHandler { script, exports, lease });
        Self { handler, snapshot: Arc::clone(snapshot), files }
    }

    /// Whether all files that the script has loaded, or may still load, are the same in `now`.
    fn is_unchanged(&self, now: &Snapshot) -> bool {
        if self.handler.script.is_stuck() {
            return false;
        }
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let may_load_more =
            files.iter().filter_map(|name| self.snapshot.source(name)).any(|source| imports_later(source));
        if may_load_more {
            *self.snapshot == *now
        } else {
            files.iter().all(|name| self.snapshot.source(name) == now.source(name))
        }
    }
}

impl std::fmt::Debug for ScriptFolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScriptFolder").field("dir", &self.dir).field("scripts", &self.scripts()).finish_non_exhaustive()
    }
}
