//! Reads YAML into a tree that knows where its keys and values stand.
//!
//! The YAML library tells positions only in errors, and turns `0755` into a number. Both are got from it by reading
//! the text again: every key and value has a number in the order of reading, which is the same each time. A second
//! reading asks for the text of those scalars that became numbers; a position is found by a reading that refuses the
//! value with the number sought. Configuration files are small, and positions are needed only for mistakes.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, EnumAccess, Error, IgnoredAny, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::tree::{Entry, Kind, Node, Place};

/// Line and column, both counted from 1.
pub(super) type Position = (usize, usize);

/// What is wrong with a text as YAML.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// Where, as far as it is known.
    pub(super) position: Option<Position>,
    /// What, in the words of the library.
    pub(super) message: String,
}

/// Reads a text. An empty one is an empty mapping.
///
/// # Errors
/// Says where the text stops being YAML.
pub(super) fn read(text: &str) -> Result<Node, SyntaxError> {
    let first = Reading::default();
    let mut root = first.run(text)?;
    let scalars = first.state.into_inner().scalars;
    if !scalars.is_empty() {
        root = Reading { verbatim: scalars, ..Reading::default() }.run(text)?;
    }
    if root.kind == Kind::Null {
        root.kind = Kind::Map(Vec::new());
    }
    Ok(root)
}

/// Finds the place of the key or value with a number.
pub(super) fn locate(text: &str, number: usize) -> Option<Position> {
    let refused = Reading { refused: Some(number), ..Reading::default() }.run(text).err()?;
    refused.position
}

/// One reading of a text.
#[derive(Default)]
struct Reading {
    /// Scalars whose text is wanted.
    verbatim: BTreeSet<usize>,
    /// The key or value to stumble over.
    refused: Option<usize>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    /// The number of the next key or value.
    next: usize,
    /// Scalars that the library made numbers or truth values.
    scalars: BTreeSet<usize>,
}

impl Reading {
    fn run(&self, text: &str) -> Result<Node, SyntaxError> {
        // A text without any document is an error to the library.
        if text
            .trim_start_matches('\u{feff}')
            .lines()
            .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
        {
            return Ok(Node::empty(Place::File(0)));
        }
        Seed(self).deserialize(serde_yaml::Deserializer::from_str(text)).map_err(|error| describe(&error))
    }

    fn number(&self) -> usize {
        let mut state = self.state.borrow_mut();
        state.next += 1;
        state.next - 1
    }
}

/// Takes the position out of the library's message, which is shown before it.
fn describe(error: &serde_yaml::Error) -> SyntaxError {
    let position = error.location().map(|at| (at.line(), at.column()));
    let mut message = error.to_string();
    if let Some((line, column)) = position {
        message = message.replacen(&format!(" at line {line} column {column}"), "", 1);
    }
    SyntaxError { position, message }
}

/// Reads a value.
#[derive(Clone, Copy)]
struct Seed<'r>(&'r Reading);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        let number = self.0.number();
        if self.0.refused == Some(number) {
            deserializer.deserialize_any(Refuse)?;
            return Err(D::Error::custom("refused"));
        }
        let visitor = Build { reading: self.0, number };
        if self.0.verbatim.contains(&number) {
            deserializer.deserialize_str(visitor)
        } else {
            deserializer.deserialize_any(visitor)
        }
    }
}

/// Reads a key.
struct Key<'r>(&'r Reading);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = (usize, String);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(usize, String), D::Error> {
        let number = self.0.number();
        if self.0.refused == Some(number) {
            deserializer.deserialize_str(Refuse)?;
            return Err(D::Error::custom("refused"));
        }
        let node = deserializer.deserialize_str(Build { reading: self.0, number })?;
        match node.kind {
            Kind::Text(key) => Ok((number, key)),
            _ => Err(D::Error::custom("a key must be a text")),
        }
    }
}

/// Accepts nothing; the library adds the place to its refusal.
struct Refuse;

impl Visitor<'_> for Refuse {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing")
    }
}

/// Makes a node of what the library found.
struct Build<'r> {
    reading: &'r Reading,
    number: usize,
}

impl Build<'_> {
    fn node<E>(&self, kind: Kind) -> Result<Node, E> {
        Ok(Node { place: Place::File(self.number), kind })
    }

    /// A scalar that is no text: the next reading asks for what was written.
    fn scalar<E>(&self, shown: String) -> Result<Node, E> {
        self.reading.state.borrow_mut().scalars.insert(self.number);
        self.node(Kind::Text(shown))
    }
}

impl<'de> Visitor<'de> for Build<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a list or a mapping")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        self.scalar(value.to_string())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        self.scalar(value.to_string())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        self.scalar(value.to_string())
    }

    fn visit_i128<E>(self, value: i128) -> Result<Node, E> {
        self.scalar(value.to_string())
    }

    fn visit_u128<E>(self, value: u128) -> Result<Node, E> {
        self.scalar(value.to_string())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        self.scalar(value.to_string())
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        self.node(Kind::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        self.node(Kind::Null)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        self.node(Kind::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(Seed(self.reading))? {
            items.push(item);
        }
        self.node(Kind::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some((number, key)) = access.next_key_seed(Key(self.reading))? {
            let value = access.next_value_seed(Seed(self.reading))?;
            entries.push(Entry { key, place: Place::File(number), value });
        }
        self.node(Kind::Map(entries))
    }

    /// A value with a tag such as `!secret`: the tag means nothing here, the value counts.
    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Node, A::Error> {
        let (IgnoredAny, value) = access.variant()?;
        value.newtype_variant_seed(Seed(self.reading))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(node: &Node) -> Vec<String> {
        match &node.kind {
            Kind::Null => vec!["null".to_owned()],
            Kind::Text(text) => vec![text.clone()],
            Kind::List(items) => items.iter().flat_map(texts).collect(),
            Kind::Map(entries) => entries
                .iter()
                .flat_map(|entry| [vec![format!("{}:", entry.key)], texts(&entry.value)].concat())
                .collect(),
        }
    }

    fn all(text: &str) -> String {
        texts(&read(text).expect("it is YAML")).join(" ")
    }

    /// Every key and value with the place that is found for it.
    fn places(node: &Node, text: &str) -> Vec<String> {
        let at = |place: &Place| match place {
            Place::File(number) => {
                locate(text, *number).map_or("?".to_owned(), |(line, column)| format!("{line}:{column}"))
            }
            Place::Outside(name) => name.clone(),
        };
        match &node.kind {
            Kind::Null => vec![format!("null@{}", at(&node.place))],
            Kind::Text(value) => vec![format!("{value}@{}", at(&node.place))],
            Kind::List(items) => items.iter().flat_map(|item| places(item, text)).collect(),
            Kind::Map(entries) => entries
                .iter()
                .flat_map(|entry| {
                    [vec![format!("{}:@{}", entry.key, at(&entry.place))], places(&entry.value, text)].concat()
                })
                .collect(),
        }
    }

    #[test]
    fn scalars_keep_their_text() {
        assert_eq!(
            all("[0755, 1.10, yes, true, 22:22, 0x1F, ~, '7', 1_000, .inf, 2024-01-01]"),
            "0755 1.10 yes true 22:22 0x1F null 7 1_000 .inf 2024-01-01"
        );
        assert_eq!(all("7: a\ntrue: b\n~: c"), "7: a true: b ~: c");
    }

    #[test]
    fn empty_texts_are_empty_mappings() {
        for text in ["", "\n\n", "# only a comment\n", "  # indented\n\t\n", "---\n", "\u{feff}", "{}", "~"] {
            let root = read(text).unwrap_or_else(|error| panic!("{text:?}: {error:?}"));
            assert_eq!(root.kind, Kind::Map(Vec::new()), "{text:?}");
        }
    }

    #[test]
    fn every_key_and_value_is_found_again() {
        let text = "# first\na: 1\nb:\n  - x\n  - {c: d, e: [2]}\n\"f g\": |\n  long\n  text\nh: !tag i\n";
        let root = read(text).expect("it is YAML");
        assert_eq!(
            places(&root, text).join(" "),
            "a:@2:1 1@2:4 b:@3:1 x@4:5 c:@5:6 d@5:9 e:@5:12 2@5:16 f g:@6:1 long\ntext\n@6:8 h:@9:1 i@9:4"
        );
    }

    #[test]
    fn aliases_lead_to_their_anchor() {
        let text = "a: &x {b: 1}\nc: *x\n";
        let root = read(text).expect("it is YAML");
        assert_eq!(places(&root, text).join(" "), "a:@1:1 b:@1:8 1@1:11 c:@2:1 b:@1:8 1@1:11");
    }

    #[test]
    fn a_syntax_error_says_where() {
        let error = read("a: [1, 2\nb: 3\n").expect_err("the list does not end");
        assert_eq!(error.position, Some((2, 2)), "{error:?}");
        assert!(read("a: 1\n---\nb: 2\n").is_err(), "two documents");
        assert!(read("? [a]\n: b\n").is_err(), "a key that is a list");
    }

    #[test]
    fn an_alias_bomb_and_deep_nesting_are_refused() {
        let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for (this, previous) in ('b'..='j').zip('a'..='i') {
            bomb.push_str(&format!("{this}: &{this} [{}]\n", vec![format!("*{previous}"); 9].join(",")));
        }
        assert!(read(&bomb).is_err());
        assert!(read(&"[".repeat(5000)).is_err());
    }
}
