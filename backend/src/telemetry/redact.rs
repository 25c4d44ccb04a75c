//! Takes secrets out of text that is about to be written.
//!
//! Two nets: every value that was registered is replaced wherever it stands, and what looks like a secret by its
//! surroundings is replaced too: the value of a key such as `password`, what follows `Authorization:` or `Bearer`, and
//! the password within an address.

use std::sync::{Arc, PoisonError, RwLock};

use crate::domain::secrets::is_secret_key;

const MASK: &str = "***";

/// Shorter values would also hit innocent text.
const MIN_SECRET_BYTES: usize = 4;

/// Knows the secrets of this process. Cloning shares them.
#[derive(Clone, Default)]
pub struct Redactor(Arc<RwLock<Vec<String>>>);

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redactor")
    }
}

impl Redactor {
    /// Remembers secrets; of those with several lines each line counts.
    pub fn register<S: AsRef<str>>(&self, secrets: impl IntoIterator<Item = S>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for secret in secrets {
            let lines = secret.as_ref().lines().map(str::trim).filter(|line| line.len() >= MIN_SECRET_BYTES);
            known.extend(lines.map(str::to_owned));
        }
        // The longest first, so that a secret within another leaves nothing of the other.
        known.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        known.dedup();
    }

    /// `text` without secrets.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut text = redact_patterns(text);
        for secret in known.iter().filter(|secret| secret.as_str() != MASK) {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), MASK);
            }
        }
        text
    }
}

/// `text` without what looks like a secret.
fn redact_patterns(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['=', ':', ' ']) {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let skipped =
            if after.starts_with("://") { redact_address(after, &mut out) } else { redact_value(after, &mut out) };
        rest = after.get(skipped..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// At `://`: writes the address's start without its password; returns how much of `after` that was.
fn redact_address(after: &str, out: &mut String) -> usize {
    out.push_str("://");
    let authority = after.get(3..).unwrap_or_default();
    let end = authority
        .find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\''))
        .unwrap_or(authority.len());
    let authority = authority.get(..end).unwrap_or_default();
    let Some((user, _)) = authority.rsplit_once('@').and_then(|(login, _)| login.split_once(':')) else { return 3 };
    let host = authority.rsplit_once('@').map_or("", |(_, host)| host);
    out.push_str(&format!("{user}:{MASK}@{host}"));
    3 + authority.len()
}

/// At a separator: when what was written before it is the name of a secret, writes the separator and a mask in place
/// of the value; returns how much of `after` that was.
fn redact_value(after: &str, out: &mut String) -> usize {
    let separator = after.chars().next().unwrap_or(' ');
    let key = key_before(out);
    let is_authorization = separator != ' ' && key.ends_with("authorization");
    let is_secret = match separator {
        ' ' => key == "bearer",
        _ => is_authorization || is_secret_key(&key),
    };
    out.push(separator);
    if !is_secret {
        return 1;
    }
    let value = after.get(1..).unwrap_or_default();
    let start = value.len() - value.trim_start_matches([' ', '"', '\'', '\\']).len();
    let (lead, value) = value.split_at(start);
    let is_quoted = lead.contains(['"', '\'']);
    let ends = |c: char| match c {
        '"' | '\'' | '\n' => true,
        ' ' | ',' | ';' => !is_quoted && !is_authorization,
        '&' | ')' | '}' | ']' => !is_quoted,
        _ => false,
    };
    let end = value.find(ends).unwrap_or(value.len());
    out.push_str(lead);
    if end > 0 {
        out.push_str(MASK);
    }
    1 + start + end
}

/// The word that `text` ends with, in lower case, without quotes.
fn key_before(text: &str) -> String {
    let text = text.trim_end_matches(['"', '\'', '\\']);
    let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let start =
        text.rfind(|c: char| !is_key(c)).map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
    text.get(start..).unwrap_or_default().to_ascii_lowercase().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registered_values_are_replaced_everywhere() {
        let redactor = Redactor::default();
        redactor.register(["hunter2!", "hunter2!-longer", "abc", "", "line one\nline two"]);
        assert_eq!(redactor.redact("xhunter2!x hunter2!-longer abc"), "x***x *** abc");
        assert_eq!(redactor.redact("line two"), "***");
    }

    #[test]
    fn what_looks_like_a_secret_is_replaced() {
        let table = [
            ("password=hunter2 user=root", "password=*** user=root"),
            ("RESTIC_PASSWORD=a b", "RESTIC_PASSWORD=*** b"),
            ("{\"password\":\"a b\",\"user\":\"x\"}", "{\"password\":\"***\",\"user\":\"x\"}"),
            ("{\\\"token\\\": \\\"abc\\\", 1}", "{\\\"token\\\": \\\"***\", 1}"),
            ("api-key: abc, other: 1", "api-key: ***, other: 1"),
            ("Authorization: Bearer mst_1, more", "Authorization: ***"),
            ("sent Bearer mst_1 there", "sent Bearer *** there"),
            ("at https://u:p@host/x?q=1", "at https://u:***@host/x?q=1"),
            ("sftp:backup@nas:/srv rest:https://u:p:q@h:8000/", "sftp:backup@nas:/srv rest:https://u:***@h:8000/"),
            ("?token=abc&x=1", "?token=***&x=1"),
            ("password: ", "password: "),
        ];
        for (text, expected) in table {
            assert_eq!(Redactor::default().redact(text), expected);
        }
    }

    #[test]
    fn innocent_text_is_left_alone() {
        for text in
            ["the password is wrong", "http://host:80/a@b", "3 tokens: none", "äöü = ß: x", "a=b c:d", "=", ":", ""]
        {
            assert_eq!(Redactor::default().redact(text), text);
        }
    }
}
