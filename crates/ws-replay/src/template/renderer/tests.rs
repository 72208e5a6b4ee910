//! Texts outside of scripts: whose values they get, what they may look at, and what is an error in them.

use http::HeaderMap;
use serde_json::json;
use ws_core::{Extensions, Handshake};

use super::*;

fn connection(target: &str) -> Arc<Connection> {
    Arc::new(Connection::new(Handshake::new(target, HeaderMap::new(), None), None, Extensions::default()))
}

fn seeded() -> TemplateRenderer {
    TemplateRenderer::new(&ReplayOptions::seeded(7))
}

const RANDOM: &str = "{{uuid}} {{rand.int}} {{faker.name}}";

/// M09: by seed, path and number, and by the order of the calls on the connection.
#[test]
fn a_seed_repeats_what_each_connection_gets() {
    let run = |paths: [&str; 3]| {
        let templates = seeded();
        let connections = paths.map(connection);
        let render = |n: usize| templates.render(Some(&connections[n]), RANDOM).unwrap();
        let mut rendered = [render(0), render(2), render(1), render(0)];
        rendered.sort_unstable();
        rendered
    };
    let (one, other) = (run(["/ws/a", "/ws/a", "/ws/b"]), run(["/ws/b", "/ws/a", "/ws/a"]));
    let same: Vec<_> = one.iter().filter(|text| other.contains(text)).collect();
    // The first and the second connection on /ws/a, and the first on /ws/b; what it asks for twice differs.
    assert_eq!(same.len(), 3, "{one:?} {other:?}");
    assert_eq!(run(["/ws/a", "/ws/a", "/ws/b"]), one);
    let mut distinct = one.to_vec();
    distinct.dedup();
    assert_eq!(distinct.len(), 4);
    let unseeded = || TemplateRenderer::new(&ReplayOptions::default()).render(Some(&connection("/ws")), RANDOM);
    assert_ne!(unseeded(), unseeded());
}

#[test]
fn texts_without_a_connection_have_values_of_their_own() {
    let (one, other) = (seeded(), seeded());
    let first = one.render(None, RANDOM).unwrap();
    assert_eq!(other.render(None, RANDOM).unwrap(), first);
    assert_ne!(one.render(None, RANDOM).unwrap(), first);
    assert_ne!(one.render(Some(&connection("/")), RANDOM).unwrap(), first);
}

#[test]
fn values_are_others_than_those_of_scripts() {
    let options = ReplayOptions::seeded(7);
    let template = Template::compile("{{uuid}}".to_owned(), Scope { key: "text", groups: &[], open: false }, |_, _| {});
    let memory = Memory::default();
    let moment = Moment { script_time: Duration::ZERO, released: None, memory: &memory, room: None, repetition: None };
    let of_script = String::from(template.render(&moment, &mut Values::new(&options, "/ws", 0)));
    assert_ne!(seeded().render(Some(&connection("/ws")), "{{uuid}}").unwrap(), of_script);
}

#[test]
fn the_connection_is_known() {
    let templates = seeded();
    let connection = connection("/ws/a?room=x");
    let render = |text: &str| templates.render(Some(&connection), text).unwrap();
    let id = connection.id();
    assert_eq!(
        render("{{connection.id}} {{connection.number}} {{request.path}} {{request.query.room}}"),
        format!("{id} 1 /ws/a x")
    );
    assert_eq!(render("{{request.query.none}} [{{state.x}}] {{state.x || 'none'}}"), "{{request.query.none}} [] none");
    assert_eq!(render("{{now}}"), "2024-01-01T00:00:00Z");
    assert_eq!(render(r#"{"a":{"b":{{rand.int}}}"#).matches("{{").count(), 0);
}

/// The memory of its scripts and rules, also if it came later; the renderer makes none, as it knows no rooms.
#[test]
fn what_rules_set_is_seen() {
    let templates = seeded();
    let connection = connection("/ws");
    let render = |text: &str| templates.render(Some(&connection), text).unwrap();
    assert_eq!(render("{{state.user.name}}{{connection.number}}"), "1");
    assert!(Memory::known_of(&connection).is_none());
    let memory = Memory::of(&connection, &RoomMemory::default());
    memory.set("user", json!({"name": "Ann"})).unwrap();
    memory.set_machine("door", "open");
    memory.set_number(9);
    assert_eq!(render("{{state.user.name}} {{machine.door}} {{connection.number}}"), "Ann open 9");
}

/// Two renderers on one connection, as a reload makes them: nothing is drawn twice.
#[test]
fn a_connection_goes_on_with_its_values() {
    let connection = connection("/ws");
    let uuid = || seeded().render(Some(&connection), "{{uuid}}").unwrap();
    assert_ne!(uuid(), uuid());
}

#[test]
fn its_values_end_with_the_connection() {
    let templates = seeded();
    let connection = connection("/ws");
    templates.render(Some(&connection), RANDOM).unwrap();
    let drawer: Drawer = connection.extensions().get().unwrap();
    drop(connection);
    assert_eq!(Arc::strong_count(&drawer.0), 1);
}

#[test]
fn what_is_no_token_here_is_an_error() {
    let templates = seeded();
    let message = "takes something from a message that a script or a rule waits for, and there is none here";
    for (text, error) in [
        ("{{uid}}", "unknown token `{{uid}}`; did you mean `{{uuid}}`?".to_owned()),
        ("{{faker.emial}} {{uid}}", "unknown token `{{faker.emial}}`; did you mean `{{faker.email}}`?".to_owned()),
        ("{{greeting}}", "unknown token `{{greeting}}`".to_owned()),
        ("{{stat.x}}", "unknown token `{{stat.x}}`; did you mean `{{state.x}}`?".to_owned()),
        ("a {{uuid", "`{{` without `}}`: `{{uuid`".to_owned()),
        ("{{state.a +}}", "`{{state.a +}}`: expected a value".to_owned()),
        ("{{1}}", format!("`{{{{1}}}}` {message}")),
        ("{{$.a}}", format!("`{{{{$.a}}}}` {message}")),
        ("{{request.ws.message}}", format!("`{{{{request.ws.message}}}}` {message}")),
        ("{{match.1}}", format!("`{{{{match.1}}}}` {message}")),
        ("{{lastMessage}}", "`lastMessage` is of scripts and rules, and has no meaning here".to_owned()),
        ("{{room.a || 1}}", "`room.a` is of scripts and rules, and has no meaning here".to_owned()),
        ("{{repetition}}", "`repetition` is of scripts and rules, and has no meaning here".to_owned()),
    ] {
        for _ in 0..2 {
            let found = templates.render(Some(&connection("/ws")), text).unwrap_err();
            assert!(found.starts_with(&error), "{text}: {found}");
        }
    }
    for name in ["state.a", "request.path", "connection.id", "machine.a", "correlation.a.violated"] {
        let error = templates.render(None, &format!("{{{{{name}}}}}")).unwrap_err();
        assert_eq!(error, format!("`{name}` is of a connection, and there is none here"));
    }
}

#[test]
fn expansion_cannot_be_switched_off() {
    let options = ReplayOptions { expand: false, ..ReplayOptions::seeded(7) };
    let templates = TemplateRenderer::new(&options);
    assert_eq!(templates.render(None, "{{rand.int 3 3}} {}").unwrap(), "3 {}");
}

#[test]
fn few_templates_are_kept() {
    let templates = seeded();
    let kept = || lock(&templates.compiled).len();
    for n in 0..3 * MOST_COMPILED {
        assert_eq!(templates.render(None, &format!("{n} {{{{rand.int 3 3}}}}")).unwrap(), format!("{n} 3"));
        assert!(kept() <= MOST_COMPILED);
    }
    let before = kept();
    templates.render(None, "no token").unwrap();
    templates.render(None, &format!("{{{{uuid}}}}{}", "x".repeat(LONGEST_COMPILED))).unwrap();
    templates.render(None, "{{uid}}").unwrap_err();
    assert_eq!(kept(), before);
    assert_eq!(templates.render(None, "{{rand.int 3 3}}"), templates.render(None, "{{rand.int 3 3}}"));
}

#[test]
fn threads_may_share_it() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&seeded());
}
