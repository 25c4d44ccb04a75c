//! Identifiers that say what they name and sort by the time they were made.
//!
//! An id is a prefix, an underscore and a version 7 UUID (RFC 9562) as 32 lower-case hexadecimal digits:
//! the UUID starts with the time in milliseconds, so ids sort as they were made.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::{ContextV7, NoContext, Timestamp, Uuid};

/// A text that is no id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not an id of the form {prefix}_<32 hexadecimal digits>")]
pub struct InvalidId {
    /// What was given, shortened to something printable.
    pub text: String,
    /// The prefix that was expected.
    pub prefix: &'static str,
}

fn parse(prefix: &'static str, text: &str) -> Result<String, InvalidId> {
    let is_id = text
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .is_some_and(|digits| digits.len() == 32 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
    if is_id {
        Ok(text.to_owned())
    } else {
        Err(InvalidId { text: text.chars().take(64).flat_map(char::escape_default).collect(), prefix })
    }
}

fn make(prefix: &str, at: DateTime<Utc>) -> String {
    let seconds = u64::try_from(at.timestamp()).unwrap_or(0);
    // One context for the process: ids made within one millisecond still sort in the order they were made.
    static CONTEXT: std::sync::LazyLock<std::sync::Mutex<ContextV7>> =
        std::sync::LazyLock::new(|| std::sync::Mutex::new(ContextV7::new()));
    let context = CONTEXT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let uuid = Uuid::new_v7(Timestamp::from_unix(&*context, seconds, at.timestamp_subsec_nanos()));
    format!("{prefix}_{}", uuid.simple())
}

/// The time of a new id is never before the one it was made for: when the clock steps back, ids stay where they were.
fn lowest(prefix: &str, at: DateTime<Utc>) -> String {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0).min((1 << 48) - 1);
    format!("{prefix}_{millis:012x}{:020}", 0)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// What every id of this kind starts with, without the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A new id for something made at `at`.
            #[must_use]
            pub fn new(at: DateTime<Utc>) -> Self {
                Self(make($prefix, at))
            }

            /// A bound: an id of something made at `at` or later does not sort before it.
            #[must_use]
            pub fn lowest_at(at: DateTime<Utc>) -> Self {
                Self(lowest($prefix, at))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse($prefix, text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// Names one job.
    JobId,
    "job"
);
id!(
    /// Names one snapshot: a restorable result of a job.
    SnapshotId,
    "snap"
);
id!(
    /// Names one API token or session; it is not the secret itself.
    TokenId,
    "tok"
);

impl SnapshotId {
    /// An id for something that was made long before it is recorded: in lists, which sort by ids, it stands where it would
    /// stand had it been recorded then.
    #[must_use]
    pub fn of_the_past(at: DateTime<Utc>) -> Self {
        let seconds = u64::try_from(at.timestamp()).unwrap_or(0);
        let uuid = Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, at.timestamp_subsec_nanos()));
        Self(format!("{}_{}", Self::PREFIX, uuid.simple()))
    }
}

/// How many bits of a job's number tell jobs of the same millisecond apart.
const NUMBER_BITS: u32 = 11;

impl JobId {
    /// The id as a whole number, for clients that know no other ids: the milliseconds and the lowest bits of what counts
    /// within one. It stays below 2^53, beyond which JavaScript would round it, until the year 2109.
    #[must_use]
    pub fn to_number(&self) -> u64 {
        let digits = self.0.strip_prefix(Self::PREFIX).and_then(|rest| rest.strip_prefix('_')).unwrap_or_default();
        let read = |range| digits.get(range).and_then(|part| u64::from_str_radix(part, 16).ok()).unwrap_or(0);
        // The UUID's counter follows the two bits of its variant and ends at the 24th digit.
        read(0..12) << NUMBER_BITS | (read(16..24) & ((1 << NUMBER_BITS) - 1))
    }

    /// The ids between which the one with this number lies; the second is not among them.
    #[must_use]
    pub fn bounds_of_number(number: u64) -> (Self, Self) {
        let millis = i64::try_from(number >> NUMBER_BITS).unwrap_or(i64::MAX - 1);
        let at = |millis| DateTime::from_timestamp_millis(millis).unwrap_or(DateTime::<Utc>::MAX_UTC);
        (Self::lowest_at(at(millis)), Self::lowest_at(at(millis + 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(ms).expect("a valid time")
    }

    #[test]
    fn ids_sort_by_the_time_they_were_made() {
        let ids: Vec<JobId> =
            [1_000, 1_001, 2_000, 1_700_000_000_000].into_iter().map(|ms| JobId::new(at(ms))).collect();
        assert!(ids.is_sorted(), "{ids:?}");
    }

    #[test]
    fn ids_of_one_millisecond_keep_their_order() {
        let ids: Vec<JobId> = (0..100).map(|_| JobId::new(at(1_700_000_000_000))).collect();
        assert!(ids.is_sorted(), "{ids:?}");
    }

    #[test]
    fn no_id_of_a_time_or_later_is_below_the_bound() {
        let time = DateTime::from_timestamp_nanos(1_700_000_000_123_999_999);
        let bound = JobId::lowest_at(time);
        assert_eq!(bound.as_str().parse(), Ok(bound.clone()));
        assert_eq!(bound.as_str(), format!("job_{:012x}{:020}", 1_700_000_000_123_u64, 0));
        assert!(JobId::new(time) >= bound && JobId::new(at(0)) >= JobId::lowest_at(at(-5)));
        assert!(JobId::lowest_at(DateTime::<Utc>::MAX_UTC) > bound);
    }

    #[test]
    fn an_id_survives_text() {
        let id = SnapshotId::new(at(1_700_000_000_000));
        assert_eq!(id.to_string().parse::<SnapshotId>(), Ok(id));
    }

    #[test]
    fn other_texts_are_refused() {
        let job = JobId::new(at(0)).to_string();
        for text in ["", "job_", "job_1", "snap_../../etc", &job.to_uppercase(), &format!("{job}0")] {
            assert!(text.parse::<JobId>().is_err(), "{text}");
        }
        assert!(job.parse::<SnapshotId>().is_err());
    }

    #[test]
    fn numbers_of_jobs_are_unlike_and_lead_back() {
        let at = DateTime::from_timestamp_millis(1_800_000_000_123).expect("a time");
        let ids: Vec<JobId> = (0..100).map(|_| JobId::new(at)).collect();
        let numbers: std::collections::BTreeSet<u64> = ids.iter().map(JobId::to_number).collect();
        assert_eq!(numbers.len(), ids.len());
        for id in &ids {
            assert!(id.to_number() < 1 << 53);
            let (lowest, end) = JobId::bounds_of_number(id.to_number());
            assert!(lowest <= *id && *id < end, "{id}");
        }
    }
}
