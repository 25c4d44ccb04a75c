//! Patterns of what is left out, as restic takes them.
//!
//! A pattern is compared with the whole path of every entry below a root: one that begins with `/` from the first
//! component on, any other from wherever it fits. `*`, `?` and `[a-z]` stay within a component, `**` goes over any number
//! of them, a backslash takes the next character as it is. What is below a directory that is left out is left out too.
//! Unlike restic, the directories above a root, and the root itself, are never compared: a pattern `volumes` must not
//! empty every backup of a volume.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::node::join;

/// Compiled patterns; none of them, and nothing is left out.
#[derive(Debug, Clone, Default)]
pub struct Patterns(GlobSet);

impl Patterns {
    /// Compiles `texts`. What cannot be honoured is left away and told of, in sentences for people.
    #[must_use]
    pub fn parse(texts: &[String]) -> (Self, Vec<String>) {
        let (mut set, mut warnings) = (GlobSetBuilder::new(), Vec::new());
        for text in texts.iter().filter(|text| !text.is_empty()) {
            let compiled = match text.strip_prefix('!') {
                Some(_) => Err("what begins with '!' is not understood here".to_owned()),
                None => compile(text),
            };
            match compiled {
                Ok(glob) => drop(set.add(glob)),
                Err(why) => warnings.push(format!("the pattern '{text}' leaves nothing out: {why}")),
            }
        }
        let set = set.build().unwrap_or_else(|error| {
            warnings.push(format!("none of the patterns leaves anything out: {error}"));
            GlobSet::empty()
        });
        (Self(set), warnings)
    }

    /// Whether what is at `path` below `root` is left out.
    pub(super) fn is_match(&self, root: &[u8], path: &[u8]) -> bool {
        !self.0.is_empty() && self.0.is_match(Path::new(OsStr::from_bytes(&join(root, path))))
    }

    /// Whether what is at `path` below `root` is left out, or a directory on the way to it.
    pub(super) fn is_match_on_the_way(&self, root: &[u8], path: &[u8]) -> bool {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        !self.0.is_empty() && ends.chain([path.len()]).any(|end| self.is_match(root, &path[..end]))
    }

    /// Whether a pattern names the root itself or a directory above it, which has no effect here.
    #[must_use]
    pub fn names_root(&self, root: &Path) -> bool {
        !self.0.is_empty() && root.ancestors().any(|path| self.0.is_match(path))
    }
}

fn compile(text: &str) -> Result<globset::Glob, String> {
    let body = text.trim_end_matches('/');
    // Braces are ordinary characters for restic.
    let body = body.replace('{', "[{]").replace('}', "[}]").replace("[^", "[!");
    let whole = if body.starts_with('/') { body } else { format!("**/{body}") };
    let built = GlobBuilder::new(&whole).literal_separator(true).backslash_escape(true).build();
    built.map_err(|error| error.kind().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_to_restic() {
        let table = [
            ("*.log", "a.log", true),
            ("*.log", "deep/down/a.log", true),
            ("*.log", "a.log.gz", false),
            ("cache", "x/cache", true),
            ("cache/", "x/cache", true),
            ("cache", "x/cached", false),
            ("x/cache", "x/cache", true),
            ("x/cache", "y/cache", false),
            ("data/x", "x", true),
            ("data", "x", false),
            ("/srv/data/x", "x", true),
            ("/x", "x", false),
            ("/srv/**/tmp", "a/b/tmp", true),
            ("/srv/*/tmp", "a/b/tmp", false),
            ("a/**/z", "a/b/c/z", true),
            ("file[0-9]", "file7", true),
            ("file[^0-9]", "file7", false),
            ("a{b,c}", "ab", false),
            ("a{b,c}", "a{b,c}", true),
            ("star\\*", "star*", true),
            ("star\\*", "stars", false),
            (".*", ".hidden", true),
        ];
        for (pattern, path, expected) in table {
            let (patterns, warnings) = Patterns::parse(&[pattern.to_owned()]);
            assert_eq!(warnings, Vec::<String>::new(), "{pattern}");
            assert_eq!(patterns.is_match(b"/srv/data", path.as_bytes()), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn what_cannot_be_honoured_is_told() {
        let (patterns, warnings) = Patterns::parse(&["!keep".to_owned(), "a[".to_owned(), String::new()]);
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(!patterns.is_match(b"/r", b"keep"));
        let (patterns, _) = Patterns::parse(&["volumes".to_owned()]);
        assert!(patterns.names_root(Path::new("/var/lib/docker/volumes/x")));
        assert!(!patterns.names_root(Path::new("/srv")));
    }
}
