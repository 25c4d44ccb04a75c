//! What may be written in a target, wherever it is written: the configuration, labels and the API read by these rules.
//!
//! Each rule takes the text of a person and gives what the rest of Mainstay works with, or a sentence that says what is
//! wrong. The names of volumes and containers are checked by [`super::names::check_name`].

use std::path::{Component, Path, PathBuf};

use super::names::check_image_reference;

mod subset;
#[cfg(test)]
mod tests;

pub use subset::check_subset;

/// Why a text breaks a rule: it names the text and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidText(String);

impl InvalidText {
    fn new(what: &str, text: &str, reason: &str) -> Self {
        Self(format!("'{}' is no {what}: {reason}", text.escape_debug()))
    }
}

/// What the kernel makes up while it is read: no backup of it ends, or is worth anything.
const NOT_ON_A_DISK: [&str; 3] = ["/proc", "/sys", "/dev"];
/// The longest name of a tag in an image's reference.
const MAX_IMAGE_TAG: usize = 128;

/// Reads the parts of a volume or path that are captured. `/` is all of it, and so is a list without members; a slash in
/// front is left away. What lies in another part of the list is left out.
///
/// # Errors
/// When a path leads out of its volume, is empty, or has a control character in it.
pub fn parse_parts<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Vec<PathBuf>, InvalidText> {
    let parts = texts.into_iter().map(parse_part).collect::<Result<Vec<PathBuf>, InvalidText>>()?;
    if parts.iter().any(|part| part.as_os_str().is_empty()) {
        return Ok(Vec::new());
    }
    let mut kept: Vec<PathBuf> = Vec::new();
    for part in &parts {
        if !kept.iter().any(|other| part.starts_with(other)) {
            kept.retain(|other| !other.starts_with(part));
            kept.push(part.clone());
        }
    }
    Ok(kept)
}

/// Reads one part of a volume, relative to its root; empty for all of it.
fn parse_part(text: &str) -> Result<PathBuf, InvalidText> {
    let refuse = |reason| InvalidText::new("path within a volume", text, reason);
    check_characters(text).map_err(refuse)?;
    normalise(Path::new(text)).ok_or_else(|| refuse("'..' would lead out of it"))
}

/// Reads an absolute path of the host.
///
/// # Errors
/// When it is relative, has `..` or a control character in it, or is made up by the kernel.
pub fn parse_host_path(text: &str) -> Result<PathBuf, InvalidText> {
    let refuse = |reason| InvalidText::new("path of the host", text, reason);
    check_characters(text).map_err(refuse)?;
    if !text.starts_with('/') {
        return Err(refuse("it must begin with '/'"));
    }
    let inner = normalise(Path::new(text)).ok_or_else(|| refuse("'..' is not allowed in it"))?;
    let path = Path::new("/").join(&inner);
    if inner.as_os_str().is_empty() {
        return Err(refuse("name the directories to back up, not the whole host"));
    }
    if NOT_ON_A_DISK.iter().any(|made_up| path.starts_with(made_up)) {
        return Err(refuse("what is there is made up by the kernel and cannot be backed up"));
    }
    Ok(path)
}

/// Without slashes in front and `.`; none when it climbs.
fn normalise(path: &Path) -> Option<PathBuf> {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => parts.push(name),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts)
}

fn check_characters(text: &str) -> Result<(), &'static str> {
    if text.trim().is_empty() {
        return Err("it is empty");
    }
    if text.chars().any(char::is_control) {
        Err("it has a line break or another control character in it")
    } else {
        Ok(())
    }
}

/// Checks the reference of an image as the engine does: `name`, `registry.example.org:5000/team/name:tag@sha256:…`.
///
/// # Errors
/// Says which part the engine would refuse.
pub fn check_image(text: &str) -> Result<(), InvalidText> {
    let refuse = |reason| InvalidText::new("reference of an image", text, reason);
    if text.chars().any(char::is_whitespace) {
        return Err(refuse("it has a space in it"));
    }
    check_image_reference(text).map_err(|_| refuse("it is written as 'registry.example.org/team/image:1.2'"))?;
    let (text, digest) = text.split_once('@').map_or((text, None), |(name, digest)| (name, Some(digest)));
    if digest.is_some_and(|digest| !is_digest(digest)) {
        return Err(refuse("what follows '@' must be 'sha256:' and 64 hexadecimal digits"));
    }
    let (first, rest) = text.split_once('/').unwrap_or(("", text));
    let is_registry = first.contains(['.', ':']) || first == "localhost";
    let name = if is_registry { rest } else { text };
    let (name, tag) = name.split_once(':').map_or((name, None), |(name, tag)| (name, Some(tag)));
    if tag.is_some_and(|tag| tag.is_empty() || tag.len() > MAX_IMAGE_TAG || tag.contains(['/', ':'])) {
        return Err(refuse("its tag has one to 128 letters, digits, '_', '.' and '-'"));
    }
    if name.chars().any(|c| c.is_ascii_uppercase()) {
        return Err(refuse("the name of an image has no capital letters"));
    }
    if name.split('/').all(is_image_component) {
        Ok(())
    } else {
        Err(refuse("a part of its name does not begin and end with a letter or digit"))
    }
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn is_image_component(text: &str) -> bool {
    let is_edge = |c: char| c.is_ascii_alphanumeric();
    text.starts_with(is_edge) && text.ends_with(is_edge) && !text.contains(':')
}

/// Checks the name of an environment variable.
///
/// # Errors
/// When it is more than letters, digits and `_`, or begins with a digit.
pub fn check_env_name(text: &str) -> Result<(), InvalidText> {
    let is_right = !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let reason = "it has letters, digits and '_', and does not begin with a digit";
    if is_right { Ok(()) } else { Err(InvalidText::new("name of an environment variable", text, reason)) }
}

/// Checks a pattern of what is left out. It may begin with `-`: it is handed over as `--exclude=pattern`.
///
/// # Errors
/// When it is empty or has a control character in it.
pub fn check_exclude(text: &str) -> Result<(), InvalidText> {
    check_characters(text).map_err(|reason| InvalidText::new("pattern to exclude", text, reason))
}

/// Checks a tag of a snapshot.
///
/// # Errors
/// When it is empty, has spaces around it, or has a comma or a control character in it.
pub fn check_tag(text: &str) -> Result<(), InvalidText> {
    let refuse = |reason| InvalidText::new("tag", text, reason);
    check_characters(text).map_err(refuse)?;
    if text.trim() != text {
        return Err(refuse("it has a space at its beginning or end"));
    }
    if text.contains(',') { Err(refuse("it has a comma in it, which would make two tags of it")) } else { Ok(()) }
}
