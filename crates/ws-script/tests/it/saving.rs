//! The ways in which files are saved, removed and linked while somebody reloads.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ws_script::{ScriptErrorKind, ScriptFolder, ScriptOptions};

use crate::kit::{Client, Hall, Scripts, write};

fn saying(text: &str) -> String {
    format!("export function onMessage(ctx) {{ ctx.send('{text}') }}")
}

/// An editor empties a file before it writes it, or replaces it; a link leads nowhere for a moment.
#[tokio::test]
async fn what_cannot_be_read_is_named_and_the_old_version_serves() {
    let import = "import { text } from './lib/_text.js'; export function onMessage(ctx) { ctx.send(text) }";
    let files = [("a.js", &*saying("old")), ("b.js", import), ("lib/_text.js", "export const text = 'old'")];
    let scripts = Scripts::load(&files);
    let (mut a, mut b) = (scripts.client("a.js"), scripts.client("b.js"));
    let path = |name: &str| scripts.dir().join(name);
    type Step<'a> = Box<dyn Fn() + 'a>;
    let emptied = |name: &'static str| -> Step<'_> { Box::new(move || fs::write(path(name), "").unwrap()) };
    let removed = |name: &'static str| -> Step<'_> { Box::new(move || fs::remove_file(path(name)).unwrap()) };
    let mut steps = vec![
        (emptied("a.js"), "a.js: it is empty"),
        (emptied("lib/_text.js"), "b.js"),
        (removed("lib/_text.js"), "b.js:1:22: Error: import of `./lib/_text.js`: there is no file"),
    ];
    #[cfg(unix)]
    {
        let dead = Box::new(|| {
            fs::remove_file(path("a.js")).unwrap();
            std::os::unix::fs::symlink("gone.js", path("a.js")).unwrap();
        });
        steps.push((dead, "a.js: No such file"));
        let folder = Box::new(|| {
            fs::remove_file(path("lib/_text.js")).unwrap();
            fs::create_dir(path("lib/_text.js")).unwrap();
        });
        steps.push((folder, "there is no file `lib/_text.js`"));
    }
    for (step, expected) in steps {
        step();
        let fingerprint = ScriptFolder::fingerprint(scripts.dir());
        let errors = scripts.folder.reload().unwrap_err().to_string();
        assert!(errors.contains(expected) && errors.lines().count() == 1, "{expected}: {errors}");
        (a.handler, b.handler) = (scripts.handler("a.js"), scripts.handler("b.js"));
        assert_eq!([a.ask("x").await, b.ask("x").await], ["old", "old"]);
        // As it was.
        let _ = fs::remove_dir(path("lib/_text.js"));
        let _ = fs::remove_file(path("a.js"));
        write(scripts.dir(), &files);
        assert_ne!(ScriptFolder::fingerprint(scripts.dir()), fingerprint);
        assert!(scripts.folder.reload().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_folder_that_is_gone_is_an_error_until_it_is_back() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("handlers");
    write(&home, &[("a.js", &saying("old"))]);
    let folder = ScriptFolder::load(&home, ScriptOptions::default()).unwrap();
    let there = ScriptFolder::fingerprint(&home);
    fs::rename(&home, dir.path().join("elsewhere")).unwrap();
    let errors = folder.reload().unwrap_err();
    assert!(errors.iter().all(|error| error.kind == ScriptErrorKind::Read), "{errors}");
    assert!(errors.to_string().contains("handlers: "), "{errors}");
    assert_ne!(ScriptFolder::fingerprint(&home), there);
    assert!(ScriptFolder::folders(&home).is_empty());
    fs::rename(dir.path().join("elsewhere"), &home).unwrap();
    assert_eq!(ScriptFolder::fingerprint(&home), there);
    assert!(folder.reload().unwrap().is_empty());
}

#[cfg(unix)]
fn link(to: &str, at: &Path) {
    let new = at.with_file_name("new-link");
    std::os::unix::fs::symlink(to, &new).unwrap();
    fs::rename(new, at).unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_is_linked_anew_is_read_where_it_is_now() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[("v1/a.js", &saying("old")), ("v2/a.js", &saying("new")), ("v2/b.js", &saying("b"))]);
    let home = dir.path().join("current");
    link("v1", &home);
    let folder = ScriptFolder::load(&home, ScriptOptions::default()).unwrap();
    let mut client = Client::new(folder.handlers().remove(0), Hall::default());
    assert_eq!(client.ask("x").await, "old");
    let before = ScriptFolder::fingerprint(&home);
    link("v2", &home);
    assert_ne!(ScriptFolder::fingerprint(&home), before);
    let report = folder.reload().unwrap();
    assert_eq!((&report.changed[..], &report.added[..]), (&["a.js".to_owned()][..], &["b.js".to_owned()][..]));
    client.handler = folder.handlers().remove(0);
    assert_eq!(client.ask("x").await, "new");
}

/// As Kubernetes mounts files: all at once, by one link, which may change between two files that are read.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_change_together_are_taken_together() {
    let dir = tempfile::tempdir().unwrap();
    for version in ["1", "2"] {
        for name in ["a", "b"] {
            // Long ones take their time.
            let source = format!("{}\n{}", saying(version), "// padding\n".repeat(10_000));
            write(dir.path(), &[(&format!("..{version}/{name}.js"), &source)]);
        }
    }
    link("..1", &dir.path().join("..data"));
    for name in ["a.js", "b.js"] {
        std::os::unix::fs::symlink(format!("..data/{name}"), dir.path().join(name)).unwrap();
    }
    let real = dir.path().canonicalize().unwrap();
    let folders: Vec<_> = ScriptFolder::folders(dir.path()).into_iter().collect();
    assert_eq!(folders, [real.clone(), real.join("..1")], "where changes are to be watched for");
    let folder = ScriptFolder::load(dir.path(), ScriptOptions::default()).unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let swapping = {
        let (is_over, data) = (Arc::clone(&is_over), dir.path().join("..data"));
        std::thread::spawn(move || {
            for n in 1.. {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                link(["..1", "..2"][n % 2], &data);
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
        })
    };
    let mut client = Client::new(folder.handlers().remove(0), Hall::default());
    let mut reloads = 0;
    while reloads < 100 {
        match tokio::task::block_in_place(|| folder.reload()) {
            Ok(report) => reloads += usize::from(!report.is_empty()),
            Err(errors) => assert!(errors.to_string().contains("it changes all the time"), "{errors}"),
        }
        let mut answers = Vec::new();
        for handler in folder.handlers() {
            client.handler = handler;
            answers.push(client.ask("x").await);
        }
        assert_eq!(answers[0], answers[1], "after {reloads} reloads");
    }
    is_over.store(true, Ordering::Relaxed);
    swapping.join().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_pipe_is_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("mkfifo").arg(dir.path().join("a.js")).status().unwrap();
    assert!(made.success());
    let errors = ScriptFolder::load(dir.path(), ScriptOptions::default()).unwrap_err().to_string();
    assert_eq!(errors, "a.js: it is no regular file");
}

#[test]
fn a_folder_is_not_too_large() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[("a.js", &"// much\n".repeat(1 << 19)), ("b.js", &"// more\n".repeat(1 << 20))]);
    let errors = ScriptFolder::load(dir.path(), ScriptOptions::default()).unwrap_err().to_string();
    assert_eq!(errors, "b.js: with this file the folder has more than 8MiB");
}

/// A file that is imported while the script runs, and was not when it was loaded.
#[tokio::test]
async fn what_may_still_be_imported_counts_as_part_of_a_script() {
    let source =
        "export async function onMessage(ctx) { const { text } = await import ('./_late.js'); ctx.send(text) }";
    let scripts = Scripts::load(&[("a.js", source), ("b.js", &saying("b")), ("_late.js", "export const text = 'old'")]);
    let report = scripts.change(&[("_late.js", "export const text = 'new'")]).unwrap();
    assert_eq!((&report.changed[..], &report.unchanged[..]), (&["a.js".to_owned()][..], &["b.js".to_owned()][..]));
    assert_eq!(scripts.client("a.js").ask("x").await, "new");
}
