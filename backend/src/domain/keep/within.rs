//! Spans of the calendar.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Days, MappedLocalTime, Months, NaiveDate, NaiveDateTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

/// A span of the calendar, as restic writes it: `2y5m7d3h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Within {
    /// Years.
    pub years: u32,
    /// Months.
    pub months: u32,
    /// Days.
    pub days: u32,
    /// Hours.
    pub hours: u32,
}

/// A text that is no span of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a span of time is written as '90d' or '1y6m14d12h', with y, m (months), d and h each once at most")]
pub struct InvalidWithin;

impl FromStr for Within {
    type Err = InvalidWithin;

    fn from_str(text: &str) -> Result<Self, InvalidWithin> {
        let mut parts = [None; 4];
        let mut rest = text;
        while !rest.is_empty() {
            let (number, behind) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).ok_or(InvalidWithin)?);
            let unit = behind.chars().next().ok_or(InvalidWithin)?;
            let place = "ymdh".find(unit.to_ascii_lowercase()).ok_or(InvalidWithin)?;
            let number = number.parse().map_err(|_| InvalidWithin)?;
            if parts[place].replace(number).is_some() {
                return Err(InvalidWithin);
            }
            rest = &behind[1..];
        }
        if text.is_empty() {
            return Err(InvalidWithin);
        }
        let [years, months, days, hours] = parts.map(Option::unwrap_or_default);
        Ok(Self { years, months, days, hours })
    }
}

impl fmt::Display for Within {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [(self.years, 'y'), (self.months, 'm'), (self.days, 'd'), (self.hours, 'h')];
        if self.is_zero() {
            return f.write_str("0d");
        }
        parts.iter().filter(|(number, _)| *number > 0).try_for_each(|(number, unit)| write!(f, "{number}{unit}"))
    }
}

impl Within {
    /// Whether it has no length.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// The time that lies this far before `at`; none when that is before all time.
    ///
    /// Reckoned as restic does it: a day that the month does not have runs on into the next month, so that one month
    /// before 31 March is 3 March, or 2 March in a leap year. The hours are hours of the clock on the wall's day.
    pub(super) fn before(&self, at: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let local = at.with_timezone(&zone).naive_local();
        let month = first_of_month(local.date()).checked_sub_months(Months::new(self.all_months()?))?;
        let day = month.checked_add_days(Days::new(day_in_month(local.date())))?;
        let day = day.checked_sub_days(Days::new(self.days.into()))?;
        let whole = on_the_time_line(day.and_time(local.time()), zone)?;
        whole.checked_sub_signed(TimeDelta::try_hours(self.hours.into())?)
    }

    fn all_months(&self) -> Option<u32> {
        self.years.checked_mul(12)?.checked_add(self.months)
    }
}

fn first_of_month(date: NaiveDate) -> NaiveDate {
    use chrono::Datelike as _;
    date.with_day(1).unwrap_or(date)
}

fn day_in_month(date: NaiveDate) -> u64 {
    use chrono::Datelike as _;
    date.day0().into()
}

/// A time of day that the zone left out lies an hour later, one that it had twice is the earlier: both keep more.
fn on_the_time_line(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => Some(at.to_utc()),
        MappedLocalTime::None => {
            let before = zone.from_local_datetime(&local.checked_sub_signed(TimeDelta::hours(3))?).earliest()?;
            Some((before + TimeDelta::hours(3)).to_utc())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_restic_reads_them() {
        for (text, [years, months, days, hours]) in
            [("90d", [0, 0, 90, 0]), ("1y2m3d4h", [1, 2, 3, 4]), ("4h1y", [1, 0, 0, 4]), ("14D", [0, 0, 14, 0])]
        {
            assert_eq!(text.parse(), Ok(Within { years, months, days, hours }), "{text}");
        }
        for text in ["", "90", "d", "1w", "1d2d", "-5d", "1 d", "99999999999d", "1dä"] {
            assert_eq!(text.parse::<Within>(), Err(InvalidWithin), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for text in ["90d", "1y2m3d4h", "1y4h", "6m"] {
            assert_eq!(text.parse::<Within>().expect("a span").to_string(), text);
        }
    }

    fn before(at: &str, span: &str, zone: Tz) -> Option<String> {
        let span: Within = span.parse().expect("a span");
        Some(span.before(at.parse().expect("a time"), zone)?.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
    }

    #[test]
    fn a_span_is_counted_by_the_calendar() {
        let berlin = Tz::Europe__Berlin;
        for (at, span, zone, expected) in [
            ("2026-03-31T12:00:00Z", "1m", Tz::UTC, "2026-03-03T12:00:00Z"),
            ("2024-02-29T12:00:00Z", "1y", Tz::UTC, "2023-03-01T12:00:00Z"),
            ("2026-01-31T00:00:00Z", "1m1d1h", Tz::UTC, "2025-12-29T23:00:00Z"),
            // Across a change the time of day stays, in the zone.
            ("2026-03-30T10:00:00Z", "2d", berlin, "2026-03-28T11:00:00Z"),
            ("2026-03-30T10:00:00Z", "48h", berlin, "2026-03-28T10:00:00Z"),
            ("2026-03-30T00:30:00Z", "1d", berlin, "2026-03-29T01:30:00Z"),
            ("2026-10-26T01:30:00Z", "1d", berlin, "2026-10-25T00:30:00Z"),
        ] {
            assert_eq!(before(at, span, zone).as_deref(), Some(expected), "{span} before {at}");
        }
        for span in ["4000000000y", "4000000000d", "300000y", "4294967295m"] {
            assert_eq!(before("2026-01-01T00:00:00Z", span, Tz::UTC), None, "{span} is before all time");
        }
    }
}
