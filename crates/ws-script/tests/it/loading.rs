//! What a folder of scripts is, and every mistake that can be found before anything runs.

use std::time::Duration;

use ws_script::{ScriptErrorKind, ScriptFolder, ScriptLimits, ScriptOptions};

use crate::kit::{Scripts, errors_of, write};

const FINE: &str = "export function onMessage() {}";

#[test]
fn scripts_are_the_files_at_the_top() {
    let scripts = Scripts::load(&[
        ("b.js", "import { path } from './lib/deep/paths.js'; export { path }; export function onMessage() {}"),
        ("a.js", FINE),
        ("_helper.js", "export const x = 1"),
        ("lib/deep/paths.js", "export { path } from '../../_paths.js'"),
        ("_paths.js", "export const path = ['/ws/x', '/ws/y/*']"),
        ("readme.txt", "no script"),
        (".hidden.js", "no script"),
        ("node_modules/x/index.js", "no script"),
    ]);
    let listed = scripts.folder.scripts();
    let names: Vec<_> = listed.iter().map(|script| script.name()).collect();
    assert_eq!(names, ["a.js", "b.js"]);
    let handles = |name: &str, path: &str| scripts.handler(name).handles_path(path);
    assert!(handles("a.js", "/ws") && handles("a.js", "/ws/x/y") && !handles("a.js", "/other"));
    assert!(handles("b.js", "/ws/x") && handles("b.js", "/ws/y/1") && !handles("b.js", "/ws"));
}

#[test]
fn mistakes_are_found_with_their_place() {
    for (source, expected) in [
        ("export function onMessage( {}\n", "a.js:2:1: SyntaxError"),
        ("\n  export function onMessage() { let a = 1; let a = 2; }", "a.js:2:"),
        (
            FINE.replace("onMessage", "onmessage").as_str(),
            "a.js:1:17: the export `onmessage` is not known: did you mean `onMessage`?",
        ),
        ("export const onConnected = () => {}", "did you mean `onConnect`?"),
        ("export function onMessage() {} export function onClose() {}", "did you mean `onDisconnect`?"),
        (
            "export function onMessage() {} export function onError() {}",
            "the export `onError` is not known: callbacks are",
        ),
        ("export default { onMessage() {} }", "`export default` is not read"),
        ("export const path = '/ws/users/:id'; export function onMessage() {}", "written `*`"),
        ("export const paths = '/x'; export function onMessage() {}", "did you mean `path`?"),
        ("export const x = 1", "it exports no callback: add one of onConnect, onMessage, onDisconnect, onOutbound"),
        (" \n", "a.js: it is empty: add one of"),
        ("export const onMessage = 7", "a.js:1:14: `onMessage` is a function, not int"),
        (
            "export const path = 7;\nexport function onMessage() {}",
            "a.js:1:14: `path` is a string or an array of strings",
        ),
        (
            "export function onMessage() {}\nexport const path = 'ws';",
            "a.js:2:14: `path` \"ws\": a path begins with `/`",
        ),
        (
            "export const subprotocols = [1]; export function onMessage() {}",
            "`subprotocols` is a string or an array of strings",
        ),
        ("export function onMessage() {}\nnull.x", "a.js:2:1: TypeError"),
        ("export function onMessage() {}\nawait Promise.reject(new Error('no'))", "a.js:2:"),
        ("export function onMessage() {}\nawait sleep(5)", "its top level awaits what does not come"),
        ("import '/etc/passwd'; export function onMessage() {}", "a.js:1:8: Error: import of `/etc/passwd` is refused"),
        ("import x from 'fs';", "a.js:1:15: Error: import of `fs` is refused"),
        ("\nimport x from \"../x.js\";", "a.js:2:15: Error: import of `../x.js` is refused"),
        ("import './b.js'", "there is no file `b.js`"),
        ("import './_c'", "did you mean `./_c.js`?"),
        ("import { y } from './_c.js'; export function onMessage() {}", "a.js"),
        ("import './_d.js'; export function onMessage() {}", "_d.js:3:1: ReferenceError"),
        ("'x'.repeat(1e9)", "used more than 64MiB of memory"),
        ("(function f() { f() })()", "RangeError"),
    ] {
        let errors = errors_of(&[("a.js", source), ("_c.js", "export const x = 1"), ("_d.js", "\n\nnothing()")]);
        assert!(errors.contains(expected) && errors.lines().count() == 1, "{source}: {errors}");
    }
}

#[test]
fn the_mistakes_of_all_files_are_found_in_one_run() {
    let errors = errors_of(&[("a.js", "{"), ("b.js", FINE), ("c.js", "export const onmessage = 1, onconnect = 2")]);
    let files: Vec<_> = errors.lines().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(files, ["a.js", "c.js", "c.js"], "{errors}");
}

#[test]
fn a_folder_that_cannot_be_read_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    let errors = ScriptFolder::load(&missing, ScriptOptions::default()).unwrap_err();
    assert!(errors.iter().all(|error| error.kind == ScriptErrorKind::Read), "{errors}");
    assert!(errors.to_string().contains("missing"), "{errors}");
    // An empty one is fine.
    assert!(ScriptFolder::load(dir.path(), ScriptOptions::default()).unwrap().handlers().is_empty());
    std::fs::write(dir.path().join("a.js"), [0xff, 0xfe]).unwrap();
    assert!(ScriptFolder::load(dir.path(), ScriptOptions::default()).unwrap_err().to_string().starts_with("a.js: "));
}

#[test]
fn there_are_not_too_many_scripts() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..257 {
        write(dir.path(), &[(&format!("s{n}.js"), FINE)]);
    }
    let errors = ScriptFolder::load(dir.path(), ScriptOptions::default()).unwrap_err().to_string();
    assert!(errors.contains("257 scripts: at most 256 are run"), "{errors}");
}

#[test]
fn limits_are_checked() {
    let dir = tempfile::tempdir().unwrap();
    let errors = |limits| {
        let folder = ScriptFolder::load(dir.path(), ScriptOptions::default().limits(limits));
        folder.err().map(|errors| errors.to_string()).unwrap_or_default()
    };
    let limits = ScriptLimits {
        memory: 1000,
        stack: 1 << 30,
        time: Duration::ZERO,
        load_time: Duration::MAX,
        ..ScriptLimits::default()
    };
    assert_eq!(
        errors(limits),
        "scripts: memory: 1000 bytes is not between 1MiB and 1GiB
scripts: stack: 1GiB is not between 64KiB and 8MiB
scripts: time: 0ns is not between 1ms and 60s
scripts: load_time: 18446744073709551615.999999999s is not between 1ms and 60s"
    );
    let edges = [(1 << 20, 1 << 16, 1), (1 << 30, 1 << 23, 60_000)];
    for (memory, stack, ms) in edges {
        let time = Duration::from_millis(ms);
        assert_eq!(errors(ScriptLimits { memory, stack, time, load_time: time, ..ScriptLimits::default() }), "");
    }
}

#[cfg(unix)]
#[test]
fn links_may_lead_within_the_folder_and_nowhere_else() {
    use std::os::unix::fs::symlink;

    let outside = tempfile::tempdir().unwrap();
    write(outside.path(), &[("secret.js", "export const secret = 1"), ("lib/x.js", "export const x = 1")]);
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        &[
            ("..data/a.js", FINE),
            ("b.js", "import { x } from './lib/_x.js'; export function onMessage() {}"),
            ("other/_x.js", "export const x = 1"),
        ],
    );
    // As Kubernetes mounts files, and a folder that is linked; a circle is no harm.
    symlink("..data/a.js", dir.path().join("a.js")).unwrap();
    symlink("other", dir.path().join("lib")).unwrap();
    symlink("..", dir.path().join("other/circle")).unwrap();
    let load = || {
        ScriptFolder::load(dir.path(), ScriptOptions::default())
            .map(|folder| folder.scripts().len())
            .map_err(|errors| errors.to_string())
    };
    assert_eq!(load(), Ok(2));

    symlink(outside.path().join("secret.js"), dir.path().join("_secret.js")).unwrap();
    write(dir.path(), &[("b.js", "import { secret } from './_secret.js'; export function onMessage() {}")]);
    let errors = load().unwrap_err();
    assert!(errors.starts_with("b.js:1:24: ") && errors.contains("leads out of the folder"), "{errors}");

    symlink(outside.path().join("lib"), dir.path().join("out")).unwrap();
    write(dir.path(), &[("b.js", "import './out/x.js'; export function onMessage() {}")]);
    let errors = load().unwrap_err();
    assert!(errors.contains("there is no file `out/x.js`"), "{errors}");

    write(dir.path(), &[("b.js", FINE)]);
    symlink(outside.path().join("secret.js"), dir.path().join("c.js")).unwrap();
    let errors = load().unwrap_err();
    assert_eq!(errors, "c.js: it is a link that leads out of the folder of scripts");
}
