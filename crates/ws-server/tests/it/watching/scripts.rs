//! Folders of scripts that change while they run.

use std::fs;
use std::path::Path;

use tempfile::{TempDir, tempdir};
use ws_server::{ScriptsConfig, WsConfig, WsServer};
use ws_testing::TestServer;

use super::{becomes, mistakes, reloaded, rest};
use crate::serving::serve;

/// A script that answers everything on a path.
fn script(path: &str, answer: &str) -> String {
    format!("export const path = '{path}';\nexport function onMessage(ctx) {{ ctx.send('{answer}'); }}\n")
}

/// A server that watches the scripts in this folder.
async fn watch_scripts(dir: &Path) -> TestServer {
    let config = WsConfig { scripts: Some(ScriptsConfig::new(dir)), ..WsConfig::default() };
    serve(WsServer::builder().config(config).watch(true)).await
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempdir().unwrap())
    }

    /// Writes a script while nobody is looking around.
    async fn save(&self, name: &str, text: &str) {
        rest().await;
        self.write(name, text);
    }

    fn write(&self, name: &str, text: &str) {
        let file = self.0.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
}

/// L03: a script that is changed, added or deleted counts with the next message of open connections.
#[tokio::test]
async fn scripts_may_come_and_go() {
    let folder = Folder::new();
    folder.write("a.js", &script("/ws/a", "one"));
    let server = watch_scripts(folder.0.path()).await;
    let mut a = server.connect("/ws/a").await.unwrap();
    let mut b = server.connect("/ws/b").await.unwrap();
    becomes(&mut a, "", "one").await;
    becomes(&mut b, "", "echo: ?").await;
    folder.save("a.js", &script("/ws/a", "two")).await;
    becomes(&mut a, "one", "two").await;
    folder.save("b.js", &script("/ws/b", "three")).await;
    becomes(&mut b, "echo: ?", "three").await;
    rest().await;
    fs::remove_file(folder.0.path().join("a.js")).unwrap();
    let deleted = async {
        loop {
            let mut new = server.connect("/ws/a").await.unwrap();
            new.send_text("?").await.unwrap();
            if new.recv_text().await.unwrap() == "echo: ?" {
                break;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(15), deleted)
        .await
        .expect("a script that is gone answers no more");
    reloaded(&server, 3).await;
}

/// What scripts import is watched with them, also in folders that were not there before, and nothing else is.
#[tokio::test]
async fn imports_are_watched() {
    let folder = Folder::new();
    folder.write("a.js", &script("/ws", "one"));
    let server = watch_scripts(folder.0.path()).await;
    let mut client = server.connect("/ws").await.unwrap();
    becomes(&mut client, "", "one").await;
    let importing =
        "import { answer } from './lib/answers/b.js';\nexport function onMessage(ctx) { ctx.send(answer); }\n";
    folder.save("lib/answers/b.js", "export const answer = 'two';").await;
    folder.write("a.js", importing);
    becomes(&mut client, "one", "two").await;
    folder.save("lib/answers/b.js", "export const answer = 'three';").await;
    becomes(&mut client, "two", "three").await;
    rest().await;
    fs::remove_dir_all(folder.0.path().join("lib")).unwrap();
    let told = mistakes(&server).await;
    assert!(told.contains("a.js:1"), "{told}");
    becomes(&mut client, "", "three").await;
    folder.save("lib/answers/b.js", "export const answer = 'four';").await;
    becomes(&mut client, "three", "four").await;
}

/// A link to a folder may be exchanged for one to another, and all scripts with it.
#[cfg(unix)]
#[tokio::test]
async fn the_whole_folder_may_be_exchanged() {
    use std::os::unix::fs::symlink;

    let folder = Folder::new();
    let dir = folder.0.path();
    for (release, answer) in [("1", "one"), ("2", "two")] {
        folder.write(&format!("{release}/a.js"), &script("/ws", answer));
    }
    symlink("1", dir.join("current")).unwrap();
    let server = watch_scripts(&dir.join("current")).await;
    let mut client = server.connect("/ws").await.unwrap();
    becomes(&mut client, "", "one").await;
    rest().await;
    symlink("2", dir.join("new")).unwrap();
    fs::rename(dir.join("new"), dir.join("current")).unwrap();
    becomes(&mut client, "one", "two").await;
    folder.save("2/a.js", &script("/ws", "three")).await;
    becomes(&mut client, "two", "three").await;
    rest().await;
    fs::rename(dir.join("2"), dir.join("old")).unwrap();
    folder.write("2/a.js", &script("/ws", "four"));
    becomes(&mut client, "three", "four").await;
    folder.save("2/a.js", &script("/ws", "five")).await;
    becomes(&mut client, "four", "five").await;
}
