//! `MessagePattern::difference`: what people are told when nothing matched.

use serde_json::json;
use ws_patterns::{Difference, MessagePattern};

fn difference(pattern: &MessagePattern, text: &str) -> Difference {
    pattern.difference(&text.into()).unwrap_or_else(|| panic!("{pattern} matches {text}"))
}

fn written(pattern: &str) -> MessagePattern {
    pattern.parse().unwrap()
}

#[test]
fn the_first_difference_is_told_in_one_line() {
    let long = "x".repeat(100);
    let order = json!({"type": "order", "user": {"id": 7, "first name": "Ada"}, "tags": ["a", "b"]});
    let order = MessagePattern::json_subset(order);
    let cases = [
        (MessagePattern::exact("ping"), "pong", r#"expected "ping", found "pong""#),
        (MessagePattern::exact("a\nb"), "a b", r#"expected "a\nb", found "a b""#),
        (written("^/join (.+)$"), "/jion lobby", r#"expected text that starts with `/join `, found "/jion lobby""#),
        (written("^/join (.+)$"), "/join ", r#"expected text that matches `^/join (.+)$`, found "/join ""#),
        (written(r"\d+ items"), "no items", r#"expected text that matches `\d+ items`, found "no items""#),
        (written(r"\d+ items"), "3 itms", r#"expected text with ` items`, found "3 itms""#),
        (written("(?x) a\n\\d"), "x", r#"expected text that matches `(?x) a\n\d`, found "x""#),
        (written("one\ntwo"), "x", r#"expected text with `one\ntwo`, found "x""#),
        (written("$.a"), "{\"A\\n\":1}", "`$.a`: expected something, found nothing"),
        (written(r"\d"), "x", r#"expected text that matches `\d`, found "x""#),
        (written("^ping|^pong"), "pnog", r#"expected text that starts with `ping` or `pong`, found "pnog""#),
        (written("^(?:yes|no)$"), "nein", r#"expected text that starts with `no` or `yes`, found "nein""#),
        (written("^(?:yes|no)$"), "yes!", r#"expected text that matches `^(?:yes|no)$`, found "yes!""#),
        (written("tea|coffee|milk"), "x", r#"expected text with `coffee`, `milk` or `tea`, found "x""#),
        (written("^[0-9]a"), "x", r#"expected text that matches `^[0-9]a`, found "x""#),
        (written("(?i)^hello"), "x", r#"expected text that matches `(?i)^hello`, found "x""#),
        (written("(?i)to"), "x", r#"expected text that matches `(?i)to`, found "x""#),
        (written("$.a"), "{", r#"expected JSON, found "{": EOF while parsing an object at line 1 column 1"#),
        (written("$.a"), "ping", r#"expected JSON, found "ping""#),
        (written("$.a.b"), r#"{"a":{"c":1}}"#, "`$.a.b`: expected something, found nothing"),
        (written("$.type:\"a\""), r#"{"typ":"a"}"#, r#"`$.type`: expected "a", found nothing; there is `typ`"#),
        (written("$.type:\"order\""), r#"{"type":"ordr"}"#, r#"`$.type`: expected "order", found "ordr""#),
        (written("$.id:7"), r#"{"id":"7"}"#, r#"`$.id`: expected 7, found "7""#),
        (
            written("$.ids[*]:7"),
            r#"{"ids":[1,"7",{}]}"#,
            r#"`$.ids[*]`: expected 7, found "7", the nearest of several"#,
        ),
        (written("$.ids[*]:7"), r#"{"ids":[]}"#, "`$.ids[*]`: expected 7, found nothing"),
        (order.clone(), r#"{"type":"order"}"#, r#"`$.user`: expected {"id":7,"first name":"Ada"}, found nothing"#),
        (
            order.clone(),
            r#"{"type":"order","user":{"id":7,"first name":"Ad"}}"#,
            r#"`$.user['first name']`: expected "Ada", found "Ad""#,
        ),
        (
            order.clone(),
            r#"{"type":"order","user":{"id":7,"first name":"Ada"},"tags":["a"]}"#,
            r#"`$.tags`: expected ["a","b"], found ["a"]"#,
        ),
        (
            order.clone(),
            r#"{"type":"order","user":{"id":7,"first name":"Ada"},"tags":["a",null]}"#,
            r#"`$.tags[1]`: expected "b", found null"#,
        ),
        (
            order,
            "[]",
            "`$`: expected {\"type\":\"order\",\"user\":{\"id\":7,\"first name\":\"Ada\"},\"tags\":[\"a\",\"b\"]}, found []",
        ),
        (
            MessagePattern::json_subset(json!({"it's": {"\n": 1}})),
            r#"{"it's":{}}"#,
            r"`$['it\'s']['\u000a']`: expected 1, found nothing",
        ),
        (MessagePattern::exact(long.as_str()), "x", &format!("expected {:?}..., found \"x\"", "x".repeat(80))),
    ];
    for (pattern, text, expected) in cases {
        let difference = difference(&pattern, text);
        assert_eq!(difference.to_string(), expected);
        assert_eq!(difference.text(), expected);
        // Nobody would call these unlike.
        assert!((0.0..1.0).contains(&difference.closeness()), "{difference:?}");
    }
    let refused = difference(&MessagePattern::jsonpath("$.a.not()"), "{}");
    assert!(refused.text().contains("function not()") && refused.closeness() == 0.0, "{refused:?}");
}

#[test]
fn what_matches_has_no_difference() {
    for pattern in [
        MessagePattern::any(),
        MessagePattern::exact("{}"),
        written("^"),
        written("$"),
        MessagePattern::json_subset(json!({})),
    ] {
        assert_eq!(pattern.difference(&"{}".into()), None, "{pattern}");
    }
}

/// In each row the patterns come nearer and nearer.
#[test]
fn what_is_nearer_has_more_closeness() {
    let subset = |value| MessagePattern::json_subset(value);
    let rows = [
        (
            r#"{"type":"ordr","id":7,"more":1}"#,
            vec![
                written(r"\d{9}"),
                written("$.session:1"),
                written("$.type:\"chat\""),
                subset(json!({"type": "order", "id": 8})),
                written("$.type:\"order\""),
            ],
        ),
        (r#"{"n":1}"#, vec![written("$.n:\"x\""), written("$.n:9"), written("$.n:\"1\"")]),
        (r#"{"user":1}"#, vec![written("$.session"), written("$.usr")]),
        ("/jion x", vec![written("$.type"), written("^hello"), written("^/leave "), written("^/join ")]),
        ("{\"a\":", vec![MessagePattern::exact("ping"), written("$.a")]),
        (
            r#"{"a":1,"b":2,"c":3}"#,
            vec![subset(json!({"a": 1, "b": 0, "c": 0})), subset(json!({"a": 1, "b": 2, "c": 0}))],
        ),
        ("12 itms", vec![written(r"\d+ orders"), written(r"\d+ items"), written(r"\d{3} itms")]),
    ];
    for (text, patterns) in rows {
        let closeness: Vec<f64> = patterns.iter().map(|pattern| difference(pattern, text).closeness()).collect();
        assert!(closeness.is_sorted_by(|left, right| left < right), "{text}: {closeness:?} of {patterns:?}");
    }
}

/// Only the beginning of what is long is shown and compared.
#[test]
fn long_messages_make_short_differences() {
    let text = format!("{{\"type\":\"{}\",\"list\":[{}1]}}", "y".repeat(1 << 20), "1,".repeat(1 << 16));
    let patterns = [
        MessagePattern::exact("z".repeat(1 << 20)),
        written("$.type:\"order\""),
        written("$.list[*]:2"),
        written("zzz"),
        MessagePattern::json_subset(json!({"type": "x".repeat(1 << 20)})),
    ];
    for pattern in patterns {
        let difference = difference(&pattern, &text);
        assert!(difference.text().len() < 400, "{}", difference.text().len());
    }
}
