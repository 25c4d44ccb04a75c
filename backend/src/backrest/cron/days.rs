//! Whether days come true often enough for Backrest, which looks five years ahead.

use chrono::{Datelike as _, NaiveDate};

/// The longest time between two such days, in days. Backrest looks ahead for five years.
const MOST_DAYS: i32 = 5 * 365;
/// The years that are looked at: one turn of the calendar, so that the answer is the same whenever it is asked for.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2060;

/// Whether a day that fits all three comes at least every five years, from whichever day on.
pub(super) fn come_true(days: &[u32], months: &[u32], weekdays: &[u32]) -> bool {
    // Every month has each day of the week on one of these days, and each of these days.
    let is_everywhere = (1..=28).all(|day| days.contains(&day));
    if is_everywhere {
        return !months.is_empty() && !weekdays.is_empty();
    }
    let dates = YEARS.flat_map(|year| months.iter().map(move |month| (year, *month)));
    let dates = dates.flat_map(|(year, month)| days.iter().map(move |day| (year, month, *day)));
    let fitting = dates
        .filter_map(|(year, month, day)| NaiveDate::from_ymd_opt(year, month, day))
        .filter(|date| weekdays.contains(&date.weekday().num_days_from_sunday()))
        .map(|date| date.num_days_from_ce());
    is_dense(fitting)
}

/// Whether no two neighbours, the ends of the years among them, are too far from each other.
fn is_dense(days: impl Iterator<Item = i32>) -> bool {
    let end = |year: i32| NaiveDate::from_ymd_opt(year, 1, 1).map_or(0, |date| date.num_days_from_ce());
    let mut last = end(*YEARS.start());
    for day in days.chain([end(*YEARS.end() + 1)]) {
        if day - last > MOST_DAYS {
            return false;
        }
        last = day;
    }
    true
}
