//! Lines of job logs and of the system log.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The tracing target of lines that are in a log of ours already: they go to the terminal, and not to the system log
/// a second time.
pub const MIRROR_TARGET: &str = "mainstay::log";

/// How much a line matters. `Success` marks what went right; it ranks between information and warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// For whoever looks for a fault.
    Debug,
    /// What is happening.
    Info,
    /// Something was completed.
    Success,
    /// Something is not as it should be, and work goes on.
    Warning,
    /// Something failed.
    Error,
}

impl Level {
    /// The word that stands in log files and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Success => "SUCCESS",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown level; one of DEBUG, INFO, SUCCESS, WARNING, ERROR")]
pub struct UnknownLevel;

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(word: &str) -> Result<Self, UnknownLevel> {
        match word.to_ascii_uppercase().as_str() {
            "DEBUG" => Ok(Self::Debug),
            "INFO" => Ok(Self::Info),
            "SUCCESS" => Ok(Self::Success),
            "WARNING" | "WARN" => Ok(Self::Warning),
            "ERROR" => Ok(Self::Error),
            _ => Err(UnknownLevel),
        }
    }
}

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Number in its log, from 1, without gaps.
    pub n: u64,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// How much it matters.
    pub level: Level,
    /// The target or stack that it speaks of.
    pub target: Option<String>,
    /// A sentence for people; has no line breaks.
    pub message: String,
}
