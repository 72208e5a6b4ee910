//! `MessagePattern`: regular expressions, JSONPath, exact text, anything, and what a match yields.

use serde_json::json;
use ws_core::HandlerError;
use ws_patterns::{JsonPath, MessagePattern, MessageText};

/// P01.
#[test]
fn a_regex_matches_anywhere_unless_anchored() {
    let cases = [
        (r"^/join (.+)$", "/join lobby", true),
        (r"^/join (.+)$", "please /join lobby", false),
        (r"^/join (.+)$", "/join ", false),
        ("lobby", "/join lobby now", true),
        ("", "anything", true),
        ("(?i)hello", "HeLLo", true),
        ("^h.llo$", "h\u{e9}llo", true),
    ];
    for (pattern, text, expected) in cases {
        assert_eq!(MessagePattern::regex(pattern).unwrap().matches(text), expected, "{pattern} on {text}");
    }
}

/// P01.
#[test]
fn an_invalid_regex_is_a_pattern_error_in_one_line() {
    let cases = [
        ("[invalid", "regular expression `[invalid`: unclosed character class"),
        ("(", "regular expression `(`: unclosed group"),
        ("a(?=b)", "look-ahead and look-behind, is not supported"),
        (r"(a)\1", "backreferences are not supported"),
        ("(?:a{1000}){1000}", "size limit"),
    ];
    for (pattern, expected) in cases {
        match MessagePattern::regex(pattern) {
            Err(HandlerError::PatternError(problem)) => {
                assert!(problem.contains(expected) && !problem.contains('\n'), "{pattern}: {problem}");
            }
            other => panic!("{pattern}: {other:?}"),
        }
    }
}

/// P02.
#[test]
fn a_jsonpath_matches_if_the_path_exists_in_json_text() {
    let cases = [
        (r#"{"type":"message","content":"hello"}"#, true),
        (r#"{"type":null}"#, true),
        (r#"{"type":false}"#, true),
        (r#"{"kind":"message"}"#, false),
        (r#"[{"type":1}]"#, false),
        ("type", false),
        (r#"{"type":"#, false),
        (r#"{"type":1} {"type":1}"#, false),
        ("", false),
        ("\"$.type\"", false),
    ];
    let pattern = MessagePattern::jsonpath("$.type");
    for (text, expected) in cases {
        assert_eq!(pattern.matches(text), expected, "{text}");
    }
    assert!(pattern.error().is_none());
}

/// P02, P03.
#[test]
fn a_refused_jsonpath_matches_nothing_and_says_why() {
    let pattern = MessagePattern::jsonpath("$.x.length()");
    assert!(!pattern.matches(r#"{"x":[1]}"#));
    assert!(pattern.captures(&MessageText::new(r#"{"x":[1]}"#)).is_none());
    let Some(HandlerError::PatternError(problem)) = pattern.error() else { panic!("{pattern:?}") };
    assert!(problem.contains("function length()"), "{problem}");
    assert!(matches!(MessagePattern::try_jsonpath("$.x.length()"), Err(HandlerError::PatternError(_))));
}

/// P04.
#[test]
fn exact_matches_one_text_and_any_all() {
    let ping = MessagePattern::exact("ping");
    for (text, expected) in [("ping", true), ("ping ", false), ("Ping", false), ("", false), ("pingping", false)] {
        assert_eq!(ping.matches(text), expected, "{text}");
        assert!(MessagePattern::any().matches(text), "{text}");
    }
    assert!(MessagePattern::exact("").matches(""));
    assert!(MessagePattern::exact(String::from("[a")).matches("[a"));
}

/// P05.
#[test]
fn extract_gives_the_first_value_if_the_pattern_matches() {
    let text = r#"{"type":"order","items":[{"id":1},{"id":2}],"note":null}"#;
    let any = MessagePattern::any();
    let cases = [
        ("$.type", Some(json!("order"))),
        ("$.items[*].id", Some(json!(1))),
        ("$.items[-1].id", Some(json!(2))),
        ("$.items", Some(json!([{"id": 1}, {"id": 2}]))),
        ("$.note", Some(json!(null))),
        ("$.missing", None),
        ("$.items[::-1]", None),
        ("not a query", None),
    ];
    for (query, expected) in cases {
        assert_eq!(any.extract(text, query), expected, "{query}");
    }
    assert_eq!(any.extract("not JSON", "$"), None);
    assert_eq!(MessagePattern::jsonpath("$.items").extract(text, "$.type"), Some(json!("order")));
    assert_eq!(MessagePattern::regex("order").unwrap().extract(text, "$.type"), Some(json!("order")));
    assert_eq!(MessagePattern::jsonpath("$.missing").extract(text, "$.type"), None);
    assert_eq!(MessagePattern::jsonpath("$.").extract(text, "$.type"), None);
}

#[test]
fn a_value_to_compare_with_may_be_any_json() {
    let text = r#"{"a":"x","n":1.0,"t":true,"z":null,"l":[1,{"b":2}],"o":{"p":1,"q":2}}"#;
    let cases = [
        ("$.a", json!("x"), true),
        ("$.a", json!("y"), false),
        ("$.n", json!(1), true),
        ("$.n", json!("1.0"), false),
        ("$.t", json!(true), true),
        ("$.z", json!(null), true),
        ("$.missing", json!(null), false),
        ("$.l", json!([1, {"b": 2.0}]), true),
        ("$.o", json!({"q": 2, "p": 1}), true),
        ("$.o", json!({"p": 1}), false),
        ("$.l[*]", json!({"b": 2}), true),
        ("$..b", json!(3), false),
    ];
    for (query, value, expected) in cases {
        let pattern = MessagePattern::jsonpath_equals(query, value.clone()).unwrap();
        assert_eq!(pattern.matches(text), expected, "{query} {value}");
        assert!(!pattern.matches("not JSON"));
    }
    assert!(matches!(MessagePattern::jsonpath_equals("$..", 1), Err(HandlerError::PatternError(_))));
}

#[test]
fn captures_hold_groups_and_json_after_the_message_is_gone() {
    let pattern = MessagePattern::regex(r#""id":(?<id>\d+)(,"x":(?<x>\d))?"#).unwrap();
    let captures = {
        let text = String::from(r#"{"id":17}"#);
        pattern.captures(&MessageText::new(&text)).unwrap()
    };
    assert_eq!(captures.group(0), Some(r#""id":17"#));
    assert_eq!(captures.group(1), Some("17"));
    assert_eq!(captures.named("id"), Some("17"));
    assert_eq!(captures.group(2), None, "took no part in the match");
    assert_eq!(captures.named("x"), None, "took no part in the match");
    assert_eq!(captures.group(4), None, "there is no such group");
    assert_eq!(captures.named("y"), None, "there is no such group");
    assert_eq!(captures.text(), r#"{"id":17}"#);
    assert_eq!(captures.json(), Some(&json!({"id": 17})));
    assert_eq!(captures.first(&JsonPath::compile("$.id").unwrap()), Some(&json!(17)));
    assert!(pattern.captures(&MessageText::new("{}")).is_none());
}

#[test]
fn patterns_without_groups_capture_the_whole_message() {
    let text = MessageText::new("{\"\u{e9}\":1}");
    let patterns = [
        MessagePattern::any(),
        MessagePattern::exact("{\"\u{e9}\":1}"),
        MessagePattern::jsonpath("$.\u{e9}"),
        MessagePattern::jsonpath_equals("$.\u{e9}", 1).unwrap(),
    ];
    for pattern in patterns {
        let captures = pattern.captures(&text).unwrap();
        assert_eq!(captures.group(0), Some(text.as_str()), "{pattern}");
        assert_eq!((captures.group(1), captures.named("a")), (None, None), "{pattern}");
    }
    assert!(MessagePattern::exact("x").captures(&text).is_none());
}

#[test]
fn display_and_debug_show_what_was_written() {
    let cases = [
        (MessagePattern::any(), "any", "Any"),
        (MessagePattern::exact("a\"b"), r#"exact "a\"b""#, r#"Exact("a\"b")"#),
        (MessagePattern::regex("^a$").unwrap(), "^a$", r#"Regex("^a$")"#),
        (MessagePattern::jsonpath("$.a"), "$.a", r#"JsonPath("$.a")"#),
        (MessagePattern::jsonpath_equals("$.a", 1).unwrap(), "$.a:1", r#"JsonPath("$.a:1")"#),
        (MessagePattern::jsonpath("$."), "$.", r#"Refused("$.")"#),
    ];
    for (pattern, display, debug) in cases {
        assert_eq!(pattern.to_string(), display);
        assert_eq!(format!("{pattern:?}"), debug);
    }
}

#[test]
fn patterns_and_what_they_yield_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    shared::<MessagePattern>();
    shared::<MessageText<'static>>();
    shared::<ws_patterns::Captures>();
    shared::<JsonPath>();
}
