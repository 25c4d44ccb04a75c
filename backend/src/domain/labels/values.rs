//! The values of labels, read as Marina reads them.

use std::path::PathBuf;

use secrecy::SecretString;

use super::keys::{Found, Key};
use crate::domain::hint::did_you_mean;
use crate::domain::plan::DatabaseKind;

/// What only a shell would understand; no shell reads the arguments of a dump.
const SHELL_SIGNS: [char; 14] = ['$', '`', ';', '|', '&', '<', '>', '(', ')', '"', '\'', '\\', '*', '\n'];

/// Splits one argument of a dump as Marina's shell did: at white space, so that `-U app` is two words. What has an equals
/// sign is one word: `--where=a b` would be of no use otherwise.
#[must_use]
pub fn split_arguments(text: &str) -> Vec<SecretString> {
    if text.contains('=') {
        return vec![text.into()];
    }
    text.split_whitespace().map(SecretString::from).collect()
}

/// Items between commas, trimmed, empty ones dropped.
fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// A value for a sentence: on one line and not too long.
fn shown(text: &str) -> String {
    text.chars().take(40).flat_map(char::escape_default).collect()
}

fn ignored(label: &str, item: &str, reason: &str) -> String {
    format!("the label {label} names '{}', which is ignored: {reason}", shown(item))
}

impl Found<'_> {
    /// A truth value: `true`, `yes` (in any case) and `1` are true, all else is false; an empty one is none. What is
    /// neither a word for true nor for false is also said.
    pub(super) fn flag(&self, key: Key, warnings: &mut Vec<String>) -> Option<bool> {
        let (label, text) = self.get(key).filter(|(_, text)| !text.is_empty())?;
        let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
        let is_true = is(&["true", "yes", "1"]);
        if !is_true && !is(&["false", "no", "0", "off"]) {
            warnings.push(format!(
                "the label {label} says '{}', which is neither true nor false; it counts as false",
                shown(text)
            ));
        }
        Some(is_true)
    }

    /// Parts of the volume; empty means all of it. A path that cannot be used is left out; when none is left the whole
    /// volume is captured, rather more than less.
    pub(super) fn paths(&self, warnings: &mut Vec<String>) -> Vec<PathBuf> {
        let Some((label, text)) = self.get(Key::Paths) else { return Vec::new() };
        let (mut paths, mut is_all) = (Vec::new(), false);
        for item in items(text) {
            match volume_path(item) {
                Ok(None) => is_all = true,
                Ok(Some(path)) if !paths.contains(&path) => paths.push(path),
                Ok(Some(_)) => {}
                Err(reason) => warnings.push(ignored(label, item, &reason)),
            }
        }
        if is_all {
            paths.clear();
        }
        paths
    }

    /// The kind of database. One that is not known leaves it to the image.
    pub(super) fn database(&self, warnings: &mut Vec<String>) -> Option<DatabaseKind> {
        let (label, text) = self.get(Key::Database)?;
        let word = text.trim().to_lowercase();
        let kind = word.parse().ok();
        if kind.is_none() {
            let kinds = DatabaseKind::ALL.iter().map(|kind| kind.as_str());
            let all = kinds.clone().collect::<Vec<_>>().join(", ");
            let hint = did_you_mean(&word, kinds);
            warnings.push(format!(
                "the label {label} says '{}', which is none of {all}{hint}; the image has to tell the kind",
                shown(text)
            ));
        }
        kind
    }

    /// Further arguments of the dump. Their text may be a password and is never shown.
    pub(super) fn arguments(&self, warnings: &mut Vec<String>) -> Vec<SecretString> {
        let Some((label, text)) = self.get(Key::DumpArgs) else { return Vec::new() };
        if text.contains(SHELL_SIGNS) {
            warnings.push(format!(
                "the label {label} has signs that a shell would act on; the arguments are handed on as they stand, without a shell"
            ));
        }
        items(text).flat_map(split_arguments).collect()
    }

    pub(super) fn excludes(&self, warnings: &mut Vec<String>) -> Vec<String> {
        self.checked_items(Key::Exclude, warnings, exclude_pattern)
    }

    pub(super) fn tags(&self, warnings: &mut Vec<String>) -> Vec<String> {
        self.checked_items(Key::Tags, warnings, tag)
    }

    fn checked_items(
        &self,
        key: Key,
        warnings: &mut Vec<String>,
        check: impl Fn(&str) -> Result<String, String>,
    ) -> Vec<String> {
        let Some((label, text)) = self.get(key) else { return Vec::new() };
        let mut kept = Vec::new();
        for item in items(text) {
            match check(item) {
                Ok(item) if !kept.contains(&item) => kept.push(item),
                Ok(_) => {}
                Err(reason) => warnings.push(ignored(label, item, &reason)),
            }
        }
        kept
    }
}

fn volume_path(text: &str) -> Result<Option<PathBuf>, String> {
    let path = text.trim_start_matches('/');
    if path.split('/').any(|part| part == "..") {
        return Err("it leaves the volume".to_owned());
    }
    Ok((!path.is_empty()).then(|| path.into()))
}

fn exclude_pattern(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

fn tag(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}
