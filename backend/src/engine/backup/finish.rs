//! Steps 6 to 8: the archive completed, read again, given its name, and what is too old dropped.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::backends::archive::{self, Finished, Meter, VerifyReport};
use crate::domain::ids::SnapshotId;
use crate::domain::job::{StepName, TargetKind, TargetResult, TargetState};
use crate::domain::log::Level;
use crate::domain::size::human_bytes;
use crate::domain::snapshot::Snapshot;
use crate::store::{PageRequest, SnapshotFilter};

use super::super::live::insist;
use super::super::stall::Stall;
use super::super::{chain, pause_point};
use super::capture::{Captured, show};
use super::{Cx, Resolved, StepResult, Stop, count, manifest};

/// After how many snapshots without content a target is taken to be meant that way.
const ACCEPTED_AFTER: usize = 3;

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

pub(super) async fn publish(cx: Cx<'_>, resolved: &Resolved, captured: Captured) -> Result<Stored, Stop> {
    note_doubts(cx, resolved, &captured.disturbed).await;
    let description = manifest::describe(cx, resolved);
    let Captured { writer, partial, archive, .. } = captured;
    let finished = tokio::task::spawn_blocking(move || writer.finish(description)).await;
    let finished = match finished {
        Ok(Ok(finished)) => finished,
        Ok(Err(error)) => return Err(Stop::because("the archive could not be completed", &error)),
        Err(_) => return Err(Stop::failed("a defect in Mainstay ended the archive; see the system log")),
    };
    cx.live.change(|job| job.bytes_stored = finished.size_bytes);
    Ok(Stored { captured_as: partial, archive, finished })
}

/// What makes a capture doubtful although every file was read.
async fn note_doubts(cx: Cx<'_>, resolved: &Resolved, disturbed: &[String]) {
    let writers = [resolved.writers_left(), disturbed.to_vec()].concat();
    let emptied = emptied_targets(cx, resolved).await;
    cx.live.change(|job| {
        for target in
            job.targets.iter_mut().filter(|t| matches!(t.state, TargetState::Succeeded | TargetState::Skipped))
        {
            if emptied.contains(&(target.kind, target.name.clone())) {
                let why = target.message.take().map(|m| format!(" ({m})")).unwrap_or_default();
                target.state = TargetState::Partial;
                target.message = Some(format!("it is empty now, and was not in the last good snapshot{why}"));
            } else if !writers.is_empty() && target.state == TargetState::Succeeded {
                target.state = TargetState::Partial;
                target.message = Some(format!("captured while a writer ran: {}", writers.join("; ")));
            }
        }
    });
    for (kind, name) in emptied {
        let message = format!("{kind} {name} is empty now, and was not in the last good snapshot");
        cx.live.log.write(Level::Warning, message);
    }
}

/// Targets that held content in the last good snapshot and are empty or gone now: a disk that was not mounted looks like
/// this. What stayed empty for [`ACCEPTED_AFTER`] snapshots is taken for meant.
async fn emptied_targets(cx: Cx<'_>, resolved: &Resolved) -> Vec<(TargetKind, String)> {
    let filter = SnapshotFilter::of_stack(&resolved.stack.name);
    let last = cx.engine.0.parts.store.list_snapshots(&filter, &PageRequest::first(100)).await;
    let last = last.map(|page| page.items).unwrap_or_default();
    let Some(good) = last.iter().find(|snapshot| snapshot.is_complete) else { return Vec::new() };
    let had_content = |snapshot: &Snapshot, t: &TargetResult| {
        snapshot.targets.iter().any(|old| old.kind == t.kind && old.name == t.name && old.size_bytes > 0)
    };
    let is_accepted =
        |t: &TargetResult| last.len() >= ACCEPTED_AFTER && !last[..ACCEPTED_AFTER].iter().any(|s| had_content(s, t));
    let is_empty = |t: &TargetResult| match t.state {
        TargetState::Succeeded => t.size_bytes == 0,
        TargetState::Skipped => resolved.is_gone(t.kind, &t.name),
        _ => false,
    };
    let now = cx.live.now().targets;
    let emptied = now.iter().filter(|t| is_empty(t) && had_content(good, t) && !is_accepted(t));
    emptied.map(|t| (t.kind, t.name.clone())).collect()
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
    let snapshot = snapshot(cx, resolved, &stored);
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
        let _ = store.mark_snapshot_removed(&snapshot.id, cx.engine.0.parts.clock.now()).await;
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

async fn read_again(cx: Cx<'_>, stored: &Stored) -> Result<VerifyReport, Stop> {
    let meter = Arc::new(Meter::default());
    let (path, thread_meter) = (stored.captured_as.clone(), meter.clone());
    let scratch = cx.engine.0.settings.backup_dir.clone();
    let mut thread = tokio::task::spawn_blocking(move || archive::verify(&path, &scratch, &thread_meter));
    let cancel: &CancellationToken = &cx.live.cancel;
    let mut stall = Stall::new(cx.engine.0.settings.stall_timeout);
    let outcome = loop {
        tokio::select! {
            outcome = &mut thread => break outcome,
            () = tokio::time::sleep(Duration::from_millis(200)) => {
                show(cx, &meter, Some(stored.finished.size_bytes), StepName::Verify);
                if let Some(why) = stall.look(meter.read()) {
                    meter.cancel();
                    return Err(Stop::failed(format!("reading the archive again hangs and is given up: {why}")));
                }
            }
            () = cancel.cancelled() => {
                meter.cancel();
                        return Err(Stop::Cancelled);
            }
        }
    };
    match outcome {
        Ok(Ok(report)) => Ok(report),
        Ok(Err(error)) => Err(Stop::because("the archive could not be read again", &error)),
        Err(_) => Err(Stop::failed("a defect in Mainstay ended the verification; see the system log")),
    }
}

fn snapshot(cx: Cx<'_>, resolved: &Resolved, stored: &Stored) -> Snapshot {
    let job = cx.live.now();
    let now = cx.engine.0.parts.clock.now();
    Snapshot {
        id: SnapshotId::new(now),
        job_id: job.id.clone(),
        stack: resolved.stack.name.clone(),
        host: resolved.stack.host.clone(),
        instance: None,
        created_at: job.started_at.unwrap_or(now),
        archive: stored.archive.clone(),
        size_bytes: stored.finished.size_bytes,
        content_bytes: stored.finished.content_bytes,
        entry_count: stored.finished.entry_count,
        blake3: stored.finished.blake3_hex.clone(),
        is_complete: job.targets.iter().all(|t| matches!(t.state, TargetState::Succeeded | TargetState::Skipped)),
        verified_at: Some(now),
        removed_at: None,
        targets: job.targets,
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
