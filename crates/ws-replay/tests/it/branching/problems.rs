//! Mistakes in the keys of version 2: each is found, with its place.

use ws_replay::{CheckReport, ReplayScript};

fn errors(text: &str) -> String {
    ReplayScript::parse(text, "f").unwrap_err().to_string()
}

#[test]
fn wrong_values_are_found() {
    let text = r##"{"step_id": 5, "text": "x"}
{"step_id": "end", "text": "x"}
{"step_id": "", "text": "x"}
{"condition": "state.a = 1", "text": "x"}
{"condition": "stat.a", "text": "x"}
{"dir": "in", "timeout_ms": "soon"}
{"dir": "in", "timeout_ms": 5, "on_timeout": 7}
{"dir": "in", "on_match": {"pattern": "x", "goto_step": "end"}}
{"dir": "in", "on_match": []}
{"dir": "in", "on_match": [{"pattern": "[", "goto_step": "end"}, {"pattern": "x"}, {"goto_step": "end"}, "x", {"pattern": "x", "gotostep": "end"}]}
{"dir": "in", "branches": {"[": "end", "x": 1}}
{"dir": "in", "branches": [{"condition": "1 +", "goto_step": "end"}, {"goto_step": "end"}]}
{"dir": "in", "branches": "end"}
{"text": "x", "next_step": ["end"]}
{"text": "x", "repeat": 0}
{"text": "x", "repeat": 2, "every": -1}
{"text": "x", "every": 0}
{"text": "x", "loop": {"goto_step": "end"}}
{"text": "x", "loop": {"goto_step": "end", "times": 0}}
{"text": "x", "send": "lobby"}
{"text": "x", "send": {"room": ""}}
{"text": "x", "join": ["a", 5]}
{"text": "x", "on_silence": true}
{"text": "x", "on_silence": {"after_ms": 0, "goto_step": "end"}}
{"dir": "in", "assertions": [{"pattern": "x", "expected": null}, {"pattern": "$.a:\"b\"", "expected": 5}, {}, {"pattern": "a", "condition": "true"}, {"condition": "true", "expected": 1}]}
{"text": "x", "set": ["a"]}
{"text": "x", "verbatim": "yes"}
{"text": "x", "stop": 1}
{"text": "x", "set": {"a": 1}, "set": {"b": 1}}
"##;
    insta::assert_snapshot!(errors(text));
}

#[test]
fn keys_that_mean_nothing_are_found() {
    let text = r#"{"text": "x", "timeout_ms": 5}
{"dir": "in", "text": "x", "on_timeout": "end"}
{"text": "x", "branches": {"x": "end"}}
{"text": "x", "assertions": [{"pattern": "x"}]}
{"text": "x", "on_match": [{"pattern": "x", "goto_step": "end"}], "branches": {"x": "end"}, "next_step": "end", "loop": {"goto_step": "end", "times": 1}}
{"dir": "in", "text": "x", "repeat": 2, "every": 5, "send": {"room": "a"}, "verbatim": true}
{"set": {"x": "{{state.x}}"}, "every": 5}
{"ping": true, "send": {"room": "a"}, "verbatim": true}
{"binary": true, "text": "AA==", "verbatim": true}
{"pong": true, "next_step": "end", "step_id": "p"}
{"step_id": "a", "text": "x", "close": true, "next_step": "end", "every": 5}
{"step_id": "b", "close": true, "on_match": [{"pattern": "x", "goto_step": "a"}]}
{"step_id": "c", "dir": "in", "close": true, "set": {"y": "{{state.y}}"}, "join": "x", "leave": "x", "assertions": [{"condition": "true"}]}
{"step_id": "d"}
{"step_id": "e", "dir": "in"}
{"step_id": "g", "text": "x", "stop": "d"}
"#;
    insta::assert_snapshot!(errors(text));
}

#[test]
fn jumps_to_nowhere_are_found() {
    let text = r#"{"step_id": "greeting", "text": "x", "next_step": "greting"}
{"step_id": "greeting", "dir": "in", "on_match": [{"pattern": "x", "goto_step": "nowhere"}], "timeout_ms": 5, "on_timeout": "Greeting"}
{"text": "x", "branches": [{"condition": "true", "goto_step": "a"}], "loop": {"goto_step": "b", "times": 1}, "on_silence": {"after_ms": 1, "goto_step": "c"}, "stop": ["d", "greeting"]}
{"conn": 2, "text": "x", "next_step": "greeting"}
"#;
    insta::assert_snapshot!(errors(text));
}

/// Only a named entry may go back in time.
#[test]
fn time_goes_back_only_where_there_is_a_name() {
    let text = "{\"ts\":10,\"text\":\"a\",\"next_step\":\"b\"}\n{\"step_id\":\"b\",\"ts\":5,\"text\":\"b\"}\n{\"ts\":4,\"text\":\"c\"}";
    assert_eq!(errors(text), "f:3:7: `ts`: expected 5 or more, the `ts` of the entry before it, found 4");
}

/// Templates that branch may take groups from any pattern of the session, and from no other.
#[test]
fn groups_are_those_of_all_patterns() {
    let text = r#"{"dir":"in","on_match":[{"pattern":"^a(?<first>.)$","goto_step":"a"}],"branches":{"^b(?<second>.)$":"a"}}
{"step_id":"a","text":"{{first}} {{second}} {{9}} {{thrid}}"}
{"waitFor":"^c(?<third>.)$","text":"x"}"#;
    let report = CheckReport::of_text(text, "f").to_string();
    assert!(report.contains("unknown token `{{thrid}}` is sent as it stands; did you mean `{{third}}`?"), "{report}");
    assert!(report.ends_with("f: plays, with 1 warning: 3 entries, 2 waits, 0 s"), "{report}");
}

/// What was meant as something else is doubtful; in a recording it is what was said.
#[test]
fn what_stands_in_the_wrong_place_is_doubtful() {
    let text = r##"{"dir": "in", "text": "^hello$"}
{"dir": "in", "text": "$.type"}
{"dir": "in", "text": "costs $.50 {{uuid}}"}
{"waitFor": "$type", "text": "a"}
{"waitFor": "/hello/i", "text": "b"}
{"waitFor": "$.a:\"{{state.n}}\"", "text": "{{state.n}}", "set": {"n": "state.n + 1"}}
{"dir": "in", "on_match": [{"pattern": "/x/i", "goto_step": "end"}], "branches": {"$y": "end"}}
{"close": true, "reason": "bye {{state.n}}"}
"##;
    let report = CheckReport::of_text(text, "f").to_string();
    insta::assert_snapshot!(report);
    // It is told beside the mistake that comes of it, too.
    let report = CheckReport::of_text(r#"{"waitFor": "^{{state.n}}$", "text": "a"}"#, "f").to_string();
    assert!(report.contains("warning: `waitFor`: `{{state.n}}` is taken as it stands"), "{report}");
    let said = ["^hello$", "$.type", "{{uuid}}"].map(|text| format!("{{\"dir\": \"in\", \"text\": \"{text}\"}}\n"));
    let recording = format!("{{\"recording\": 1}}\n{}{{\"close\": true, \"reason\": \"{{{{1}}}}\"}}\n", said.concat());
    let report = CheckReport::of_text(&recording, "f").to_string();
    assert!(!report.contains("warning"), "{report}");
}
