//! YAML of a compose file as one tree: documents and override files merged, merge keys applied, Compose's tags obeyed.

use serde::Deserialize;
use serde_yaml::{Deserializer, Mapping, Value};

/// How often `<<` is looked for below what `<<` brought in; real files need one or two.
const MERGE_ROUNDS: usize = 4;

/// Reads every document of a file, later ones laid over earlier ones.
///
/// # Errors
/// Says what is wrong, with the line.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, String> {
    let mut whole = Value::Null;
    for document in Deserializer::from_slice(bytes) {
        let mut value = Value::deserialize(document).map_err(|error| describe(&error))?;
        for _ in 0..MERGE_ROUNDS {
            value.apply_merge().map_err(|error| describe(&error))?;
        }
        // The first keeps its tags: they say what it does to the files that it is laid over.
        whole = if whole.is_null() { value } else { lay_over(whole, value) };
    }
    Ok(whole)
}

fn describe(error: &serde_yaml::Error) -> String {
    match error.location() {
        Some(at) => {
            let text = error.to_string();
            let position = format!(" at line {} column {}", at.line(), at.column());
            format!("line {}: {}", at.line(), text.replace(&position, ""))
        }
        None => error.to_string(),
    }
}

/// Lays an override over what was there: mappings are joined, lists appended, the rest replaced; `!override` replaces
/// whatever it is, `!reset` removes.
pub(crate) fn lay_over(under: Value, over: Value) -> Value {
    match (under, over) {
        (_, Value::Tagged(tagged)) if tagged.tag == "reset" => Value::Null,
        (_, Value::Tagged(tagged)) if tagged.tag == "override" => tagged.value,
        (under, Value::Tagged(tagged)) => lay_over(under, tagged.value),
        (Value::Tagged(tagged), over) => lay_over(tagged.value, over),
        (under, Value::Null) => under,
        (Value::Mapping(under), Value::Mapping(over)) => Value::Mapping(join(under, over)),
        (Value::Sequence(mut under), Value::Sequence(over)) => {
            under.extend(over);
            Value::Sequence(under)
        }
        // A list of names and the long form of the same thing, as `depends_on` has them.
        (Value::Sequence(under), Value::Mapping(over)) => Value::Mapping(join(keys(under), over)),
        (Value::Mapping(under), Value::Sequence(over)) => Value::Mapping(join(under, keys(over))),
        (Value::Null, over @ Value::Mapping(_)) => lay_over(Value::Mapping(Mapping::new()), over),
        (_, over) => over,
    }
}

fn join(mut under: Mapping, over: Mapping) -> Mapping {
    for (key, value) in over {
        let before = under.remove(&key).unwrap_or(Value::Null);
        under.insert(key, lay_over(before, value));
    }
    under
}

fn keys(names: Vec<Value>) -> Mapping {
    names.into_iter().map(|name| (name, Value::Null)).collect()
}

/// The value without its tag.
pub(crate) fn untag(mut value: &Value) -> &Value {
    while let Value::Tagged(tagged) = value {
        value = &tagged.value;
    }
    value
}

/// A member of a mapping, when it is one and has it.
pub(crate) fn find<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    let found = untag(value).as_mapping()?.get(key)?;
    let is_reset = matches!(found, Value::Tagged(tagged) if tagged.tag == "reset");
    Some(untag(found)).filter(|found| !is_reset && !found.is_null())
}

/// The entries of a mapping whose keys are texts or numbers.
pub(crate) fn entries(value: Option<&Value>) -> impl Iterator<Item = (String, &Value)> {
    let mapping = value.map(untag).and_then(Value::as_mapping);
    mapping.into_iter().flatten().filter_map(|(key, value)| Some((find_text(key)?, untag(value))))
}

/// A list's items, or the one value that stands for a list.
pub(crate) fn items(value: Option<&Value>) -> Vec<&Value> {
    match value.map(untag) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Sequence(list)) => list.iter().map(untag).collect(),
        Some(one) => vec![one],
    }
}

/// A scalar as text.
pub(crate) fn find_text(value: &Value) -> Option<String> {
    match untag(value) {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Value {
        parse(text.as_bytes()).expect("valid YAML")
    }

    #[test]
    fn merge_keys_are_applied_also_below_each_other() {
        let value = tree("x-a: &a {image: one, v: 1}\nx-b: &b {<<: *a, v: 2}\nservices: {web: {<<: *b, v: 3}}\n");
        let web = find(find(&value, "services").expect("services"), "web").expect("web");
        assert_eq!(find(web, "image").and_then(find_text).as_deref(), Some("one"));
        assert_eq!(find(web, "v").and_then(find_text).as_deref(), Some("3"));
    }

    #[test]
    fn overrides_are_laid_over() {
        let under = "s: {list: [a], gone: [b], all: [c], one: x, deps: [d]}";
        let over = "s: {list: [b], gone: !reset null, all: !override [z], one: y, deps: {e: {}}}";
        let value = lay_over(tree(under), tree(over));
        assert_eq!(value, tree("s: {list: [a, b], gone: null, all: [z], one: y, deps: {d: null, e: {}}}"));
    }

    #[test]
    fn several_documents_are_one_file() {
        assert_eq!(tree("a: 1\n---\nb: 2\n"), tree("a: 1\nb: 2"));
    }

    #[test]
    fn errors_name_the_line() {
        let error = parse(b"services:\n  web:\n image: [\n").expect_err("broken");
        assert!(error.starts_with("line "), "{error}");
        assert!(parse(b"a: {<<: 3}").is_err());
        assert!(parse(b"\xff\xfe\x00").is_err());
    }
}
