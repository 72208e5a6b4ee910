//! An expression and a message that strangers wrote: it is refused with a place inside it, or it has a value, twice the
//! same, and is read again from what it displays as.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use ws_patterns::{Expression, Facts, Name};

/// Whatever a name starts with, it leads into the message.
struct Message(Option<Value>);

impl Facts for Message {
    fn value(&self, name: &Name) -> Option<Value> {
        name.rest_in(self.0.as_ref()?).cloned()
    }

    fn message(&self) -> Option<&Value> {
        self.0.as_ref()
    }
}

// The input is an expression, a line feed, and a message.
fuzz_target!(|input: &str| {
    let (text, message) = input.split_once('\n').unwrap_or((input, r#"{"a":[1,"2",{"b":null}],"c":1.5}"#));
    let message = Message(serde_json::from_str(message).ok());
    match Expression::parse(text) {
        Ok(expression) => {
            let value = expression.evaluate(&message);
            let again: Expression = expression.to_string().parse().expect("what was read once is read again");
            assert_eq!(again.evaluate(&message), value);
            assert!(again.names().eq(expression.names()));
            let holds =
                !matches!(&value, Value::Null | Value::Bool(false)) && value != "" && value.as_f64() != Some(0.0);
            assert_eq!(expression.holds(&message), holds);
        }
        Err(error) => assert!(text.is_char_boundary(error.offset()), "{error}"),
    }
});
