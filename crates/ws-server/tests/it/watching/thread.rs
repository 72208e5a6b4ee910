//! What watching costs and leaves behind, and what it says: in processes of their own, where nobody else watches.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::tempdir;
use ws_core::HandlerRegistry;
use ws_server::{WsConfig, WsServer};
use ws_testing::TestServer;

use super::{becomes, mistakes, reloaded, reloads, rest, rules, watch_rules};
use crate::eventually::eventually;
use crate::own_process;

/// The threads that watch, as the system lists them.
fn threads() -> Vec<PathBuf> {
    let is_ours = |task: &PathBuf| fs::read_to_string(task.join("comm")).is_ok_and(|name| name == "mockforge watch\n");
    fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path()).filter(is_ours).collect()
}

/// How often the system has been asked to tell of changes.
fn instances() -> usize {
    let entries = fs::read_dir("/proc/self/fd").unwrap();
    let is_one = |target: PathBuf| target.to_string_lossy().contains("inotify");
    entries.filter(|entry| fs::read_link(entry.as_ref().unwrap().path()).is_ok_and(is_one)).count()
}

/// How often the thread that watches has gone to sleep.
fn sleeps() -> usize {
    let [task] = &*threads() else { panic!("not one thread watches") };
    let status = fs::read_to_string(task.join("status")).unwrap();
    let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
    count.trim().parse().unwrap()
}

#[test]
fn a_thread_watches_as_long_as_somebody_is_served() {
    own_process::run("watching::thread::watch_and_end", &[]);
}

#[tokio::test]
#[ignore = "run by the test before, in a process of its own"]
async fn watch_and_end() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("rules.yaml");
    fs::write(&file, rules("one")).unwrap();
    let gone = || eventually("nobody watches", || threads().is_empty() && instances() == 0);
    let there = || eventually("a thread watches", || threads().len() == 1 && instances() == 1);
    let builder = || {
        let config = WsConfig { rules_file: Some(file.clone()), ..WsConfig::default() };
        WsServer::builder().config(config).registry(HandlerRegistry::with_hot_reload().into())
    };

    let server = TestServer::start(builder().build().unwrap()).await;
    there().await;
    rest().await;
    server.shutdown(Duration::from_secs(5)).await;
    gone().await;

    let server = TestServer::start(builder().build().unwrap()).await;
    there().await;
    rest().await;
    drop(server);
    gone().await;

    let server = builder().build().unwrap();
    assert_eq!(instances(), 0);
    let routers = [server.router(), server.router()];
    there().await;
    drop(server);
    let client = TestServer::new(routers[0].clone()).await;
    becomes(&mut client.connect("/ws").await.unwrap(), "", "one").await;
    assert_eq!(threads().len(), 1);
    rest().await;
    drop(client);
    drop(routers);
    gone().await;

    let server = TestServer::start(builder().watch(false).build().unwrap()).await;
    assert_eq!(threads().len(), 0);
    drop(server);
    let server = TestServer::start(WsServer::builder().watch(true).build().unwrap()).await;
    assert_eq!(threads().len(), 0);
    drop(server);
}

#[test]
fn files_of_others_wake_nobody() {
    own_process::run("watching::thread::write_beside", &[]);
}

#[tokio::test]
#[ignore = "run by the test before, in a process of its own"]
async fn write_beside() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("rules.yaml");
    fs::write(&file, rules("one")).unwrap();
    let server = watch_rules(file.clone()).await;
    let mut client = server.connect("/ws").await.unwrap();
    fs::write(&file, rules("two")).unwrap();
    becomes(&mut client, "one", "two").await;

    let before = sleeps();
    for number in 0..200 {
        fs::write(folder.path().join("recording.jsonl"), "x".repeat(number)).unwrap();
        fs::write(folder.path().join(format!("{number}.json")), "{}").unwrap();
        fs::read(&file).unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // All of it has been told before this is.
    fs::write(&file, rules("three")).unwrap();
    becomes(&mut client, "two", "three").await;
    let count = sleeps() - before;
    println!("it woke up {count} times");
    assert!(count < 100, "{count} times it woke up");
    reloaded(&server, 2).await;
}

#[test]
fn it_says_what_it_watches_and_what_came_of_it() {
    let said = own_process::run("watching::thread::say_what_happens", &[]);
    let lines: Vec<_> = said.lines().filter(|line| line.contains("ws_server")).collect();
    let position = |level: &str, text: &str| {
        let found = lines.iter().position(|line| line.contains(level) && line.contains(text));
        found.unwrap_or_else(|| panic!("no {level} {text} in:\n{said}"))
    };
    let places = [
        position(" INFO ", "watching 1 file"),
        position("ERROR ", "not reloaded"),
        position(" INFO ", "reloaded: "),
        position(" INFO ", "nothing to watch"),
    ];
    assert!(places.is_sorted(), "{said}");
    assert!(said.contains("rules.yaml:2:7: "), "{said}");
    assert_eq!(said.matches("not reloaded").count(), 1, "{said}");
    assert!(!said.contains(" WARN "), "{said}");
}

#[tokio::test]
#[ignore = "run by the test before, in a process of its own"]
async fn say_what_happens() {
    tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stdout).init();
    let folder = tempdir().unwrap();
    let file = folder.path().join("rules.yaml");
    fs::write(&file, rules("one")).unwrap();
    let server = watch_rules(file.clone()).await;
    fs::write(&file, "rules:\n  - { respond: two }\n").unwrap();
    mistakes(&server).await;
    fs::write(&file, rules("two")).unwrap();
    let mut client = server.connect("/ws").await.unwrap();
    becomes(&mut client, "one", "two").await;
    eventually("it is told", || reloads(&server, "ok") == 1).await;
    drop(TestServer::start(WsServer::builder().watch(true).build().unwrap()).await);
}
