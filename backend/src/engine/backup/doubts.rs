//! What makes a capture doubtful although every file was read.

use crate::domain::job::{TargetKind, TargetResult, TargetState};
use crate::domain::log::Level;
use crate::domain::snapshot::Snapshot;
use crate::store::{PageRequest, SnapshotFilter, StoreError};

use super::super::chain;
use super::{Cx, Resolved};

/// After how many snapshots without content a target is taken to be meant that way.
const ACCEPTED_AFTER: usize = 3;
/// How far back one looks.
const LOOK_BACK: u64 = 100;

/// Makes doubtful targets `partial`, in the job and so in manifest and snapshot.
pub(super) async fn note(cx: Cx<'_>, resolved: &Resolved, disturbed: &[String]) {
    let writers = [resolved.writers_left(), disturbed.to_vec()].concat();
    let (emptied, why) = emptied_targets(cx, resolved).await;
    cx.live.change(|job| {
        let is_unblemished = |t: &&mut TargetResult| matches!(t.state, TargetState::Succeeded | TargetState::Skipped);
        for target in job.targets.iter_mut().filter(is_unblemished) {
            if emptied.contains(&(target.kind, target.name.clone())) {
                let note = target.message.take().map(|m| format!(" ({m})")).unwrap_or_default();
                target.state = TargetState::Partial;
                target.message = Some(format!("it is empty now, {why}{note}"));
            } else if !writers.is_empty() && target.state == TargetState::Succeeded {
                target.state = TargetState::Partial;
                target.message = Some(format!("captured while a writer ran: {}", writers.join("; ")));
            } else if target.state == TargetState::Succeeded {
                note_meant_writers(resolved, target);
            }
        }
    });
    for (kind, name) in emptied {
        cx.live.log.write(Level::Warning, format!("{kind} {name} is empty now, {why}"));
    }
}

/// A writer that someone asked to leave alone is told of and no defect.
fn note_meant_writers(resolved: &Resolved, target: &mut TargetResult) {
    let meant = resolved.meant_writers(target.kind, &target.name);
    if !meant.is_empty() {
        let note = format!("captured while {} ran, as asked", meant.join(", "));
        target.message = Some(target.message.take().map_or(note.clone(), |m| format!("{m}; {note}")));
    }
}

/// Targets that are empty or gone and should not be, and why one thinks so. Where the earlier snapshots cannot be
/// looked at, every empty target is doubtful.
async fn emptied_targets(cx: Cx<'_>, resolved: &Resolved) -> (Vec<(TargetKind, String)>, String) {
    let is_empty = |t: &&TargetResult| match t.state {
        TargetState::Succeeded => t.size_bytes == 0,
        TargetState::Skipped => resolved.is_gone(t.kind, &t.name),
        _ => false,
    };
    let now = cx.live.now().targets;
    let empty = now.iter().filter(is_empty);
    let named = |t: &TargetResult| (t.kind, t.name.clone());
    match earlier(cx, resolved).await {
        Ok(earlier) => {
            let lost = empty.filter(|t| has_lost_content(t, &earlier)).map(named).collect();
            (lost, "and was not in the last good snapshot".to_owned())
        }
        Err(error) => {
            let why = format!("and what it held before cannot be told: {}", chain(&error));
            (empty.map(named).collect(), why)
        }
    }
}

/// The stack's snapshots, newest first.
async fn earlier(cx: Cx<'_>, resolved: &Resolved) -> Result<Vec<Snapshot>, StoreError> {
    let filter = SnapshotFilter::archives_of(&resolved.stack.name);
    let page = cx.engine.0.parts.store.list_snapshots(&filter, &PageRequest::first(LOOK_BACK)).await?;
    Ok(page.items)
}

/// Whether a target that is empty now held content in the last good snapshot: a disk that was not mounted looks like
/// this. What stayed empty for [`ACCEPTED_AFTER`] snapshots is taken for meant.
pub(in crate::engine) fn has_lost_content(target: &TargetResult, earlier: &[Snapshot]) -> bool {
    let had_content = |snapshot: &Snapshot| {
        snapshot.targets.iter().any(|old| old.kind == target.kind && old.name == target.name && old.size_bytes > 0)
    };
    let is_accepted = earlier.len() >= ACCEPTED_AFTER && !earlier[..ACCEPTED_AFTER].iter().any(had_content);
    earlier.iter().find(|snapshot| snapshot.is_complete).is_some_and(had_content) && !is_accepted
}
