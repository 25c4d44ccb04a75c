//! Schedules as Backrest reads them.
//!
//! Its five fields are less than those of [`crate::domain::schedule`], and some mean something else: a day has to fit
//! the day of the month *and* the day of the week, Sunday is 0 alone, a step of 0 never ends, and what does not come true
//! within five years makes Backrest refuse its whole configuration. [`translate`] turns what people write into such
//! fields, or refuses it; [`check`] judges fields that are already there.

use super::notes::Notes;
use crate::domain::schedule::{expand, minute_of};

mod days;
mod field;
#[cfg(test)]
mod tests;

use field::{DAY, FIELDS, MONTH, WEEKDAY};

/// The fields of a schedule for Backrest. `seed` is what the minute of a `T` is made of: the id of the plan. How
/// something was understood is noted for `label`.
///
/// # Errors
/// Says what Backrest would not understand, as the end of a sentence about the schedule.
pub(super) fn translate(
    text: &str,
    seed: &str,
    label: Option<&'static str>,
    notes: &mut Notes,
) -> Result<String, String> {
    if ["CRON_TZ=", "TZ="].iter().any(|zone| text.starts_with(zone)) {
        return Err("Backrest reads schedules in the time zone of its own container; set TZ there".to_owned());
    }
    let mut parts: Vec<String> = expand(text)?.split_whitespace().map(str::to_ascii_uppercase).collect();
    if parts.len() == FIELDS.len() + 1 && parts[0].bytes().all(|byte| byte == b'0') {
        parts.remove(0);
        notes.info(label, "the field for seconds is 0 and was taken off: Backrest has none");
    }
    if parts.len() != FIELDS.len() {
        return Err(format!("it has {} fields, and Backrest reads five, such as '0 2 * * *'", parts.len()));
    }
    if matches!(parts[0].as_str(), "T" | "H") {
        parts[0] = minute_of(seed).to_string();
        notes.info(label, format!("the minute that belongs to this plan is {}", parts[0]));
    }
    let sets = translate_fields(&mut parts)?;
    let is_rare = |field: usize| sets[field].len() < FIELDS[field].values().count();
    if is_rare(DAY) && is_rare(WEEKDAY) {
        notes.warn(label, "Backrest runs it only on days that fit both the day of the month and the day of the week");
    }
    check_days(&sets)?;
    Ok(parts.join(" "))
}

/// Rewrites each field in place and says what it matches.
fn translate_fields(parts: &mut [String]) -> Result<Vec<Vec<u32>>, String> {
    let both = parts.iter_mut().zip(&FIELDS);
    both.map(|(part, field)| {
        let (text, values) = field.translate(part).map_err(|why| format!("the {} {why}", field.name))?;
        *part = text;
        Ok(values)
    })
    .collect()
}

/// Checks fields that Backrest is to read: that it understands them, that they come true, and that it does not hang.
///
/// # Errors
/// Says what is wrong, as the end of a sentence about the schedule.
pub fn check(text: &str) -> Result<(), String> {
    let parts: Vec<&str> = text.split_whitespace().collect();
    if parts.len() != FIELDS.len() {
        return Err(format!("it has {} fields, and Backrest reads five", parts.len()));
    }
    let both = parts.iter().zip(&FIELDS);
    let sets: Result<Vec<Vec<u32>>, String> =
        both.map(|(part, field)| field.read(part).map_err(|why| format!("the {} {why}", field.name))).collect();
    let sets = sets?;
    match sets.iter().zip(&FIELDS).find(|(set, _)| set.is_empty()) {
        Some((_, field)) => Err(format!("the {} never comes true; {}", field.name, field.range())),
        None => check_days(&sets),
    }
}

fn check_days(sets: &[Vec<u32>]) -> Result<(), String> {
    let is_often_enough = days::come_true(&sets[DAY], &sets[MONTH], &sets[WEEKDAY]);
    let why = "there are five years without such a day, which makes Backrest refuse its whole configuration";
    is_often_enough.then_some(()).ok_or_else(|| why.to_owned())
}
