//! Servers that take up what is saved to their files, while their clients stay connected.

mod saving;
#[cfg(feature = "js")]
mod scripts;
#[cfg(target_os = "linux")]
mod thread;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::{TempDir, tempdir};
use tokio::task::{JoinSet, spawn_blocking};
use ws_core::HandlerRegistry;
use ws_server::{PathConfig, WsConfig, WsServer, WsServerBuilder};
use ws_testing::{TestClient, TestServer};

use self::saving::{Pace, WAYS, Way};
use crate::eventually::eventually;
use crate::serving::serve;

/// Rules that answer everything with `answer`; half of them are none.
fn rules(answer: &str) -> String {
    format!("rules:\n  - {{ response: {answer} }}\n")
}

/// A server that watches, set up by the rules of this file.
async fn watch_rules(file: PathBuf) -> TestServer {
    let config = WsConfig { rules_file: Some(file), ..WsConfig::default() };
    serve(WsServer::builder().config(config).watch(true)).await
}

/// Asks again and again, until the answer is `new`; until then it has to be `old`.
async fn becomes(client: &mut TestClient, old: &str, new: &str) {
    let deadline = Instant::now() + Duration::from_secs(15);
    loop {
        client.send_text("?").await.unwrap();
        let answer = client.recv_text().await.unwrap();
        if answer == new {
            return;
        }
        assert_eq!(answer, old, "while {new} is expected");
        assert!(Instant::now() < deadline, "it is still {old}, not {new}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Lets a server look around until it waits to be told of changes. What is saved before it does is found anyway: with less
/// time a test would prove less, and not fail.
async fn rest() {
    tokio::time::sleep(Duration::from_millis(150)).await;
}

/// How many reloads had this outcome.
fn reloads(server: &TestServer, outcome: &str) -> u32 {
    let text = server.metrics().unwrap().render();
    let series = format!("mockforge_ws_reloads_total{{outcome=\"{outcome}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&series)).map_or(0, |count| count.parse().unwrap())
}

/// Waits until so many reloads have taken something up; there are no others.
async fn reloaded(server: &TestServer, count: u32) {
    eventually(format!("{count} reloads"), || reloads(server, "ok") == count).await;
    assert_eq!((reloads(server, "unchanged"), reloads(server, "failed")), (0, 0));
}

/// Waits until the last reload has failed, and gives its mistakes.
async fn mistakes(server: &TestServer) -> String {
    let last = || server.handle().unwrap().last_reload();
    eventually("a reload has failed", || matches!(last(), Some(Err(_)))).await;
    last().unwrap().unwrap_err()
}

/// Saves twice in one way. Gives whether the steps of both saves were near enough to each other.
async fn save_twice(way: Way) -> bool {
    let folder = tempdir().unwrap();
    (way.begin)(folder.path(), &rules("one"));
    let server = watch_rules(folder.path().join(way.file)).await;
    let mut client = server.connect("/ws").await.unwrap();
    becomes(&mut client, "", "one").await;
    let mut was_steady = true;
    for (old, new) in [("one", "two"), ("two", "three")] {
        rest().await;
        let dir = folder.path().to_owned();
        let saving = spawn_blocking(move || {
            let mut pace = Pace::new();
            (way.save)(&dir, &rules(new), &mut pace);
            pace.was_steady()
        });
        becomes(&mut client, old, new).await;
        was_steady &= saving.await.unwrap();
    }
    if was_steady {
        reloaded(&server, 2).await;
    }
    was_steady
}

/// However a file is saved, an open connection gets what stands in it then, and no half of it is ever read.
#[tokio::test]
async fn files_may_be_saved_in_every_way() {
    let mut ways = JoinSet::new();
    for way in WAYS {
        ways.spawn(async move {
            for _ in 0..5 {
                println!("{}", way.name);
                if save_twice(*way).await {
                    return;
                }
            }
            panic!("{}: this machine is too busy", way.name);
        });
    }
    ways.join_all().await;
}

/// L04: what is broken is not taken, and is named with its place; the old version goes on until it is mended.
#[tokio::test]
async fn a_broken_file_changes_nothing() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("rules.yaml");
    fs::write(&file, rules("one")).unwrap();
    let server = watch_rules(file.clone()).await;
    let mut client = server.connect("/ws").await.unwrap();
    rest().await;
    fs::write(&file, "rules:\n  - { respond: two }\n").unwrap();
    let told = mistakes(&server).await;
    assert!(told.contains("rules.yaml:2:7") && told.contains("respond"), "{told}");
    becomes(&mut client, "", "one").await;
    becomes(&mut server.connect("/ws").await.unwrap(), "", "one").await;

    fs::remove_file(&file).unwrap();
    let last = || server.handle().unwrap().last_reload().unwrap();
    eventually("the file is missed", || last().is_err_and(|now| now != told)).await;
    becomes(&mut client, "", "one").await;
    rest().await;
    fs::write(&file, rules("two")).unwrap();
    becomes(&mut client, "one", "two").await;
    let is_mended = || last().is_ok_and(|report| report.changed == [file.display().to_string()]);
    eventually("it is told", is_mended).await;
}

/// What changes between the building and the serving is not lost.
#[tokio::test]
async fn what_changed_before_is_noticed_too() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("rules.yaml");
    fs::write(&file, rules("one")).unwrap();
    let config = WsConfig { rules_file: Some(file.clone()), ..WsConfig::default() };
    let server = WsServer::builder().config(config).watch(true).build().unwrap();
    fs::write(&file, rules("two")).unwrap();
    let server = TestServer::start(server).await;
    becomes(&mut server.connect("/ws").await.unwrap(), "one", "two").await;
}

/// Many files that are saved one after the other are one reload, or a few where this machine is busy.
#[tokio::test]
async fn many_files_are_taken_up_together() {
    let folder = tempdir().unwrap();
    let file = |number: usize| folder.path().join(format!("{number}.yaml"));
    for number in 0..10 {
        fs::write(file(number), rules("one")).unwrap();
    }
    let paths = (0..10).map(|number| path(&number.to_string(), file(number))).collect();
    let server = serve(WsServer::builder().config(WsConfig { paths, ..WsConfig::default() }).watch(true)).await;
    rest().await;
    for number in 0..10 {
        fs::write(file(number), rules("two")).unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for number in 0..10 {
        becomes(&mut server.connect(&format!("/ws/{number}")).await.unwrap(), "one", "two").await;
    }
    let count = reloads(&server, "ok");
    assert!(count <= 4 && reloads(&server, "failed") == 0, "{count} reloads");
}

/// A path that answers by the rules of a file.
fn path(name: &str, rules: PathBuf) -> PathConfig {
    PathConfig::new(format!("/ws/{name}").parse().unwrap()).rules_file(rules)
}

/// A configuration that names a path in each line, with rules in a file of the same name beside it.
struct Listed {
    folder: TempDir,
}

impl Listed {
    fn new(names: &str) -> Self {
        let listed = Self { folder: tempdir().unwrap() };
        listed.write("list", names);
        listed
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.folder.path().join(file), text).unwrap();
    }

    fn read(folder: &Path) -> Result<WsConfig, String> {
        let names = fs::read_to_string(folder.join("list")).map_err(|error| error.to_string())?;
        let paths = names.lines().map(|name| path(name, folder.join(format!("{name}.yaml")))).collect();
        Ok(WsConfig { paths, ..WsConfig::default() })
    }

    fn builder(&self) -> WsServerBuilder {
        let folder = self.folder.path().to_owned();
        let builder = WsServer::builder().config(Self::read(&folder).unwrap());
        builder.config_source([folder.join("list")], move || Self::read(&folder)).watch(true)
    }
}

/// Files that a configuration names later are watched from then on, also those that it named before they were there.
#[tokio::test]
async fn a_configuration_may_name_more_files() {
    let listed = Listed::new("a");
    listed.write("a.yaml", &rules("one"));
    let server = serve(listed.builder()).await;
    let mut a = server.connect("/ws/a").await.unwrap();
    let mut b = server.connect("/ws/b").await.unwrap();
    becomes(&mut a, "", "one").await;
    becomes(&mut b, "", "echo: ?").await;
    rest().await;
    listed.write("b.yaml", &rules("two"));
    listed.write("list", "a\nb");
    becomes(&mut b, "echo: ?", "two").await;
    rest().await;
    listed.write("b.yaml", &rules("three"));
    becomes(&mut b, "two", "three").await;

    listed.write("list", "a\nb\nc");
    let told = mistakes(&server).await;
    assert!(told.contains("c.yaml"), "{told}");
    let mut c = server.connect("/ws/c").await.unwrap();
    becomes(&mut c, "", "echo: ?").await;
    rest().await;
    listed.write("c.yaml", &rules("four"));
    becomes(&mut c, "echo: ?", "four").await;
    becomes(&mut a, "", "one").await;
}

/// Files that are named since somebody asked for a reload are watched, too.
#[tokio::test]
async fn a_reload_by_hand_is_noticed() {
    let listed = Listed::new("a");
    listed.write("a.yaml", &rules("one"));
    listed.write("b.yaml", &rules("two"));
    // No file is said to be that of the configuration.
    let folder = listed.folder.path().to_owned();
    let server = serve(listed.builder().config_source([], move || Listed::read(&folder))).await;
    let mut b = server.connect("/ws/b").await.unwrap();
    listed.write("list", "a\nb");
    rest().await;
    becomes(&mut b, "", "echo: ?").await;
    server.handle().unwrap().reload().await.unwrap();
    becomes(&mut b, "echo: ?", "two").await;
    rest().await;
    listed.write("b.yaml", &rules("three"));
    becomes(&mut b, "two", "three").await;
}

/// What is saved while the configuration is being read is not taken for what was read.
#[tokio::test]
async fn a_configuration_may_change_while_it_is_read() {
    let listed = Listed::new("a");
    for (name, answer) in [("a", "one"), ("b", "two"), ("c", "three")] {
        listed.write(&format!("{name}.yaml"), &rules(answer));
    }
    let folder = listed.folder.path().to_owned();
    let read = move || {
        let config = Listed::read(&folder)?;
        if config.paths.len() == 2 {
            fs::write(folder.join("list"), "a\nb\nc").unwrap();
        }
        Ok(config)
    };
    let server = serve(listed.builder().config_source([listed.folder.path().join("list")], read)).await;
    let mut c = server.connect("/ws/c").await.unwrap();
    becomes(&mut c, "", "echo: ?").await;
    listed.write("list", "a\nb");
    becomes(&mut c, "echo: ?", "three").await;
}

/// A schema that rules name is watched as they are, whether it was there or not when they were read.
#[tokio::test]
async fn schemas_are_watched() {
    let folder = tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let rules = |schema: &str| {
        format!("rules:\n  - {{ match: {{ schema_file: {schema} }}, response: fits }}\n  - {{ response: differs }}\n")
    };
    write("rules.yaml", &rules("first.json"));
    write("first.json", r#"{"type": "object"}"#);
    let server = watch_rules(folder.path().join("rules.yaml")).await;
    let mut client = server.connect("/ws").await.unwrap();
    let mut fits = async |text: &str, expected: &str| {
        let deadline = Instant::now() + Duration::from_secs(15);
        loop {
            client.send_text(text).await.unwrap();
            if client.recv_text().await.unwrap() == expected {
                return;
            }
            assert!(Instant::now() < deadline, "{text} never {expected}");
        }
    };
    fits("[]", "differs").await;
    rest().await;
    write("first.json", r#"{"type": "array"}"#);
    fits("[]", "fits").await;
    write("rules.yaml", &rules("second.json"));
    let told = mistakes(&server).await;
    assert!(told.contains("second.json"), "{told}");
    rest().await;
    write("second.json", r#"{"type": "number"}"#);
    fits("1", "fits").await;
    fits("[]", "differs").await;
}

/// L01: a registry that is made for it switches the watching on; a server may be told otherwise.
#[tokio::test]
async fn a_registry_switches_watching_on() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("rules.yaml");
    fs::write(&file, rules("one")).unwrap();
    let config = WsConfig { rules_file: Some(file.clone()), ..WsConfig::default() };
    let builder = || {
        let registry = Arc::new(HandlerRegistry::with_hot_reload());
        WsServer::builder().config(config.clone()).registry(registry)
    };
    let watching = serve(builder()).await;
    let idle = serve(builder().watch(false)).await;
    let mut client = watching.connect("/ws").await.unwrap();
    becomes(&mut client, "", "one").await;
    rest().await;
    fs::write(&file, rules("two")).unwrap();
    becomes(&mut client, "one", "two").await;
    // Had the other one watched, it would have had as long.
    becomes(&mut idle.connect("/ws").await.unwrap(), "", "one").await;
    assert_eq!(reloads(&idle, "ok"), 0);
    idle.handle().unwrap().reload().await.unwrap();
    becomes(&mut idle.connect("/ws").await.unwrap(), "", "two").await;
}
