//! `mockforge check` of rules files, and of files that are something else than they were given as.

use std::io::Write;
use std::process::Stdio;

use crate::process::{folder, mockforge, run_in, text};

const RULES: &str = "rules:\n  - match: ^hi$\n    response: hello\n";

/// Every mistake has its line and a mark below the place, whatever the form of the file.
#[test]
fn mistakes_in_rules_are_shown_where_they_stand() {
    let yaml = "rules:\n  - name: greet\n    match: '^hi'\n    respnse: hello\n  - match: '(['\n    when: stat.name == 1\n    response: x\n";
    let jsonl = "{\"dir\":\"in\",\"text\":\"a\",\"response\":\"b\"}\n{\"match\":\"a\",\"respons\":\"b\"}\n";
    let folder = folder(&[("slip.yaml", yaml), ("slip.jsonl", jsonl), ("piped", yaml)]);
    let output = run_in(&folder, &["check", "slip.yaml"]);
    let report = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{report}");
    assert!(
        report.starts_with(
            "slip.yaml:4:5: unknown key `respnse`; did you mean `response`?\n  4 |     respnse: hello\n    |     ^^^^^^^\n"
        ),
        "{report}"
    );
    assert!(report.contains("slip.yaml:5:"), "{report}");
    assert!(report.contains("slip.yaml:6:") && report.contains("did you mean `state"), "{report}");
    assert!(report.ends_with("slip.yaml: 3 errors\n"), "{report}");

    let report = text(&run_in(&folder, &["check", "slip.jsonl"]).stdout);
    assert!(report.starts_with("slip.jsonl:2:14: unknown key `respons`; did you mean `response`?"), "{report}");
}

/// Files that are named together, or by one configuration, are served together: they share what the connection remembers.
#[test]
fn files_are_judged_together() {
    let folder = folder(&[
        ("shop.jsonl", "{\"waitFor\":\"^I am (.+)$\",\"set\":{\"name\":\"{{1}}\"},\"text\":\"hello\"}\n"),
        ("shop.yaml", "rules:\n  - match: ^who$\n    response: '{{state.name}} {{state.nobody}}'\n"),
        ("mockforge.yaml", "websocket: { port: 0, replay_file: shop.jsonl, rules_file: shop.yaml }\n"),
    ]);
    for alone in ["shop.jsonl", "shop.yaml"] {
        let report = text(&run_in(&folder, &["check", alone]).stdout);
        assert!(report.contains("`state.name` is"), "{report}");
    }
    for together in [&["check", "shop.jsonl", "shop.yaml"][..], &["check", "mockforge.yaml"]] {
        let output = run_in(&folder, together);
        let report = text(&output.stdout);
        assert!(output.status.success(), "{report}");
        assert!(!report.contains("state.name`"), "{report}");
        assert!(report.contains("shop.jsonl: plays: 1 entry, 1 wait, 0 s\n"), "{report}");
        assert!(report.contains("`state.nobody` is read and never set in this file"), "{report}");
        assert!(report.contains("shop.yaml: can be followed, with 1 warning: 1 rule\n"), "{report}");
    }
}

#[test]
fn files_are_told_apart_by_what_stands_in_them() {
    let folder = folder(&[
        ("rules.yaml", RULES),
        ("rules.jsonl", "{\"match\":\"a\",\"response\":\"b\"}\n"),
        ("rules.json", "{\"machines\":{\"door\":{\"initial\":\"shut\",\"states\":{\"shut\":{}}}}}"),
        ("rules.txt", RULES),
        ("mockforge.yaml", "websocket: { port: 0 }"),
        ("settings", "# mine\nwebsocket:\n  port: 0\n"),
        ("empty.yaml", "# nothing\n\n"),
        ("script.jsonl", "{\"text\":\"a\"}\n{\"match\":\"a\",\"response\":\"b\"}\n"),
    ]);
    for (file, expected) in [
        ("rules.yaml", "can be followed: 1 rule\n"),
        ("rules.jsonl", "can be followed: 1 rule\n"),
        ("rules.json", "can be followed"),
        ("rules.txt", "can be followed: 1 rule\n"),
        ("mockforge.yaml", "configures ws://127.0.0.1:0"),
        ("settings", "configures ws://127.0.0.1:0"),
        ("empty.yaml", "is empty; as a configuration it configures ws://"),
        ("script.jsonl", "plays: 1 entry"),
    ] {
        let output = run_in(&folder, &["check", file]);
        let report = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{file}: {report}");
        assert!(report.contains(&format!("{file}: {expected}")), "{file}: {report}");
    }
}

#[test]
fn what_is_piped_in_is_told_apart_too() {
    for (content, expected, code) in [
        (RULES, "stdin: can be followed: 1 rule\n", 0),
        ("{\"text\":\"a\"}", "stdin: plays: 1 entry, 0 waits, 0 s\n", 0),
        ("websocket: { prot: 1 }", "stdin:1:14: unknown key `prot`; did you mean `port`?\nstdin: 1 error\n", 1),
        ("rules:\n  - match: a\n    respnse: b\n", "stdin:3:5: unknown key `respnse`", 1),
    ] {
        let mut child = mockforge(&["check", "-"], &[]).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(content.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let report = text(&output.stdout);
        assert!(report.starts_with(expected), "{report}");
        assert_eq!(output.status.code(), Some(code), "{report}");
    }
}

/// A recording of a browser is no script yet, and rules are no script either: what to do instead is said in one line, and not
/// a mistake for each line of it.
#[test]
fn files_in_the_wrong_place_are_told_where_to_go() {
    let import = "page.har: is a HAR file: import it first, by mockforge import har page.har --out page.jsonl\n\
                  page.har: 1 error\n";
    let folder = folder(&[
        ("page.har", "{\n  \"log\": {\"version\": \"1.2\", \"entries\": []}\n}"),
        ("rules.yaml", RULES),
        ("script.jsonl", "{\"ts\":0,\"text\":\"a\"}\n{\"ts\":0,\"text\":\"b\"}\n"),
        ("config.yaml", "websocket: { port: 0 }"),
    ]);
    let output = run_in(&folder, &["check", "page.har"]);
    assert_eq!((text(&output.stdout).as_str(), output.status.code()), (import, Some(1)));
    for (arguments, expected) in [
        (["--ws-replay-file", "page.har"], import),
        (["--rules", "page.har"], import),
        (
            ["--ws-replay-file", "rules.yaml"],
            "rules.yaml: holds rules: name it with --rules FILE, or as `rules_file` in mockforge.yaml\nrules.yaml: 1 error\n",
        ),
        (
            ["--rules", "script.jsonl"],
            "script.jsonl: holds a script: name it with --ws-replay-file FILE, or as `replay_file` in mockforge.yaml\n\
             script.jsonl: 1 error\n",
        ),
        (
            ["--config", "rules.yaml"],
            "rules.yaml: holds rules: name it with --rules FILE, or as `rules_file` in mockforge.yaml\nrules.yaml: 1 error\n",
        ),
        (["--rules", "config.yaml"], "config.yaml: is a configuration: --config FILE reads it\nconfig.yaml: 1 error\n"),
    ] {
        let output = run_in(&folder, &[&["serve", "--ws-port", "0"], &arguments[..]].concat());
        assert_eq!((text(&output.stderr).as_str(), output.status.code()), (expected, Some(1)), "{arguments:?}");
        assert_eq!(text(&output.stdout), "");
    }
}
