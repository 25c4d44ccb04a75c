//! The text of a retention.

use super::{InvalidKeepPolicy, KeepPolicy, UNLIMITED, Within};
use crate::domain::hint::did_you_mean;

const UNLIMITED_WORD: &str = "unlimited";
const ALL_WORD: &str = "all";

/// Whose field a key is for.
type Count = fn(&mut KeepPolicy) -> &mut u32;
type Span = fn(&mut KeepPolicy) -> &mut Option<Within>;

/// The keys of a list that count, in the order in which they are written.
const COUNTS: [(&str, Count); 6] = [
    ("last", |policy| &mut policy.last),
    ("hourly", |policy| &mut policy.hourly),
    ("daily", |policy| &mut policy.daily),
    ("weekly", |policy| &mut policy.weekly),
    ("monthly", |policy| &mut policy.monthly),
    ("yearly", |policy| &mut policy.yearly),
];

/// The keys of a list that name a span of time.
const SPANS: [(&str, Span); 6] = [
    ("within", |policy| &mut policy.within),
    ("within-hourly", |policy| &mut policy.within_hourly),
    ("within-daily", |policy| &mut policy.within_daily),
    ("within-weekly", |policy| &mut policy.within_weekly),
    ("within-monthly", |policy| &mut policy.within_monthly),
    ("within-yearly", |policy| &mut policy.within_yearly),
];

const MIN_KEEP: &str = "min_keep";

/// The parts of Marina's form: their unit, what they count, and the key of a list that says the same.
const PARTS: [(char, &str, &str); 3] = [('d', "days", "daily"), ('w', "weeks", "weekly"), ('m', "months", "monthly")];

pub(super) fn read(text: &str) -> Result<KeepPolicy, InvalidKeepPolicy> {
    let text = text.trim();
    match text {
        "" => Ok(KeepPolicy::default()),
        _ if text.eq_ignore_ascii_case(ALL_WORD) => Ok(KeepPolicy::ALL),
        _ if text.contains(['=', ',']) => read_list(text),
        _ => read_parts(text),
    }
    .map_err(|reason| InvalidKeepPolicy(format!("'{}' is no retention: {reason}", text.escape_debug())))
}

/// Marina's `7d:4w:6m`: days, weeks, months; what is missing is zero.
fn read_parts(text: &str) -> Result<KeepPolicy, String> {
    let parts: Vec<&str> = text.split(':').map(str::trim).collect();
    if parts.len() > PARTS.len() {
        return Err(format!("it has {} parts, at most days:weeks:months as in '7d:4w:6m' are allowed", parts.len()));
    }
    let mut counts = [0; 3];
    for ((part, place), count) in parts.iter().zip(PARTS).zip(&mut counts) {
        *count = read_part(part, place)?;
    }
    let [daily, weekly, monthly] = counts;
    if counts == [0; 3] {
        Ok(KeepPolicy::default())
    } else {
        Ok(KeepPolicy { daily, weekly, monthly, ..KeepPolicy::ALL })
    }
}

fn read_part(part: &str, (unit, what, key): (char, &str, &str)) -> Result<u32, String> {
    let number = part.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let letters = part[number.len()..].to_ascii_lowercase();
    let shown = part.escape_debug();
    if letters.is_empty() || (letters.len() == 1 && letters.starts_with(unit) && !number.is_empty()) {
        return if part.is_empty() { Ok(0) } else { read_number(number) };
    }
    let is_other_unit = number.parse::<u32>().is_ok() && ["d", "w", "m", "y"].contains(&letters.as_str());
    let Some(key_of_unit) = is_other_unit.then(|| key_of(&letters)) else {
        return Err(format!("'{shown}' stands for the {what} and must be a number such as '7' or '7{unit}'"));
    };
    Err(format!(
        "'{shown}' stands in the place of the {what} ({key}), as in '7d:4w:6m'; a list such as '{key_of_unit}={number}' has no places"
    ))
}

fn key_of(unit: &str) -> &'static str {
    PARTS.iter().find(|(letter, ..)| unit.starts_with(*letter)).map_or("yearly", |(_, _, key)| key)
}

/// `last=7,daily=7,within=90d,min_keep=2`.
fn read_list(text: &str) -> Result<KeepPolicy, String> {
    let mut policy = KeepPolicy::ALL;
    let mut seen: Vec<String> = Vec::new();
    for item in text.split(',').map(str::trim) {
        let Some((key, value)) = item.split_once('=') else {
            return Err(format!("'{}' is no part of such a list; its parts are as 'daily=7'", item.escape_debug()));
        };
        let key = key.trim().to_ascii_lowercase().replace('_', "-");
        if seen.contains(&key) {
            return Err(format!("'{}' is said twice", key.escape_debug()));
        }
        read_item(&mut policy, &key, value.trim())?;
        seen.push(key);
    }
    if policy.keeps_all() {
        return Err(format!("it names nothing to keep; write '{ALL_WORD}' to keep everything"));
    }
    Ok(policy)
}

fn read_item(policy: &mut KeepPolicy, key: &str, value: &str) -> Result<(), String> {
    if let Some((_, count)) = COUNTS.iter().find(|(name, _)| *name == key) {
        *count(policy) = read_count(value)?;
    } else if let Some((_, span)) = SPANS.iter().find(|(name, _)| *name == key) {
        let within: Within = value.parse().map_err(|error| format!("'{key}={}': {error}", value.escape_debug()))?;
        *span(policy) = Some(within).filter(|within| !within.is_zero());
    } else if key == "min-keep" {
        policy.min_keep = read_number(value)?;
        if policy.min_keep == 0 {
            return Err(format!("'{MIN_KEEP}' is at least 1"));
        }
    } else {
        return Err(unknown_key(key));
    }
    Ok(())
}

fn unknown_key(key: &str) -> String {
    let known = || COUNTS.iter().map(|(name, _)| *name).chain(SPANS.iter().map(|(name, _)| *name)).chain([MIN_KEEP]);
    let bare = key.trim_start_matches('-').trim_start_matches("keep-");
    let hint = did_you_mean(bare, known());
    let all = if hint.is_empty() { format!("; known are {}", known().collect::<Vec<_>>().join(", ")) } else { hint };
    format!("'{}' is unknown{all}", key.escape_debug())
}

fn read_count(text: &str) -> Result<u32, String> {
    if text.eq_ignore_ascii_case(UNLIMITED_WORD) { Ok(UNLIMITED) } else { read_number(text) }
}

/// A number without a sign. One that is too large is a mistake, not "many".
fn read_number(text: &str) -> Result<u32, String> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| is_number && *number < UNLIMITED);
    number.ok_or_else(|| {
        let reason = if is_number { "is too large" } else { "is no whole number" };
        format!("'{}' {reason}", text.escape_debug())
    })
}

pub(super) fn write(policy: &KeepPolicy) -> String {
    let KeepPolicy { daily, weekly, monthly, .. } = *policy;
    let plain = KeepPolicy { daily, weekly, monthly, ..KeepPolicy::ALL };
    if policy.keeps_all() {
        ALL_WORD.to_owned()
    } else if *policy == plain && ![daily, weekly, monthly].contains(&UNLIMITED) {
        format!("{daily}d:{weekly}w:{monthly}m")
    } else {
        write_list(policy)
    }
}

fn write_list(policy: &KeepPolicy) -> String {
    let mut copy = *policy;
    let mut items = Vec::new();
    for (key, count) in COUNTS {
        match *count(&mut copy) {
            0 => {}
            UNLIMITED => items.push(format!("{key}={UNLIMITED_WORD}")),
            number => items.push(format!("{key}={number}")),
        }
    }
    for (key, span) in SPANS {
        items.extend(span(&mut copy).map(|within| format!("{key}={within}")));
    }
    if policy.min_keep != 1 {
        items.push(format!("{MIN_KEEP}={}", policy.min_keep));
    }
    items.join(",")
}

#[cfg(test)]
#[path = "grammar_tests.rs"]
mod tests;
