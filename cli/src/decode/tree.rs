//! A tree of named values that `sigstack decode` writes as lines or as JSON.

use core::fmt::{self, Display};

use serde_json::{Map, Value};

/// Named values, in the order in which they are written.
#[derive(Default)]
pub(super) struct Fields(Vec<(&'static str, Node)>);

enum Node {
    Leaf {
        text: String,
        json: Value,
    },
    /// A value that consists of several named values.
    Fields(Fields),
    /// A list that is numbered from 0, such as the inputs. Each item consists of several named values.
    List(Vec<Fields>),
    Values(Vec<String>),
    /// Lines that only the text output has, not JSON.
    Lines(Vec<String>),
}

impl Fields {
    /// Adds a named text value.
    pub(super) fn text(&mut self, name: &'static str, value: impl Display) {
        let text = value.to_string();
        self.0.push((name, Node::Leaf { json: text.clone().into(), text }));
    }

    /// Adds a named value that is written differently as text and as JSON.
    pub(super) fn value(&mut self, name: &'static str, text: impl Display, json: impl Into<Value>) {
        self.0.push((name, Node::Leaf { text: text.to_string(), json: json.into() }));
    }

    /// Adds a named number.
    pub(super) fn number(&mut self, name: &'static str, number: impl Display + Into<Value>) {
        self.value(name, number.to_string(), number);
    }

    pub(super) fn fields(&mut self, name: &'static str, fields: Fields) {
        self.0.push((name, Node::Fields(fields)));
    }

    /// Adds a list whose items consist of several named values each, such as the inputs. `name` is the name of one
    /// item, in the singular.
    pub(super) fn list(&mut self, name: &'static str, things: Vec<Fields>) {
        self.0.push((name, Node::List(things)));
    }

    /// Adds a list of texts. `name` is the name of one of the texts, in the singular.
    pub(super) fn values(&mut self, name: &'static str, texts: Vec<String>) {
        self.0.push((name, Node::Values(texts)));
    }

    /// Adds a list of texts that only the text output has, not JSON. `name` is the name of one of the texts, in the
    /// singular.
    pub(super) fn lines(&mut self, name: &'static str, texts: Vec<String>) {
        self.0.push((name, Node::Lines(texts)));
    }

    /// Returns the values as a JSON object. In the JSON names, `_` replaces spaces, and the names of lists are in the
    /// plural.
    pub(super) fn to_json(&self) -> Value {
        let pair = |(name, node): &(&'static str, Node)| {
            let name = name.replace(' ', "_");
            Some(match node {
                Node::Lines(_) => return None,
                Node::Leaf { json, .. } => (name, json.clone()),
                Node::Fields(fields) => (name, fields.to_json()),
                Node::List(things) => (format!("{name}s"), things.iter().map(Fields::to_json).collect()),
                Node::Values(texts) => (format!("{name}s"), texts.iter().cloned().collect()),
            })
        };
        Value::Object(self.0.iter().filter_map(pair).collect::<Map<String, Value>>())
    }

    fn write(&self, indent: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = format!("{indent}  ");
        for (name, node) in &self.0 {
            match node {
                Node::Leaf { text, .. } => writeln!(f, "{indent}{name:<16} {text}")?,
                Node::Fields(fields) => {
                    writeln!(f, "{indent}{name}")?;
                    fields.write(&inner, f)?;
                }
                Node::List(things) => {
                    for (nth, thing) in things.iter().enumerate() {
                        writeln!(f, "{indent}{name} {nth}")?;
                        thing.write(&inner, f)?;
                    }
                }
                Node::Values(texts) | Node::Lines(texts) => {
                    for (nth, text) in texts.iter().enumerate() {
                        let name = format!("{name} {nth}");
                        writeln!(f, "{indent}{name:<16} {text}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write("", f)
    }
}
