//! Patterns as files have them: `FromStr`.

use ws_core::HandlerError;
use ws_patterns::MessagePattern;

fn parse(text: &str) -> MessagePattern {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn text_is_jsonpath_only_after_dollar_dot_or_dollar_bracket() {
    let json = r#"{"type":"a","x-y":1}"#;
    let cases = [
        ("$.type", json, true),
        ("$.kind", json, false),
        ("$['x-y']", json, true),
        ("$..type", json, true),
        ("$.type", "$.type", false),
        // Regular expressions, also a single `$`.
        ("^CLIENT_READY$", "CLIENT_READY", true),
        ("^CLIENT_READY$", "CLIENT_READY ", false),
        ("ready", "are you ready?", true),
        ("$", "anything", true),
        ("", "anything", true),
        (" $.type", json, false),
        ("ping|pong", "pong", true),
    ];
    for (pattern, text, expected) in cases {
        assert_eq!(parse(pattern).matches(text), expected, "{pattern} on {text}");
    }
}

#[test]
fn a_colon_after_the_path_compares_with_a_json_value() {
    let json =
        r#"{"action":"close","n":1,"ok":true,"none":null,"list":[1,2],"o":{"a:b":"c:d"},"items":[{"k":":","v":7}]}"#;
    let cases = [
        (r#"$.action:"close""#, true),
        (r#"$.action: "close" "#, true),
        (r#"$.action:"open""#, false),
        (r#"$['action']:"close""#, true),
        ("$.n:1", true),
        ("$.n:1.0", true),
        ("$.n:-1", false),
        (r#"$.n:"1""#, false),
        ("$.ok:true", true),
        ("$.ok:false", false),
        ("$.none:null", true),
        ("$.missing:null", false),
        ("$.list:[1, 2]", true),
        ("$.list:[2,1]", false),
        (r#"$.o:{"a:b":"c:d"}"#, true),
        // Colons inside brackets, quotes and filters belong to the path.
        (r#"$.o['a:b']:"c:d""#, true),
        (r#"$.o["a:b"]:"c""#, false),
        ("$.list[0:1]:1", true),
        ("$.list[::2]:2", false),
        ("$.items[?@.k == ':'].v:7", true),
        ("$.items[?(@.k == \":\")].v:8", false),
        // Several values: one of them is enough.
        ("$.list[*]:2", true),
        ("$.list[*]:3", false),
        ("$..v:7", true),
    ];
    for (pattern, expected) in cases {
        assert_eq!(parse(pattern).matches(json), expected, "{pattern}");
    }
    assert!(!parse("$.n:1").matches("not JSON"));
}

#[test]
fn what_is_displayed_reads_as_the_same_pattern() {
    for text in ["$.a", "$.a:1", r#"$['a:b']:{"x":[1,null]}"#, "^a+$", "$"] {
        assert_eq!(parse(text).to_string(), text);
    }
}

#[test]
fn errors_say_what_is_wrong_and_what_to_write() {
    let cases = [
        ("$.action:close", r#"text after the colon is quoted: $.action:"close""#),
        ("$.action:", "to match any value, leave the colon out"),
        ("$.action: ", "to match any value, leave the colon out"),
        ("$.action:'close'", r#"`: text is in double quotes: $.action:"close""#),
        (r#"$.action:"a" "b""#, "the colon must be followed by one JSON value"),
        ("$.action:{", "the colon must be followed by one JSON value"),
        ("$.action == 'close'", "a comparison belongs into a filter"),
        ("$.", "a name or `*` must follow the dot"),
        ("$.50 each", "does not start with a digit"),
        ("$.a b", "unexpected `b`"),
        ("$.user-id", "write ['user-id'] without the dot"),
        ("$.a ", "must end before"),
        ("[invalid", "unclosed character class; to match this text literally, write \"\\\\[invalid\""),
        (r#"{"type":"x"}"#, r#"to match this text literally, write "\\{\"type\":\"x\"\\}""#),
    ];
    for (text, expected) in cases {
        match text.parse::<MessagePattern>() {
            Err(HandlerError::PatternError(problem)) => {
                assert!(problem.contains(expected) && !problem.contains('\n'), "{text}: {problem}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn advice_is_not_given_where_it_would_be_wrong() {
    for text in ["(?=x)", "^{{state.n}}$", "\\d["] {
        let problem = text.parse::<MessagePattern>().unwrap_err().to_string();
        assert!(!problem.contains("literally"), "{text}: {problem}");
    }
    let problem = "$.action:[1 2]".parse::<MessagePattern>().unwrap_err().to_string();
    assert!(problem.ends_with("one JSON value: expected `,` or `]`"), "{problem}");
}

/// Found in files whose writer escaped the quotes once more than JSON needs.
#[test]
fn a_value_may_be_escaped_twice() {
    let cases = [
        (r#"$.action:\"close\""#, r#"$.action:"close""#),
        (r#"$.action: \"a \\\"b\\\"\" "#, r#"$.action:"a \"b\"""#),
        (r#"$.o:{\"a\":[1,\"b\"]}"#, r#"$.o:{"a":[1,"b"]}"#),
        (r#"$.a:"\"""#, r#"$.a:"\"""#),
    ];
    for (text, read) in cases {
        assert_eq!(parse(text).to_string(), read, "{text}");
    }
    assert!(parse(r#"$.action:\"close\""#).matches(r#"{"action":"close"}"#));
    for text in [r#"$.a:\"close"#, r#"$.a:\close"#, r#"$.a:\"a\" \"b\""#, r#"$.a:\\"a\\""#] {
        let error = text.parse::<MessagePattern>().unwrap_err().to_string();
        assert!(error.contains("the colon must be followed by one JSON value"), "{error}");
    }
}
