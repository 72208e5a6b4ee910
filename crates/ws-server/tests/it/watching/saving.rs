//! The ways in which editors, scripts and orchestrators save a file.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The pause between two steps of a save.
const PAUSE: Duration = Duration::from_millis(30);
/// A save whose steps are further apart may be taken for two.
const TOO_SLOW: Duration = Duration::from_millis(150);

/// A way to save.
#[derive(Clone, Copy)]
pub(super) struct Way {
    pub(super) name: &'static str,
    /// The file, as the server names it.
    pub(super) file: &'static str,
    /// Makes the file, with its folders, for the first time.
    pub(super) begin: fn(&Path, &str),
    pub(super) save: fn(&Path, &str, &mut Pace),
}

/// How far the steps of a save were apart: the machine may be busy.
pub(super) struct Pace {
    last: Instant,
    longest: Duration,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { last: Instant::now(), longest: Duration::ZERO }
    }

    fn pause(&mut self) {
        sleep(PAUSE);
        self.longest = self.longest.max(self.last.elapsed());
        self.last = Instant::now();
    }

    /// Whether the save was one to whoever looks at the file.
    pub(super) fn was_steady(&self) -> bool {
        self.longest.max(self.last.elapsed()) < TOO_SLOW
    }
}

pub(super) const WAYS: &[Way] = &[
    Way { name: "in place", file: PLAIN, begin: plain, save: |dir, text, _| plain(dir, text) },
    Way {
        name: "truncated, then in two pieces",
        file: PLAIN,
        begin: plain,
        save: |dir, text, pace| pieces(dir, text, 2, pace),
    },
    Way { name: "in ten pieces", file: PLAIN, begin: plain, save: |dir, text, pace| pieces(dir, text, 10, pace) },
    Way { name: "renamed over", file: PLAIN, begin: plain, save: |dir, text, _| rename_over(dir, text) },
    Way { name: "deleted, then created", file: PLAIN, begin: plain, save: delete_and_create },
    Way { name: "kept as a copy, then created", file: PLAIN, begin: plain, save: keep_and_create },
    Way { name: "its folder deleted, then created", file: "conf/rules.yaml", begin: in_folder, save: folder_again },
    Way { name: "its folder exchanged", file: "conf/rules.yaml", begin: in_folder, save: other_folder },
    #[cfg(unix)]
    Way { name: "its link exchanged", file: PLAIN, begin: linked, save: |dir, text, _| linked(dir, text) },
    #[cfg(unix)]
    Way {
        name: "the link of a folder exchanged",
        file: "current/conf/rules.yaml",
        begin: released,
        save: |dir, text, _| released(dir, text),
    },
    #[cfg(unix)]
    Way {
        name: "as Kubernetes does",
        file: "conf/rules.yaml",
        begin: mounted,
        save: |dir, text, _| mounted(dir, text),
    },
];

const PLAIN: &str = "rules.yaml";

fn plain(dir: &Path, text: &str) {
    fs::write(dir.join(PLAIN), text).unwrap();
}

fn pieces(dir: &Path, text: &str, count: usize, pace: &mut Pace) {
    let mut file = File::create(dir.join(PLAIN)).unwrap();
    for piece in text.as_bytes().chunks(text.len().div_ceil(count)) {
        pace.pause();
        file.write_all(piece).unwrap();
    }
}

fn rename_over(dir: &Path, text: &str) {
    fs::write(dir.join(".rules.yaml.tmp"), text).unwrap();
    fs::rename(dir.join(".rules.yaml.tmp"), dir.join(PLAIN)).unwrap();
}

fn delete_and_create(dir: &Path, text: &str, pace: &mut Pace) {
    fs::remove_file(dir.join(PLAIN)).unwrap();
    pace.pause();
    plain(dir, text);
}

fn keep_and_create(dir: &Path, text: &str, pace: &mut Pace) {
    fs::rename(dir.join(PLAIN), dir.join("rules.yaml~")).unwrap();
    pace.pause();
    plain(dir, text);
}

fn in_folder(dir: &Path, text: &str) {
    fs::create_dir(dir.join("conf")).unwrap();
    plain(&dir.join("conf"), text);
}

fn folder_again(dir: &Path, text: &str, pace: &mut Pace) {
    fs::remove_dir_all(dir.join("conf")).unwrap();
    pace.pause();
    in_folder(dir, text);
}

fn other_folder(dir: &Path, text: &str, pace: &mut Pace) {
    let _ = fs::remove_dir_all(dir.join("old"));
    fs::rename(dir.join("conf"), dir.join("old")).unwrap();
    pace.pause();
    in_folder(dir, text);
}

/// Has `link` lead to `target`, as one step.
#[cfg(unix)]
fn link(dir: &Path, target: &str, link: &str) {
    std::os::unix::fs::symlink(target, dir.join("new link")).unwrap();
    fs::rename(dir.join("new link"), dir.join(link)).unwrap();
}

/// A name for a version of which nothing is there yet.
#[cfg(unix)]
fn fresh(dir: &Path) -> String {
    let taken = |name: &String| !dir.join(name).exists();
    (1..).map(|number| format!("..{number}")).find(taken).unwrap()
}

#[cfg(unix)]
fn linked(dir: &Path, text: &str) {
    let version = fresh(dir);
    fs::write(dir.join(&version), text).unwrap();
    link(dir, &version, PLAIN);
}

#[cfg(unix)]
fn released(dir: &Path, text: &str) {
    let version = fresh(dir);
    fs::create_dir(dir.join(&version)).unwrap();
    in_folder(&dir.join(&version), text);
    link(dir, &version, "current");
}

/// A folder whose files are links through a link, which alone is exchanged; what was there before is deleted.
#[cfg(unix)]
fn mounted(dir: &Path, text: &str) {
    let conf = dir.join("conf");
    fs::create_dir_all(&conf).unwrap();
    let version = fresh(&conf);
    fs::create_dir(conf.join(&version)).unwrap();
    plain(&conf.join(&version), text);
    let before = fs::read_link(conf.join("..data"));
    link(&conf, &version, "..data");
    match before {
        Ok(before) => fs::remove_dir_all(conf.join(before)).unwrap(),
        Err(_) => link(&conf, "..data/rules.yaml", PLAIN),
    }
}
