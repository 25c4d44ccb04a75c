//! How the targets of a restore stand, as the job shows it.

use crate::domain::job::{TargetResult, TargetState};
use crate::domain::log::Level;
use crate::domain::restore::{RestoreRecord, TargetName};
use crate::engine::live::LiveJob;

use super::fate::Fate;
use super::look::Item;

/// Shows every target before anything is done.
pub(super) fn show(live: &LiveJob, items: &[Item]) {
    let result = |item: &Item| {
        let name = item.name();
        let (state, message) = match &item.fate {
            Fate::Skip(why) => (TargetState::Skipped, Some(why.clone())),
            Fate::Stuck(why) => (TargetState::Failed, Some(why.clone())),
            Fate::Put { .. } | Fate::Make(_) | Fate::Load(_) => (TargetState::Pending, None),
        };
        TargetResult { kind: name.kind, name: name.name, state, size_bytes: 0, message }
    };
    let results: Vec<TargetResult> = items.iter().map(result).collect();
    for result in results.iter().filter(|result| result.message.is_some()) {
        let about = format!("{} {}", result.kind, result.name);
        let why = result.message.clone().unwrap_or_default();
        live.log.write_about(Level::Warning, Some(&about), format!("not restored: {why}"));
    }
    live.change(|job| job.targets = results);
}

/// A target is where it belongs.
pub(super) fn succeed(live: &LiveJob, name: &TargetName, message: Option<String>) {
    live.log.write_about(Level::Success, Some(&name.to_string()), "restored");
    change(live, name, |target| {
        target.state = TargetState::Succeeded;
        target.message = message;
    });
}

/// A target is not restored; the others go on.
pub(super) fn fail(live: &LiveJob, name: &TargetName, why: &str) {
    live.log.write_about(Level::Error, Some(&name.to_string()), format!("not restored: {why}"));
    change(live, name, |target| {
        target.state = TargetState::Failed;
        target.message = Some(why.to_owned());
    });
}

/// Every target that was put in place, with where the old is kept.
pub(super) fn put_in_place(live: &LiveJob, items: &[Item], record: &RestoreRecord) {
    for item in items.iter().filter(|item| matches!(item.fate, Fate::Put { .. } | Fate::Make(_))) {
        let name = item.name();
        let kept = record.safety_copies().find(|exchange| exchange.target == name);
        succeed(live, &name, kept.map(|kept| format!("what was there before is kept in {}", kept.scratch.display())));
    }
}

fn change(live: &LiveJob, name: &TargetName, change: impl FnOnce(&mut TargetResult)) {
    live.change(|job| {
        if let Some(target) = job.targets.iter_mut().find(|t| t.kind == name.kind && t.name == name.name) {
            change(target);
        }
    });
}
