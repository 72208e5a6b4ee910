//! What docs/javascript.md says: its scripts are right, do what stands beside them, and its reference is whole.

use std::collections::BTreeSet;

use ws_core::{Message, Origin, Verdict, WsMessage};
use ws_script::{ScriptFolder, ScriptOptions};

use crate::declarations::declared;
use crate::kit::{Client, Hall, Scripts, write};

const GUIDE: &str = include_str!("../../../../docs/javascript.md");

/// The blocks of the document that are marked as `js`: each a whole file, whose name stands in its first line.
fn files() -> Vec<(&'static str, &'static str)> {
    let blocks = GUIDE.split("```js\n").skip(1).map(|block| block.split("```").next().unwrap());
    let name = |block: &'static str| {
        let first = block.lines().next().unwrap();
        first.strip_prefix("// handlers/").unwrap_or_else(|| panic!("no name: {first}"))
    };
    blocks.map(|block| (name(block), block)).collect()
}

/// The scripts of the document, which find a name and a time where they ask for made-up data.
fn guide() -> Scripts {
    let expand = |text: &str| match text {
        "{{faker.name}}" => "Ann",
        "{{faker.email}}" => "ann@example.com",
        "{{now-1h}}" => "2024-01-15T09:30:00Z",
        other => panic!("{other}"),
    };
    Scripts::load_with(ScriptOptions::default().template(move |_, text| Ok(expand(text).to_owned())), &files())
}

/// A conversation as documents write it: `> ` is said, `< ` is answered.
async fn converse(client: &mut Client, conversation: &str) {
    for line in conversation.lines() {
        match line.split_at(2) {
            ("> ", said) => client.say(said).await.unwrap(),
            ("< ", answer) => assert_eq!(client.next_text().await, answer, "{conversation}"),
            _ => panic!("{line}"),
        }
    }
}

fn conversations() -> Vec<&'static str> {
    let blocks = GUIDE.split("```text\n").skip(1).map(|block| block.split("```").next().unwrap());
    blocks.filter(|block| block.starts_with(['<', '>'])).collect()
}

#[test]
fn every_script_is_right() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &files());
    let names = ScriptFolder::check(dir.path(), ScriptOptions::default()).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(names.len(), files().len() - 1, "all but one file for imports: {names:?}");
}

#[test]
fn the_reference_has_what_is_declared_and_nothing_else() {
    let reference = GUIDE.split_once("\n## Reference\n").unwrap().1.split_once("\n## ").unwrap().0;
    let cells = reference.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let mut names = BTreeSet::new();
    for name in cells.flat_map(|cell| cell.split(", `")) {
        let name = name.trim_end_matches('`').split('(').next().unwrap();
        assert!(names.insert(name.to_owned()), "{name} stands there twice");
    }
    let declared = declared();
    let missing: Vec<_> = declared.difference(&names).collect();
    let unknown: Vec<_> = names.difference(&declared).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "missing: {missing:?}\nnot declared: {unknown:?}");
}

/// The first script: the sample, then the change that the document makes, on the same connection.
#[tokio::test]
async fn the_first_script_does_what_is_said() {
    let scripts = Scripts::load(ws_script::SAMPLES);
    let mut client = scripts.client("echo.js");
    client.connect().await.unwrap();
    let [before, after, ..] = conversations()[..] else { panic!("{:?}", conversations()) };
    converse(&mut client, before).await;
    let (name, changed) = files()[0];
    scripts.change(&[(name, changed)]).unwrap();
    client.handler = scripts.handler(name);
    converse(&mut client, after).await;
    // The mistake that it lets one make.
    let (right, wrong) = ("ctx.send(`you said: ${msg.text.toUpperCase()}`)", "ctx.sned(msg.text)");
    assert!(changed.contains(right) && GUIDE.contains(&format!("such as `{wrong}`")));
    scripts.change(&[(name, &changed.replace(right, wrong))]).unwrap();
    client.handler = scripts.handler(name);
    let error = client.fail("hello").await;
    let shown = GUIDE.lines().find(|line| line.contains(": TypeError: not a function")).unwrap();
    assert!(error.contains(shown), "{error}");
}

#[tokio::test]
async fn scripts_do_what_stands_beside_them() {
    let scripts = guide();
    let [_, _, orders, visits] = conversations()[..] else { panic!("{:?}", conversations()) };
    let mut client = scripts.client("orders.js");
    converse(&mut client, orders).await;
    assert_eq!(client.ask(r#"{"type":"sell"}"#).await, r#"{"type":"error","message":"sell is not known"}"#);
    assert!(client.fail("no JSON").await.contains("orders.js:8:"));

    let mut client = scripts.client("visits.js");
    client.connect().await.unwrap();
    converse(&mut client, visits).await;

    let mut client = scripts.client("people.js");
    let person: serde_json::Value = serde_json::from_str(&client.ask("x").await).unwrap();
    let known = (person["name"].as_str(), person["email"].as_str(), person["since"].as_str());
    assert_eq!(known, (Some("Ann"), Some("ann@example.com"), Some("2024-01-15T09:30:00Z")));
    assert_eq!(person["id"].as_str().unwrap().len(), 36);

    assert_eq!(scripts.client("hello.js").ask("Ann").await, "hello, Ann");
    assert_eq!(scripts.client("versions.js").ask("hi").await, "hi");

    let mut client = scripts.client("frames.js");
    client.give(WsMessage::Binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(client.next().await, Message::binary(vec![1, 2, 0, 0, 0, 3]));
    client.say("text").await.unwrap();
    assert_eq!(client.close_code().await, 1003);
}

#[tokio::test]
async fn rooms_and_doors_do_what_is_said() {
    let scripts = guide();
    let hall = Hall::default();
    let mut clients = [(); 2].map(|()| Client::new(scripts.handler("rooms.js"), hall.clone()));
    for client in &mut clients {
        client.connect().await.unwrap();
    }
    let [ann, bob] = &mut clients;
    assert_eq!(ann.next_text().await, r#"{"type":"joined","members":1}"#);
    assert_eq!(bob.next_text().await, r#"{"type":"joined","members":2}"#);
    assert_eq!(ann.next_text().await, r#"{"type":"joined","members":2}"#);
    bob.say("hi").await.unwrap();
    let said = format!(r#"{{"type":"said","text":"hi","by":"{}"}}"#, bob.ctx.connection_id);
    assert_eq!([ann.next_text().await, bob.next_text().await], [said.clone(), said]);

    let mut client = scripts.client("door.js");
    client.connect().await.unwrap();
    let frame = client.close_frame().await;
    assert_eq!((frame.code, &*frame.reason), (4001, "add ?token=..."));
    let mut client = scripts.client("door.js");
    assert!(client.fail("what").await.contains("door.js:17:"));
    client.say("bye").await.unwrap();
    assert_eq!(client.close_code().await, 1000);
    client.leave().await.unwrap();
}

#[tokio::test]
async fn streams_and_hooks_do_what_is_said() {
    let scripts = guide();
    let mut client = scripts.client("prices.js");
    client.connect().await.unwrap();
    assert!(client.next_text().await.starts_with(r#"{"type":"price","price":"#));
    client.say("countdown").await.unwrap();
    let mut counted = Vec::new();
    while counted.last().map(String::as_str) != Some("go") {
        let text = client.next_text().await;
        if !text.starts_with('{') {
            counted.push(text);
        }
    }
    assert_eq!(counted, ["3", "2", "1", "go"]);

    let mut client = scripts.client("numbered.js");
    client.connect().await.unwrap();
    for (text, origin, expected) in [
        ("hi", Origin::Replay, Some(vec![Message::text(r#"{"sequence":1,"text":"hi"}"#)])),
        ("a secret", Origin::Rule, Some(vec![])),
        ("hi", Origin::Script, None),
    ] {
        let got = match client.handler.on_outbound(client.ctx.connection(), &Message::text(text), origin) {
            Verdict::Pass => None,
            Verdict::Drop => Some(vec![]),
            Verdict::Several(messages) => Some(messages),
            other => panic!("{other:?}"),
        };
        assert_eq!(got, expected, "{text}");
    }
}
