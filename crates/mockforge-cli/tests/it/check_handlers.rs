//! `mockforge check` of handlers: a folder, one file, and those of a configuration.

use crate::process::{Serving, folder, run_in, text};

const ECHO: &str = "export const path = '/ws/echo';\nexport function onMessage(ctx, msg) { ctx.send(msg.text); }\n";
const CHAT: &str = "import { name } from './_name.js';
export const path = ['/ws/chat/**', '/ws/room'];
export function onConnect(ctx) { ctx.join(name); }
";

/// Runs `check`; gives back its exit code and what it says.
fn check(folder: &tempfile::TempDir, arguments: &[&str]) -> (Option<i32>, String) {
    let output = run_in(folder, &[&["check"], arguments].concat());
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

#[test]
fn handlers_are_summed_up() {
    let folder = folder(&[
        ("handlers/echo.js", ECHO),
        ("handlers/chat.js", CHAT),
        ("handlers/_name.js", "export const name = 'all';"),
        ("handlers/_more.js", "export const"),
        ("one/.any.js", ""),
        ("one/any.js", "export function onConnect() {}"),
        ("c.yaml", "websocket: { scripts: { dir: handlers } }"),
        ("empty/notes.txt", ""),
    ]);
    let both = "handlers: 2 scripts: chat.js on /ws/chat/**, /ws/room, echo.js on /ws/echo\n";
    for (argument, expected) in [
        ("handlers", both),
        ("one", "one: 1 script: any.js on /ws/**\n"),
        ("handlers/chat.js", "handlers/chat.js: answers on /ws/chat/**, /ws/room\n"),
        ("handlers/_name.js", "handlers/_name.js: is imported by chat.js\n"),
        ("handlers/_more.js", "handlers/_more.js: is imported by no handler, and so is not checked\n"),
        ("c.yaml", &format!("c.yaml: configures ws://127.0.0.1:3001\n{both}")),
    ] {
        assert_eq!(check(&folder, &[argument]), (Some(0), expected.to_owned()), "{argument}");
    }
    let (code, report) = check(&folder, &["one/.any.js"]);
    assert_eq!(code, Some(1), "{report}");
    assert!(report.starts_with("one/.any.js: is not read: "), "{report}");
    let (code, report) = check(&folder, &["empty"]);
    assert_eq!(code, Some(1), "{report}");
    assert!(report.starts_with("empty: holds no handlers: ") && report.ends_with("empty: 1 error\n"), "{report}");
}

/// A file is checked with what it imports; what is wrong with its neighbours is not its affair.
#[test]
fn mistakes_of_a_file_are_its_own() {
    let folder = folder(&[
        ("handlers/a.js", "import { x } from './lib/x.js';\nexport function onMessage() { x(); }\n"),
        ("handlers/lib/x.js", "export function x() {\n  retrun 1;\n}\n"),
        ("handlers/b.js", "export const path = 'ws';\nexport const onMessage = 5;\n"),
        ("handlers/good.js", ECHO),
        ("handlers/away.js", "import './nowhere.js';\nexport function onMessage() {}\n"),
    ]);
    let (code, report) = check(&folder, &["handlers/a.js"]);
    assert_eq!((code, report.lines().count()), (Some(1), 2), "{report}");
    assert!(report.starts_with("handlers/lib/x.js:2:") && report.ends_with("\nhandlers/a.js: 1 error\n"), "{report}");

    let (code, report) = check(&folder, &["handlers/b.js", "handlers/good.js"]);
    let lines: Vec<_> = report.lines().collect();
    assert_eq!((code, lines.len()), (Some(1), 4), "{report}");
    assert!(lines[0].starts_with("handlers/b.js:1:14: `path`"), "{report}");
    assert!(lines[1].starts_with("handlers/b.js:2:14: `onMessage`"), "{report}");
    assert_eq!(lines[2..], ["handlers/b.js: 2 errors", "handlers/good.js: has no mistakes; others in its folder do"]);

    let (_, report) = check(&folder, &["handlers/away.js"]);
    assert!(report.starts_with("handlers/away.js:1:8: ") && report.contains("nowhere.js"), "{report}");

    // Named from where they stand, too.
    let output = crate::process::mockforge(&["check", "b.js"], &[])
        .current_dir(folder.path().join("handlers"))
        .output()
        .unwrap();
    assert!(text(&output.stdout).starts_with("b.js:1:14: "), "{}", text(&output.stdout));

    let (code, report) = check(&folder, &["handlers/none.js"]);
    let expected =
        "handlers/none.js: cannot be read: No such file or directory (os error 2)\nhandlers/none.js: 1 error\n";
    assert_eq!((code, report.as_str()), (Some(1), expected));
}

/// What the configuration allows holds for the check; `template` and `faker` are there at the top level, as when it is
/// served.
#[test]
fn handlers_of_a_configuration_are_checked_as_they_are_served() {
    let folder = folder(&[
        ("slow/a.js", "for (let n = 0; n < 1e9; n++) {}\nexport function onMessage() {}\n"),
        ("broken/a.js", "export function onMessage() {\n"),
        (
            "names/a.js",
            "const n = JSON.parse(template('{\"n\": {{randInt 1 9}}}')).n + faker.name().length;\nexport function onMessage() {}\n",
        ),
        ("hungry/a.js", "const all = new Uint8Array(2 << 20);\nexport function onMessage() { return all; }\n"),
        ("slow.yaml", "websocket: { scripts: { dir: slow } }"),
        ("broken.yaml", "websocket: { scripts: { dir: broken } }"),
        ("names.yaml", "websocket: { scripts: { dir: names } }"),
        ("hungry.yaml", "websocket: { scripts: { dir: hungry, memory: 1MiB } }"),
    ]);
    for (config, expected, code) in [
        ("slow.yaml", "slow/a.js:1:", 1),
        ("broken.yaml", "broken/a.js:", 1),
        ("names.yaml", "names: 1 script: a.js on /ws/**\n", 0),
        ("hungry.yaml", "hungry/a.js:1:", 1),
    ] {
        let (found, report) = check(&folder, &[config]);
        assert_eq!(found, Some(code), "{report}");
        let (summary, rest) = report.split_once('\n').unwrap();
        assert_eq!(summary, format!("{config}: configures ws://127.0.0.1:3001"));
        assert!(rest.starts_with(expected), "{report}");
    }
}

/// A folder that `init` wrote may be named itself, and all that is in it.
#[test]
fn a_folder_stands_for_the_configuration_in_it() {
    let folder = folder(&[
        ("demo/mockforge.yaml", "websocket: { scripts: { dir: handlers } }"),
        ("demo/handlers/echo.js", ECHO),
        ("demo/handlers/jsconfig.json", "{}"),
        ("demo/handlers/mockforge.d.ts", "declare const x: number;"),
        ("bare/handlers/echo.js", ECHO),
        ("both/mockforge.yaml", "websocket: {}"),
        ("both/echo.js", ECHO),
    ]);
    let expected =
        "demo/mockforge.yaml: configures ws://127.0.0.1:3001\ndemo/handlers: 1 script: echo.js on /ws/echo\n";
    assert_eq!(check(&folder, &["demo"]), (Some(0), expected.to_owned()));
    assert_eq!(check(&folder, &["both"]), (Some(0), "both: 1 script: echo.js on /ws/echo\n".to_owned()));
    let (code, report) = check(&folder, &["bare"]);
    assert_eq!(code, Some(1), "{report}");
    assert!(report.contains("`_`; did you mean bare/handlers?\nbare: 1 error\n"), "{report}");

    for file in ["demo/handlers/jsconfig.json", "demo/handlers/mockforge.d.ts"] {
        assert_eq!(check(&folder, &[file]), (Some(0), format!("{file}: is for editors: nothing to check\n")));
    }
}

#[test]
fn scripts_in_another_syntax_are_no_handlers() {
    let folder = folder(&[("a.ts", "let x: number;"), ("a.mjs", ECHO), ("x.cjs", "module.exports = {}")]);
    for file in ["a.ts", "a.mjs", "x.cjs"] {
        let expected = format!(
            "{file}: is no handler: those are .js files in the syntax of ES modules; TypeScript is not understood\n\
             {file}: 1 error\n"
        );
        assert_eq!(check(&folder, &[file]), (Some(1), expected));
    }
    let (_, report) = check(&folder, &["none.ts"]);
    assert!(report.starts_with("none.ts: cannot be read: "), "{report}");
}

/// Somebody may write them later: no mistake, and yet told, by `serve`, too.
#[test]
fn a_configuration_may_have_no_handlers_yet() {
    let folder = folder(&[
        ("c.yaml", "websocket: { port: 0, scripts: { dir: handlers } }"),
        ("handlers/b.mjs", ECHO),
        ("handlers/a.ts", ""),
        ("handlers/_name.js", ""),
        ("handlers/mockforge.d.ts", ""),
    ]);
    let problem = "no handlers: those are .js files in the syntax of ES modules whose names do not begin with `_`; not \
                   read: a.ts, b.mjs\n";
    let expected = format!("c.yaml: configures ws://127.0.0.1:0\nhandlers: warning: {problem}");
    assert_eq!(check(&folder, &["c.yaml"]), (Some(0), expected));
    let (code, log) = Serving::start_in(&folder, &["--config", "c.yaml"]).terminate();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains(&format!("WARN handlers: {problem}")), "{log}");
}

/// By `check` and by `serve`, at its place; unless a flag names another folder.
#[test]
fn a_folder_that_a_configuration_names_in_vain_has_a_place() {
    let folder = folder(&[
        ("c.yaml", "websocket:\n  port: 0\n  scripts: { dir: handelrs }\n"),
        ("file.yaml", "websocket: { scripts: { dir: handlers/echo.js } }"),
        ("handlers/echo.js", ECHO),
    ]);
    for (config, expected) in [
        ("c.yaml", "c.yaml:3:19: `scripts.dir`: no folder at handelrs\nc.yaml: 1 error\n"),
        (
            "file.yaml",
            "file.yaml:1:30: `scripts.dir`: handlers/echo.js is a file; name the folder that it stands in: handlers\n\
             file.yaml: 1 error\n",
        ),
    ] {
        let (code, report) = check(&folder, &[config]);
        assert_eq!((code, report.split_once('\n').unwrap().1), (Some(1), expected));
        let output = run_in(&folder, &["serve", "--config", config]);
        assert_eq!((output.status.code(), text(&output.stderr).ends_with(expected)), (Some(1), true));
    }
    let server = Serving::start_in(&folder, &["--config", "c.yaml", "--handlers", "handlers"]);
    assert_eq!(server.terminate().0, Some(0));
}

#[test]
fn handlers_are_not_drawn() {
    let folder = folder(&[("handlers/echo.js", ECHO)]);
    for argument in ["handlers", "handlers/echo.js"] {
        let expected = format!("error: {argument}: handlers cannot be drawn\n");
        assert_eq!(check(&folder, &["--graph", argument]), (Some(1), expected));
    }
}
