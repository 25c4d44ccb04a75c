//! When a plan runs.
//!
//! `croner` knows what the fields of cron mean, also across a change to or from summer time. `fields` refuses before it
//! what is no schedule, in a sentence that names the field; `words` tells a schedule in plain words.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use super::hint::closest;

mod fields;
#[cfg(test)]
mod tests;
mod words;

/// The short names and what they stand for.
const NICKNAMES: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// A schedule: five cron fields with names, or `@daily` and friends. `T` or `H` as the minute is the plan's own minute, so
/// that not every plan begins at the full hour; `CRON_TZ=Zone` before the fields names the zone that they are read in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    text: String,
    zone: Option<Tz>,
    cron: Arc<Cron>,
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
        let text = text.trim();
        let refuse = |reason: String| InvalidSchedule(format!("'{}' is no schedule: {reason}", text.escape_debug()));
        let (zone, rest) = split_zone(text).map_err(refuse)?;
        let fields = fields::check(expand(rest).map_err(refuse)?, minute_of(seed)).map_err(refuse)?;
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(&fields).map_err(|error| refuse(error.to_string()))?;
        let schedule = Self { text: text.to_owned(), zone, cron: Arc::new(cron) };
        if schedule.next_after(DateTime::UNIX_EPOCH, Tz::UTC).is_none() {
            return Err(refuse("it never comes true, because no such day exists".to_owned()));
        }
        Ok(schedule)
    }

    /// The text that it was read from.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The zone that it names itself.
    #[must_use]
    pub const fn own_zone(&self) -> Option<Tz> {
        self.zone
    }

    /// The first time after `after`, its fields read in `zone` unless the schedule names one itself.
    ///
    /// A time of day that a change of the clocks leaves out comes at the end of the gap, one that it repeats comes once.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let local = after.with_timezone(&self.zone.unwrap_or(zone));
        self.cron.find_next_occurrence(&local, false).ok().map(|at| at.to_utc())
    }

    /// The next `count` times after `after`.
    #[must_use]
    pub fn next_runs(&self, after: DateTime<Utc>, zone: Tz, count: usize) -> Vec<DateTime<Utc>> {
        std::iter::successors(self.next_after(after, zone), |at| self.next_after(*at, zone)).take(count).collect()
    }

    /// The schedule in plain words, such as "every day at 02:00"; the text itself where it is not a common one.
    #[must_use]
    pub fn describe(&self) -> String {
        let words = words::describe(&self.cron).unwrap_or_else(|| self.text.clone());
        match self.zone {
            Some(zone) if words != self.text => format!("{words} ({zone})"),
            _ => words,
        }
    }
}

/// Takes `CRON_TZ=Zone` or `TZ=Zone` off.
fn split_zone(text: &str) -> Result<(Option<Tz>, &str), String> {
    let Some(named) = text.strip_prefix("CRON_TZ=").or_else(|| text.strip_prefix("TZ=")) else {
        return Ok((None, text));
    };
    let (name, rest) = named.split_once(char::is_whitespace).unwrap_or((named, ""));
    let zone = name.parse().map_err(|_| {
        let hint = closest(name, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()));
        let hint = hint.map_or_else(String::new, |hint| format!("; did you mean '{hint}'?"));
        format!("'{}' is no IANA time zone{hint}", name.escape_debug())
    })?;
    Ok((Some(zone), rest.trim_start()))
}

/// The five fields of a short name such as `@daily`; other text as it is.
///
/// # Errors
/// When the short name is unknown.
pub fn expand(text: &str) -> Result<&str, String> {
    if !text.starts_with('@') {
        return Ok(text);
    }
    let known = NICKNAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    let fields = known.map(|(_, fields)| *fields);
    fields.ok_or_else(|| {
        if text.to_ascii_lowercase().starts_with("@every") {
            return "'@every' depends on when the service was started; write '0 */6 * * *' for every six hours"
                .to_owned();
        }
        let names = NICKNAMES.map(|(name, _)| name).join(", ");
        format!("'{}' is unknown; there are {names}", text.escape_debug())
    })
}

/// The minute that belongs to a plan: FNV-1a over its id. backrest-sidecar reckons the same, so that a plan that comes
/// from there keeps its minute.
#[must_use]
pub fn minute_of(seed: &str) -> u32 {
    let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    seed.bytes().fold(0x811c_9dc5, step) % 60
}
