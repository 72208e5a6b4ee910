//! Which message an answer answers, and whether it is right.

mod check;
mod json_path;

use std::str::FromStr;

use serde_json::Value;

use crate::marker::Marker;
pub use check::Check;
pub use json_path::JsonPath;

/// How answers are told apart.
#[derive(Clone, Debug, PartialEq)]
pub enum Answers {
    /// There are none: what comes is counted, and no round trip is measured.
    None,
    /// The next message that comes on a connection answers the oldest one that is open there.
    InOrder,
    /// An answer has the id of its message somewhere: what `{{id}}` stands for.
    ById,
    /// An answer is JSON and has at this place the id of its message, or its number: what `{{id}}` or `{{n}}` stands for.
    ByField(JsonPath),
}

/// What a message that came says of the one that it answers.
#[derive(Debug, PartialEq)]
pub(crate) enum Answered {
    /// None: it came by itself.
    Nothing,
    /// The oldest one.
    Oldest,
    /// This one of this connection.
    Number(u32),
    /// That of a marker; it may be another user's.
    Marked(Marker),
}

impl Answers {
    pub(crate) fn of(&self, message: &[u8]) -> Answered {
        let marked = |text: &[u8]| Marker::find(text).map_or(Answered::Nothing, Answered::Marked);
        match self {
            Self::None => Answered::Nothing,
            Self::InOrder => Answered::Oldest,
            Self::ById => marked(message),
            Self::ByField(path) => {
                let Ok(json) = serde_json::from_slice::<Value>(message) else { return Answered::Nothing };
                match path.of(&json) {
                    Some(Value::String(text)) => match text.parse() {
                        Ok(number) => Answered::Number(number),
                        Err(_) => marked(text.as_bytes()),
                    },
                    Some(Value::Number(number)) => {
                        let number = number.as_u64().and_then(|number| u32::try_from(number).ok());
                        number.map_or(Answered::Nothing, Answered::Number)
                    }
                    _ => Answered::Nothing,
                }
            }
        }
    }
}

impl FromStr for Answers {
    type Err = String;

    /// `none`, `order`, `id` or `json:PATH`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            "order" => Ok(Self::InOrder),
            "id" => Ok(Self::ById),
            _ => match text.strip_prefix("json:") {
                Some(path) => path.parse().map(Self::ByField),
                None => Err("expected none, order, id, or json: and a path such as json:$.id".to_owned()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answered_message_is_found() {
        let marker = Marker { user: 1, number: 5, due: 0 };
        let text = "mf-000001-00000005-000000000000";
        let json = format!(r#"{{"meta":{{"n":7,"s":"8","id":"{text}","x":[]}}}}"#);
        for (answers, message, expected) in [
            ("none", text, Answered::Nothing),
            ("order", "x", Answered::Oldest),
            ("id", text, Answered::Marked(marker)),
            ("id", "x", Answered::Nothing),
            ("json:$.meta.n", &json, Answered::Number(7)),
            ("json:meta.s", &json, Answered::Number(8)),
            ("json:meta.id", &json, Answered::Marked(marker)),
            ("json:meta.x", &json, Answered::Nothing),
            ("json:meta.y", &json, Answered::Nothing),
            ("json:meta.n", "no JSON", Answered::Nothing),
        ] {
            assert_eq!(answers.parse::<Answers>().unwrap().of(message.as_bytes()), expected, "{answers}");
        }
        for wrong in ["", "ids", "json:", "json:$..id"] {
            assert!(wrong.parse::<Answers>().unwrap_err().contains("expected"), "{wrong}");
        }
    }
}
