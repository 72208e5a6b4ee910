//! Hostile queries and documents: an error or an answer, never a panic, an abort or a hang.

use proptest::prelude::*;
use serde_json::{Value, json};
use ws_patterns::{JsonPath, MessagePattern, MessageRouter, MessageText};

fn refused(query: &str) -> String {
    JsonPath::compile(query).unwrap_err().to_string()
}

#[test]
fn nesting_is_bounded() {
    let deep =
        |open: &str, middle: &str, close: &str, n: usize| format!("$[?{}{middle}{}]", open.repeat(n), close.repeat(n));
    assert!(JsonPath::compile(&deep("(", "@.a", ")", 15)).is_ok());
    assert!(JsonPath::compile(&deep("@[?", "@", "]", 15)).is_ok());
    for n in [16, 20_000, 200_000] {
        assert!(refused(&deep("(", "@.a", ")", n)).contains("nested more than 16 deep"));
        assert!(refused(&deep("!(", "@.a", ")", n)).contains("nested more than 16 deep"));
        assert!(refused(&deep("@[?", "@", "]", n)).contains("nested more than 16 deep"));
    }
    for open in ["[", "[?", "[(", "[?!", "(", "$[", "[?@", "[?@["] {
        refused(&format!("${}", open.repeat(20_000)));
    }
}

#[test]
fn length_is_bounded() {
    assert!(JsonPath::compile(&format!("$.{}", "a".repeat(1022))).is_ok());
    for query in [
        format!("$.{}", "a".repeat(1023)),
        "$".to_owned() + &".a".repeat(20_000),
        "$".to_owned() + &"[0]".repeat(20_000),
        "$".to_owned() + &"[?@]".repeat(20_000),
        format!("$[?@.a{}]", " && @.a".repeat(20_000)),
        format!("$['{}']", "\u{e9}".repeat(20_000)),
    ] {
        assert!(refused(&query).contains("longer than 1024 bytes"));
        assert!(refused(&query).len() < 400, "the error does not repeat all of it");
    }
}

/// The longest and widest queries that are taken, on a document in which they find much.
#[test]
fn accepted_queries_answer_in_bounded_space() {
    let mut nested = json!(1);
    for _ in 0..120 {
        nested = json!({"a": nested, "b": [0]});
    }
    let chain = format!("${}", ".a".repeat(511));
    let filters = format!("${}", "[?@]".repeat(255));
    let unions = format!("${}", "['a','a']".repeat(8));
    for (query, found) in [(chain.as_str(), 0), (&filters, 0), (&unions, 256), ("$..a", 120), ("$..*", 360)] {
        let path = JsonPath::compile(query).unwrap();
        assert_eq!(path.select(&nested).len(), found, "{query}");
    }
    assert!(refused(&format!("${}", "[*,*]".repeat(9))).contains("more than 256 alternatives"));
}

/// A document that was not parsed may be deeper than one that was.
#[test]
fn deep_documents_do_not_exhaust_the_stack() {
    let mut deep = json!({"end": true});
    for _ in 0..5_000 {
        deep = Value::Array(vec![deep]);
    }
    assert_eq!(JsonPath::compile("$..end").unwrap().first(&deep), Some(&json!(true)));
    assert_eq!(JsonPath::compile("$..[?@.end]").unwrap().select(&deep).len(), 1);
    assert!(!JsonPath::compile("$..missing").unwrap().exists(&deep));
    let text = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(!MessagePattern::jsonpath("$..*").matches(&text));
    assert!(!MessagePattern::jsonpath("$").matches(&text));
}

/// Text that looks like a pattern, much more often than chance would have it.
fn patternlike() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("$"),
        Just("@"),
        Just("."),
        Just(".."),
        Just("["),
        Just("]"),
        Just("?"),
        Just("("),
        Just(")"),
        Just("*"),
        Just(","),
        Just(":"),
        Just("'"),
        Just("\""),
        Just("\\"),
        Just("\\u"),
        Just("d83d"),
        Just("&&"),
        Just("||"),
        Just("!"),
        Just("=="),
        Just("<="),
        Just("="),
        Just("-"),
        Just("0"),
        Just("1"),
        Just("9007199254740991"),
        Just("1e5"),
        Just("a"),
        Just("true"),
        Just("null"),
        Just(" "),
        Just("\n"),
        Just("\u{e9}"),
        Just("{"),
        Just("}"),
        Just("length("),
        Just("$."),
        Just("$["),
        Just("@.a"),
        Just("[?@"),
    ];
    proptest::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// P01-P06 on anything.
    #[test]
    fn no_pattern_and_no_text_panics(
        pattern in prop_oneof![any::<String>(), patternlike(), patternlike().prop_map(|rest| format!("${rest}"))],
        text in prop_oneof![any::<String>(), Just(r#"{"a":[1,{"a":null}],"\u00e9":"x"}"#.to_owned()), Just("[[[0]]]".to_owned())],
    ) {
        let message = MessageText::new(text.as_str());
        let mut router = MessageRouter::new();
        let mut any_matches = false;
        for pattern in [
            pattern.parse::<MessagePattern>().ok(),
            MessagePattern::regex(&pattern).ok(),
            MessagePattern::try_jsonpath(&pattern).ok(),
            MessagePattern::jsonpath_equals(&pattern, 1).ok(),
            Some(MessagePattern::exact(pattern.as_str())),
        ].into_iter().flatten() {
            let matches = pattern.matches(&text);
            prop_assert_eq!(pattern.matches_text(&message), matches);
            prop_assert_eq!(pattern.captures(&message).is_some(), matches);
            let name = pattern.to_string();
            router.on(pattern.clone(), move |_| Some(name.clone()));
            any_matches |= matches;
            prop_assert_eq!(router.route(&text).is_some(), any_matches);
            let _ = pattern.extract(&text, "$..a");
        }
        let _ = MessagePattern::any().extract(&text, &pattern);
    }

    /// P01. An escaped text matches where it is contained.
    #[test]
    fn escaped_regexes_agree_with_contains(literal in "[a.*+$^(]{0,3}", text in "[a.*+$^(]{0,12}") {
        let pattern = MessagePattern::regex(&regex_escape(&literal)).unwrap();
        prop_assert_eq!(pattern.matches(&text), text.contains(&literal));
        let anchored = MessagePattern::regex(&format!("^{}$", regex_escape(&literal))).unwrap();
        prop_assert_eq!(anchored.matches(&text), text == literal);
    }

    /// P04.
    #[test]
    fn exact_agrees_with_equality(pattern in "[ab]{0,3}", text in "[ab]{0,3}") {
        prop_assert_eq!(MessagePattern::exact(pattern.as_str()).matches(&text), pattern == text);
    }
}

fn regex_escape(literal: &str) -> String {
    literal.chars().map(|c| if c.is_alphanumeric() { c.to_string() } else { format!("\\{c}") }).collect()
}
