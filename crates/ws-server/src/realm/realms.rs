//! All realms of a server: who is in which, and what each is made of.
//!
//! Everything that publishes does so under one lock: a reload cannot miss a realm that is just being made, and no upload
//! undoes a reload. Under it nothing is read, parsed or waited for.

#[cfg(test)]
#[cfg(feature = "admin")]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::{Entry, Realm, RoomSource, TestError, TestId};
use crate::assemble::{Blueprint, Given, PlayScript, RealmState, Upload};
use crate::live::LiveConnections;
use crate::observers::Observers;
use crate::play::{Play, Weights};

/// All realms of a server.
pub(crate) struct Realms {
    given: Given,
    rooms: RoomSource,
    observers: Observers,
    live: Arc<LiveConnections>,
    /// That of the connections of no test.
    server: Arc<Realm>,
    /// How long all uploaded texts together may be, in bytes.
    most_uploaded: usize,
    /// Of these, those that single connections play.
    played: Weights,
    state: Mutex<State>,
}

struct State {
    blueprint: Blueprint,
    server: RealmState,
    tests: HashMap<TestId, Test>,
    /// Tests that have ended, and have connections that are still closing.
    ending: HashMap<TestId, Weak<Realm>>,
    /// How many uploads there were.
    uploads: u64,
}

struct Test {
    /// Whoever is in the realm, or about to be, holds it, too.
    realm: Arc<Realm>,
    state: RealmState,
    /// Whether somebody has asked for it beyond naming it in a handshake: then it is kept for who comes back.
    is_kept: bool,
}

impl Test {
    fn is_empty(&self) -> bool {
        // Only here new holders come from, and this is asked under the lock.
        Arc::strong_count(&self.realm) == 1
    }
}

impl Realms {
    /// How many tests there may be at once.
    pub(super) const MOST: usize = 1_000;
    /// How long a test is kept that nobody is in and nobody asks for.
    const KEPT_FOR: Duration = Duration::from_secs(60 * 60);

    pub(crate) fn new(blueprint: Blueprint, given: Given, rooms: RoomSource, observers: Observers) -> Self {
        let mut server = RealmState::new(rooms.rooms(None));
        let live = Arc::<LiveConnections>::default();
        let realm = Realm::new(None, server.instantiate(&blueprint, &given), &observers, &live);
        let (tests, ending) = (HashMap::new(), HashMap::new());
        let state = State { blueprint, server, tests, ending, uploads: 0 };
        let (server, most_uploaded) = (Arc::new(realm), 256 * 1024 * 1024);
        let (played, state) = (Weights::default(), Mutex::new(state));
        Self { given, rooms, observers, live, server, most_uploaded, played, state }
    }

    /// The open connections of all realms.
    pub(crate) fn live(&self) -> &Arc<LiveConnections> {
        &self.live
    }

    /// That of the connections of no test.
    pub(crate) fn server(&self) -> &Arc<Realm> {
        &self.server
    }

    /// From now on new connections, and open ones with their next message, get what `blueprint` makes.
    pub(crate) fn publish(&self, blueprint: Blueprint) {
        let state = &mut *self.lock();
        state.blueprint = blueprint;
        self.server.exchange(state.server.instantiate(&state.blueprint, &self.given));
        for test in state.tests.values_mut() {
            test.realm.exchange(test.state.instantiate(&state.blueprint, &self.given));
        }
        // Once for all: of many tests each would else look at the connections of all.
        self.live.interrupt(|_| true);
    }

    /// The realm of a test, if it is there, or that of the connections of no test.
    pub(crate) fn get(&self, id: Option<&TestId>) -> Option<Arc<Realm>> {
        match id {
            None => Some(Arc::clone(&self.server)),
            Some(id) => self.lock().tests.get(id).map(|test| Arc::clone(&test.realm)),
        }
    }

    /// As [`get`](Self::get), for who asks for the test by name: it is kept then, and does not make room for others.
    #[cfg(feature = "admin")]
    pub(crate) fn keep(&self, id: Option<&TestId>) -> Option<Arc<Realm>> {
        let Some(id) = id else { return self.get(None) };
        let mut state = self.lock();
        let test = state.tests.get_mut(id)?;
        test.is_kept = true;
        test.realm.touch();
        Some(Arc::clone(&test.realm))
    }

    /// As [`keep`](Self::keep), for who waits for what happens in a test: it is made if it is not there.
    ///
    /// # Errors
    /// As [`enter`](Self::enter).
    #[cfg(feature = "admin")]
    pub(crate) fn want(&self, id: Option<&TestId>) -> Result<Arc<Realm>, TestError> {
        match id {
            None => Ok(Arc::clone(&self.server)),
            Some(id) => Ok(Arc::clone(&self.wanted(&mut self.lock(), id)?.realm)),
        }
    }

    /// What `look` sees in those of all tests, in no order. It looks under the lock: whoever held them all would keep them from
    /// making room.
    #[cfg(feature = "admin")]
    pub(crate) fn of_tests<T>(&self, look: impl FnMut(&Realm) -> T) -> Vec<T> {
        self.lock().tests.values().map(|test| &*test.realm).map(look).collect()
    }

    /// Lets a connection in.
    ///
    /// # Errors
    /// [`TestError::Full`] or [`TestError::Ending`].
    pub(crate) fn enter(&self, id: Option<&TestId>) -> Result<Entry, TestError> {
        match id {
            // No lock for who does not test.
            None => Ok(Entry::new(Arc::clone(&self.server))),
            Some(id) => Ok(Entry::new(Arc::clone(&self.test(&mut self.lock(), id)?.realm))),
        }
    }

    /// Lays something over the versions of a realm, which is made if it is not there.
    ///
    /// # Errors
    /// As [`enter`](Self::enter), [`TestError::TooMuch`], and [`TestError::Overtaken`] if it changes rules that are not
    /// those any more.
    pub(crate) fn upload(&self, id: Option<&TestId>, upload: Upload) -> Result<(), TestError> {
        let mut lock = self.lock();
        let realm = match id {
            None => Arc::clone(&self.server),
            Some(id) => Arc::clone(&self.wanted(&mut lock, id)?.realm),
        };
        let state = &mut *lock;
        state.uploads += 1;
        let all = state.uploaded_bytes() + self.played.bytes();
        let own = match id {
            None => &mut state.server,
            Some(id) => match state.tests.get_mut(id) {
                Some(test) => &mut test.state,
                // It was made above.
                None => return Err(TestError::Ending),
            },
        };
        if !own.uploads().fits(&upload) {
            return Err(TestError::Overtaken);
        }
        let uploads = own.uploads().with(upload, state.uploads);
        let before = own.uploads().bytes();
        if uploads.bytes() > before && all - before + uploads.bytes() > self.most_uploaded {
            return Err(TestError::TooMuch(self.most_uploaded));
        }
        own.set_uploads(uploads);
        realm.publish(own.instantiate(&state.blueprint, &self.given));
        Ok(())
    }

    /// Makes of a script what one connection of a realm plays.
    ///
    /// # Errors
    /// [`TestError::Ending`] if the realm is not there any more, and [`TestError::TooMuch`].
    pub(crate) fn play(&self, id: Option<&TestId>, script: PlayScript) -> Result<Play, TestError> {
        let state = self.lock();
        let own = match id {
            None => &state.server,
            Some(id) => &state.tests.get(id).ok_or(TestError::Ending)?.state,
        };
        if state.uploaded_bytes() + self.played.bytes() + script.bytes > self.most_uploaded {
            return Err(TestError::TooMuch(self.most_uploaded));
        }
        // Added under the lock: two do not fit where there is room for one.
        let weight = self.played.add(script.bytes);
        Ok(own.play(script, weight))
    }

    /// What was uploaded for a realm, if that is there.
    #[cfg(feature = "admin")]
    pub(crate) fn uploads(&self, id: Option<&TestId>) -> Option<crate::assemble::Uploads> {
        let state = self.lock();
        let own = match id {
            None => &state.server,
            Some(id) => &state.tests.get(id)?.state,
        };
        Some(own.uploads().clone())
    }

    /// Makes a realm anew: without uploads, without anything that was counted or remembered. With `keeps_connections`, those
    /// that are open stay, and so do the rooms that they are in; else they are to be closed by the caller. `None`: it is not
    /// there.
    pub(crate) fn reset(&self, id: Option<&TestId>, keeps_connections: bool) -> Option<Arc<Realm>> {
        let state = &mut *self.lock();
        let (realm, own) = match id {
            None => (&self.server, &mut state.server),
            Some(id) => {
                let test = state.tests.get_mut(id)?;
                (&test.realm, &mut test.state)
            }
        };
        let rooms = if keeps_connections { Arc::clone(own.rooms()) } else { self.rooms.rooms(id) };
        *own = RealmState::new(rooms);
        realm.publish(own.instantiate(&state.blueprint, &self.given));
        if !keeps_connections {
            realm.begin_epoch();
        }
        realm.touch();
        Some(Arc::clone(realm))
    }

    /// Ends a test; its connections are to be closed by the caller. `None`: it is not there.
    pub(crate) fn end(&self, id: &TestId) -> Option<Arc<Realm>> {
        let mut state = self.lock();
        let test = state.tests.remove(id)?;
        state.ending.insert(id.clone(), Arc::downgrade(&test.realm));
        test.realm.end();
        Some(test.realm)
    }

    /// A test, which is made if it is not there.
    fn test<'s>(&self, state: &'s mut State, id: &TestId) -> Result<&'s mut Test, TestError> {
        if !state.tests.contains_key(id) {
            state.ending.retain(|_, realm| realm.strong_count() > 0);
            if state.ending.contains_key(id) {
                return Err(TestError::Ending);
            }
            state.make_room()?;
            let mut own = RealmState::new(self.rooms.rooms(Some(id)));
            let version = own.instantiate(&state.blueprint, &self.given);
            let realm = Arc::new(Realm::new(Some(id.clone()), version, &self.observers, &self.live));
            state.tests.insert(id.clone(), Test { realm, state: own, is_kept: false });
        }
        state.tests.get_mut(id).ok_or(TestError::Ending)
    }

    /// The same, kept.
    fn wanted<'s>(&self, state: &'s mut State, id: &TestId) -> Result<&'s mut Test, TestError> {
        let test = self.test(state, id)?;
        test.is_kept = true;
        test.realm.touch();
        Ok(test)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How long all uploaded texts are.
    fn uploaded_bytes(&self) -> usize {
        let all = std::iter::once(&self.server).chain(self.tests.values().map(|test| &test.state));
        all.map(|state| state.uploads().bytes()).sum()
    }

    /// Lets tests go until there may be one more.
    fn make_room(&mut self) -> Result<(), TestError> {
        self.tests.retain(|_, test| !test.is_empty() || test.realm.idle() < Realms::KEPT_FOR);
        if self.tests.len() >= Realms::MOST {
            let unwanted = self.tests.iter().filter(|(_, test)| test.is_empty() && !test.is_kept);
            let longest = unwanted.max_by_key(|(_, test)| test.realm.idle()).map(|(id, _)| id.clone());
            self.tests.remove(&longest.ok_or(TestError::Full(Realms::MOST))?);
        }
        Ok(())
    }
}
