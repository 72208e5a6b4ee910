//! A pattern and a text that strangers wrote: all ways to make the one and match the other end in an answer.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ws_patterns::{JsonPath, MessagePattern, MessageText};

// The input is a pattern, a line feed, and a text.
fuzz_target!(|input: &str| {
    let (pattern, text) = input.split_once('\n').unwrap_or((input, r#"{"a":[1,{"a":null}]}"#));
    let message = MessageText::new(text);

    if let Ok(path) = JsonPath::compile(pattern)
        && let Some(json) = message.json()
    {
        let selected = path.select(json);
        assert_eq!(path.first(json), selected.first().copied());
        assert_eq!(path.exists(json), !selected.is_empty());
    }

    let patterns =
        [pattern.parse().ok(), MessagePattern::try_jsonpath(pattern).ok(), Some(MessagePattern::exact(pattern))];
    for pattern in patterns.into_iter().flatten() {
        assert_eq!(pattern.captures(&message).is_some(), pattern.matches_text(&message));
    }
    let _ = MessagePattern::any().extract(text, pattern);
});
