//! What texts become at a moment. Tokens of replay files are tested from outside, in `tests/it/templates.rs`.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use ws_core::{Handshake, Message};
use ws_patterns::{Expression, MessagePattern, MessageText};

use super::*;
use crate::ReplayOptions;
use crate::memory::{Kept, Memory, Request, RoomMemory};
use crate::released::Released;

const MESSAGE: &str = r#"{"price":30,"name":"Ann","items":[1,2],"none":null,"hostile":"{{uuid}} \" }}"}"#;

/// Everything that a moment can know.
struct World {
    memory: Memory,
    room: Kept,
    released: Released,
}

impl World {
    fn new(pattern: &str, message: &str) -> Self {
        let headers = [("user-agent", "test"), ("x-id", "a"), ("x-id", "b")];
        let headers = headers.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let handshake = Handshake::new("/ws/a%20b?room=x%2Fy&room=z", headers.collect(), None);
        let memory = Memory::new(Request::of(&handshake, "c-1"), RoomMemory::default());
        memory.set("count", json!(3)).unwrap();
        memory.set("user", json!({"first name": "Ann", "tags": ["a", "b"]})).unwrap();
        memory.set_machine("door", "open");
        memory.count_outcome("login", true);
        memory.count_outcome("login", false);
        memory.count_outcome("login", true);
        memory.set_number(7);
        memory.keep_messages();
        memory.message_came(1, &Message::text("before"));
        memory.message_came(2, &Message::text(message));
        let mut room = Kept::up_to(1_000);
        room.set("topic", json!("cats")).unwrap();
        let pattern: MessagePattern = pattern.parse().unwrap();
        let released = Released::Text(pattern.captures(&MessageText::new(message)).unwrap());
        Self { memory, room, released }
    }

    fn moment(&self) -> Moment<'_> {
        Moment {
            script_time: Duration::from_millis(1500),
            released: Some(&self.released),
            memory: &self.memory,
            room: Some(&self.room),
            repetition: Some(2),
        }
    }
}

const OPEN: Scope<'static> = Scope { key: "text", groups: &[], open: true };

fn values() -> Values {
    Values::new(&ReplayOptions::seeded(1), "/ws", 0)
}

/// What a text becomes, of which nothing is doubtful.
fn rendered(text: &str, world: &World) -> String {
    let template = Template::compile(text.to_owned(), OPEN, |_, doubt| panic!("{text}: {}", doubt.0));
    template.render(&world.moment(), &mut values()).into()
}

fn value(text: &str, world: &World) -> Value {
    let template = ValueTemplate::compile(text.to_owned(), OPEN, |_, doubt| panic!("{text}: {}", doubt.0));
    template.render(&world.moment(), &mut values())
}

#[test]
fn names_and_expressions_are_filled() {
    let world = World::new("$.price", MESSAGE);
    for (text, expected) in [
        ("{{state.count}} {{ state.user['first name'] }} {{state.user.tags[-1]}}", "3 Ann b"),
        ("{{state.user}}", r#"{"first name":"Ann","tags":["a","b"]}"#),
        ("{{room.topic}} {{room}}", r#"cats {"topic":"cats"}"#),
        ("{{request.path}} {{request.query.room}}", "/ws/a b x/y"),
        ("{{request.headers['User-Agent']}} {{request.headers['x-id']}}", "test a"),
        ("{{connection.id}} {{connection.number}} {{connection.messages}} {{lastMessage}}", "c-1 7 2 before"),
        ("{{machine.door}} {{correlation.login.fulfilled}} {{correlation.login.violated}}", "open 2 1"),
        ("{{correlation.unheard.violated}}", "0"),
        ("{{repetition}}", "2"),
        ("{{$.price * state.count + 1}}", "91"),
        ("{{$.price > 20 && room.topic == 'cats'}}", "true"),
        ("{{state.missing || $.name}}", "Ann"),
        ("{{$.missing + 0}} {{$.none}} {{$.price / 0}} {{state.missing * 2}}", "0 null null 0"),
        ("[{{state.missing}}{{room.missing}}{{state.count.more}}]", "[]"),
        ("{{request.ws.message == '' || \"some\"}}", "some"),
        ("{\"a\":{\"b\":{{state.count}}}}", r#"{"a":{"b":3}}"#),
        // What is not known stays as it stands.
        ("{{machine.missing}} {{request.query.none}} {{$.missing}} {{match.7}} {{7}}", ""),
        // Braces.
        ("{{'{'}}{uuid}}", "{{uuid}}"),
        ("{{'{'}}{{'{'}}{{'}'}}{{'}'}}", "{{}}"),
    ] {
        let expected = if expected.is_empty() { text } else { expected };
        assert_eq!(rendered(text, &world), expected);
    }
}

#[test]
fn groups_have_numbers_and_names() {
    let world = World::new(r"^(?<verb>\w+) (\d+)( now)?$", "buy 5");
    // The names of all waits are known; those of another one stay as they stand.
    let groups = [None, Some("verb".to_owned()), Some("other".to_owned())];
    let scope = Scope { key: "text", groups: &groups, open: true };
    let rendered = |text: &str| {
        let template = Template::compile(text.to_owned(), scope, |_, doubt| panic!("{text}: {}", doubt.0));
        String::from(template.render(&world.moment(), &mut values()))
    };
    assert_eq!(rendered("{{verb}} {{match.verb}} {{match.2}} [{{match.3}}] {{match.0}} {{2}}"), "buy buy 5 [] buy 5 5");
    assert_eq!(rendered("{{match.2 + 2}} {{match.2 < 10}} {{match.3 || 'later'}}"), "7 true later");
    assert_eq!(rendered("{{verb == 'buy' && verb}} {{other == null}}"), "buy true");
    assert_eq!(rendered("{{other}} {{match.other}} {{match.4}} {{4}}"), "{{other}} {{match.other}} {{match.4}} {{4}}");
}

/// Before anything has come, what would come from it is not there.
#[test]
fn a_moment_may_know_nothing() {
    let memory = Memory::default();
    let moment = Moment { script_time: Duration::ZERO, released: None, memory: &memory, room: None, repetition: None };
    let text = "{{match.1}} {{1}} {{lastMessage}} {{request.path}} {{request.ws.message}} {{connection.number}} \
                {{repetition}} {{machine.a}} {{$.a}} {{$}}";
    let template = Template::compile(text.to_owned(), OPEN, |_, doubt| panic!("{}", doubt.0));
    assert_eq!(template.render(&moment, &mut values()), text.replace("{{$}}", "null"));
    let counted = Template::compile("{{connection.messages + 1}}".to_owned(), OPEN, |_, _| {});
    assert_eq!(counted.render(&moment, &mut values()), "1");
}

#[test]
fn a_token_alone_keeps_its_type() {
    let world = World::new("$.price", MESSAGE);
    for (text, expected) in [
        ("{{state.count + 1}}", json!(4)),
        ("{{state.count}} ", json!("3 ")),
        ("{{state.count}}{{state.count}}", json!("33")),
        ("{{ $.items }}", json!([1, 2])),
        ("{{$.name}}", json!("Ann")),
        ("{{$.none}}", json!(null)),
        ("{{$.missing}}", json!(null)),
        ("a {{$.missing}}", json!("a {{$.missing}}")),
        ("{{state.user}}", json!({"first name": "Ann", "tags": ["a", "b"]})),
        ("{{randInt 7 7}}", json!(7)),
        ("{{now}}", json!("2024-01-01T00:00:01.500Z")),
        ("{{0}}", json!(MESSAGE)),
        ("{{'1' == 1}}", json!(true)),
        ("{{state.missing}}", json!(null)),
        ("plain", json!("plain")),
        ("", json!("")),
    ] {
        assert_eq!(value(text, &world), expected, "{text}");
    }
    assert!(value("{{rand.float}}", &world).is_f64());
    assert!(value("{{uuid}}", &world).is_string());
    let verbatim = ValueTemplate::verbatim("{{uuid}}".to_owned());
    assert_eq!(verbatim.render(&world.moment(), &mut values()), "{{uuid}}");
}

/// Values are made also where messages are sent as they stand.
#[test]
fn values_are_expanded_in_any_case() {
    let world = World::new("$.price", MESSAGE);
    let mut off = Values::new(&ReplayOptions { expand: false, ..ReplayOptions::default() }, "/ws", 0);
    let compile = |text: &str| ValueTemplate::compile(text.to_owned(), OPEN, |_, _| {});
    assert_eq!(compile("{{state.count}}").render(&world.moment(), &mut off), 3);
    let template = Template::compile("{{state.count}}".to_owned(), OPEN, |_, _| {});
    assert_eq!(template.render(&world.moment(), &mut off), "{{state.count}}");
}

#[test]
fn what_is_inserted_is_bounded() {
    let world = World::new("^x*", &"x".repeat(6 * 1024 * 1024));
    let text = "{{0}}".repeat(10);
    let template = Template::compile(text, OPEN, |_, _| {});
    let made = template.render(&world.moment(), &mut values());
    assert_eq!(made.len(), 12 * 1024 * 1024 + 8 * "{{0}}".len());
    assert!(made.ends_with("x{{0}}{{0}}{{0}}{{0}}{{0}}{{0}}{{0}}{{0}}"));
}

#[test]
fn names_that_are_read_are_told() {
    let text = "{{state.a + state.b}} {{uuid}} {{$.x}} {{room.c}} {{request.path}} {{nothing.known}}";
    let template = Template::compile(text.to_owned(), OPEN, |_, _| {});
    let names: Vec<_> = template.names().map(ToString::to_string).collect();
    assert_eq!(names, ["state.a", "state.b", "room.c", "request.path"]);
    let value = ValueTemplate::compile("{{state.a}}".to_owned(), OPEN, |_, _| {});
    assert_eq!(value.names().count(), 1);
}

/// Slips are found, with their place and what was meant.
#[test]
fn doubts_have_a_place() {
    let no_message = Scope { key: "response", groups: &[], open: false };
    let one_group = [None, Some("name".to_owned())];
    let regex = Scope { key: "response", groups: &one_group, open: false };
    for (text, scope, place, expected) in [
        (
            "\u{e9} {{stat.count}}",
            regex,
            3..17,
            "unknown token `{{stat.count}}` is sent as it stands; did you mean `{{state.count}}`?",
        ),
        ("{{stat.count + 1}}", regex, 0..18, "did you mean `{{state.count + 1}}`?"),
        ("{{nam == 'x'}}", regex, 0..14, "did you mean `{{name == 'x'}}`?"),
        ("{{1 + 1}}", regex, 0..9, "unknown token `{{1 + 1}}` is sent as it stands"),
        ("{{true}}", regex, 0..8, "unknown token `{{true}}` is sent as it stands"),
        ("{{uid}}", regex, 0..7, "did you mean `{{uuid}}`?"),
        ("{{request.query.}}", regex, 0..18, "`{{request.query.}}` is sent as it stands: a name must follow the dot"),
        ("{{request.headr.host == 'a'}}", regex, 0..29, "did you mean `{{request.headers.host == 'a'}}`?"),
        ("{{user.name}}", regex, 0..13, "unknown token `{{user.name}}` is sent as it stands"),
        ("{{state.count = 1}}", regex, 0..19, "`{{state.count = 1}}` is sent as it stands: to compare, write `==`"),
        ("{{state.a and state.b}}", regex, 0..23, "instead of `and`, write `&&`"),
        (
            "{{$.a = 1}}",
            regex,
            0..11,
            "in `{{$.a = 1}}`: JSONPath `$.a = 1`, character 5: a comparison belongs into a filter",
        ),
        ("{{$.a-b}}", regex, 0..9, "JSONPath `$.a-b`, character 3: a plain name has no `-`"),
        ("{{$.a..}}", regex, 0..9, "in `{{$.a..}}`: JSONPath `$.a..`, character 6: a name or `*` must follow the dot"),
        ("{{match.2}}", regex, 0..11, "has no such group"),
        ("{{match.2 + 1}}", regex, 0..15, "has no such group"),
        ("{{match.nam}}", regex, 0..13, "has no such group"),
        ("{{match.1}}", no_message, 0..11, "no `waitFor` or `in` entry comes before it"),
        ("{{$.a + 1}}", no_message, 0..11, "no `waitFor` or `in` entry comes before it"),
        ("{{request.ws.message + '!'}}", no_message, 0..28, "no `waitFor` or `in` entry comes before it"),
        ("a {{state.a", regex, 2..11, "`{{` without `}}` is sent as it stands: `{{state.a`"),
        ("{{\"a\": {\"b\": 1}}", regex, 0..16, "`{{` without `}}` is sent as it stands"),
    ] {
        let mut found = Vec::new();
        let template =
            Template::compile(text.to_owned(), scope, |place, doubt| found.push((place, doubt.0.to_string())));
        let [(found_place, found)] = &*found else { panic!("{text}: {found:?}") };
        assert_eq!(*found_place, place, "{text}");
        assert!(found.starts_with("`response`: ") && found.contains(expected), "{text}: {found}");
        let world = World::new("$.price", MESSAGE);
        assert_eq!(template.render(&world.moment(), &mut values()), text);
    }
}

/// Of two handlers that tell of the same message, one is heard; and the last message is the one before that is answered.
#[test]
fn messages_are_counted_once() {
    let memory = Memory::default();
    memory.keep_messages();
    let last = |released: Option<&Released>| memory.message_before(released);
    assert_eq!(last(None), None);
    for nth in [1, 1, 2, 2, 1, 3] {
        memory.message_came(nth, &Message::text(nth.to_string()));
    }
    assert_eq!(memory.messages(), 3);
    let released = |text: &str| Released::Text(MessagePattern::any().captures(&MessageText::new(text)).unwrap());
    assert_eq!(last(Some(&released("3"))).as_deref(), Some("2"));
    assert_eq!(last(Some(&released("2"))).as_deref(), Some("1"));
    assert_eq!(last(Some(&released("1"))), None);
    assert_eq!(last(Some(&released("long ago"))).as_deref(), Some("3"));
    assert_eq!(last(None).as_deref(), Some("3"));
    memory.message_came(4, &Message::text("3"));
    assert_eq!(last(Some(&released("3"))).as_deref(), Some("3"));
    memory.message_came(5, &Message::binary(vec![1]));
    assert_eq!(last(None).as_deref(), Some("AQ=="));
    for nth in 6..20 {
        memory.message_came(nth, &Message::text(nth.to_string()));
    }
    assert_eq!(last(Some(&released("17"))).as_deref(), Some("16"));
    // Long ones are kept for one answer only.
    let long = |c: &str| c.repeat(60_000);
    for (nth, text) in [long("a"), long("b"), long("c")].into_iter().enumerate() {
        memory.message_came(20 + nth as u64, &Message::text(text));
    }
    assert_eq!(last(Some(&released(&long("c")))), Some(long("b")));
    assert_eq!(last(Some(&released(&long("b")))), None);
    // Who does not ask for it has nothing kept.
    let other = Memory::default();
    other.message_came(1, &Message::text("a"));
    assert_eq!((other.messages(), other.message_before(None)), (1, None));
}

/// Text that looks like a template, much more often than chance would have it.
fn templatelike() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "{",
        "{{",
        "}",
        "}}",
        "{{uuid}}",
        "{{now}}",
        "{{$.price}}",
        "{{$.hostile}}",
        "{{state.count",
        " + ",
        "1",
        "'",
        "\"",
        "a",
        "\u{e9}",
        " ",
        "{{request.ws.message}}",
        "{{0}}",
        "{{'{'}}",
        "state.",
        "room",
        "{{room.topic}}",
        "$.",
        "$",
        "match.1",
        "lastMessage",
        "==",
        "&&",
        "(",
        ")",
        "[",
        "]",
        "randInt 1 5",
        "now+1h",
        "faker.name",
        "user.name",
    ]);
    proptest::collection::vec(part, 0..16).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_text_is_rendered_and_twice_the_same(text in prop_oneof![any::<String>(), templatelike()]) {
        let world = World::new("$.price", MESSAGE);
        let mut doubts = Vec::new();
        let template = Template::compile(text.clone(), OPEN, |place, _| doubts.push(place));
        prop_assert!(doubts.iter().all(|place| text.get(place.clone()).is_some_and(|text| text.starts_with("{{"))));
        let made = template.render(&world.moment(), &mut values());
        prop_assert_eq!(&made, &template.render(&world.moment(), &mut values()));
        if template.tokens.is_empty() {
            prop_assert_eq!(&made, &text);
        }
        // A value is the same text, unless it is one token.
        if let Value::String(value) = ValueTemplate::compile(text, OPEN, |_, _| {}).render(&world.moment(), &mut values()) {
            prop_assert_eq!(&made, &value);
        }
        prop_assert_eq!(Template::verbatim(made.to_string()).render(&world.moment(), &mut values()), made);
    }

    /// X07: whatever a client says stands in the text as it is, and nothing else changes.
    #[test]
    fn nothing_is_injected(said in prop_oneof![any::<String>(), templatelike()], before in "[a-z{}]{0,4} ", after in " [a-z{}]{0,4}") {
        let message = json!({"price": 1, "said": said}).to_string();
        let world = World::new("$.price", &message);
        world.memory.set("said", json!(said)).unwrap();
        for token in ["{{$.said}}", "{{state.said}}", "{{state.said || state.said}}", "{{$.said && '' || $.said}}"] {
            let template = Template::compile(format!("{before}{token}{after}"), OPEN, |_, _| {});
            let made = template.render(&world.moment(), &mut values());
            prop_assert_eq!(made, format!("{before}{said}{after}"), "{}", token);
        }
    }

    /// A token inserts what its expression is worth.
    #[test]
    fn tokens_agree_with_expressions(text in "(\\$\\.price|state\\.count|'7'|'a') [-+*/%<>] (\\$\\.price|match\\.0|[1-9]?[0-9]|null)") {
        let world = World::new("$.price", MESSAGE);
        let expected = Expression::parse(&text).unwrap().evaluate(&world.moment());
        prop_assert_eq!(&value(&format!("{{{{{text}}}}}"), &world), &expected);
        let inserted = expected.as_str().map_or_else(|| expected.to_string(), str::to_owned);
        prop_assert_eq!(rendered(&format!("<{{{{{text}}}}}>"), &world), format!("<{inserted}>"));
    }
}
