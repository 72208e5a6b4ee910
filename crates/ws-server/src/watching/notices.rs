//! What the system has told of changes, until somebody asks for it.
//!
//! It grows with the files that are read, not with what is told: files that nobody reads, and everything that does not
//! change a file, are forgotten at once. So reading files wakes nobody.

use std::collections::BTreeSet;
use std::mem;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use notify::Event;
use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind, RenameMode};

use super::places::Places;

/// What has been noticed. Told on the system's threads, asked for on ours.
#[derive(Default)]
pub(super) struct Notices {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Default)]
struct State {
    places: Arc<Places>,
    is_stopped: bool,
    /// Whether there is something that [`Notices::wait`] has not given yet.
    has_news: bool,
    /// Whether something is gone, if only to come back.
    has_loss: bool,
    /// Files that somebody has written to and not closed yet.
    open: BTreeSet<PathBuf>,
    lost: Lost,
}

/// Watched folders that are no longer there, or are others now.
#[derive(Default)]
pub(super) struct Lost {
    folders: BTreeSet<PathBuf>,
    /// Whether the system could not tell all.
    any: bool,
}

impl Lost {
    pub(super) fn contains(&self, folder: &PathBuf) -> bool {
        self.any || self.folders.contains(folder)
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.any && self.folders.is_empty()
    }
}

/// What came of waiting.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The server needs nobody who watches any more.
    Stop,
    /// Something has changed.
    News,
    /// Nothing in all the time.
    Nothing,
}

/// What an event means for a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    /// It is gone, or it is another one.
    Loss,
    /// It may be one that was not there before.
    New,
    Written,
    Closed,
    Other,
}

impl Change {
    fn of(kind: EventKind) -> Option<Self> {
        Some(match kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => Self::Closed,
            EventKind::Access(_) => return None,
            EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(RenameMode::To)) => Self::New,
            EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => Self::Loss,
            EventKind::Modify(ModifyKind::Data(_)) => Self::Written,
            EventKind::Modify(_) | EventKind::Any | EventKind::Other => Self::Other,
        })
    }
}

impl Notices {
    /// Takes what the system tells.
    pub(super) fn hear(&self, told: notify::Result<Event>) {
        match told {
            Ok(event) if !event.need_rescan() => {
                if let Some(change) = Change::of(event.kind) {
                    self.note(change, event.paths);
                }
            }
            _ => self.change(|state| state.lost.any = true),
        }
    }

    fn note(&self, change: Change, paths: Vec<PathBuf>) {
        // Asking the disk may take its time: not while others wait for the lock.
        let places = Arc::clone(&self.state().places);
        let concerns =
            |path: &PathBuf| places.are_concerned_by(path) || change == Change::New && places.would_search(path);
        let paths: Vec<_> = paths.into_iter().filter(concerns).collect();
        if paths.is_empty() {
            return;
        }
        self.change(|state| {
            state.has_loss |= change == Change::Loss;
            for path in paths {
                match change {
                    Change::Written => {
                        state.open.insert(path);
                    }
                    Change::Closed | Change::Loss => {
                        state.open.remove(&path);
                        if change == Change::Loss && places.has_folder(&path) {
                            state.lost.folders.insert(path);
                        }
                    }
                    Change::New | Change::Other => {}
                }
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        state.has_news = true;
        self.news.notify_all();
    }

    /// Somebody says that it is time to look.
    pub(super) fn look_again(&self) {
        self.change(|_| {});
    }

    /// From now on changes in these places are noticed. Gives the folders that were lost until now.
    pub(super) fn expect(&self, places: Arc<Places>) -> Lost {
        let mut state = self.state();
        state.places = places;
        mem::take(&mut state.lost)
    }

    /// Waits until there is news; without a limit, if none is given.
    pub(super) fn wait(&self, limit: Option<Duration>) -> Heard {
        let began = Instant::now();
        let mut state = self.state();
        loop {
            if state.is_stopped {
                return Heard::Stop;
            }
            if mem::take(&mut state.has_news) {
                return Heard::News;
            }
            let Some(limit) = limit else {
                state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = limit.saturating_sub(began.elapsed());
            if left.is_zero() {
                // Whatever was being saved is not any more.
                state.has_loss = false;
                state.open.clear();
                return Heard::Nothing;
            }
            (state, _) = self.news.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether somebody is in the middle of saving a file, as far as one can tell.
    pub(super) fn tell_of_a_save(&self) -> bool {
        let state = self.state();
        state.has_loss || !state.open.is_empty()
    }

    pub(super) fn stop(&self) {
        self.state().is_stopped = true;
        self.news.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use notify::event::{CreateKind, DataChange, Flag, RemoveKind};
    use tempfile::TempDir;

    use super::*;

    const CLOSED: EventKind = EventKind::Access(AccessKind::Close(AccessMode::Write));
    const WRITTEN: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
    const REMOVED: EventKind = EventKind::Remove(RemoveKind::File);

    struct Scene {
        notices: Notices,
        folder: PathBuf,
        _kept: TempDir,
    }

    impl Scene {
        /// Somebody who watches `rules.yaml` in a folder.
        fn new() -> Self {
            let kept = tempfile::tempdir().unwrap();
            let folder = kept.path().canonicalize().unwrap();
            let notices = Notices::default();
            notices.expect(Arc::new(Places::of_file(&folder.join("rules.yaml"))));
            Self { notices, folder, _kept: kept }
        }

        fn tell(&self, kind: EventKind, name: &str) -> Heard {
            let path = if name.is_empty() { self.folder.clone() } else { self.folder.join(name) };
            self.notices.hear(Ok(Event::new(kind).add_path(path)));
            self.heard()
        }

        fn heard(&self) -> Heard {
            // Nothing is waited for: who has told has told.
            self.notices.wait(Some(Duration::ZERO))
        }
    }

    #[test]
    fn only_changes_of_files_that_are_read_are_news() {
        let scene = Scene::new();
        let created = EventKind::Create(CreateKind::File);
        let renamed = |mode| EventKind::Modify(ModifyKind::Name(mode));
        for kind in [CLOSED, WRITTEN, REMOVED, created, renamed(RenameMode::To), renamed(RenameMode::From)] {
            assert_eq!(scene.tell(kind, "rules.yaml"), Heard::News, "{kind:?}");
            assert_eq!(scene.tell(kind, "recording.jsonl"), Heard::Nothing, "{kind:?}");
        }
        let read = AccessKind::Close(AccessMode::Read);
        for kind in [AccessKind::Open(AccessMode::Any), AccessKind::Read, read] {
            assert_eq!(scene.tell(EventKind::Access(kind), "rules.yaml"), Heard::Nothing, "{kind:?}");
        }
        assert_eq!(scene.heard(), Heard::Nothing);
    }

    #[test]
    fn a_save_goes_on_until_the_file_is_closed_or_nothing_happens() {
        let scene = Scene::new();
        assert!(!scene.notices.tell_of_a_save());
        assert_eq!(scene.tell(WRITTEN, "rules.yaml"), Heard::News);
        assert!(scene.notices.tell_of_a_save());
        assert_eq!(scene.tell(CLOSED, "rules.yaml"), Heard::News);
        assert!(!scene.notices.tell_of_a_save());
        assert_eq!(scene.tell(REMOVED, "rules.yaml"), Heard::News);
        assert!(scene.notices.tell_of_a_save());
        assert_eq!(scene.heard(), Heard::Nothing);
        assert!(!scene.notices.tell_of_a_save());
    }

    #[test]
    fn folders_that_are_gone_are_lost_once() {
        let scene = Scene::new();
        let lost = || scene.notices.expect(Arc::new(Places::of_file(&scene.folder.join("rules.yaml"))));
        assert!(lost().is_empty());
        assert_eq!(scene.tell(EventKind::Modify(ModifyKind::Name(RenameMode::From)), ""), Heard::News);
        assert!(lost().contains(&scene.folder));
        assert!(lost().is_empty());
        // Where the system could not tell everything, every folder may be lost.
        scene.notices.hear(Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)));
        assert_eq!(scene.heard(), Heard::News);
        assert!(lost().contains(&Path::new("/any").to_owned()));
    }

    #[test]
    fn who_stops_is_heard_before_all_else() {
        let scene = Scene::new();
        scene.notices.stop();
        assert_eq!(scene.tell(REMOVED, "rules.yaml"), Heard::Stop);
        assert_eq!(scene.notices.wait(None), Heard::Stop);
    }
}
