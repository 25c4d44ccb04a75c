//! Steps 10 and 11: what was captured is stored, read again, and recorded.

use crate::backends::{Session, Source, Stored};
use crate::domain::ids::SnapshotId;
use crate::domain::job::{JobState, StepName, TargetKind, TargetResult, TargetState, judge_targets};
use crate::domain::log::Level;
use crate::domain::size::human_bytes;
use crate::domain::snapshot::{Snapshot, StoredTarget};
use crate::store::{PageRequest, SnapshotFilter, StoreError};

use super::super::backend_work::to_stop;
use super::super::backup::has_lost_content;
use super::super::live::insist;
use super::super::{chain, pause_point};
use super::resolve::Resolved;
use super::{Cx, StepResult, Stop, count, targets};

/// How far back one looks for what a target held before.
const LOOK_BACK: u64 = 100;

impl StepResult for Stored {
    fn detail(&self) -> Option<String> {
        let entries = usize::try_from(self.entry_count).unwrap_or(usize::MAX);
        Some(format!(
            "{} read, {} stored, {}",
            human_bytes(self.bytes_read),
            human_bytes(self.bytes_stored),
            count(entries, "entry")
        ))
    }
}

pub(super) async fn publish(
    cx: Cx<'_>,
    resolved: &Resolved,
    session: &mut dyn Session,
    sources: &[Source],
) -> Result<Stored, Stop> {
    let stored = session.publish(sources).await;
    let stored = stored.map_err(|error| to_stop("what was captured could not be stored", &error))?;
    for source in sources {
        match stored.outcomes.iter().find(|o| o.kind == source.kind && o.name == source.name) {
            Some(outcome) => targets::conclude(cx.live, outcome),
            None => targets::fail(cx.live, source.kind, &source.name, "nothing is known of how it came out"),
        }
    }
    doubt_emptied(cx, resolved).await;
    cx.live.change(|job| job.bytes_stored = stored.bytes_stored);
    Ok(stored)
}

/// A target that is empty now and held content before looks like a disk that is not mounted.
async fn doubt_emptied(cx: Cx<'_>, resolved: &Resolved) {
    let is_empty = |t: &&TargetResult| t.state == TargetState::Succeeded && t.size_bytes == 0;
    let now = cx.live.now().targets;
    let empty: Vec<&TargetResult> = now.iter().filter(is_empty).collect();
    if empty.is_empty() {
        return;
    }
    let (earlier, unknown) = match earlier(cx, resolved).await {
        Ok(earlier) => (earlier, None),
        Err(error) => (Vec::new(), Some(chain(&error))),
    };
    for target in empty {
        let (kind, name) = (target.kind, &target.name);
        if kind == TargetKind::Database {
            targets::fail(cx.live, kind, name, "its dump is empty");
        } else if let Some(why) = &unknown {
            targets::doubt(
                cx.live,
                kind,
                name,
                &format!("it is empty now, and what it held before cannot be told: {why}"),
            );
        } else if has_lost_content(target, &earlier) {
            targets::doubt(cx.live, kind, name, "it is empty now, and was not in the last good snapshot");
        } else {
            targets::remark(cx.live, kind, name, "it holds no content");
        }
    }
}

/// What the plan stored before, newest first.
async fn earlier(cx: Cx<'_>, resolved: &Resolved) -> Result<Vec<Snapshot>, StoreError> {
    let filter = SnapshotFilter { plan: Some(resolved.plan.id.clone()), ..SnapshotFilter::default() };
    Ok(cx.engine.0.parts.store.list_snapshots(&filter, &PageRequest::first(LOOK_BACK)).await?.items)
}

/// Reads what was stored again and records the snapshot, when anything of it is worth that; `lies` says where it has what.
pub(super) async fn verify(
    cx: Cx<'_>,
    resolved: &Resolved,
    session: &mut dyn Session,
    mut stored: Stored,
    lies: &[StoredTarget],
) -> Result<(), Stop> {
    let judged = judge_targets(&cx.live.now().targets);
    if judged == JobState::Failed {
        cx.skip(StepName::Verify, "no target was captured").await;
        return Ok(());
    }
    let verified = async {
        let is_complete = judged == JobState::Succeeded;
        let read = session.verify(&mut stored, is_complete).await;
        read.map_err(|error| to_stop("what was stored could not be verified", &error))?;
        pause_point::reach("verify.published").await;
        record(cx, resolved, &stored, lies, is_complete).await
    };
    Box::pin(cx.step(StepName::Verify, verified)).await.map(drop)
}

/// What cannot be named cannot be restored from here, so it is no snapshot.
async fn record(
    cx: Cx<'_>,
    resolved: &Resolved,
    stored: &Stored,
    lies: &[StoredTarget],
    is_complete: bool,
) -> Result<String, Stop> {
    let Some(reference) = stored.reference.clone() else {
        return Ok("stored where only its own tool can name it".to_owned());
    };
    let (job, now) = (cx.live.now(), cx.engine.0.parts.clock.now());
    let snapshot = Snapshot {
        id: SnapshotId::new(now),
        job_id: job.id.clone(),
        backend: resolved.instance.backend(),
        reference: reference.clone(),
        stack: cx.request.only.clone(),
        host: cx.engine.0.parts.discovery.host().to_owned(),
        instance: Some(resolved.instance.id.to_string()),
        plan: Some(resolved.plan.id.clone()),
        created_at: job.started_at.unwrap_or(now),
        size_bytes: stored.bytes_stored,
        content_bytes: stored.outcomes.iter().map(|outcome| outcome.size_bytes).sum(),
        entry_count: stored.entry_count,
        blake3: None,
        is_complete,
        verified_at: Some(now),
        damage: None,
        removed_at: None,
        targets: job.targets,
        imported: None,
    };
    let store = &cx.engine.0.parts.store;
    if let Err(error) = store.insert_stored_targets(&snapshot.id, lies).await {
        // Without it a restore has to guess, which is better than no snapshot.
        let message = format!("where the snapshot has its targets could not be recorded: {}", chain(&error));
        cx.live.log.write(Level::Warning, message);
    }
    let recorded = insist(|| store.insert_snapshot(&snapshot)).await;
    recorded.map_err(|e| Stop::because("the snapshot could not be recorded", &e))?;
    pause_point::reach("verify.recorded").await;
    cx.live.change(|job| job.snapshot_id = Some(snapshot.id.clone()));
    Ok(format!("stored as {}", shorten(&reference)))
}

/// The beginning of a long hash, by which people and restic know a snapshot; another name as it is.
fn shorten(reference: &str) -> &str {
    let is_hash = reference.len() >= 16 && reference.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash { &reference[..8] } else { reference }
}
