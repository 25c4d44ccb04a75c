//! Common schedules in plain words.

use croner::Cron;

const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// More times a day than this make no sentence.
const MOST_TIMES: usize = 4;

/// The words, or none for a schedule that is easier to read as it is.
pub(super) fn describe(cron: &Cron) -> Option<String> {
    let pattern = &cron.pattern;
    if pattern.days.has_modifiers()
        || pattern.days_of_week.has_modifiers()
        || !(pattern.is_dom_wildcard() || pattern.is_dow_wildcard())
    {
        return None;
    }
    let is_every_day =
        pattern.is_dom_wildcard() && pattern.is_dow_wildcard() && pattern.months.values().len() == MONTHS.len();
    let (minutes, hours) = (pattern.minutes.values(), pattern.hours.values());
    if is_every_day && let Some(words) = within_the_day(&minutes, &hours) {
        return Some(words);
    }
    Some(format!("{} at {}", days(cron)?, times(&minutes, &hours)?))
}

/// What comes true more than a few times a day.
fn within_the_day(minutes: &[u16], hours: &[u16]) -> Option<String> {
    let hour_step = step_of(hours, 24)?;
    match (minutes, step_of(minutes, 60)) {
        ([minute], _) if hour_step == 1 => Some(format!("every hour at minute {minute}")),
        ([0], _) => Some(format!("every {hour_step} hours")),
        ([minute], _) => Some(format!("every {hour_step} hours at minute {minute}")),
        (_, Some(1)) if hour_step == 1 => Some("every minute".to_owned()),
        (_, Some(step)) if hour_step == 1 => Some(format!("every {step} minutes")),
        _ => None,
    }
}

/// The distance of values that divide the whole evenly and begin at zero.
fn step_of(values: &[u16], whole: u16) -> Option<u16> {
    let count = u16::try_from(values.len()).ok()?;
    let step = whole.checked_div(count)?;
    let is_even =
        count > 1 && step * count == whole && values.iter().zip(0..).all(|(value, place)| *value == place * step);
    is_even.then_some(step)
}

fn times(minutes: &[u16], hours: &[u16]) -> Option<String> {
    if minutes.len() * hours.len() > MOST_TIMES {
        return None;
    }
    let times = hours.iter().flat_map(|hour| minutes.iter().map(move |minute| format!("{hour:02}:{minute:02}")));
    Some(joined(&times.collect::<Vec<_>>()))
}

fn days(cron: &Cron) -> Option<String> {
    let pattern = &cron.pattern;
    let (days, weekdays, months) = (pattern.days.values(), pattern.days_of_week.values(), pattern.months.values());
    let is_every_month = months.len() == MONTHS.len();
    match (pattern.is_dom_wildcard(), pattern.is_dow_wildcard()) {
        (true, true) if is_every_month => Some("every day".to_owned()),
        (true, false) if is_every_month => weekdays_in_words(&weekdays),
        (false, true) if is_every_month && days.len() <= MOST_TIMES => {
            Some(format!("on day {} of every month", joined(&days.iter().map(u16::to_string).collect::<Vec<_>>())))
        }
        (false, true) => match (days.as_slice(), months.as_slice()) {
            ([day], [month]) => Some(format!("every {day} {}", MONTHS.get(usize::from(*month).checked_sub(1)?)?)),
            _ => None,
        },
        _ => None,
    }
}

fn weekdays_in_words(days: &[u16]) -> Option<String> {
    match days {
        [1, 2, 3, 4, 5] => return Some("Monday to Friday".to_owned()),
        [0, 6] => return Some("every Saturday and Sunday".to_owned()),
        [_, _, _, _, _, _, _] => return Some("every day".to_owned()),
        _ => {}
    }
    let names: Option<Vec<&str>> = days.iter().map(|day| WEEKDAYS.get(usize::from(*day)).copied()).collect();
    Some(format!("every {}", joined(&names?)))
}

/// `a`, `a and b`, `a, b and c`.
fn joined(items: &[impl AsRef<str>]) -> String {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    match items.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        Some((last, _)) => (*last).to_owned(),
        None => String::new(),
    }
}
