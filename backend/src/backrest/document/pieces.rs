//! The text of a configuration, in pieces that are put together again as they were.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// The members of an object in the order of the text.
pub(super) struct Members(pub(super) Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(Collect)
    }
}

/// Puts a configuration together; the plans go where their member is.
pub(super) fn join<'a>(members: &[(String, String)], plans: impl Iterator<Item = &'a str>) -> String {
    let plans: Vec<&str> = plans.collect();
    let members: Vec<String> = members
        .iter()
        .map(|(name, text)| {
            let text = if name == "plans" { list(&plans) } else { text.clone() };
            format!("  {}: {text}", Value::from(name.as_str()))
        })
        .collect();
    if members.is_empty() { "{}\n".to_owned() } else { format!("{{\n{}\n}}\n", members.join(",\n")) }
}

fn list(items: &[&str]) -> String {
    if items.is_empty() { "[]".to_owned() } else { format!("[\n    {}\n  ]", items.join(",\n    ")) }
}

/// A value over several lines, the first of which stands `columns` to the right already.
pub(super) fn indented(value: &Value, columns: usize) -> String {
    // A line break inside a string is written as `\n`, so each line that is seen here is one of the layout.
    format!("{value:#}").replace('\n', &format!("\n{}", " ".repeat(columns)))
}
