//! When a plan runs.

use super::{Key, Labels, shown};
use crate::backrest::cron::translate;
use crate::backrest::notes::Notes;
use crate::backrest::plan::{Settings, WantedSchedule};

/// Words for a plan that runs only when someone asks for it.
const MANUAL: [&str; 4] = ["manual", "disabled", "none", "off"];

/// Reads when a plan runs. What Backrest would not understand is replaced by the default, with a note: a backup at
/// another time is better than none.
///
/// # Errors
/// When the default itself is no schedule.
pub(in crate::backrest) fn read_schedule(
    labels: &Labels<'_>,
    settings: &Settings,
    id: &str,
    notes: &mut Notes,
) -> Result<WantedSchedule, String> {
    let is_caught_up = is_caught_up(labels, notes);
    if let Some((label, text)) = labels.get(Key::Schedule) {
        if MANUAL.iter().any(|word| word.eq_ignore_ascii_case(text)) {
            return Ok(WantedSchedule::Manual);
        }
        match translate(text, id, Some(label), notes) {
            Ok(fields) => return Ok(WantedSchedule::Cron { fields, is_caught_up }),
            Err(why) => notes.warn(
                label,
                format!("'{}' is not used: {why}. '{}' counts instead", shown(text), settings.default_schedule),
            ),
        }
    }
    let default = settings.default_schedule.trim();
    if MANUAL.iter().any(|word| word.eq_ignore_ascii_case(default)) {
        return Ok(WantedSchedule::Manual);
    }
    match translate(default, id, None, notes) {
        Ok(fields) => Ok(WantedSchedule::Cron { fields, is_caught_up }),
        Err(why) => Err(format!("the default schedule '{}' cannot be used: {why}", shown(default))),
    }
}

fn is_caught_up(labels: &Labels<'_>, notes: &mut Notes) -> bool {
    match labels.flag(Key::CatchUp) {
        Some(Ok(is_wanted)) => is_wanted,
        Some(Err(text)) => {
            notes.warn(Key::CatchUp.name(), format!("'{}' is neither true nor false; it counts as false", shown(text)));
            false
        }
        None => false,
    }
}
