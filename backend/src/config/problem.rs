//! What is wrong or worth knowing in a configuration, with its place.

use std::fmt;

use super::tree::Place;
use super::yaml;

/// Problems beyond this number are only counted.
const MOST_SHOWN: usize = 50;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file, the environment variable or the flag.
    pub origin: String,
    /// Line in the file, from 1, where it is known.
    pub line: Option<usize>,
    /// Column in the line, from 1, where it is known.
    pub column: Option<usize>,
    /// What is wrong. Holds no secret.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Everything that is wrong, sorted by line; `Display` gives one a line, below a line with their number when they are several.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub struct ConfigErrors {
    /// The first of them.
    pub errors: Vec<ConfigError>,
    /// How many more there are.
    pub more: usize,
}

impl ConfigErrors {
    /// A single problem that has no line.
    pub(super) fn single(origin: impl Into<String>, message: impl Into<String>) -> Self {
        let error = ConfigError { origin: origin.into(), line: None, column: None, message: message.into() };
        Self { errors: vec![error], more: 0 }
    }

    fn text(&self) -> String {
        let mut lines: Vec<_> = self.errors.iter().map(ToString::to_string).collect();
        if self.more > 0 {
            lines.push(format!("and {} more", self.more));
        }
        // A line that begins with a file's name is one that an editor can jump to.
        if lines.len() > 1 {
            let count = self.errors.len() + self.more;
            lines.insert(0, format!("the configuration has {count} mistakes:"));
        }
        lines.join("\n")
    }
}

/// Something that is accepted, but probably not what the user wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigWarning {
    /// The key's path, such as `instances[0].env.RESTIC_PASSWORD`.
    pub key: String,
    /// Where it is: file, line and column, or the variable.
    pub origin: String,
    /// What there is to know. Holds no secret.
    pub message: String,
}

impl fmt::Display for ConfigWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.message)
    }
}

/// A problem or a warning whose place is not looked up yet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    /// Where.
    pub(super) place: Place,
    /// The key's path.
    pub(super) key: String,
    /// What.
    pub(super) message: String,
}

/// The file that places refer to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    /// Its name as the user wrote it.
    pub(super) name: &'a str,
    /// What it holds.
    pub(super) text: &'a str,
}

impl Source<'_> {
    /// Looks the places up and puts the problems into the order of the file.
    pub(super) fn errors(&self, mut findings: Vec<Finding>) -> ConfigErrors {
        findings.sort();
        findings.dedup();
        let more = findings.len().saturating_sub(MOST_SHOWN);
        findings.truncate(MOST_SHOWN);
        let mut errors: Vec<_> = findings.into_iter().map(|finding| self.error(finding)).collect();
        errors.sort_by_key(|error| (error.line.unwrap_or(usize::MAX), error.column));
        errors.dedup();
        ConfigErrors { errors, more }
    }

    fn error(&self, finding: Finding) -> ConfigError {
        let (origin, position) = match finding.place {
            Place::File(number) => (self.name.to_owned(), yaml::locate(self.text, number)),
            Place::Outside(name) => (name, None),
        };
        let (line, column) = position.unzip();
        ConfigError { origin, line, column, message: finding.message }
    }

    /// Looks the places of warnings up.
    pub(super) fn warnings(&self, mut findings: Vec<Finding>) -> Vec<ConfigWarning> {
        findings.sort();
        findings.dedup();
        findings.truncate(MOST_SHOWN);
        let mut warnings: Vec<_> = findings.into_iter().map(|finding| self.warning(finding)).collect();
        // What stands behind an anchor is read once for each alias.
        warnings.dedup();
        warnings
    }

    fn warning(&self, finding: Finding) -> ConfigWarning {
        let origin = match finding.place {
            Place::File(number) => match yaml::locate(self.text, number) {
                Some((line, column)) => format!("{}:{line}:{column}", self.name),
                None => self.name.to_owned(),
            },
            Place::Outside(name) => name,
        };
        ConfigWarning { key: finding.key, origin, message: finding.message }
    }
}
