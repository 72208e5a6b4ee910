//! What connections get of a blueprint: its parts at work, which count and remember for one realm. Making them reads
//! nothing, cannot fail, and says nothing.

use std::sync::Arc;

use ws_ai::AugmentedReplay;
use ws_conditions::Plan;
use ws_core::{HandlerRegistry, HandlerSet, Rooms, WsHandler};
use ws_replay::{PathCounts, ReplayHandler, ReplayOptions, ReplayScript, RoomMemory, RuleHandler, RuleSet};

use super::OnVerdict;
use super::blueprint::{Blueprint, Guard, Modes, Part, Place, Script};
use super::plays::PlayScript;
use super::uploads::{Layer, Over, Uploads};
use crate::HandshakeRules;
use crate::path_conditions::PathConditions;
use crate::play::{Play, Weight};
use crate::scope::{Begins, Bound, Scope};
use crate::version::Version;

/// What connections get from the embedder, and all realms have in common.
pub(crate) struct Given {
    pub(crate) handlers: Arc<HandlerRegistry>,
    pub(crate) modes: HandlerSet,
    pub(crate) on_verdict: Option<OnVerdict>,
}

/// What a realm has for itself, whatever it is configured to do.
pub(crate) struct RealmState {
    rooms: Arc<dyn Rooms>,
    room_memory: RoomMemory,
    /// The numbers of connections on their paths, by which a seed gives them values.
    connections: PathCounts,
    uploads: Uploads,
    /// What the uploads make, and how they are played.
    layer: Layer,
    options: ReplayOptions,
    instances: Instances,
}

/// What was made, by what it was made of: that lives on when another version has the same part.
#[derive(Default)]
struct Instances {
    modes: Kept<Modes, HandlerSet>,
    handshakes: Kept<HandshakeRules, Arc<dyn WsHandler>>,
    conditions: Kept<Plan, Arc<PathConditions>>,
}

impl RealmState {
    /// Nothing has been counted, and nothing is remembered.
    pub(crate) fn new(rooms: Arc<dyn Rooms>) -> Self {
        let (uploads, options) = (Uploads::default(), ReplayOptions::default());
        Self {
            rooms,
            room_memory: RoomMemory::default(),
            connections: PathCounts::default(),
            layer: uploads.layer(&options),
            uploads,
            options,
            instances: Instances::default(),
        }
    }

    pub(crate) fn rooms(&self) -> &Arc<dyn Rooms> {
        &self.rooms
    }

    pub(crate) fn uploads(&self) -> &Uploads {
        &self.uploads
    }

    /// A script for one connection, with what the realm remembers.
    pub(crate) fn play(&self, script: PlayScript, weight: Weight) -> Play {
        let maker = Maker { realm: self, options: &self.options, on_verdict: None };
        let handler = maker.replay(&Script { script: script.script, rules: None });
        Play::new(handler.into_interlude(), script.entries, weight)
    }

    /// From the next version on, these lie over it.
    pub(crate) fn set_uploads(&mut self, uploads: Uploads) {
        self.layer = uploads.layer(&self.options);
        self.uploads = uploads;
    }

    /// Makes what connections get by `blueprint`. What it has in common with the one before is not made anew.
    pub(crate) fn instantiate(&mut self, blueprint: &Blueprint, given: &Given) -> Version {
        if self.options != blueprint.options {
            self.options = blueprint.options.clone();
            self.layer = self.uploads.layer(&self.options);
        }
        let old = std::mem::take(&mut self.instances);
        let mut made = Instances::default();
        let mut scope = |place| Arc::new(self.scope(place, given, &old, &mut made));
        let default = scope(&blueprint.default);
        let paths = blueprint.paths.iter().map(|(path, place)| (path.clone(), scope(place))).collect();
        self.instances = made;
        Version {
            config: Arc::clone(&blueprint.config),
            default,
            paths,
            scripts: blueprint.scripts.iter().cloned().collect(),
        }
    }

    fn scope(&self, place: &Place, given: &Given, old: &Instances, made: &mut Instances) -> Scope {
        let guards = place.guards.iter().map(|guard| match guard {
            Guard::Shared(guard) => Arc::clone(guard),
            Guard::Handshake(rules) => made.handshakes.made(rules, &old.handshakes, || Arc::new(rules.anew())),
        });
        let guards = guards.collect();
        let mut made_of = |modes: &Arc<Modes>| made.modes.made(modes, &old.modes, || self.modes(modes, given));
        let (modes, bound) = match &self.layer.over {
            Over::Replay { modes, number } => {
                let modes = made_of(modes);
                let bound = bound(Some(&Begins::Uploaded(*number)), &modes);
                (modes, bound)
            }
            over => {
                let mut modes = made_of(&place.modes);
                let bound = bound(place.begins.as_ref(), &modes);
                if place.has_given_modes {
                    modes.extend(given.modes.iter().cloned());
                }
                if let Over::Rules { alone, before } = over {
                    let rules = made_of(if modes.is_empty() { alone } else { before });
                    modes.splice(0..0, rules);
                }
                (modes, bound)
            }
        };
        let conditions = self.layer.conditions.as_ref().or(place.conditions.as_ref()).map(|plan| {
            made.conditions.made(plan, &old.conditions, || Arc::new(PathConditions::new(Plan::clone(plan))))
        });
        Scope {
            handlers: Arc::clone(&given.handlers),
            guards,
            modes,
            bound,
            fallback: Arc::clone(&place.fallback),
            rooms: Arc::clone(&self.rooms),
            conditions,
        }
    }

    fn modes(&self, modes: &Modes, given: &Given) -> HandlerSet {
        let maker = Maker { realm: self, options: &modes.options, on_verdict: given.on_verdict.as_ref() };
        modes.parts.iter().map(|part| maker.mode(part)).collect()
    }
}

/// What begins with a connection does so with the last of the modes: before it, there are rules.
fn bound(begins: Option<&Begins>, modes: &HandlerSet) -> Option<Bound> {
    begins.cloned().zip(modes.last().cloned()).map(|(begins, mode)| Bound { begins, mode })
}

/// Makes the modes of a realm.
#[derive(Clone, Copy)]
struct Maker<'m> {
    realm: &'m RealmState,
    options: &'m ReplayOptions,
    on_verdict: Option<&'m OnVerdict>,
}

impl Maker<'_> {
    fn mode(self, part: &Part) -> Arc<dyn WsHandler> {
        match part {
            Part::Shared(mode) => Arc::clone(mode),
            Part::Rules(rules) => Arc::new(self.rules(rules)),
            Part::RulesBefore(rules) => Arc::new(self.rules(rules).stopping()),
            Part::Replay(script) => Arc::new(self.replay(script)),
            Part::Proxy(proxy, script) => Arc::new(proxy.clone().with_fallback(Arc::new(self.replay(script)))),
            Part::Enriched(script, rules) => {
                Arc::new(AugmentedReplay::of(Arc::clone(script), self.player(rules.as_ref())))
            }
        }
    }

    fn rules(self, rules: &Arc<RuleSet>) -> RuleHandler {
        let handler = RuleHandler::new(Arc::clone(rules), self.options.clone())
            .with_room_memory(self.realm.room_memory.clone())
            .with_path_counts(self.realm.connections.clone());
        match self.on_verdict.cloned() {
            Some(tell) => handler.on_verdict(move |verdict| tell(verdict)),
            None => handler,
        }
    }

    fn replay(self, Script { script, rules }: &Script) -> ReplayHandler {
        self.player(rules.as_ref())(Arc::clone(script))
    }

    /// How scripts are played.
    fn player(self, rules: Option<&Arc<RuleSet>>) -> impl Fn(Arc<ReplayScript>) -> ReplayHandler + Send + Sync + use<> {
        let RealmState { room_memory, connections, .. } = self.realm;
        let (room_memory, connections, options) = (room_memory.clone(), connections.clone(), self.options.clone());
        let (rules, on_verdict) = (rules.cloned(), self.on_verdict.cloned());
        move |script| {
            let mut handler = ReplayHandler::new(script, options.clone())
                .with_room_memory(room_memory.clone())
                .with_path_counts(connections.clone());
            if let Some(rules) = rules.clone() {
                handler = handler.with_rules(rules);
            }
            if let Some(tell) = on_verdict.clone() {
                handler = handler.closing().on_verdict(move |verdict| tell(verdict));
            }
            handler
        }
    }
}

/// What was made of what.
struct Kept<K, V>(Vec<(Arc<K>, V)>);

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K, V: Clone> Kept<K, V> {
    /// What was made of `key`, here or before; or else what `make` makes.
    fn made(&mut self, key: &Arc<K>, old: &Self, make: impl FnOnce() -> V) -> V {
        if let Some(made) = self.of(key) {
            return made.clone();
        }
        let made = old.of(key).cloned().unwrap_or_else(make);
        self.0.push((Arc::clone(key), made.clone()));
        made
    }

    fn of(&self, key: &Arc<K>) -> Option<&V> {
        self.0.iter().find(|(known, _)| Arc::ptr_eq(known, key)).map(|(_, made)| made)
    }
}
