//! Steps 6 to 8: the archive completed, read again, given its name, and what is too old dropped.

use std::sync::Arc;
use std::time::Duration;

use crate::backends::archive::{self, ArchiveError, Finished, Meter, VerifyReport};
use crate::domain::ids::SnapshotId;
use crate::domain::job::{StepName, TargetResult, TargetState};
use crate::domain::log::Level;
use crate::domain::plan::BackendKind;
use crate::domain::size::human_bytes;
use crate::domain::snapshot::Snapshot;

use super::super::live::insist;
use super::super::work::{Watch, watch};
use super::super::{chain, pause_point};
use super::capture::Captured;
use super::precopy::Plan;
use super::{Cx, Resolved, StepResult, Stop, count, doubts, manifest};

/// The stack runs again, and a slow disk may take its time to be synced; a cancel still ends it.
const UNHURRIED: Duration = Duration::from_hours(24);

/// An archive that is complete and synced under its partial name.
pub(super) struct Stored {
    captured_as: std::path::PathBuf,
    archive: std::path::PathBuf,
    finished: Finished,
}

impl StepResult for Stored {
    fn detail(&self) -> Option<String> {
        Some(format!(
            "{} in {}",
            human_bytes(self.finished.size_bytes),
            count(self.finished.entry_count as usize, "entry")
        ))
    }
}

/// Completes the archive under its partial name: what was only read lightly, or cloned, at rest is compressed now.
pub(super) async fn publish(cx: Cx<'_>, resolved: &Resolved, plan: &Plan, captured: Captured) -> Result<Stored, Stop> {
    doubts::note(cx, resolved, &captured.disturbed).await;
    let description = manifest::describe(cx, resolved);
    let Captured { writer, meter, .. } = captured;
    let to = plan.draft.partial.clone();
    let bytes_total = cx.live.now().progress.bytes_total;
    let how = Watch { phase: StepName::Publish, meter: &meter, bytes_total, patience: UNHURRIED };
    let finished = match watch(cx, &how, move || writer.finish(description, &to), || {}).await? {
        Ok(finished) => finished,
        Err(ArchiveError::Cancelled) => return Err(Stop::Cancelled),
        Err(error) => return Err(Stop::because("the archive could not be completed", &error)),
    };
    note_late_gaps(cx, &finished);
    cx.live.change(|job| job.bytes_stored = finished.size_bytes);
    Ok(Stored { captured_as: plan.draft.partial.clone(), archive: plan.draft.archive.clone(), finished })
}

/// What was cloned at rest is read only now, so a target may turn out to have gaps that were not seen then.
fn note_late_gaps(cx: Cx<'_>, finished: &Finished) {
    for report in &finished.targets {
        let now = report.to_result();
        if !matches!(now.state, TargetState::Partial | TargetState::Failed) {
            continue;
        }
        cx.live.change(|job| {
            let same = |t: &&mut TargetResult| t.kind == now.kind && t.name == now.name;
            if let Some(target) = job.targets.iter_mut().find(same)
                && target.state == TargetState::Succeeded
            {
                *target = now;
            }
        });
    }
}

/// Reads the archive again, records the snapshot, and gives the archive its name, in this order: what is visible under
/// its name is verified and recorded.
pub(super) async fn verify(cx: Cx<'_>, resolved: &Resolved, stored: Stored) -> Result<String, Stop> {
    let report = read_again(cx, &stored).await?;
    if !report.is_sound() {
        let problems: Vec<String> = report.problems.iter().take(5).map(ToString::to_string).collect();
        return Err(Stop::failed(format!("the archive does not match its manifest: {}", problems.join("; "))));
    }
    if report.blake3_hex.as_deref() != Some(stored.finished.blake3_hex.as_str()) {
        return Err(Stop::failed("the archive on the disk is not the one that was written"));
    }
    let reference = stored.archive.to_str().map(str::to_owned);
    let reference =
        reference.ok_or_else(|| Stop::failed("the path of the archive is not UTF-8 and cannot be recorded"))?;
    let snapshot = snapshot(cx, resolved, &stored, reference);
    let store = &cx.engine.0.parts.store;
    insist(|| store.insert_snapshot(&snapshot))
        .await
        .map_err(|e| Stop::because("the snapshot could not be recorded", &e))?;
    pause_point::reach("verify.recorded").await;
    let (from, to) = (stored.captured_as.clone(), stored.archive.clone());
    let renamed = tokio::task::spawn_blocking(move || archive::publish(&from, &to)).await;
    let failure = match renamed {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(Stop::because("the archive could not be given its name", &error)),
        Err(_) => Some(Stop::failed("a defect in Mainstay kept the archive from its name; see the system log")),
    };
    if let Some(failure) = failure {
        withdraw(cx, &snapshot).await;
        return Err(failure);
    }
    pause_point::reach("verify.published").await;
    cx.live.change(|job| job.snapshot_id = Some(snapshot.id.clone()));
    // The archive is there and recorded; that the job still names its partial file does no harm.
    if let Err(error) = cx.live.note_partial_files(Vec::new()).await {
        cx.live.log.write(Level::Warning, format!("the job's state could not be recorded: {}", chain(&error)));
    }
    let message = format!(
        "archive {} matches its manifest ({})",
        stored.archive.display(),
        count(report.entry_count as usize, "entry")
    );
    cx.live.log.write(Level::Success, message);
    Ok(format!("{} read again", human_bytes(report.content_bytes)))
}

/// Takes the record of an archive back that did not get its name. While that cannot be done either, the archive stays
/// under its partial name, and the next start completes it: a record must not name what is not there.
async fn withdraw(cx: Cx<'_>, snapshot: &Snapshot) {
    let store = &cx.engine.0.parts.store;
    let now = cx.engine.0.parts.clock.now();
    if let Err(error) = insist(|| store.mark_snapshot_removed(&snapshot.id, now)).await {
        cx.live.keep_partial_files();
        let message = format!("the record of the archive cannot be taken back, so its file stays: {}", chain(&error));
        cx.live.log.write(Level::Error, message);
    }
}

async fn read_again(cx: Cx<'_>, stored: &Stored) -> Result<VerifyReport, Stop> {
    let meter = Arc::new(Meter::default());
    let (path, thread_meter) = (stored.captured_as.clone(), meter.clone());
    let settings = &cx.engine.0.settings;
    let scratch = settings.backup_dir.clone();
    let bytes_total = Some(stored.finished.size_bytes);
    let how = Watch { phase: StepName::Verify, meter: &meter, bytes_total, patience: settings.stall_timeout };
    let report = watch(cx, &how, move || archive::verify(&path, &scratch, &thread_meter), || {}).await?;
    report.map_err(|error| Stop::because("the archive could not be read again", &error))
}

fn snapshot(cx: Cx<'_>, resolved: &Resolved, stored: &Stored, reference: String) -> Snapshot {
    let job = cx.live.now();
    let now = cx.engine.0.parts.clock.now();
    Snapshot {
        id: SnapshotId::new(now),
        job_id: job.id.clone(),
        backend: BackendKind::Archive,
        reference,
        stack: Some(resolved.stack.name.clone()),
        host: resolved.stack.host.clone(),
        instance: None,
        plan: None,
        created_at: job.started_at.unwrap_or(now),
        size_bytes: stored.finished.size_bytes,
        content_bytes: stored.finished.content_bytes,
        entry_count: stored.finished.entry_count,
        blake3: Some(stored.finished.blake3_hex.clone()),
        is_complete: job.targets.iter().all(|t| matches!(t.state, TargetState::Succeeded | TargetState::Skipped)),
        verified_at: Some(now),
        damage: None,
        removed_at: None,
        targets: job.targets,
        imported: None,
    }
}

pub(super) async fn retention(cx: Cx<'_>, resolved: &Resolved) -> Result<String, Stop> {
    // A failure here leaves too much, never too little, so it does not end the job.
    let dropped = match cx.engine.drop_old_archives(&resolved.stack.name, &cx.live.log).await {
        Ok((0, _)) => "no archive is old enough to go".to_owned(),
        Ok((n, bytes)) => format!("{} dropped, {} free again", count(n, "archive"), human_bytes(bytes)),
        Err(error) => {
            let message = format!("old archives were not dropped: {}", chain(&error));
            cx.live.log.write(Level::Warning, message.clone());
            message
        }
    };
    if let Err(error) = cx.engine.drop_old_logs().await {
        cx.live.log.write(Level::Warning, format!("old logs were not dropped: {}", chain(&error)));
    }
    Ok(dropped)
}
