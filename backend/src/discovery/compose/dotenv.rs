//! `.env` files, and variables in the values of a compose file.
//!
//! Only what stands in the file counts: the environment of whoever ran Compose is not known. A variable that the file
//! does not set and that has no default stays as it is written.

use std::collections::BTreeMap;

/// Variables by name.
pub(crate) type Env = BTreeMap<String, String>;

/// Reads the lines of a `.env` file; lines that set nothing are passed over.
pub(crate) fn parse(text: &str) -> Env {
    text.trim_start_matches('\u{feff}').lines().filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    is_variable_name(name).then(|| (name.to_owned(), parse_value(value.trim())))
}

fn parse_value(value: &str) -> String {
    for quote in ['"', '\''] {
        if let Some((inner, _)) = value.strip_prefix(quote).and_then(|rest| rest.split_once(quote)) {
            return inner.to_owned();
        }
    }
    let comment = value.find(" #").or_else(|| value.starts_with('#').then_some(0));
    comment.map_or(value, |at| &value[..at]).trim_end().to_owned()
}

fn is_variable_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Replaces `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME-default}` where the value is known; `$$` becomes `$`.
pub(crate) fn interpolate(text: &str, env: &Env) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        result.push_str(&rest[..at]);
        rest = &rest[at..];
        let (length, value) = read_variable(rest, env);
        match value {
            Some(value) => result.push_str(&value),
            None => result.push_str(&rest[..length]),
        }
        rest = &rest[length..];
    }
    result.push_str(rest);
    result
}

/// Whether a variable is left that nothing here could replace.
pub(crate) fn has_variable(text: &str) -> bool {
    text.contains('$')
}

/// How many bytes the variable at the start of `text` takes, and its value when known.
fn read_variable(text: &str, env: &Env) -> (usize, Option<String>) {
    let after = &text[1..];
    if after.starts_with('$') {
        return (2, Some("$".to_owned()));
    }
    if let Some(body) = after.strip_prefix('{') {
        return match body.find('}') {
            Some(end) => (end + 3, find_braced(&body[..end], env)),
            None => (text.len(), None),
        };
    }
    let length = after.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    (length + 1, env.get(&after[..length]).cloned())
}

fn find_braced(body: &str, env: &Env) -> Option<String> {
    let end = body.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    let (name, operator) = body.split_at(end);
    let value = env.get(name);
    if let Some(default) = operator.strip_prefix(":-") {
        return Some(value.filter(|v| !v.is_empty()).cloned().unwrap_or_else(|| default.to_owned()));
    }
    if let Some(default) = operator.strip_prefix('-') {
        return Some(value.cloned().unwrap_or_else(|| default.to_owned()));
    }
    // `:?` and `?` demand a value and otherwise mean the plain variable; `+` replaces it, which is left alone.
    if operator.is_empty() || operator.starts_with(":?") || operator.starts_with('?') { value.cloned() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_dotenv_file() {
        let env =
            parse("\u{feff}A=1\nexport B = two words # said\n#C=3\nD='#4'\nE=\"5 \"\nF\n2G=7\nH=\nI=a#b\nJ=\"open\n");
        let expected =
            [("A", "1"), ("B", "two words"), ("D", "#4"), ("E", "5 "), ("H", ""), ("I", "a#b"), ("J", "\"open")];
        assert_eq!(env, expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    }

    #[test]
    fn variables_are_replaced_where_known() {
        let env: Env = [("TAG", "17"), ("EMPTY", "")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        for (text, expected) in [
            ("postgres:${TAG}", "postgres:17"),
            ("$TAG-x", "17-x"),
            ("${NONE:-./data}:/data", "./data:/data"),
            ("${EMPTY:-x}${EMPTY-y}", "x"),
            ("${TAG:?must be set}", "17"),
            ("${NONE}/${NONE:?no}/$NONE", "${NONE}/${NONE:?no}/$NONE"),
            ("${TAG:+z}", "${TAG:+z}"),
            ("a$$b", "a$b"),
            ("ends with $", "ends with $"),
            ("${open", "${open"),
            ("ä${TAG}ö", "ä17ö"),
        ] {
            assert_eq!(interpolate(text, &env), expected, "{text}");
        }
    }
}
