//! Values that files give to names: JSON as it stands there, but for its texts, which are templates.

use serde_json::{Map, Value};

use crate::located::{Node, Tree};
use crate::source::Span;
use crate::template::ValueTemplate;

/// A value that is made when its time comes.
#[derive(Debug)]
pub(crate) enum Setting {
    Literal(Value),
    Text(ValueTemplate),
    List(Vec<Setting>),
    Map(Vec<(String, Setting)>),
}

impl Setting {
    /// From what stands in a file. `template` compiles a text in it, and reports what is doubtful about it.
    pub(crate) fn compile(node: &Node, template: &mut impl FnMut(&str, Span) -> ValueTemplate) -> Self {
        match &node.value {
            Tree::Text(text) => Self::Text(template(text, node.span)),
            Tree::List(items) => Self::List(items.iter().map(|item| Self::compile(item, template)).collect()),
            Tree::Map(entries) => Self::Map(
                entries.iter().map(|(key, value)| (key.text.clone(), Self::compile(value, template))).collect(),
            ),
            Tree::Null | Tree::Bool(_) | Tree::Number(_) => Self::Literal(node.to_json()),
        }
    }

    /// The value now, with `render` for its templates, in the order of the file.
    pub(crate) fn value(&self, render: &mut impl FnMut(&ValueTemplate) -> Value) -> Value {
        match self {
            Self::Literal(value) => value.clone(),
            Self::Text(template) => render(template),
            Self::List(items) => items.iter().map(|item| item.value(render)).collect(),
            Self::Map(entries) => Value::Object(
                entries.iter().map(|(key, value)| (key.clone(), value.value(render))).collect::<Map<_, _>>(),
            ),
        }
    }
}
