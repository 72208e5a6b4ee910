//! What an editor is told.

use schemars::schema_for;
use serde_json::{Value, to_value};
use ws_conditions::{Conditions, PRESETS, RateLimit};

fn keys(object: &Value) -> Vec<&str> {
    object["properties"].as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn conditions_have_the_shape_of_a_file() {
    let schema = to_value(schema_for!(Conditions)).unwrap();
    assert_eq!(keys(&schema), ["preset", "seed", "latency", "bandwidth_out", "bandwidth_in", "drip", "faults"]);
    assert_eq!(schema["additionalProperties"], false);
    let names: Vec<_> = PRESETS.iter().map(|preset| preset.name).collect();
    assert_eq!(schema["properties"]["preset"]["enum"], to_value(names).unwrap());

    let rule = &schema["$defs"]["FaultRule"];
    assert_eq!(rule["additionalProperties"], false);
    assert_eq!(rule["required"], to_value(["fault"]).unwrap());
    assert!(keys(rule).contains(&"every_ms") && keys(rule).contains(&"status"));
    for key in keys(rule) {
        assert!(rule["properties"][key]["description"].is_string(), "{key}");
    }
}

#[test]
fn a_rate_limit_is_written_in_milliseconds() {
    let schema = to_value(schema_for!(RateLimit)).unwrap();
    assert_eq!(keys(&schema), ["messages", "per_ms", "over"]);
    assert_eq!(schema["properties"]["per_ms"]["type"], "integer");
}
