//! Loading what a configuration says: at the start, and whenever it or a file that it names has changed.
//!
//! All or nothing: everything is read and checked before any of it takes effect. This module starts no task and watches
//! no file; it blocks, and is called where that is allowed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::{error, info, warn};
use ws_metrics::MetricsRegistry;
use ws_replay::{ReplayOptions, Speed};

use crate::assemble::{self, Assembly, Blueprint, Lasting, Made};
use crate::files::{self, Digests};
use crate::realm::Watchers;
use crate::scripts::{Scripts, ScriptsReload, digest};
use crate::session::panic_text;
use crate::shared::Shared;
use crate::{ServerError, WsConfig, upstream_loop};

/// How often a reload begins anew because a file changed while it was read.
const MOST_ATTEMPTS: usize = 5;

/// What a reload did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReloadReport {
    /// The files that were taken up because they changed, and the scripts that are gone. `the configuration` stands for
    /// one that is another, though none of its files has changed.
    pub changed: Vec<String>,
    /// Fields of the configuration that changed and that a running server cannot change; they are as they were.
    pub needs_restart: Vec<&'static str>,
    /// What was lost on the way.
    pub warnings: Vec<String>,
}

/// Where the configuration comes from again.
pub(crate) struct Source {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) read: Box<dyn Fn() -> Result<WsConfig, String> + Send + Sync>,
}

/// Loads the versions of one server.
pub(crate) struct Reloader {
    source: Option<Source>,
    lasting: Lasting,
    watchers: Watchers,
    metrics: MetricsRegistry,
    state: Mutex<State>,
    /// How the last one went: to be read while another one runs.
    last: Mutex<Option<Outcome>>,
}

/// How a reload went: its report, or its mistakes.
type Outcome = Result<ReloadReport, String>;

#[derive(Default)]
struct State {
    config: WsConfig,
    made: Made,
    scripts: Option<Scripts>,
    /// What stood in the files when they were last taken up.
    taken: Contents,
    /// What stood in them when that was last tried.
    tried: Contents,
}

/// What stands in all files.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Contents {
    files: Digests,
    /// The folder of scripts.
    scripts: Option<(PathBuf, u64)>,
}

impl Contents {
    /// The same files as they are now.
    pub(crate) fn now(&self) -> Self {
        let scripts = self.scripts.as_ref().map(|(dir, _)| (dir.clone(), digest(dir)));
        Self { files: self.files.now(), scripts }
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.files()
    }

    /// The folder of scripts, if there is one.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.scripts.as_ref().map(|(dir, _)| dir.as_path())
    }
}

impl Reloader {
    pub(crate) fn new(source: Option<Source>, lasting: Lasting, watchers: Watchers, metrics: MetricsRegistry) -> Self {
        Self { source, lasting, watchers, metrics, state: Mutex::default(), last: Mutex::default() }
    }

    /// Loads the first version.
    pub(crate) fn begin(&self, config: WsConfig) -> Result<Blueprint, ServerError> {
        let state = &mut *self.state();
        state.config = config.clone();
        let (blueprint, _) = self.load(state, config)?;
        Ok(blueprint)
    }

    /// Reads all files again, and publishes what they make.
    pub(crate) fn reload(&self, shared: &Shared) -> Result<ReloadReport, ServerError> {
        let mut state = self.state();
        // The embedder's code may panic: then the next reload is tried as if nothing had been.
        let tried = catch_unwind(AssertUnwindSafe(|| self.try_reload(&mut state, shared)));
        let outcome = tried.unwrap_or_else(|panic| Err(ServerError::Source(panic_text(&*panic))));
        let last = outcome.as_ref().map(ReloadReport::clone).map_err(ToString::to_string);
        let before = lock(&self.last).replace(last);
        self.tell(&outcome, before.as_ref());
        if let Some(journal) = shared.realms.server().observers.journal() {
            journal.note_reload(&outcome);
        }
        outcome
    }

    fn try_reload(&self, state: &mut State, shared: &Shared) -> Result<ReloadReport, ServerError> {
        state.tried = state.tried.now();
        let config = match &self.source {
            Some(source) => (source.read)().map_err(ServerError::Source)?,
            None => state.config.clone(),
        };
        config.validate()?;
        if let Some(address) = shared.address.get() {
            upstream_loop::refuse(&config, *address)?;
        }
        let (config, needs_restart) = with_what_stays(config, &state.config);
        let (before, is_other) = (state.taken.clone(), config != state.config);
        let (blueprint, scripts) = self.load(state, config)?;
        shared.realms.publish(blueprint);
        let files = state.taken.files.changed_since(&before.files).map(|file| file.display().to_string());
        let mut changed: Vec<_> = files.chain(scripts.changed).collect();
        if changed.is_empty() && is_other {
            // No file says so: the source is something else.
            changed.push("the configuration".to_owned());
        }
        Ok(ReloadReport { changed, needs_restart, warnings: scripts.warnings })
    }

    /// Loads `config`, and keeps in `state` what it is made of.
    fn load(&self, state: &mut State, config: WsConfig) -> Result<(Blueprint, ScriptsReload), ServerError> {
        let mut attempts = 0;
        let (blueprint, mut made) = loop {
            attempts += 1;
            state.tried = self.contents(&config, &state.made, &state.tried);
            let loaded = Assembly::new(&config, &self.lasting, &state.made).load();
            let (blueprint, made) = loaded.inspect_err(|mistake| {
                if let ServerError::Replay(mistakes) = mistake {
                    state.tried.files.add(mistakes.files());
                }
            })?;
            if attempts == MOST_ATTEMPTS || made.is_up_to_date() {
                break (blueprint, made);
            }
        };
        // The last that can fail: nothing that runs is touched before.
        let report = self.load_scripts(&mut state.scripts, &config)?;
        made.tell();
        for line in &report.news {
            info!("{line}");
        }
        state.tried.files.add(made.files());
        state.taken = state.tried.clone();
        state.made = made;
        state.config = config;
        let scripts = state.scripts.as_ref().map(Scripts::handlers).unwrap_or_default();
        Ok((blueprint.with_scripts(scripts), report))
    }

    fn load_scripts(&self, running: &mut Option<Scripts>, config: &WsConfig) -> Result<ScriptsReload, ServerError> {
        let Some(wanted) = &config.scripts else {
            let changed = running.take().map(|gone| gone.dir().display().to_string());
            return Ok(ScriptsReload { changed: changed.into_iter().collect(), ..ScriptsReload::default() });
        };
        // Whoever calls `template` wants it expanded, and not faster.
        let templates = ReplayOptions { expand: true, speed: Speed::default(), ..assemble::replay_options(config) };
        if let Some(scripts) = running.as_ref().filter(|scripts| scripts.is_made_of(wanted, &templates)) {
            return scripts.reload();
        }
        let scripts = Scripts::load(wanted, templates, &self.watchers)?;
        let mut report = ScriptsReload { news: scripts.news(), ..ScriptsReload::default() };
        if running.replace(scripts).is_some() {
            report.changed.push(wanted.dir.display().to_string());
            report.warnings.push("all scripts begin anew, without their state: their settings changed".to_owned());
        }
        Ok(report)
    }

    /// What stands in all files that are read for `config`, and in those that the rules in `made` name. Those of the source
    /// were read before: there `read` counts, if it knows them.
    fn contents(&self, config: &WsConfig, made: &Made, read: &Contents) -> Contents {
        let source = || self.source.iter().flat_map(|source| source.files.iter().map(PathBuf::as_path));
        let mut files = read.files.among(source());
        files.add(source().chain(files::of_config(config)).chain(made.files()));
        let scripts = config.scripts.as_ref().map(|scripts| (scripts.dir.clone(), digest(&scripts.dir)));
        Contents { files, scripts }
    }

    /// What stood in the files when they were last read, with success or without.
    pub(crate) fn tried(&self) -> Contents {
        self.state().tried.clone()
    }

    /// How the last reload went, if there was one.
    pub(crate) fn last(&self) -> Option<Outcome> {
        lock(&self.last).clone()
    }

    fn tell(&self, outcome: &Result<ReloadReport, ServerError>, before: Option<&Outcome>) {
        let word = match outcome {
            Ok(report) => {
                let known = before.and_then(|before| before.as_ref().ok()).map(|before| &*before.needs_restart);
                for field in &report.needs_restart {
                    if !known.is_some_and(|known| known.contains(field)) {
                        warn!("`{field}` changed in the configuration: that needs a restart");
                    }
                }
                for warning in &report.warnings {
                    warn!("{warning}");
                }
                match &*report.changed {
                    [] if matches!(before, Some(Err(_))) => info!("the mistakes are gone: everything is as it was"),
                    [] => info!("nothing to reload: no file has changed"),
                    changed => info!("reloaded: {}", changed.join(", ")),
                }
                if report.changed.is_empty() { "unchanged" } else { "ok" }
            }
            Err(mistakes) => {
                error!("not reloaded, what was loaded before goes on:\n{mistakes}");
                "failed"
            }
        };
        self.metrics.record_ws_reload(word);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `new`, but what a running server cannot change is as in `old`; and what that is about.
fn with_what_stays(new: WsConfig, old: &WsConfig) -> (WsConfig, Vec<&'static str>) {
    let WsConfig { host, port, max_connections, record, journal, slow_member, tls, .. } = old.clone();
    let needs_restart = [
        ("host", new.host != host),
        ("port", new.port != port),
        ("max_connections", new.max_connections != max_connections),
        ("record", new.record != record),
        ("journal", new.journal != journal),
        ("slow_member", new.slow_member != slow_member),
        ("tls", new.tls != tls),
    ];
    let needs_restart = needs_restart.into_iter().filter(|(_, is_other)| *is_other).map(|(field, _)| field).collect();
    (WsConfig { host, port, max_connections, record, journal, slow_member, tls, ..new }, needs_restart)
}
