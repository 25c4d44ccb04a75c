//! What someone looks for among the names of files.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};

/// More letters than anyone looks for.
const LONGEST: usize = 256;

/// A part of a name, or a pattern with `*`, `?` and `[a-z]`; capital letters do not count. With a `/` in it the whole
/// path is looked at, else the last part of it.
#[derive(Debug, Clone)]
pub struct NamePattern {
    is_of_path: bool,
    how: How,
}

#[derive(Debug, Clone)]
enum How {
    /// In small letters.
    Part(String),
    Glob(GlobMatcher),
}

/// Why a text is nothing to look for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    /// Everything has it.
    #[error("it must not be empty")]
    Empty,
    /// Nobody looks for that.
    #[error("it must have at most {LONGEST} bytes")]
    TooLong,
    /// A bracket that does not end, or the like.
    #[error("it is no pattern: {0}")]
    Malformed(String),
}

impl NamePattern {
    /// Reads what someone typed.
    ///
    /// # Errors
    /// [`InvalidPattern`].
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        if text.trim().is_empty() {
            return Err(InvalidPattern::Empty);
        }
        if text.len() > LONGEST {
            return Err(InvalidPattern::TooLong);
        }
        let is_of_path = text.contains('/');
        let how = if text.contains(['*', '?', '[']) {
            let mut glob = GlobBuilder::new(text.trim_start_matches('/'));
            let glob = glob.case_insensitive(true).literal_separator(true).build();
            let glob = glob.map_err(|error| InvalidPattern::Malformed(error.kind().to_string()))?;
            How::Glob(glob.compile_matcher())
        } else {
            How::Part(text.to_lowercase())
        };
        Ok(Self { is_of_path, how })
    }

    /// Whether an entry at `path`, without a leading slash, is looked for.
    #[must_use]
    pub fn is_match(&self, path: &[u8]) -> bool {
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        let seen = if self.is_of_path { path } else { name };
        match &self.how {
            How::Glob(glob) => glob.is_match(Path::new(OsStr::from_bytes(seen))),
            How::Part(part) => {
                let text = String::from_utf8_lossy(seen).to_lowercase();
                text.contains(part) || (self.is_of_path && format!("/{text}").contains(part))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_a_part_or_a_pattern() {
        for (pattern, path, is_found) in [
            ("page", "volumes/blog/Page.html", true),
            ("PAGE", "volumes/blog/page.html", true),
            ("blog", "volumes/blog/page.html", false),
            ("blog/p", "volumes/blog/page.html", true),
            ("/volumes", "volumes/blog", true),
            ("*.html", "volumes/blog/PAGE.HTML", true),
            ("*.html", "volumes/page.html/other", false),
            ("p?ge.[hx]tml", "a/page.html", true),
            ("volumes/*/page.html", "volumes/blog/page.html", true),
            ("volumes/*.html", "volumes/blog/page.html", false),
            ("**/page.html", "volumes/blog/page.html", true),
            ("äpfel", "a/ÄPFEL.txt", true),
        ] {
            let found = NamePattern::parse(pattern).expect(pattern).is_match(path.as_bytes());
            assert_eq!(found, is_found, "{pattern} in {path}");
        }
        assert!(NamePattern::parse("x").expect("a pattern").is_match(b"a/\xffx"));
    }

    #[test]
    fn what_is_nothing_to_look_for_is_refused() {
        assert_eq!(NamePattern::parse(" ").err(), Some(InvalidPattern::Empty));
        assert_eq!(NamePattern::parse(&"x".repeat(257)).err(), Some(InvalidPattern::TooLong));
        assert!(matches!(NamePattern::parse("[a"), Err(InvalidPattern::Malformed(_))));
    }
}
