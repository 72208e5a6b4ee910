//! Having the system watch folders, as far as it can.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher};
use tracing::warn;

use super::notices::Notices;
use super::places::Places;

/// Has the notices told of changes.
pub(super) type Open = fn(Arc<Notices>) -> notify::Result<Box<dyn Watcher + Send>>;

/// Has the system tell of changes.
pub(super) fn ask_the_system(notices: Arc<Notices>) -> notify::Result<Box<dyn Watcher + Send>> {
    let hear = move |told| notices.hear(told);
    Ok(Box::new(RecommendedWatcher::new(hear, notify::Config::default())?))
}

/// The folders that the system watches for us.
pub(super) struct Folders {
    notices: Arc<Notices>,
    watcher: Option<Box<dyn Watcher + Send>>,
    places: Arc<Places>,
    watched: BTreeSet<PathBuf>,
    has_warned: bool,
}

impl Folders {
    pub(super) fn new(open: Open, notices: &Arc<Notices>) -> Self {
        let mut folders = Self {
            notices: Arc::clone(notices),
            watcher: None,
            places: Arc::default(),
            watched: BTreeSet::new(),
            has_warned: false,
        };
        match open(Arc::clone(notices)) {
            Ok(watcher) => folders.watcher = Some(watcher),
            Err(error) => folders.warn(&no_watcher(error)),
        }
        folders
    }

    /// Watches these places and no others. Gives whether changes may have been missed: where nobody looked before.
    pub(super) fn watch(&mut self, places: Places) -> bool {
        let places = Arc::new(places);
        let lost = self.notices.expect(Arc::clone(&places));
        let mut may_have_missed = places != self.places || !lost.is_empty();
        self.places = places;
        let Some(watcher) = &mut self.watcher else { return may_have_missed };
        // The old ones first: a folder that has got another name would lose its watch together with its old name.
        self.watched.retain(|folder| {
            let stays = self.places.has_folder(folder) && !lost.contains(folder);
            if !stays {
                // If the folder is gone, so is its watch.
                let _ = watcher.unwatch(folder);
            }
            stays
        });
        let new: Vec<_> = self.places.folders().filter(|folder| !self.watched.contains(*folder)).cloned().collect();
        let mut trouble = None;
        for folder in new {
            match watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.watched.insert(folder);
                    may_have_missed = true;
                }
                // One that is gone by now is no trouble: the next places are without it.
                Err(error) if folder.exists() => trouble = Some(reason(&folder, error)),
                Err(_) => may_have_missed = true,
            }
        }
        if let Some(why) = trouble {
            self.warn(&why);
        }
        may_have_missed
    }

    pub(super) fn places(&self) -> &Places {
        &self.places
    }

    /// Whether there is a folder that the system does not watch.
    pub(super) fn are_blind(&self) -> bool {
        self.places.folders().any(|folder| !self.watched.contains(folder))
    }

    /// Says once that changes are noticed later.
    fn warn(&mut self, why: &str) {
        if !self.has_warned {
            self.has_warned = true;
            warn!("{why}; files are looked at every {:?} instead", super::PAUSE);
        }
    }
}

/// Why the system tells nothing at all, and what can be done.
pub(super) fn no_watcher(error: notify::Error) -> String {
    // Who has too many of these is told that there are too many open files.
    let hint = if cfg!(target_os = "linux") { "; see `fs.inotify.max_user_instances`" } else { "" };
    format!("files cannot be watched: {}{hint}", text(error))
}

/// Why it tells nothing of a folder, and what can be done.
pub(super) fn reason(folder: &Path, error: notify::Error) -> String {
    format!("{} cannot be watched: {}", folder.display(), text(error))
}

fn text(error: notify::Error) -> String {
    match error.kind {
        ErrorKind::MaxFilesWatch => "too many folders are; see `fs.inotify.max_user_watches`".to_owned(),
        ErrorKind::Io(error) => error.to_string(),
        _ => error.to_string(),
    }
}
