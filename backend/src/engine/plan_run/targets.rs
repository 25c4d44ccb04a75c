//! How the targets of a run stand, as the job shows it.

use crate::backends::SourceOutcome;
use crate::domain::job::{TargetKind, TargetResult, TargetState};
use crate::domain::log::Level;
use crate::domain::size::human_bytes;

use super::super::live::LiveJob;

/// How a target stands now.
pub(super) fn state_of(live: &LiveJob, kind: TargetKind, name: &str) -> Option<TargetState> {
    live.now().targets.iter().find(|t| t.kind == kind && t.name == name).map(|t| t.state)
}

/// Whether nothing is in the way of a target yet.
pub(super) fn is_open(live: &LiveJob, kind: TargetKind, name: &str) -> bool {
    matches!(state_of(live, kind, name), Some(TargetState::Pending | TargetState::Partial))
}

/// A target is not captured; the others go on.
pub(super) fn fail(live: &LiveJob, kind: TargetKind, name: &str, why: &str) {
    live.log.write_about(Level::Error, Some(&format!("{kind} {name}")), format!("not captured: {why}"));
    change(live, kind, name, |target| {
        target.state = TargetState::Failed;
        target.message = Some(why.to_owned());
    });
}

/// A target is less than whole, whatever else is said of it. One that failed stays so.
pub(super) fn doubt(live: &LiveJob, kind: TargetKind, name: &str, why: &str) {
    live.log.write_about(Level::Warning, Some(&format!("{kind} {name}")), why.to_owned());
    change(live, kind, name, |target| {
        if target.state != TargetState::Failed {
            target.state = TargetState::Partial;
            add_message(target, why);
        }
    });
}

/// Something to know of a target that is no defect.
pub(super) fn remark(live: &LiveJob, kind: TargetKind, name: &str, what: &str) {
    change(live, kind, name, |target| add_message(target, what));
}

/// Takes over how a source came out. What was doubtful before stays so.
pub(super) fn conclude(live: &LiveJob, outcome: &SourceOutcome) {
    let SourceOutcome { kind, name, state, size_bytes, message } = outcome;
    let about = format!("{kind} {name}");
    let size = human_bytes(*size_bytes);
    let told = message.as_deref().map(|m| format!(": {m}")).unwrap_or_default();
    let (level, line) = match state {
        TargetState::Succeeded => (Level::Success, format!("captured, {size}{told}")),
        TargetState::Partial => (Level::Warning, format!("captured with gaps, {size}{told}")),
        _ => (Level::Error, format!("not captured{told}")),
    };
    live.log.write_about(level, Some(&about), line);
    live.change(|job| {
        job.bytes_read += size_bytes;
        if let Some(target) = job.targets.iter_mut().find(|t| t.kind == *kind && t.name == *name) {
            target.size_bytes = *size_bytes;
            target.state = match (target.state, state) {
                (TargetState::Failed, _) => TargetState::Failed,
                (TargetState::Partial, TargetState::Succeeded) => TargetState::Partial,
                (_, state) => *state,
            };
            if let Some(message) = message {
                add_message(target, message);
            }
        }
    });
}

fn add_message(target: &mut TargetResult, message: &str) {
    target.message = Some(match target.message.take() {
        Some(before) => format!("{before}; {message}"),
        None => message.to_owned(),
    });
}

fn change(live: &LiveJob, kind: TargetKind, name: &str, change: impl FnOnce(&mut TargetResult)) {
    live.change(|job| {
        if let Some(target) = job.targets.iter_mut().find(|t| t.kind == kind && t.name == name) {
            change(target);
        }
    });
}
