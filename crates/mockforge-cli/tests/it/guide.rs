//! The guide from a recording to a script: its files are right and those of the example, and its commands print what stands
//! below them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::process::{Serving, mockforge, run, text};

const GUIDE: &str = include_str!("../../../../docs/from-recording-to-script.md");
const CUSTOMER: &str = "examples/tea-shop/customer.txt";
const HAGGLER: &str = "examples/tea-shop/haggler.txt";

/// The blocks of the guide in this language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    let blocks = GUIDE.split(&*fence).skip(1);
    blocks.map(|block| block.split("```").next().unwrap()).collect()
}

/// The block in which this stands.
fn block(language: &str, part: &str) -> &'static str {
    blocks(language).into_iter().find(|block| block.contains(part)).unwrap()
}

/// What is printed below a command.
fn printed(command: &str) -> &'static str {
    let (_, behind) = GUIDE.split_once(command).unwrap();
    let (_, shown) = behind.split_once("```text\n").unwrap();
    shown.split("```").next().unwrap()
}

/// The script that branches, and the same with the entries that check.
fn scripts() -> (String, String) {
    let [_, branching, checks] = blocks("json")[..] else { panic!("three files") };
    let step =
        |line: &str| line.split("\"step_id\":").nth(1).and_then(|rest| rest.split('"').nth(1)).map(str::to_owned);
    let replaced =
        |line| checks.lines().find(|check| step(line).is_some() && step(check) == step(line)).unwrap_or(line);
    let checking: Vec<_> = branching.lines().map(replaced).collect();
    assert_eq!(checks.lines().filter(|check| checking.contains(check)).count(), 2);
    (branching.to_owned(), checking.join("\n") + "\n")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A folder to follow the guide in, with the example, the rules and this script.
fn folder(script: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let shop = folder.path().join("examples/tea-shop");
    fs::create_dir_all(&shop).unwrap();
    for file in ["recording.har", "customer.txt", "haggler.txt"] {
        fs::copy(root().join("examples/tea-shop").join(file), shop.join(file)).unwrap();
    }
    fs::write(folder.path().join("script.jsonl"), script).unwrap();
    fs::write(folder.path().join("rules.yaml"), block("yaml", "rules:")).unwrap();
    folder
}

/// Without comments and blank lines.
fn entries(file: &str) -> String {
    let content = fs::read_to_string(root().join("examples/tea-shop").join(file)).unwrap();
    let lines = content.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| format!("{line}\n")).collect()
}

/// `(0.8 s)` and `time="0.759"` are another time in each run.
fn timeless(report: &str) -> String {
    let report = report.split('"').scan(false, |time, part| {
        let shown = if *time { "" } else { part };
        *time = part.ends_with("time=");
        Some(shown)
    });
    let report = report.collect::<Vec<_>>().join("\"");
    report.lines().map(|line| format!("{}\n", line.rsplit_once(" (0.").map_or(line, |(line, _)| line))).collect()
}

/// What `mockforge connect` prints when these lines are typed.
fn says(server: &Serving, customer: &str) -> String {
    let url = server.url.replace("/ws", "/ws/shop");
    let mut child = mockforge(&["connect", "--wait", "3s", &url], &[]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(customer.as_bytes()).unwrap();
    text(&child.wait_with_output().unwrap().stdout)
}

fn serve(folder: &TempDir, arguments: &[&str]) -> Serving {
    let mut command = mockforge(&[&["serve", "--ws-port", "0", "--speed", "max"], arguments].concat(), &[]);
    command.current_dir(folder.path());
    Serving::spawn(command)
}

/// Runs a command of the guide that begins with `mockforge`; gives back what it prints.
fn follow(folder: &TempDir, command: &str) -> (String, String) {
    assert!(blocks("sh").iter().any(|block| block.lines().any(|line| line == command)), "{command}");
    let arguments: Vec<_> = command.split(' ').skip(1).collect();
    let output = mockforge(&arguments, &[]).current_dir(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{command}: {}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn its_files_are_those_of_the_example() {
    assert_eq!(scripts().1, entries("script.jsonl"));
    let without_gaps = |text: &str| text.replace("\n\n", "\n");
    assert_eq!(without_gaps(block("yaml", "rules:")), entries("rules.yaml"));
    assert_eq!(printed(&format!("cat {CUSTOMER}")), entries("customer.txt"));
    for file in ["script.jsonl", "rules.yaml"] {
        let path = root().join("examples/tea-shop").join(file);
        let output = run(&["check", path.to_str().unwrap()], &[]);
        let report = text(&output.stdout);
        assert!(output.status.success() && !report.contains("warning"), "{report}");
    }
}

#[test]
fn the_recording_is_imported_and_played() {
    let folder = folder("");
    let import = "mockforge import har examples/tea-shop/recording.har --out session.jsonl";
    assert_eq!(follow(&folder, import).1, printed(import));
    let server = serve(&folder, &["--ws-replay-file", "session.jsonl"]);
    // Below the customer's lines.
    let (_, behind) = GUIDE.split_once(&entries("customer.txt")).unwrap();
    assert!(behind.contains(&format!("```text\n{}```", says(&server, &entries("customer.txt")))));
    let thirsty = entries("customer.txt").replace(":2}", ":3}");
    assert_eq!(says(&server, &thirsty).lines().count(), 1, "only the welcome");
}

#[test]
fn each_script_is_checked_and_does_what_is_said() {
    let straight = folder(blocks("json")[0]);
    let check = "mockforge check script.jsonl";
    assert_eq!(follow(&straight, check).0, printed(check));
    let server = serve(&straight, &["--ws-replay-file", "script.jsonl"]);
    let thirsty = says(&server, &entries("customer.txt").replace(":2}", ":3}"));
    assert!(thirsty.contains("\"price\":6") && thirsty.contains("served"), "{thirsty}");

    let branching = folder(&scripts().0);
    assert!(!follow(&branching, check).0.contains("warning"));
    assert_eq!(follow(&branching, "mockforge check --graph script.jsonl").0, blocks("mermaid")[0]);
    let server = serve(&branching, &["--ws-replay-file", "script.jsonl"]);
    assert_eq!(says(&server, &entries("haggler.txt")), printed(HAGGLER));
    let miser = entries("haggler.txt").replace("\"ack\"", "\"nack\"");
    assert!(
        says(&server, &miser)
            .ends_with("{\"type\":\"refused\",\"request\":\"7d9f0c44-1f4e-4f0a-8f83-0b8a7a0c7a11\"}\n")
    );
}

/// The shell script of the guide, as it stands there, but for the port.
#[test]
fn the_client_is_tested_as_is_said() {
    let folder = folder(&scripts().1);
    fs::write(folder.path().join("test.sh"), block("sh", "wait $!")).unwrap();
    let thirsty = entries("customer.txt").replace(":2}", ":3}");
    fs::write(folder.path().join("thirsty.txt"), thirsty).unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_mockforge")).parent().unwrap().to_str().unwrap();
    let path = format!("{programs}:{}", std::env::var("PATH").unwrap());
    let test = |arguments: &[&str]| {
        let mut sh = Command::new("sh");
        sh.arg("test.sh").args(arguments).current_dir(folder.path());
        let output = sh.envs([("PATH", &*path), ("MOCKFORGE_WS_PORT", "0")]).output().unwrap();
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    let (code, said) = test(&[]);
    assert_eq!((code, timeless(&said)), (Some(0), timeless(printed("`sh test.sh` says"))));
    let (code, said) = test(&["thirsty.txt"]);
    assert_eq!((code, timeless(&said)), (Some(1), timeless(printed("`sh test.sh thirsty.txt`"))));
    let report = fs::read_to_string(folder.path().join("report.xml")).unwrap();
    assert_eq!(timeless(&report), timeless(blocks("xml")[0]));
    // The workflow runs the same.
    assert!(block("yaml", "jobs:").contains("- run: sh test.sh\n"));
}

#[test]
fn rules_answer_beside_the_script_and_the_log_says_what_came_nearest() {
    let folder = folder(&scripts().1);
    let check = "mockforge check rules.yaml";
    assert_eq!(follow(&folder, check).0, printed(check));
    let with_rules = ["--ws-replay-file", "script.jsonl", "--rules", "rules.yaml"];
    let server = serve(&folder, &[&with_rules[..], &["--log", "debug"]].concat());
    let hello = entries("customer.txt").lines().next().unwrap().to_owned();
    let menu = "{\"type\":\"menu\"}";
    assert!(says(&server, &format!("{menu}\n")).contains("mint tea"));

    let url = server.url.replace("/ws", "/ws/shop");
    let mut child = mockforge(&["connect", "--wait", "3s", &url], &[]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{hello}").unwrap();
    // The welcome: now the order is waited for.
    let mut welcome = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.as_mut().unwrap()), &mut welcome).unwrap();
    writeln!(stdin, "{{\"type\":\"ordr\",\"item\":\"green tea\",\"cups\":2}}").unwrap();
    drop(stdin);
    child.wait().unwrap();
    let (_, log) = server.terminate();
    for line in printed("--rules rules.yaml --log debug").lines() {
        assert!(log.contains(line), "{line}\nin {log}");
    }
}
