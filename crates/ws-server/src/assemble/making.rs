//! What was made of which recipe, so that a reload makes anew only what has changed.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::{info, warn};
use ws_conditions::{Conditions, Plan, RateLimit};
use ws_core::WsHandler;

use super::blueprint::Modes;
use crate::files::{self, Digests};
use crate::{HandshakeRule, HandshakeRules, PathConfig, WsConfig};

/// All of a configuration that the modes of a place are made of.
#[derive(PartialEq)]
pub(super) struct Recipe {
    config: WsConfig,
    path: Option<PathConfig>,
}

impl Recipe {
    /// That of the whole server.
    pub(super) fn of_server(config: &WsConfig) -> Self {
        let WsConfig { replay_file, rules_file, proxy_config, ai_config, .. } = config.clone();
        Self { config: WsConfig { replay_file, rules_file, proxy_config, ai_config, ..common(config) }, path: None }
    }

    /// That of a path.
    pub(super) fn of_path(config: &WsConfig, path: &PathConfig) -> Self {
        let PathConfig { mode, rules_file, .. } = path.clone();
        let path = PathConfig { mode, rules_file, ..PathConfig::new(path.path.clone()) };
        Self { config: common(config), path: Some(path) }
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        files::of_server(&self.config).chain(self.path.iter().flat_map(files::of_path))
    }
}

/// What all modes read.
fn common(config: &WsConfig) -> WsConfig {
    let WsConfig { template_expand, seed, clock, speed, raw_echo, .. } = *config;
    WsConfig { template_expand, seed, clock, speed, raw_echo, ..WsConfig::default() }
}

/// What was made, each with what it was made of.
#[derive(Default)]
pub(crate) struct Made {
    modes: Vec<(Recipe, Digests, Arc<Modes>)>,
    conditions: Vec<(Conditions, String, Arc<Plan>)>,
    handshakes: Vec<(Vec<HandshakeRule>, String, Arc<HandshakeRules>)>,
    shared_limit: Option<(RateLimit, Arc<dyn WsHandler>)>,
    notes: Vec<Note>,
}

/// What is to be said of something new.
enum Note {
    News(String),
    Doubt(String),
}

impl Made {
    /// All files that were read.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        self.modes.iter().flat_map(|(_, digests, _)| digests.files())
    }

    /// Whether in all files the same stands as when they were read.
    pub(crate) fn is_up_to_date(&self) -> bool {
        self.modes.iter().all(|(_, digests, _)| *digests == digests.now())
    }

    /// Says what is new, once.
    pub(crate) fn tell(&mut self) {
        for note in self.notes.drain(..) {
            match note {
                Note::News(text) => info!("{text}"),
                Note::Doubt(text) => warn!("{text}"),
            }
        }
    }
}

/// The making of a version, beside the one that was made before.
pub(super) struct Making<'m> {
    old: &'m Made,
    new: Made,
    notes: RefCell<Vec<Note>>,
    /// Files that were read and that no recipe names.
    also_read: RefCell<Vec<PathBuf>>,
}

impl<'m> Making<'m> {
    pub(super) fn new(old: &'m Made) -> Self {
        Self { old, new: Made::default(), notes: RefCell::default(), also_read: RefCell::default() }
    }

    pub(super) fn finish(self) -> Made {
        Made { notes: self.notes.into_inner(), ..self.new }
    }

    pub(super) fn say(&self, news: String) {
        self.notes.borrow_mut().push(Note::News(news));
    }

    pub(super) fn doubt(&self, doubt: String) {
        self.notes.borrow_mut().push(Note::Doubt(doubt));
    }

    pub(super) fn has_read<'f>(&self, files: impl Iterator<Item = &'f Path>) {
        self.also_read.borrow_mut().extend(files.map(Path::to_owned));
    }

    /// What a recipe made before, if it would make the same now.
    pub(super) fn modes_again(&mut self, recipe: &Recipe) -> Option<Arc<Modes>> {
        let is_same =
            |(known, digests, _): &&(Recipe, Digests, Arc<Modes>)| known == recipe && *digests == digests.now();
        let (_, digests, modes) = self.old.modes.iter().find(is_same)?;
        let copy = Recipe { config: recipe.config.clone(), path: recipe.path.clone() };
        self.new.modes.push((copy, digests.clone(), Arc::clone(modes)));
        Some(Arc::clone(modes))
    }

    /// Keeps what a recipe has made; `digests` are those of its files before they were read.
    pub(super) fn keep_modes(&mut self, recipe: Recipe, mut digests: Digests, modes: Arc<Modes>) {
        digests.add(self.also_read.take().iter().map(PathBuf::as_path));
        self.new.modes.push((recipe, digests, modes));
    }

    pub(super) fn conditions_again(&mut self, conditions: &Conditions, place: &str) -> Option<Arc<Plan>> {
        let known = self.old.conditions.iter().find(|(known, at, _)| known == conditions && at == place)?;
        let made = Arc::clone(&known.2);
        self.keep_conditions(conditions.clone(), place, Arc::clone(&made));
        Some(made)
    }

    pub(super) fn keep_conditions(&mut self, conditions: Conditions, place: &str, made: Arc<Plan>) {
        self.new.conditions.push((conditions, place.to_owned(), made));
    }

    pub(super) fn handshake_again(&self, rules: &[HandshakeRule], place: &str) -> Option<Arc<HandshakeRules>> {
        let known = self.old.handshakes.iter().find(|(known, at, _)| known == rules && at == place);
        known.map(|(.., guard)| Arc::clone(guard))
    }

    pub(super) fn keep_handshake(&mut self, rules: Vec<HandshakeRule>, place: &str, guard: Arc<HandshakeRules>) {
        self.new.handshakes.push((rules, place.to_owned(), guard));
    }

    pub(super) fn shared_limit_again(&self, limit: RateLimit) -> Option<Arc<dyn WsHandler>> {
        let (known, guard) = self.old.shared_limit.as_ref()?;
        (*known == limit).then(|| Arc::clone(guard))
    }

    pub(super) fn keep_shared_limit(&mut self, limit: RateLimit, guard: Arc<dyn WsHandler>) {
        self.new.shared_limit = Some((limit, guard));
    }
}
