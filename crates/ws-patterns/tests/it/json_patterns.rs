//! Patterns of JSON values: subsets and schemas; and what needs JSON at all.

use serde_json::json;
use ws_core::HandlerError;
use ws_patterns::MessagePattern;

#[test]
fn a_subset_says_the_least_that_must_be_there() {
    let cases = [
        (json!({}), r#"{"a":1}"#, true),
        (json!({}), "[]", false),
        (json!({"a": 1}), r#"{"b":2,"a":1.0}"#, true),
        (json!({"a": 1}), r#"{"a":"1"}"#, false),
        (json!({"a": 1}), r#"{"b":1}"#, false),
        (json!({"a": null}), "{}", false),
        (json!({"a": null}), r#"{"a":null}"#, true),
        (json!({"a": {"b": {}}}), r#"{"a":{"b":{"c":1},"d":2}}"#, true),
        (json!({"a": {"b": {}}}), r#"{"a":{"b":1}}"#, false),
        (json!({"a": [1, {"b": 2}]}), r#"{"a":[1,{"b":2,"c":3}]}"#, true),
        (json!({"a": [1, {"b": 2}]}), r#"{"a":[{"b":2,"c":3},1]}"#, false),
        (json!({"a": [1]}), r#"{"a":[1,2]}"#, false),
        (json!({"a": []}), r#"{"a":[1]}"#, false),
        (json!([{"a": 1}]), r#"[{"a":1,"b":2}]"#, true),
        (json!("a"), r#""a""#, true),
        (json!("a"), "a", false),
        (json!(true), "false", false),
    ];
    for (subset, text, expected) in cases {
        let pattern = MessagePattern::json_subset(subset.clone());
        assert_eq!(pattern.matches(text), expected, "{subset} in {text}");
        assert_eq!(pattern.captures(&text.into()).is_some(), expected, "{subset} in {text}");
    }
    let pattern = MessagePattern::json_subset(json!({"a": [1]}));
    assert_eq!(
        (pattern.to_string(), format!("{pattern:?}")),
        (r#"json {"a":[1]}"#.into(), r#"Subset("{\"a\":[1]}")"#.into())
    );
}

#[test]
fn only_what_looks_into_json_needs_it() {
    let cases = [
        (MessagePattern::any(), false),
        (MessagePattern::exact("{}"), false),
        (MessagePattern::regex(r"\{\}").unwrap(), false),
        (MessagePattern::jsonpath("$.a"), true),
        (MessagePattern::jsonpath("$.not()"), true),
        (MessagePattern::jsonpath_equals("$.a", 1).unwrap(), true),
        (MessagePattern::json_subset(json!({})), true),
    ];
    for (pattern, expected) in cases {
        assert_eq!(pattern.needs_json(), expected, "{pattern:?}");
    }
}

#[test]
fn a_regex_matches_the_whole_if_any_of_its_matches_does() {
    let cases = [
        ("ping", "ping", true),
        ("ping", "pings", false),
        ("a|ab", "ab", true),
        ("a|ab", "abc", false),
        ("a+?", "aaa", true),
        ("^a", "ab", false),
        ("", "", true),
        ("", "a", false),
        ("b|", "a", false),
        ("x", "a", false),
        // What stands around an expression that is only text would be part of these.
        ("(?x) a # b", "a", true),
        ("(?x)a|ab # b", "ab", true),
        ("a|(?i)AB", "ab", true),
        ("(?m)^a|a\nb$", "a\nb", true),
        ("\u{e9}|\u{e9}\u{e9}", "\u{e9}\u{e9}", true),
    ];
    for (pattern, text, expected) in cases {
        assert_eq!(
            MessagePattern::regex(pattern).unwrap().matches_whole(&text.into()),
            expected,
            "{pattern:?} on {text:?}"
        );
    }
    assert!(MessagePattern::any().matches_whole(&"x".into()));
    assert!(!MessagePattern::exact("x").matches_whole(&"xy".into()));
    assert!(MessagePattern::jsonpath("$.a").matches_whole(&r#"{"a":1,"b":2}"#.into()));
}

#[cfg(not(feature = "json-schema"))]
#[test]
fn a_schema_without_the_feature_is_refused() {
    let Err(HandlerError::PatternError(problem)) = MessagePattern::json_schema(&json!({})) else { panic!("accepted") };
    assert!(problem.contains("feature `json-schema`"), "{problem}");
}

#[cfg(feature = "json-schema")]
mod schema {
    use ws_patterns::{MessageText, PatternSet};

    use super::*;

    fn schema(schema: serde_json::Value) -> MessagePattern {
        MessagePattern::json_schema(&schema).unwrap()
    }

    #[test]
    fn a_schema_accepts_and_refuses_messages() {
        let order = json!({
            "$defs": {"id": {"type": "integer", "minimum": 1}},
            "type": "object",
            "properties": {"type": {"const": "order"}, "id": {"$ref": "#/$defs/id"}, "code": {"pattern": "^[A-Z]+$"}},
            "required": ["type", "id"],
        });
        let pattern = schema(order.clone());
        let cases = [
            (r#"{"type":"order","id":1,"more":true}"#, true),
            (r#"{"type":"order","id":1,"code":"AB"}"#, true),
            (r#"{"type":"order","id":1,"code":"ab"}"#, false),
            (r#"{"type":"order","id":0}"#, false),
            (r#"{"type":"order"}"#, false),
            (r#"{"type":"other","id":1}"#, false),
            ("[]", false),
            ("order", false),
        ];
        for (text, expected) in cases {
            assert_eq!(pattern.matches(text), expected, "{text}");
        }
        assert!(pattern.needs_json());
        assert_eq!(pattern.to_string(), format!("schema {order}"));
    }

    #[test]
    fn a_schema_that_cannot_be_used_says_why() {
        let deep = (0..70).fold(json!({}), |inner, _| json!({"not": inner}));
        let wide = json!({"enum": (0..10_001).collect::<Vec<_>>()});
        let cases = [
            (json!({"type": "nothing"}), "`$.type`"),
            (json!({"properties": {"a": {"minLength": "x"}}}), "`$.properties.a.minLength`"),
            (json!(5), "JSON Schema"),
            (json!({"$ref": "http://127.0.0.1:9/schema"}), "127.0.0.1"),
            (json!({"$ref": "#/$defs/missing"}), "missing"),
            (json!({"pattern": "(?=a)"}), "`$.pattern`"),
            (deep, "more than 10000 values or 64 levels"),
            (wide, "more than 10000 values or 64 levels"),
        ];
        for (schema, expected) in cases {
            match MessagePattern::json_schema(&schema) {
                Err(HandlerError::PatternError(problem)) => {
                    assert!(problem.contains(expected) && !problem.contains('\n'), "{expected}: {problem}");
                }
                other => panic!("{expected}: {other:?}"),
            }
        }
    }

    #[test]
    fn differences_tell_the_place_and_what_is_wrong_there() {
        let pattern = schema(json!({
            "type": "object",
            "required": ["type", "id"],
            "properties": {"type": {"const": "order"}, "items": {"items": {"properties": {"user id": {"minimum": 1}}}}},
        }));
        let cases = [
            (r#"{"type":"ordr","id":1}"#, "`$.type`: ", "found \"ordr\""),
            (r#"{"type":"order"}"#, "`$`: ", "found {\"type\":\"order\"}"),
            (r#"{"type":"order","id":1,"items":[{"user id":0}]}"#, "`$.items[0]['user id']`: ", "found 0"),
        ];
        for (text, place, found) in cases {
            let difference = pattern.difference(&text.into()).unwrap();
            assert!(difference.text().starts_with(place) && difference.text().ends_with(found), "{difference}");
        }
    }

    /// Each message is one that looks as if the schema would refuse it.
    #[test]
    fn a_set_finds_what_schemas_accept_against_first_sight() {
        let draft = |name: &str| format!("http://json-schema.org/{name}/schema#");
        let needs_a = json!({"properties": {"a": {"const": 1}}, "required": ["a"]});
        let cases = [
            (needs_a.clone(), "5"),
            (needs_a, r#"{"a":1.0}"#),
            (
                json!({"$schema": draft("draft-04"), "type": "object", "properties": {"a": {"const": 1}}, "required": ["a"]}),
                r#"{"a":2}"#,
            ),
            (
                json!({"$schema": draft("draft-07"), "definitions": {"any": {}}, "$ref": "#/definitions/any", "type": "object", "required": ["a"]}),
                "{}",
            ),
            (
                json!({
                    "$schema": draft("draft-07"), "definitions": {"any": {}}, "type": "object", "required": ["a"],
                    "properties": {"a": {"$ref": "#/definitions/any", "const": 1}},
                }),
                r#"{"a":2}"#,
            ),
            (json!({"type": "object", "required": ["a"], "properties": {"a": {"required": ["b"]}}}), r#"{"a":2}"#),
            (json!({"type": "object", "required": ["a"], "properties": {"a": {"enum": [1, [2]]}}}), r#"{"a":[2]}"#),
            (json!({"type": "object", "properties": {"a": {"const": 1}}}), "{}"),
            (json!({"type": ["object", "null"], "required": ["a"]}), "null"),
            (json!(true), "{}"),
        ];
        for (source, text) in cases {
            let pattern = schema(source.clone());
            assert!(pattern.matches(text), "{source} accepts {text}");
            assert_eq!(PatternSet::new([pattern]).matches(&text.into()).next(), Some(0), "{source} {text}");
        }
    }

    /// References to itself, whatever a client sends: neither the stack nor the time runs out.
    #[test]
    fn recursive_schemas_end_on_hostile_messages() {
        let endless = schema(json!({"allOf": [{"$ref": "#"}]}));
        let doubling = json!({"items": {"$ref": "#"}});
        let doubling = schema(json!({"anyOf": [doubling, doubling, {"const": 1}], "not": {"const": 2}}));
        // As tall as a schema may be, and gone through at each level of a message.
        let tall = (0..28).fold(json!({"items": {"$ref": "#"}}), |inner, _| json!({"allOf": [inner]}));
        let tall = schema(tall);
        let deepest = MessageText::new(format!("{}2{}", "[".repeat(126), "]".repeat(126)));
        assert!(deepest.json().is_some());
        for pattern in [endless, doubling, tall] {
            let _ = pattern.matches_text(&deepest);
            let _ = pattern.difference(&deepest);
        }
    }
}
