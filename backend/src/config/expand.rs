//! Variables in values of the file: `${VAR}`, `$VAR`, `${VAR:-default}` and `$$` for a dollar sign.

use std::collections::BTreeMap;

/// A value after expansion.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Expanded {
    /// The text with every variable replaced; an unset one by nothing.
    pub(super) text: String,
    /// The variables that are not set and have no default, in their order.
    pub(super) unset: Vec<String>,
}

/// Replaces the variables in a text. A default counts when the variable is not set or empty. What is no variable
/// stays as it is, `$5` and an unclosed `${` included.
pub(super) fn expand(text: &str, env: &BTreeMap<String, String>) -> Expanded {
    let mut expanded = Expanded { text: String::with_capacity(text.len()), unset: Vec::new() };
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        expanded.text.push_str(&rest[..dollar]);
        let behind = &rest[dollar + 1..];
        rest = if let Some(behind) = behind.strip_prefix('$') {
            expanded.text.push('$');
            behind
        } else if let Some((variable, behind)) = split_variable(behind) {
            expanded.replace(variable, env);
            behind
        } else {
            expanded.text.push('$');
            behind
        };
    }
    expanded.text.push_str(rest);
    expanded
}

impl Expanded {
    fn replace(&mut self, variable: &str, env: &BTreeMap<String, String>) {
        let (name, default) = match variable.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (variable, None),
        };
        match (env.get(name), default) {
            (Some(value), None) => self.text.push_str(value),
            (Some(value), Some(_)) if !value.is_empty() => self.text.push_str(value),
            (_, Some(default)) => self.text.push_str(default),
            (None, None) => self.unset.push(name.to_owned()),
        }
    }
}

/// Splits what follows a dollar sign into a variable and the rest.
fn split_variable(behind: &str) -> Option<(&str, &str)> {
    if let Some(braced) = behind.strip_prefix('{') {
        return braced.split_once('}').filter(|(variable, _)| !variable.is_empty());
    }
    let end = behind.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(behind.len());
    let starts_well = behind.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts_well.then(|| behind.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> (String, Vec<String>) {
        let env = [("A", "1"), ("B_2", "two"), ("EMPTY", "")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let Expanded { text, unset } = expand(text, &env);
        (text, unset)
    }

    #[test]
    fn variables_are_replaced() {
        for (text, result) in [
            ("", ""),
            ("plain", "plain"),
            ("$A", "1"),
            ("${A}", "1"),
            ("x${A}y$B_2-z", "x1ytwo-z"),
            ("$A$A", "11"),
            ("${A:-no}", "1"),
            ("${NONE:-yes}", "yes"),
            ("${EMPTY:-yes}", "yes"),
            ("${EMPTY}", ""),
            ("${NONE:-}", ""),
            ("${NONE:-a:-b}", "a:-b"),
            ("$$A", "$A"),
            ("$$$A", "$1"),
            ("pa$$word", "pa$word"),
            ("$5", "$5"),
            ("$", "$"),
            ("a$ b", "a$ b"),
            ("${", "${"),
            ("${}", "${}"),
            ("${A", "${A"),
            ("$Ä", "$Ä"),
            ("ä$A→", "ä1→"),
        ] {
            assert_eq!(expanded(text), (result.to_owned(), vec![]), "{text}");
        }
    }

    #[test]
    fn unset_variables_are_named() {
        assert_eq!(expanded("a${NONE}b$OTHER"), ("ab".to_owned(), vec!["NONE".to_owned(), "OTHER".to_owned()]));
    }

    #[test]
    fn values_are_not_expanded_again() {
        let env = [("A".to_owned(), "$B".to_owned())].into();
        assert_eq!(expand("$A", &env).text, "$B");
    }
}
