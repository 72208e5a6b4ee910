//! Watching the files of a server, and reloading it when they change.
//!
//! One thread for each server that watches. It knows files, not what they mean: whether a reload succeeds, and what is
//! said of it, is the business of [`reload`](crate::reload). It never keeps a server alive, and never fails: where the system
//! does not tell of changes it looks again and again.

mod folders;
mod look;
mod notices;
mod places;

use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use self::folders::{Folders, Open, ask_the_system};
use self::look::Look;
use self::notices::{Heard, Notices};
use self::places::Places;
use crate::reload::Contents;
use crate::shared::Shared;

/// For how long nothing may change before files are read. Whoever saves a file does it in several steps.
const QUIET: Duration = Duration::from_millis(50);
/// The same while a save is visibly not at its end: something is gone, empty, or still being written.
const QUIET_IN_A_SAVE: Duration = Duration::from_millis(200);
/// After this long files are read though they go on changing.
const LONGEST_UNREST: Duration = Duration::from_secs(5);
/// The pause between two looks where the system does not tell of changes.
const PAUSE: Duration = Duration::from_millis(500);

/// The thread that watches; it ends when this is dropped.
pub(crate) struct Watching {
    notices: Arc<Notices>,
}

impl Watching {
    /// Reloads `server` whenever what it is made of changes, beginning with what has changed since it was made.
    pub(crate) fn start(server: &Arc<Shared>) -> Self {
        Self::with(server, ask_the_system)
    }

    fn with(server: &Arc<Shared>, open: Open) -> Self {
        let notices = Arc::new(Notices::default());
        let contents = server.reloader.tried();
        let Some(what) = list(&contents) else {
            info!("nothing to watch: the server is made of no file");
            return Self { notices };
        };
        let (server, noticed) = (Arc::downgrade(server), Arc::clone(&notices));
        let watch = move || Watch { server, folders: Folders::new(open, &noticed), notices: noticed }.run(contents);
        // The system cuts longer names.
        match thread::Builder::new().name("mockforge watch".to_owned()).spawn(watch) {
            Ok(_) => info!("watching {what}"),
            Err(error) => warn!("{what} cannot be watched: no thread can be started: {error}"),
        }
        Self { notices }
    }

    /// Somebody else has reloaded: there may be other files to watch.
    pub(crate) fn look_again(&self) {
        self.notices.look_again();
    }

    /// Ends the thread; it may be busy for a while, and is not waited for.
    pub(crate) fn stop(&self) {
        self.notices.stop();
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What is watched, e.g. `3 files and the folder handlers/`.
fn list(contents: &Contents) -> Option<String> {
    let files = match contents.files().count() {
        0 => None,
        1 => Some("1 file".to_owned()),
        count => Some(format!("{count} files")),
    };
    let folder = contents.folder().map(|dir| format!("the folder {}/", dir.components().as_path().display()));
    let both: Vec<_> = files.into_iter().chain(folder).collect();
    (!both.is_empty()).then(|| both.join(" and "))
}

/// What the thread has.
struct Watch {
    server: Weak<Shared>,
    folders: Folders,
    notices: Arc<Notices>,
}

/// The server is gone, or shuts down.
struct Stopped;

impl Watch {
    fn run(mut self, mut contents: Contents) {
        let mut last = Look::default();
        loop {
            // What has changed before a folder was watched, nobody told.
            let may_have_missed = self.folders.watch(Places::of(&contents));
            if !may_have_missed && self.wait(&contents, &last).is_err() {
                return;
            }
            let Ok(look) = self.settle(&contents) else { return };
            last = look;
            let Some(server) = self.server.upgrade() else { return };
            let tried = server.reloader.tried();
            if tried.now() != tried {
                // It says itself how it went.
                let _ = server.reloader.reload(&server);
            }
            contents = server.reloader.tried();
        }
    }

    /// Waits until something has changed.
    fn wait(&self, contents: &Contents, last: &Look) -> Result<(), Stopped> {
        let pause = self.folders.are_blind().then_some(PAUSE);
        loop {
            match self.notices.wait(pause) {
                Heard::Stop => return Err(Stopped),
                Heard::News => return Ok(()),
                Heard::Nothing if self.look(contents) != *last => return Ok(()),
                Heard::Nothing => {}
            }
        }
    }

    /// Waits until nothing changes any more; gives how it looks then.
    fn settle(&self, contents: &Contents) -> Result<Look, Stopped> {
        let began = Instant::now();
        let mut before = self.look(contents);
        loop {
            let in_a_save = self.notices.tell_of_a_save() || before.shows_a_save();
            let heard = self.notices.wait(Some(if in_a_save { QUIET_IN_A_SAVE } else { QUIET }));
            let look = self.look(contents);
            match heard {
                Heard::Stop => return Err(Stopped),
                Heard::Nothing if look == before => break,
                Heard::News | Heard::Nothing if began.elapsed() >= LONGEST_UNREST => break,
                Heard::News | Heard::Nothing => before = look,
            }
        }
        Ok(before)
    }

    fn look(&self, contents: &Contents) -> Look {
        Look::at(contents, self.folders.places())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{self, Write};
    use std::path::Path;

    use notify::{Config, ErrorKind, EventHandler, RecursiveMode, Watcher, WatcherKind};
    use ws_core::{HandlerSet, NoRooms};
    use ws_metrics::MetricsRegistry;

    use super::*;
    use crate::WsConfig;
    use crate::assemble::{Given, Lasting};
    use crate::observers::Observers;
    use crate::realm::{Realms, RoomSource, Watchers};
    use crate::reload::{ReloadReport, Reloader};

    /// A server of this configuration, which nobody serves.
    fn server(config: WsConfig) -> Arc<Shared> {
        let (metrics, observers) = (MetricsRegistry::new(), Observers::new(Vec::new()));
        let reloader = Reloader::new(None, Lasting::new(metrics.clone()), Watchers::default(), metrics);
        let blueprint = reloader.begin(config).unwrap();
        let given = Given { handlers: Arc::default(), modes: HandlerSet::new(), on_verdict: None };
        let realms = Realms::new(blueprint, given, RoomSource::Given(Arc::new(NoRooms)), observers);
        Arc::new(Shared::new(realms, reloader, None, Vec::new(), false, MetricsRegistry::new()))
    }

    fn server_of_rules(file: &Path) -> Arc<Shared> {
        server(WsConfig { rules_file: Some(file.to_owned()), ..WsConfig::default() })
    }

    #[track_caller]
    fn eventually(what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(15);
        while !is_so() {
            assert!(Instant::now() < deadline, "never: {what}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Who is asked to watch folders, and cannot.
    struct Full;

    impl Watcher for Full {
        fn new<F: EventHandler>(_: F, _: Config) -> notify::Result<Self> {
            Ok(Self)
        }

        fn watch(&mut self, _: &Path, _: RecursiveMode) -> notify::Result<()> {
            Err(notify::Error::new(ErrorKind::MaxFilesWatch))
        }

        fn unwatch(&mut self, _: &Path) -> notify::Result<()> {
            Err(notify::Error::watch_not_found())
        }

        fn kind() -> WatcherKind {
            WatcherKind::NullWatcher
        }
    }

    #[test]
    fn where_the_system_tells_nothing_files_are_looked_at() {
        let systems: [Open; 2] = [|_| Err(io::Error::other("too many").into()), |_| Ok(Box::new(Full))];
        for system in systems {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("rules.yaml");
            fs::write(&file, "rules: [{ response: a }]").unwrap();
            let server = server_of_rules(&file);
            let _watching = Watching::with(&server, system);
            let last = || server.reloader.last();
            let is_taken = |last: Option<Result<ReloadReport, String>>| last.is_some_and(|last| last.is_ok());
            // As long as before.
            fs::write(&file, "rules: [{ response: b }]").unwrap();
            eventually("it is taken up", || is_taken(last()));
            fs::remove_file(&file).unwrap();
            eventually("it is missed", || last().is_some_and(|last| last.is_err()));
            fs::write(&file, "rules: [{ response: c }]").unwrap();
            eventually("it is back", || is_taken(last()));
        }
    }

    #[test]
    fn what_never_rests_is_read_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rules.yaml");
        fs::write(&path, "rules: [{ response: a }]").unwrap();
        let server = server_of_rules(&path);
        let _watching = Watching::start(&server);
        let mut file = fs::File::options().append(true).open(&path).unwrap();
        let began = Instant::now();
        while server.reloader.last().is_none() {
            assert!(began.elapsed() < Duration::from_secs(15), "it waits for ever");
            writeln!(file, "#").unwrap();
            thread::sleep(Duration::from_millis(20));
        }
        drop(file);
    }

    #[test]
    fn what_can_be_done_is_told() {
        let full = folders::reason(Path::new("conf"), notify::Error::new(ErrorKind::MaxFilesWatch));
        assert_eq!(full, "conf cannot be watched: too many folders are; see `fs.inotify.max_user_watches`");
        let none = folders::no_watcher(io::Error::other("too many").into());
        assert!(none.starts_with("files cannot be watched: too many"), "{none}");
        assert_eq!(none.contains("fs.inotify.max_user_instances"), cfg!(target_os = "linux"));
    }

    #[test]
    fn a_server_is_not_kept_by_who_watches_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rules.yaml");
        fs::write(&file, "rules: [{ response: a }]").unwrap();
        let server = server_of_rules(&file);
        let watching = Watching::start(&server);
        let weak = Arc::downgrade(&server);
        drop(server);
        eventually("it is gone", || weak.strong_count() == 0);
        fs::write(&file, "rules: [{ response: b }]").unwrap();
        eventually("the thread has ended", || Arc::strong_count(&watching.notices) == 1);
    }

    #[test]
    fn what_is_watched_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&a, "rules: [{ response: a }]").unwrap();
        fs::write(&b, r#"{"ts":0,"text":"a"}"#).unwrap();
        let list_of = |config| list(&server(config).reloader.tried());
        assert_eq!(list_of(WsConfig::default()), None);
        let rules = WsConfig { rules_file: Some(a), ..WsConfig::default() };
        assert_eq!(list_of(rules.clone()).unwrap(), "1 file");
        assert_eq!(list_of(WsConfig { replay_file: Some(b), ..rules }).unwrap(), "2 files");
    }
}
