//! What is kept of the snapshots of one plan.
//!
//! The text of `retention` is read by `grammar`, and `judge` says what becomes of each snapshot. The rule is restic's, so
//! that what people know of `restic forget` holds for every backend. To add a kind of period: a field here, its key in
//! `grammar`, its bucket in `judge`.

use std::fmt;

use chrono::{DateTime, Utc};

mod grammar;
mod judge;
#[cfg(test)]
mod judge_tests;
mod within;

pub use judge::judge;
pub use within::Within;

/// A count that never runs out.
pub const UNLIMITED: u32 = u32::MAX;

/// How many snapshots are kept of each kind of period, and for how long all are. All zero and no time keeps everything.
///
/// It is read from Marina's `7d:4w:6m`, from a list such as `last=3,daily=7,within=90d,min_keep=2`, or from `all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepPolicy {
    /// The newest ones.
    pub last: u32,
    /// One for each of so many hours that have one.
    pub hourly: u32,
    /// One for each of so many days that have one.
    pub daily: u32,
    /// One for each of so many ISO weeks that have one.
    pub weekly: u32,
    /// One for each of so many months that have one.
    pub monthly: u32,
    /// One for each of so many years that have one.
    pub yearly: u32,
    /// All that are not older than this, seen from the newest one.
    pub within: Option<Within>,
    /// One for each hour, of those that are not older than this.
    pub within_hourly: Option<Within>,
    /// One for each day, of those that are not older than this.
    pub within_daily: Option<Within>,
    /// One for each ISO week, of those that are not older than this.
    pub within_weekly: Option<Within>,
    /// One for each month, of those that are not older than this.
    pub within_monthly: Option<Within>,
    /// One for each year, of those that are not older than this.
    pub within_yearly: Option<Within>,
    /// Never fewer than so many complete ones are left, at least 1.
    pub min_keep: u32,
}

impl KeepPolicy {
    /// Everything is kept.
    pub const ALL: Self = Self {
        last: 0,
        hourly: 0,
        daily: 0,
        weekly: 0,
        monthly: 0,
        yearly: 0,
        within: None,
        within_hourly: None,
        within_daily: None,
        within_weekly: None,
        within_monthly: None,
        within_yearly: None,
        min_keep: 1,
    };

    /// Whether nothing is ever dropped.
    #[must_use]
    pub fn keeps_all(&self) -> bool {
        Self { min_keep: 1, ..*self } == Self::ALL
    }
}

impl Default for KeepPolicy {
    /// Marina's: seven days, four weeks, six months.
    fn default() -> Self {
        Self { daily: 7, weekly: 4, monthly: 6, ..Self::ALL }
    }
}

/// Why a text is no retention.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidKeepPolicy(pub String);

impl std::str::FromStr for KeepPolicy {
    type Err = InvalidKeepPolicy;

    /// Reads a retention. An empty text, and zeros in Marina's form, mean the default, as they do there.
    fn from_str(text: &str) -> Result<Self, InvalidKeepPolicy> {
        grammar::read(text)
    }
}

/// In a form that is read back as the same policy: Marina's where it can say it, else the list.
impl fmt::Display for KeepPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&grammar::write(self))
    }
}

/// One snapshot that is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// What it is called where it lies: our id, or restic's.
    pub id: String,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// Whether every target was captured whole. Others never stand for a period and never push a whole one out.
    pub is_complete: bool,
}

/// What becomes of one snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeepVerdict {
    /// Which one.
    pub id: String,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// Whether it is kept.
    pub is_kept: bool,
    /// The reason, in words for people.
    pub reason: String,
}
