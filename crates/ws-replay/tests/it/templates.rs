//! Tokens of templates, each exactly.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use ws_core::Message;
use ws_replay::{Player, ReplayOptions};

use crate::simulation::{replies, run_messages, script};

/// What `text` becomes, with real time and without a seed.
fn rendered(text: &str) -> String {
    with_options(text, &ReplayOptions::default())
}

fn with_options(text: &str, options: &ReplayOptions) -> String {
    let line = serde_json::json!({ "text": text }).to_string();
    let sent = run_messages(Player::new(script(&line), options, "/ws", 0), vec![]);
    sent[0].1.as_text().unwrap().to_owned()
}

/// What `text` becomes after `message` released its wait.
fn answered(wait_for: &str, text: &str, message: &str) -> String {
    let line = serde_json::json!({ "text": text, "waitFor": wait_for }).to_string();
    replies(&line, &[message]).remove(0)
}

/// X01.
#[test]
fn uuids_are_random_and_distinct() {
    let text = rendered("a{{uuid}}b{{uuid}}");
    let (one, other) = text[1..].split_once('b').map(|_| (&text[1..37], &text[38..])).unwrap();
    assert_ne!(one, other);
    for uuid in [one, other] {
        let uuid: uuid::Uuid = uuid.parse().unwrap();
        assert_eq!(uuid.get_version(), Some(uuid::Version::Random));
        assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122);
    }
}

/// X02.
#[test]
fn now_is_rfc_3339_in_utc() {
    let before = SystemTime::now();
    let text = rendered("{{now}}");
    let now: Timestamp = text.parse().unwrap();
    assert!(text.ends_with('Z'));
    // It is cut to whole milliseconds.
    assert!(SystemTime::from(now) + Duration::from_millis(1) > before);
    assert!(SystemTime::from(now) <= SystemTime::now());
}

/// X03.
#[test]
fn offsets_of_now_are_exact() {
    for (offset, seconds) in [
        ("+1h", 3600),
        ("+5m", 300),
        ("-30m", -1800),
        ("+2d", 172_800),
        ("+10s", 10),
        ("+0s", 0),
        ("-365d", -31_536_000),
        (" + 90 m ", 5400),
    ] {
        let text = rendered(&format!("{{{{now}}}} {{{{now{offset}}}}}"));
        let (now, moved) = text.split_once(' ').unwrap();
        let (now, moved): (Timestamp, Timestamp) = (now.parse().unwrap(), moved.parse().unwrap());
        assert_eq!(moved.duration_since(now).as_secs_f64(), f64::from(seconds), "{offset}");
    }
}

/// X03: offsets that no calendar has stop at its ends.
#[test]
fn offsets_do_not_overflow() {
    for offset in ["+99999999999999999999d", "+9223372036854775807d", "+400000000d"] {
        assert_eq!(rendered(&format!("{{{{now{offset}}}}}")), "9999-12-30T22:00:00.999Z");
    }
    assert_eq!(rendered("{{now-99999999999999999999s}}"), "-009999-01-02T01:59:59Z");
}

fn draws(text: &str, count: usize) -> Vec<i64> {
    let token = format!("{text} ");
    let text = with_options(&token.repeat(count), &ReplayOptions::seeded(5));
    text.split_whitespace().map(|number| number.parse().unwrap()).collect()
}

/// X04: both ends are reached, and all numbers are as likely: chi-square over 99 degrees of freedom, 0.1% level.
#[test]
fn rand_int_is_uniform_and_inclusive() {
    let mut counts = BTreeMap::new();
    for number in draws("{{randInt 1 100}}", 10_000) {
        *counts.entry(number).or_insert(0) += 1;
    }
    assert_eq!(counts.keys().copied().collect::<Vec<_>>(), (1..=100).collect::<Vec<_>>());
    let chi_square: f64 = counts.values().map(|count| (f64::from(*count) - 100.0).powi(2) / 100.0).sum();
    assert!(chi_square < 148.2, "{chi_square}");
}

/// X04: in either order, with negatives, over the full range.
#[test]
fn rand_int_takes_any_two_numbers() {
    for token in ["{{randInt 5 -5}}", "{{randInt -5 5}}", "{{rand.int 5 -5}}", "{{ randInt   -5  5 }}"] {
        let seen: HashSet<i64> = draws(token, 500).into_iter().collect();
        assert_eq!(seen, (-5..=5).collect(), "{token}");
    }
    assert_eq!(draws("{{randInt 7 7}}", 3), [7, 7, 7]);
    let full = draws("{{randInt -9223372036854775808 9223372036854775807}}", 100);
    assert!(full.iter().any(|number| *number < i64::MIN / 2) && full.iter().any(|number| *number > i64::MAX / 2));
}

/// X05.
#[test]
fn every_occurrence_is_drawn_by_itself() {
    let pairs = draws("{{randInt 1 1000000}} {{randInt 1 1000000}}", 50);
    assert!(pairs.chunks(2).all(|pair| pair[0] != pair[1]));
}

/// X06.
#[test]
fn rand_and_faker_have_their_ranges() {
    assert!(draws("{{rand.int}}", 1000).iter().all(|number| (0..=1_000_000).contains(number)));
    let float: f64 = rendered("{{rand.float}}").parse().unwrap();
    assert!((0.0..1.0).contains(&float));
    assert!(rendered("{{faker.email}}").contains("@example."));
    assert_eq!(rendered("{{faker.firstName}}").lines().count(), 1);
}

/// X07: what is no token stays as it stands, and so does what is around it.
#[test]
fn unknown_tokens_are_literal() {
    for text in [
        "{{}}",
        "{{ }}",
        "{{uid}}",
        "{{UUID}}",
        "{{user.name}}",
        "{{randInt}}",
        "{{randInt 1}}",
        "{{randInt a b}}",
        "{{randInt 1 99999999999999999999}}",
        "{{now+}}",
        "{{now+1w}}",
        "{{now*1h}}",
        "{{now+1.5h}}",
        "{{nowadays}}",
        "{{faker.}}",
        "{{faker.nothing}}",
        "{{1}}",
        "{{name}}",
        "{{$.x}}",
        "{{request.ws.message}}",
        "{{$x}}",
        "{{uuid",
        "{{",
        "}}",
        "{{{{}}}}",
        "{ {uuid} }",
        "{uuid}",
        "a {{ b }} c {{ d",
        "{\"a\":{\"b\":{}}}",
        "\u{e9}{{\u{e9}}}\u{e9}",
    ] {
        assert_eq!(rendered(text), text);
    }
}

/// X07: the innermost braces are the token, so objects of JSON may close right behind it.
#[test]
fn tokens_stand_between_other_braces() {
    let number = |text: &str, before: &str, after: &str| {
        let text = rendered(text);
        let number = text.strip_prefix(before).and_then(|text| text.strip_suffix(after));
        assert!(number.is_some_and(|number| number == "7"), "{text}");
    };
    number(r#"{"a":{"b":{{randInt 7 7}}}}"#, r#"{"a":{"b":"#, "}}");
    number("{{{randInt 7 7}}}", "{", "}");
    number("{{ {{randInt 7 7}} }}", "{{ ", " }}");
    number("{{x}} {{ randInt 7 7\t}} {{", "{{x}} ", " {{");
}

/// M05: values come from the message that released the wait; text without its quotes, the rest as JSON.
#[test]
fn jsonpath_tokens_take_from_the_message() {
    let message = r#"{"type":"order","user":{"id":1,"name":"Ann"},"items":[{"status":"new"}],"n":null,"f":1.50}"#;
    for (text, expected) in [
        ("User {{$.user.name}} authenticated", "User Ann authenticated"),
        ("Type received: {{$.type}}", "Type received: order"),
        ("First item status: {{$.items[0].status}}", "First item status: new"),
        ("{{ $['user']['id'] }}", "1"),
        ("{{$.user}}", r#"{"id":1,"name":"Ann"}"#),
        ("{{$.items[*]}} {{$.n}} {{$.f}}", r#"{"status":"new"} null 1.5"#),
        ("{{$.missing}}!", "{{$.missing}}!"),
        ("{{request.ws.message}}", message),
    ] {
        assert_eq!(answered("$.user.id", text, message), expected);
    }
    assert_eq!(answered("^no", "{{$.a}}", "no json"), "{{$.a}}");
}

#[test]
fn group_tokens_take_from_the_regex() {
    let wait_for = r"^(?<verb>\w+) (\d+)( now)?$";
    assert_eq!(answered(wait_for, "{{verb}} {{2}} [{{3}}] {{0}} {{ 1 }}", "buy 5"), "buy 5 [] buy 5 buy");
    assert_eq!(answered(wait_for, "{{4}} {{other}}", "buy 5"), "{{4}} {{other}}");
    assert_eq!(answered("$.a", "{{0}} {{1}}", r#"{"a":1}"#), r#"{"a":1} {{1}}"#);
}

/// Tokens keep the message of the last wait until another wait is released.
#[test]
fn the_last_released_message_stays() {
    let text = r#"
        {"text":"1: {{name}}","waitFor":"^I am (?<name>.*)$"}
        {"text":"2: {{name}}"}
        {"dir":"in","text":"more"}
        {"text":"3: {{request.ws.message}}"}
    "#;
    assert_eq!(replies(text, &["I am Ann", "more"]), ["1: Ann", "2: Ann", "3: more"]);
}

/// X07: what a client says is inserted as it is and never expanded, not even together with what stands around it.
#[test]
fn nothing_is_injected() {
    let hostile = r#"{"x":"{{uuid}} {{$.y}} {{1}} \" }}","y":"{{now}}"}"#;
    assert_eq!(answered("$.x", "{{$.x}}|{{$.y}}", hostile), r#"{{uuid}} {{$.y}} {{1}} " }}|{{now}}"#);
    assert_eq!(answered("^(.*)$", "{{{1}}}", "{uuid}"), "{{uuid}}");
    assert_eq!(answered("^(.*)$", "{{1}}uuid}}", "{{"), "{{uuid}}");
}

/// M15: with expansion off, texts are sent as they stand.
#[test]
fn expansion_can_be_switched_off() {
    let text = "{{uuid}} {{now}}";
    let off = ReplayOptions { expand: false, ..ReplayOptions::default() };
    assert_eq!(with_options(text, &off), text);
    assert_ne!(rendered(text), text);
    let sent = run_messages(
        Player::new(script(r#"{"text":"{{1}}","waitFor":"(.)"}"#), &off, "/ws", 0),
        vec![(0, Message::text("x"))],
    );
    assert_eq!(sent[0].1, Message::text("{{1}}"));
}

/// Expressions look at the message, and at what is known of the connection.
#[test]
fn expressions_are_computed() {
    let message = r#"{"price":5,"count":12,"name":"Ann"}"#;
    for (text, expected) in [
        ("{{$.price * $.count}}", "60"),
        ("{{$.count >= 10 && $.name}}", "Ann"),
        ("{{ ($.count - 2) / 4 }} {{match.0 == request.ws.message}}", "2.5 true"),
        ("{{connection.number}}.{{connection.messages}}", "1.1"),
        ("{{'{'}}{uuid}}", "{{uuid}}"),
        ("[{{state.nothing}}] {{$.missing || 'guest'}} {{$.missing + 1}}", "[] guest 1"),
    ] {
        assert_eq!(answered("$.price", text, message), expected, "{text}");
    }
    assert_eq!(answered(r"^(?<n>\d+)$", "{{n + 1}} {{1}} {{match.1 < 10}} {{n == 5}}", "5"), "6 5 true true");
}

/// The message before the one that is answered, whether anything waited for it or not.
#[test]
fn the_last_message_is_the_one_before() {
    let text = r#"
        {"text":"{{lastMessage}}|{{request.ws.message}}","waitFor":"^b"}
        {"text":"{{lastMessage}} {{connection.messages}}","waitFor":"^c"}
    "#;
    assert_eq!(replies(text, &["a", "b", "c"]), ["a|b", "b 3"]);
}
