//! Schemas from files and examples; what a provider and a user are told of them.

use serde_json::json;

use super::*;

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, text).unwrap();
    file
}

/// Why a file is refused, without its name.
fn problem(refused: Result<EventSchema, AiError>) -> String {
    match refused.unwrap_err() {
        AiError::Schema { problem, .. } => problem,
        other => panic!("{other}"),
    }
}

#[test]
fn what_cannot_be_a_schema_is_refused() {
    let refused = |text: &str| problem(EventSchema::load(file(text).path()));
    assert_eq!(refused("{"), "expected a JSON Schema: EOF while parsing an object at line 1 column 1");
    assert_eq!(refused("true"), "expected a JSON Schema, which is an object");
    let example = refused(r#"{"symbol": "AAPL", "price": 187.5}"#);
    assert!(example.contains("`event_example`"), "{example}");
    let refused = |text: &str| problem(EventSchema::from_example(file(text).path()));
    assert_eq!(refused(" \n"), "there is no example in it");
    assert_eq!(refused("[]"), "there is no example in it");
    let broken = refused("{\"a\": 1}\n{\"a\": }");
    assert!(broken.starts_with("expected an example") && broken.ends_with("line 2 column 7"), "{broken}");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none.json");
    let error = EventSchema::load(&missing).unwrap_err();
    assert!(matches!(&error, AiError::File { file, .. } if *file == missing), "{error}");
    let large = file(&" ".repeat(1 << 20 | 1));
    let error = EventSchema::from_example(large.path()).unwrap_err().to_string();
    assert!(error.ends_with("the file is larger than 1048576 bytes"), "{error}");
    let error = EventSchema::load(large.path()).unwrap_err().to_string();
    assert!(error.ends_with("the file is larger than 65536 bytes"), "{error}");
    let names: serde_json::Map<String, Value> = (0..5_000).map(|n| (format!("name-{n}"), json!(n))).collect();
    let many = file(&Value::Object(names).to_string());
    assert_eq!(problem(EventSchema::from_example(many.path())), "the schema is larger than 65536 bytes");
}

#[cfg(not(feature = "json-schema"))]
#[test]
fn without_the_feature_it_is_named() {
    for refused in
        [EventSchema::load(file(r#"{"type": "object"}"#).path()), EventSchema::from_example(file(r#"{"a": 1}"#).path())]
    {
        assert_eq!(problem(refused), "schemas of events need the feature `json-schema` of ws-ai");
    }
}

#[test]
fn references_lead_where_they_led() {
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "https://example.org/event",
        "type": "object",
        "properties": {
            "side": {"$ref": "#/definitions/side"},
            "again": {"$ref": "https://example.org/event#/definitions/side"},
            "other": {"$ref": "#/properties/side"},
            "inner": {"$ref": "#"},
            "anchored": {"$ref": "#here"},
            "$ref": {"const": {"$ref": "#"}},
            "apart": {"$id": "https://example.org/apart", "$ref": "#/properties/x"},
        },
        "definitions": {"side": {"enum": ["buy", "sell"]}, "list": {"items": [{"$ref": "https://example.org/event"}]}},
    });
    let reply = reply_schema(Some(&schema), 3);
    let data = "#/properties/events/items/properties/data";
    let expected = json!({
        "type": "object",
        "properties": {"events": {"type": "array", "minItems": 3, "maxItems": 3, "items": {
            "type": "object",
            "properties": {"type": {"type": "string", "minLength": 1}, "data": {
                "type": "object",
                "properties": {
                    "side": {"$ref": format!("{data}/definitions/side")},
                    "again": {"$ref": format!("{data}/definitions/side")},
                    "other": {"$ref": format!("{data}/properties/side")},
                    "inner": {"$ref": data},
                    "anchored": {"$ref": "#here"},
                    "$ref": {"const": {"$ref": "#"}},
                    "apart": {"$id": "https://example.org/apart", "$ref": "#/properties/x"},
                },
                "definitions": {"side": {"enum": ["buy", "sell"]}, "list": {"items": [{"$ref": data}]}},
            }},
            "required": ["type", "data"],
            "additionalProperties": false,
        }}},
        "required": ["events"],
        "additionalProperties": false,
    });
    assert_eq!(reply, expected);
    let without = reply_schema(None, 1);
    assert_eq!(without.pointer(&data[1..]), Some(&json!({"type": "object"})));
}

#[cfg(feature = "json-schema")]
mod checked {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn load(schema: &Value) -> Result<EventSchema, AiError> {
        EventSchema::load(file(&schema.to_string()).path())
    }

    #[test]
    fn what_is_wrong_with_an_event_is_told_with_its_place_and_without_its_values() {
        let schema = load(&json!({
            "type": "object",
            "properties": {
                "price": {"type": "number", "minimum": 5},
                "legs": {"type": "array", "items": {"enum": ["buy", "sell"]}},
                "at": {"format": "date-time"},
            },
            "required": ["price"],
            "additionalProperties": false,
        }));
        let schema = schema.unwrap();
        assert_eq!(schema.check(&json!({"price": 5, "legs": ["buy"], "at": "2024-01-01T00:00:00Z"})), Ok(()));
        for (data, told) in [
            (json!(7), "`data`: value is not of type \"object\""),
            (json!({}), "`data`: \"price\" is a required property"),
            (json!({"price": 1}), "`data.price`: value is less than the minimum of 5"),
            (json!({"price": 5, "legs": ["buy", "secret"]}), "`data.legs[1]`: value is not one of \"buy\" or \"sell\""),
            (json!({"price": 5, "at": "noon"}), "`data.at`: value is not a \"date-time\""),
            (json!({"price": 5, "x": 1}), "`data`: Additional properties are not allowed ('x' was unexpected)"),
        ] {
            assert_eq!(schema.check(&data), Err(told.to_owned()));
        }
        let long = schema.check(&json!({"price": 5, "x\n".repeat(1_000): 1})).unwrap_err();
        assert!(long.len() < 400 && !long.contains('\n'), "{long}");
    }

    #[test]
    fn what_is_no_schema_or_is_too_much_is_refused() {
        let refused = |schema: Value| problem(load(&schema));
        let wrong = refused(json!({"properties": {"a": {"type": "trade"}}}));
        assert!(wrong.starts_with("it is no JSON Schema: `$.properties.a.type`: "), "{wrong}");
        let remote = refused(json!({"$ref": "http://127.0.0.1:9/schema.json"}));
        assert!(remote.contains("http://127.0.0.1:9/schema.json"), "{remote}");
        let mut deep = json!({});
        for _ in 0..64 {
            deep = json!({"not": deep});
        }
        assert_eq!(refused(deep), "the schema has more than 10000 values or 64 levels");
        assert_eq!(refused(json!({"enum": vec![0; 10_000]})), "the schema has more than 10000 values or 64 levels");
        // Backtracking would take for ever.
        let slow = load(&json!({"pattern": "^(a+)+$"})).unwrap();
        assert!(slow.check(&json!(format!("{}b", "a".repeat(10_000)))).is_err());
        let lookaround = refused(json!({"pattern": "^(?!a)"}));
        assert!(lookaround.starts_with("it is no JSON Schema: `$.pattern`: "), "{lookaround}");
    }

    #[test]
    fn a_recursive_schema_comes_to_an_end() {
        let schema = json!({"anyOf": [{"items": {"$ref": "#"}}, {"items": {"$ref": "#"}}], "not": {"type": "number"}});
        let schema = load(&schema).unwrap();
        let nested = |innermost: Value| (0..60).fold(innermost, |value, _| json!([value]));
        assert_eq!(schema.check(&nested(json!("x"))), Ok(()));
        assert_eq!(schema.check(&nested(json!(1))), Err("`data` is not what the schema accepts".to_owned()));
    }

    /// A reply whose `data` is right satisfies the whole, and one whose `data` is wrong does not.
    #[test]
    fn a_reply_is_held_to_the_schema_of_its_data() {
        let node = json!({
            "$id": "node.json",
            "type": "object",
            "properties": {"name": {"$ref": "#/$defs/name"}, "next": {"$ref": "#"}, "also": {"$ref": "node.json#/properties/name"}},
            "required": ["name"],
            "$defs": {"name": {"$anchor": "name", "type": "string"}, "anchored": {"$ref": "#name"}},
        });
        let draft_7 = json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "properties": {"name": {"$ref": "#/definitions/name"}, "next": {"$ref": "#"}},
            "required": ["name"],
            "definitions": {"name": {"type": "string"}},
        });
        for schema in [node, draft_7] {
            let reply = load(&reply_schema(Some(&schema), 1)).unwrap();
            let check = |data: Value| reply.check(&json!({"events": [{"type": "a", "data": data}]})).is_ok();
            assert!(check(json!({"name": "x", "next": {"name": "y"}})));
            assert!(!check(json!({"name": 1})));
            assert!(!check(json!({"name": "x", "next": {"name": 2}})));
            assert!(!check(json!({"name": "x", "next": {}})));
            assert!(reply.check(&json!({"events": []})).is_err());
        }
    }

    #[test]
    fn a_schema_is_made_of_examples() {
        let examples = r#"
            {"symbol": "AAPL", "price": 187, "at": "2024-01-01T09:30:00.5Z", "tags": ["x"], "note": null, "by": {"id": 7, "ok": true}}
            {"symbol": "TSLA", "price": 2.5, "at": "2024-01-01T09:30:01+01:00", "tags": [], "note": "n", "by": {"id": 8}}
        "#;
        let expected = json!({
            "type": "object",
            "properties": {
                "symbol": {"type": "string", "examples": ["AAPL", "TSLA"]},
                "price": {"type": "number", "examples": [187, 2.5]},
                "at": {
                    "type": "string",
                    "format": "date-time",
                    "examples": ["2024-01-01T09:30:00.5Z", "2024-01-01T09:30:01+01:00"],
                },
                "tags": {"type": "array", "items": {"type": "string", "examples": ["x"]}},
                "note": {"type": ["null", "string"], "examples": ["n"]},
                "by": {
                    "type": "object",
                    "properties": {"id": {"type": "integer", "examples": [7, 8]}, "ok": {"type": "boolean"}},
                    "required": ["id"],
                    "additionalProperties": false,
                },
            },
            "required": ["symbol", "price", "at", "tags", "note", "by"],
            "additionalProperties": false,
        });
        let from = |text: &str| EventSchema::from_example(file(text).path()).unwrap();
        assert_eq!(*from(examples).source(), expected);
        // The same, however several examples are written.
        let lines: Vec<&str> = examples.trim().lines().collect();
        assert_eq!(*from(&format!("\u{feff}[{}]", lines.join(","))).source(), expected);
        // Whole events, as they are captured.
        let event = |data: &str| format!(r#"{{"type": "trade", "timestamp": "x", "sequence": 1, "data": {data}}}"#);
        assert_eq!(*from(&format!("{}{}", event(lines[0]), event(lines[1]))).source(), expected);
        assert_eq!(
            from(r#"{"type": "trade", "data": 1, "more": 1}"#).source()["required"],
            json!(["type", "data", "more"])
        );
        assert_eq!(
            *from(r#"{"a": {}, "b": []}"#).source(),
            json!({
                "type": "object",
                "properties": {"a": {"type": "object"}, "b": {"type": "array"}},
                "required": ["a", "b"],
                "additionalProperties": false,
            })
        );
    }

    #[test]
    fn formats_are_told_from_examples() {
        for (text, format) in [
            ("2024-02-29T23:59:59Z", Some("date-time")),
            ("2024-01-01T00:00:00.123456789-08:30", Some("date-time")),
            ("2024-01-01T00:00:00", None),
            ("2024-01-01 00:00:00Z", None),
            ("2023-02-29T00:00:00Z", None),
            ("2024-01-01T00:00:00+24:00", None),
            ("2024-02-29", Some("date")),
            ("2023-02-29", None),
            ("67e55044-10b1-426f-9247-bb680e5fe0c8", Some("uuid")),
            ("ann.lee+x@mail.example.org", Some("email")),
            ("@ann", None),
            ("https://example.org/a?b=c", Some("uri")),
            ("http://", None),
            ("192.0.2.1", Some("ipv4")),
            ("1.2.3", None),
            ("AAPL", None),
            ("", None),
        ] {
            let schema = inference::schema_of(&[json!(text)]);
            assert_eq!(schema.get("format").and_then(Value::as_str), format, "{text}");
        }
        let mixed = inference::schema_of(&[json!("2024-02-29"), json!("soon")]);
        assert_eq!(mixed.get("format"), None);
    }

    /// Texts that have a format, or nearly.
    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "[0-9]{4}-[01][0-9]-[0-3][0-9](T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,9})?(Z|[+-][0-2][0-9]:[0-6][0-9]))?",
            "[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}",
            "[a-z0-9._+-]{1,8}@[a-z0-9-]{1,4}(\\.[a-z0-9-]{1,4}){0,2}",
            "https?://[a-z0-9.-]{0,8}(/[a-z0-9~?=&%#:]{0,6})?",
            "[0-9]{1,3}(\\.[0-9]{1,3}){3}",
        ]
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            text().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |value| {
            prop_oneof![
                prop::collection::vec(value.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("[ab$]{1,2}", value), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn examples_satisfy_the_schema_that_is_made_of_them(examples in prop::collection::vec(value(), 1..4)) {
            let schema = EventSchema::compile(inference::schema_of(&examples)).unwrap();
            for example in &examples {
                prop_assert_eq!(schema.check(example), Ok(()));
            }
        }
    }
}
