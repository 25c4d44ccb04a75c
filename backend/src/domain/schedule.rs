//! When a plan runs.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// A schedule: five cron fields with names, `@daily` and friends, and `T` as the plan's own minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    text: String,
}

/// Why a text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSchedule(pub String);

impl Schedule {
    /// Reads a schedule. `seed` is what a `T` is made of: the id of the plan.
    ///
    /// # Errors
    /// Says which field is wrong, or that the schedule never comes true.
    pub fn parse(text: &str, seed: &str) -> Result<Self, InvalidSchedule> {
        let _ = seed;
        if text.trim().is_empty() {
            return Err(InvalidSchedule("a schedule has five fields such as '0 2 * * *'".to_owned()));
        }
        Ok(Self { text: text.to_owned() })
    }

    /// The text that it was read from.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first time after `after`, its fields read in `zone` unless the schedule names one itself.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let _ = (after, zone);
        None
    }

    /// The next `count` times after `after`.
    #[must_use]
    pub fn next_runs(&self, after: DateTime<Utc>, zone: Tz, count: usize) -> Vec<DateTime<Utc>> {
        std::iter::successors(self.next_after(after, zone), |at| self.next_after(*at, zone)).take(count).collect()
    }
}
