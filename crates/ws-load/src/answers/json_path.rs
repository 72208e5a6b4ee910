//! A place in a JSON document: names and indexes, nothing that would have to be searched for.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// A path such as `$.meta.ids[0]`; `meta.ids[0]` is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonPath {
    written: String,
    pointer: String,
}

impl JsonPath {
    pub(crate) fn of<'v>(&self, json: &'v Value) -> Option<&'v Value> {
        json.pointer(&self.pointer)
    }
}

impl FromStr for JsonPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("expected a path of names and indexes such as $.meta.ids[0], not `{text}`");
        let path = text.strip_prefix("$.").unwrap_or(text);
        let path = path.strip_prefix('$').filter(|rest| rest.starts_with('[')).unwrap_or(path);
        let mut pointer = String::new();
        for (index, step) in path.split('.').enumerate() {
            let (name, indexes) = step.split_at(step.find('[').unwrap_or(step.len()));
            let is_index_alone = index == 0 && name.is_empty() && !indexes.is_empty();
            if !is_index_alone {
                if name.is_empty() || name.contains(['*', '?', '$', '@', ']', '"', '\'', ' ']) {
                    return Err(expected());
                }
                pointer.push('/');
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
            }
            for index in indexes.split_inclusive(']') {
                let digits = index.strip_prefix('[').and_then(|index| index.strip_suffix(']')).ok_or_else(expected)?;
                let index: usize = digits.parse().map_err(|_| expected())?;
                pointer.push_str(&format!("/{index}"));
            }
        }
        Ok(Self { written: text.to_owned(), pointer })
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found() {
        let json: Value = serde_json::from_str(r#"{"a":{"b/c":[1,{"d":2}]},"e":3}"#).unwrap();
        for (path, expected) in [("$.e", "3"), ("e", "3"), ("a.b/c[0]", "1"), ("$.a.b/c[1].d", "2")] {
            let path: JsonPath = path.parse().unwrap();
            assert_eq!(path.of(&json).unwrap().to_string(), expected, "{path}");
        }
        let list: Value = serde_json::from_str("[[4],5]").unwrap();
        assert_eq!("$[0][0]".parse::<JsonPath>().unwrap().of(&list).unwrap(), 4);
        assert_eq!("[1]".parse::<JsonPath>().unwrap().of(&list).unwrap(), 5);
        for wrong in ["", "$", "$.", "a..b", "a[x]", "a[1", "a[]", "*", "a.b]"] {
            assert!(wrong.parse::<JsonPath>().is_err(), "{wrong}");
        }
    }
}
