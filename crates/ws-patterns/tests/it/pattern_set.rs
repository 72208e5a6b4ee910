//! `PatternSet`: exactly what trying one pattern after the other finds, and what came nearest.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use ws_patterns::{JsonPath, MessagePattern, MessageText, PatternSet};

fn regex(pattern: &str) -> MessagePattern {
    MessagePattern::regex(pattern).unwrap()
}

fn one_by_one(patterns: &[MessagePattern], message: &MessageText<'_>) -> Vec<usize> {
    (0..patterns.len()).filter(|number| patterns[*number].matches_text(message)).collect()
}

/// Each case is one that an index could get wrong.
#[test]
fn it_finds_what_trying_one_by_one_finds() {
    let patterns = [
        MessagePattern::any(),
        MessagePattern::exact("ping"),
        MessagePattern::exact(""),
        MessagePattern::jsonpath("$.not()"),
        // Literals: alternatives, case, overlapping ones, at the end, inside, below a group, in no text at all.
        regex("^ping|pong$"),
        regex("^(?:ping|pong)$"),
        regex("(?i)PING"),
        regex("(?im)^second"),
        regex("abcd"),
        regex("bc"),
        regex(r"\w+bcde"),
        regex(r"(\d+-(?:key|word)-\d+)"),
        regex(r"x*"),
        regex(r"[a&&b]"),
        regex("\u{e9}|\u{e8}"),
        regex("^\u{e9}"),
        regex("^"),
        regex("(?:^)?ping"),
        regex("a?^ping"),
        regex(r"\bping\b"),
        regex("(?x) p i n g # comment"),
        // Places and values.
        MessagePattern::jsonpath("$"),
        MessagePattern::jsonpath("$.type"),
        MessagePattern::jsonpath("$..type"),
        MessagePattern::jsonpath("$.items[-1]"),
        MessagePattern::jsonpath("$.items[*].id"),
        MessagePattern::jsonpath("$['items','type']"),
        MessagePattern::jsonpath_equals("$.type", "order").unwrap(),
        MessagePattern::jsonpath_equals("$.items[1].id", 2).unwrap(),
        MessagePattern::jsonpath_equals("$.items[*].id", 2).unwrap(),
        MessagePattern::jsonpath_equals("$['items','type']", "order").unwrap(),
        MessagePattern::jsonpath_equals("$[*]", "order").unwrap(),
        MessagePattern::jsonpath_equals("$.items[1]['id']", 2.0).unwrap(),
        MessagePattern::jsonpath_equals("$.zero", -0.0).unwrap(),
        MessagePattern::jsonpath_equals("$.big", u64::MAX).unwrap(),
        MessagePattern::jsonpath_equals("$.items", json!([{"id": 1}, {"id": 2}])).unwrap(),
        MessagePattern::jsonpath_equals("$.none", Value::Null).unwrap(),
        MessagePattern::jsonpath_equals("$", 5).unwrap(),
        MessagePattern::json_subset(json!({"type": "order", "items": [{}, {"id": 2}]})),
        MessagePattern::json_subset(json!({"items": []})),
        MessagePattern::json_subset(json!({})),
        MessagePattern::json_subset(json!([])),
        MessagePattern::json_subset(json!([1, [2]])),
        MessagePattern::json_subset(json!("text")),
        MessagePattern::json_subset(json!({"": {"'": true}})),
    ];
    let texts = [
        "",
        "ping",
        "pong",
        "xping",
        "pingx",
        "a ping b",
        "PiNg",
        "first\nSECOND",
        "abcde",
        "1-word-2",
        "\u{e9}",
        "\u{e8}",
        "5",
        "5.0",
        "null",
        "[]",
        "{}",
        "[1.0, [2]]",
        "\"text\"",
        r#"{"type":"order"}"#,
        r#"{"type":null}"#,
        r#"{"\u0074ype":"\u006frder","items":[{"id":1},{"id":2.0}]}"#,
        r#"{"type":"order","items":[{"id":1},{"id":2}],"more":1}"#,
        r#"{"a":{"type":1},"items":[]}"#,
        r#"{"items":{"0":1}}"#,
        r#"{"zero":0,"none":null,"big":18446744073709551615}"#,
        r#"{"zero":0.0,"big":18446744073709551614}"#,
        r#"{"":{"'":true}}"#,
        r#"{"type":"x","type":"order"}"#,
    ];
    let set = PatternSet::new(patterns.clone());
    assert_eq!(set.len(), patterns.len());
    for text in texts {
        let message = MessageText::new(text);
        assert_eq!(set.matches(&message).collect::<Vec<_>>(), one_by_one(&patterns, &message), "{text}");
    }
    assert!(PatternSet::default().is_empty());
    assert_eq!(PatternSet::default().matches(&"".into()).next(), None);
}

#[test]
fn a_set_hands_out_its_patterns_by_number() {
    let set: PatternSet = ["^a$", "$.b"].iter().map(|text| text.parse().unwrap()).collect();
    assert_eq!(set.pattern(1).to_string(), "$.b");
    assert_eq!(format!("{set:?}"), r#"[Regex("^a$"), JsonPath("$.b")]"#);
    assert_eq!((set.len(), set.is_empty()), (2, false));
}

/// Deep or long messages, keys without end, and a set of which all matches.
#[test]
fn hostile_messages_are_decided() {
    let mut patterns: Vec<_> = (0..500).map(|n| MessagePattern::jsonpath_equals("$.type", n).unwrap()).collect();
    patterns.extend((0..500).map(|_| regex("aa")));
    patterns.extend((2..100).map(|n| regex(&"a".repeat(n))));
    let set = PatternSet::new(patterns.clone());
    let deep = format!("{}{}", "[".repeat(127), "]".repeat(127));
    let keys: String = (0..20_000).map(|n| format!("\"key{n}\":{n},")).collect();
    let keys = format!("{{{keys}\"type\":7}}");
    let long_key = format!("{{\"{}\":1,\"type\":499}}", "k".repeat(1 << 20));
    let run = "a".repeat(1 << 16);
    for (text, expected) in [(&deep, 0), (&keys, 1), (&long_key, 1), (&run, 598)] {
        let message = MessageText::new(text.as_str());
        assert_eq!(set.matches(&message).count(), expected);
        assert!(set.nearest(&message, 5).len() <= 5);
    }
    let too_deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(set.matches(&MessageText::new(too_deep)).next(), None);
}

#[test]
fn the_nearest_is_what_was_probably_meant() {
    let set = PatternSet::new([
        regex("^/join (.+)$"),
        regex(r"\d{4}"),
        MessagePattern::exact("ping"),
        r#"$.type:"order""#.parse().unwrap(),
        r#"$.type:"order.cancelled""#.parse().unwrap(),
        MessagePattern::json_subset(json!({"type": "chat", "room": {"name": "lobby"}})),
        "$.user.id".parse().unwrap(),
    ]);
    let cases = [
        ("/jion lobby", 0, r#"expected text that starts with `/join `, found "/jion lobby""#),
        ("pnig", 2, r#"expected "ping", found "pnig""#),
        (r#"{"type":"ordr"}"#, 3, r#"`$.type`: expected "order", found "ordr""#),
        (r#"{"type":"order.canceled"}"#, 4, r#"`$.type`: expected "order.cancelled", found "order.canceled""#),
        (r#"{"type":"chat","room":{"name":"loby"}}"#, 5, r#"`$.room.name`: expected "lobby", found "loby""#),
        (r#"{"usr":{"id":1}}"#, 6, "`$.user.id`: expected something, found nothing; there is `usr`"),
    ];
    for (text, number, difference) in cases {
        let nearest = set.nearest(&text.into(), 3);
        assert_eq!(nearest.len(), 3, "{text}");
        assert_eq!((nearest[0].0, nearest[0].1.text()), (number, difference), "{text}");
        assert!(nearest.is_sorted_by(|left, right| left.1.closeness() >= right.1.closeness()), "{text}");
    }
    assert_eq!(set.nearest(&"ping".into(), 100).len(), 6, "what matches is no near miss");
    assert_eq!(set.nearest(&"ping".into(), 0), []);
}

/// More patterns than are compared in full.
#[test]
fn the_nearest_is_found_in_a_large_set() {
    let mut patterns: Vec<MessagePattern> = (0..300)
        .flat_map(|n| {
            [
                MessagePattern::jsonpath_equals("$.type", format!("event-{n}-of-many")).unwrap(),
                regex(&format!("^/command-{n} ")),
                MessagePattern::exact(format!("text {n}")),
            ]
        })
        .collect();
    // More than are estimated; an index finds those behind.
    patterns.extend((0..4100).map(|n| MessagePattern::json_subset(json!({"needle": n, "sharp": true}))));
    let set = PatternSet::new(patterns);
    for (text, number) in [
        (r#"{"type":"event-7x7-of-many"}"#, 77 * 3),
        ("/comand-212 now", 212 * 3 + 1),
        ("text_299", 299 * 3 + 2),
        (r#"{"needle":17,"sharp":false}"#, 900 + 17),
        (r#"{"needle":4099,"sharp":false}"#, 900 + 4099),
    ] {
        let nearest = set.nearest(&text.into(), 1);
        assert_eq!(nearest.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [number], "{text}: {nearest:?}");
    }
}

/// Small alphabets, so that patterns and messages meet.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        (-1_i64..3).prop_map(Value::from),
        select(vec![json!(0.0), json!(-0.0), json!(1.0), json!(0.5), json!(u64::MAX), json!(9007199254740993_u64)]),
        select(vec!["", "a", "ab", "abc", "\u{e9}"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            proptest::collection::vec((select(vec!["a", "b", "c", ""]), inner), 0..3)
                .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

fn query() -> impl Strategy<Value = String> {
    let segment =
        select(vec![".a", ".b", "['c']", "[0]", "[1]", "[-1]", "[*]", "['a','b']", "[?@.a]", "['']", "[0:1]"]);
    let tail = proptest::collection::vec(segment, 0..3).prop_map(|segments| segments.concat());
    (select(vec!["$", "$..a", "$"]), tail).prop_map(|(start, tail)| format!("{start}{tail}"))
}

fn expression() -> impl Strategy<Value = String> {
    let part = select(vec![
        "a",
        "b",
        "ab",
        "bc",
        "\u{e9}",
        "^",
        "$",
        ".",
        ".*",
        "(a|b)",
        "(?:ab|c)",
        "[ab]",
        "[^a]",
        "a?",
        "b+",
        "(?i)",
        "(?m)",
        r"\b",
        "(?:^a|b)",
        "(?:^|x)",
        "(ab){2,3}",
        r"\s",
        "c{0}",
        "(?:)",
        "|",
    ]);
    proptest::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

fn schema() -> impl Strategy<Value = Value> {
    let property = prop_oneof![
        value().prop_map(|value| json!({"const": value})),
        proptest::collection::vec(value(), 0..3).prop_map(|values| json!({"enum": values})),
        Just(json!({"type": "object", "properties": {"a": {"const": "a"}}, "required": ["a"]})),
        Just(json!({"properties": {"a": {"const": "a"}}, "required": ["a"]})),
        Just(json!({"$ref": "#/definitions/any", "const": "a"})),
        Just(json!(true)),
    ];
    let kind = select(vec![json!({}), json!({"type": "object"}), json!({"type": ["object", "array"]})]);
    let draft = select(vec![
        json!({}),
        json!({"$schema": "http://json-schema.org/draft-04/schema#"}),
        json!({"$schema": "http://json-schema.org/draft-07/schema#"}),
        json!({"$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/definitions/any"}),
    ]);
    let required = proptest::sample::subsequence(vec!["a", "b", "c"], 0..=3);
    (kind, draft, required, property.clone(), property).prop_map(|(kind, draft, required, a, b)| {
        let mut schema = json!({"definitions": {"any": {}}, "properties": {"a": a, "b": b}, "required": required});
        let members = schema.as_object_mut().unwrap();
        for more in [kind, draft] {
            members.extend(more.as_object().unwrap().clone());
        }
        schema
    })
}

fn pattern() -> impl Strategy<Value = MessagePattern> {
    prop_oneof![
        1 => Just(MessagePattern::any()),
        2 => "[ab]{0,3}".prop_map(MessagePattern::exact),
        1 => value().prop_map(|value| MessagePattern::exact(value.to_string())),
        6 => expression().prop_filter_map("no expression", |text| MessagePattern::regex(&text).ok()),
        2 => query().prop_map(|query| MessagePattern::jsonpath(&query)),
        6 => (query(), value()).prop_filter_map("no query", |(query, value)| MessagePattern::jsonpath_equals(&query, value).ok()),
        6 => value().prop_map(MessagePattern::json_subset),
        // Without the feature `json-schema` it is as good as any other object.
        4 => schema().prop_map(|schema| MessagePattern::json_schema(&schema).unwrap_or_else(|_| MessagePattern::json_subset(schema))),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => "[abc\u{e9} \n]{0,8}",
        3 => value().prop_map(|value| value.to_string()),
        1 => any::<String>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_set_decides_as_its_patterns_do(
        patterns in proptest::collection::vec(pattern(), 0..24),
        texts in proptest::collection::vec(text(), 1..6),
    ) {
        let set = PatternSet::new(patterns.clone());
        for text in texts {
            let message = MessageText::new(text);
            prop_assert_eq!(set.matches(&message).collect::<Vec<_>>(), one_by_one(&patterns, &message), "{:?}", &message);
        }
    }

    /// Chance alone seldom makes a pattern that matches.
    #[test]
    fn what_is_made_of_a_message_is_found_in_it(message in value(), queries in proptest::collection::vec(query(), 1..12)) {
        let selected = queries.iter().filter_map(|query| {
            let value = JsonPath::compile(query).ok()?.select(&message).last().copied()?.clone();
            MessagePattern::jsonpath_equals(query, value).ok()
        });
        let mut patterns: Vec<_> = selected.collect();
        patterns.extend([MessagePattern::json_subset(message.clone()), MessagePattern::exact(message.to_string())]);
        let set = PatternSet::new(patterns.clone());
        let text = MessageText::new(message.to_string());
        prop_assert_eq!(set.matches(&text).collect::<Vec<_>>(), (0..patterns.len()).collect::<Vec<_>>(), "{:?}", patterns);
    }

    /// Of a small set all is compared, so that the nearest are those of trying one by one.
    #[test]
    fn a_small_set_names_the_nearest(patterns in proptest::collection::vec(pattern(), 0..24), text in text(), most in 0_usize..6) {
        let set = PatternSet::new(patterns.clone());
        let message = MessageText::new(text);
        let mut expected: Vec<_> =
            patterns.iter().enumerate().filter_map(|(number, pattern)| Some((number, pattern.difference(&message)?))).collect();
        expected.sort_by(|left, right| right.1.closeness().total_cmp(&left.1.closeness()));
        expected.truncate(most);
        prop_assert_eq!(set.nearest(&message, most), expected);
    }

    #[test]
    fn differences_are_of_what_does_not_match(pattern in pattern(), text in text()) {
        let message = MessageText::new(text);
        let difference = pattern.difference(&message);
        prop_assert_eq!(difference.is_none(), pattern.matches_text(&message));
        if let Some(difference) = difference {
            prop_assert!((0.0..1.0).contains(&difference.closeness()), "{:?}", difference);
            prop_assert!(!difference.text().is_empty() && !difference.text().contains('\n'), "{}", difference);
        }
        // Whole is one way to match.
        prop_assert!(!pattern.matches_whole(&message) || pattern.matches_text(&message));
        // Only JSON can match what needs JSON.
        prop_assert!(!pattern.needs_json() || !pattern.matches_text(&message) || message.json().is_some());
    }
}
