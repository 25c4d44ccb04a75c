//! Step 3: what can be read while the stack runs, so that little is left for the stop.
//!
//! What is made here is never a backup: it is dropped when the job ends, and if it cannot be made the stack is captured
//! without it. What the stop adds, and the rule for what may be taken over, are in `backends/archive`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::backends::archive::{
    self, ArchiveError, ArchiveOptions, ArchiveWriter, Base, Codec, Meter, PassStats, Trust,
};
use crate::domain::job::{Job, JobKind, JobState, Quiesce, StepName, StepState};
use crate::domain::log::Level;
use crate::domain::size::human_bytes;
use crate::domain::strategy::{Chosen, LastRun, Outlook, Strategy, choose_strategy};
use crate::store::{JobFilter, PageRequest, SnapshotFilter};

use super::super::work::{self, watch};
use super::draft::{Draft, work_dir};
use super::reading::Pass;
use super::source::{From, Source};
use super::{Cx, Resolved, StepResult, Stop};

/// Not compressed at all.
const STORED: Codec = Codec::Gzip { level: 0 };
/// Nothing waits for a disk that takes longer than this to be brought up to date.
const SYNC_PATIENCE: Duration = Duration::from_secs(60);
/// How many runs one looks back for one that tells something.
const LOOK_BACK: u64 = 5;

/// How the data is made safe, and what was made ready for it.
pub(super) struct Plan {
    pub(super) draft: Draft,
    pub(super) strategy: Strategy,
    /// What the pieces are compressed with first, when that is not the archive's own codec.
    draft_codec: Option<Codec>,
    /// What may be taken over.
    bases: Vec<Arc<Base>>,
    trust: Option<Trust>,
}

/// What was done while the stack ran; nothing if it could not be done.
pub(super) struct Copied(Option<PassStats>);

impl StepResult for Copied {
    fn detail(&self) -> Option<String> {
        let Some(seen) = &self.0 else { return Some("not possible; everything is read at rest".to_owned()) };
        let taken_over = match seen.reused_bytes {
            0 => String::new(),
            bytes => format!(", {} taken over from the last archive", human_bytes(bytes)),
        };
        Some(format!("{} read{taken_over}", human_bytes(seen.read_bytes)))
    }
}

/// Chooses how the data is made safe, and says why.
pub(super) async fn plan(cx: Cx<'_>, resolved: &Resolved, sized_up: Outlook) -> Result<Plan, Stop> {
    let settings = &cx.engine.0.settings;
    let (backup_dir, staging_dir) = (settings.backup_dir.clone(), settings.staging_dir.clone());
    let roots = roots(resolved);
    let looked = tokio::task::spawn_blocking(move || {
        let work_dir = work_dir(&backup_dir, &staging_dir);
        let free = free_for_a_copy(&work_dir, &backup_dir, sized_up.archive_bytes);
        (work_dir, free, roots.iter().any(|root| archive::may_clone(root)))
    });
    let (work_dir, free_bytes, can_clone) =
        looked.await.map_err(|_| Stop::failed("a defect in Mainstay ended the planning; see the system log"))?;
    let holds = !resolved.party.choice.held.is_empty();
    let outlook = Outlook { holds, free_bytes, can_clone, last: last_run(cx).await, ..sized_up };
    let chosen = choose_strategy(settings.archive.precopy, &outlook);
    tell(cx, &chosen);
    let draft_codec = draft_codec(settings.archive.codec, chosen.strategy, &outlook);
    let draft = Draft::begin(cx, resolved, &work_dir).await?;
    Ok(Plan { draft, strategy: chosen.strategy, draft_codec, bases: Vec::new(), trust: None })
}

fn tell(cx: Cx<'_>, chosen: &Chosen) {
    let level = if chosen.is_fallback { Level::Warning } else { Level::Info };
    cx.live.log.write(level, format!("strategy {}: {}", chosen.strategy, chosen.reason));
    cx.live.change(|job| job.strategy = Some(chosen.strategy));
}

/// Bytes free for a copy, beside the archive that goes to the same disk.
fn free_for_a_copy(work_dir: &Path, backup_dir: &Path, archive_bytes: u64) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let free = archive::free_bytes(work_dir).unwrap_or(0);
    let device = |path: &Path| std::fs::metadata(path).map(|m| m.dev()).ok();
    if device(work_dir) == device(backup_dir) { free.saturating_sub(archive_bytes) } else { free }
}

/// A codec that keeps up with a disk, for what is read at rest: what it makes is compressed again after the start. What
/// changed since a pass beforehand is little and is not compressed at all; everything would be more than the page cache
/// takes, so it is compressed lightly. A codec that is fast itself needs no other one, and a disk without room for both
/// gets none.
fn draft_codec(codec: Codec, strategy: Strategy, outlook: &Outlook) -> Option<Codec> {
    let has_room_for_raw = outlook.free_bytes > outlook.archive_bytes.saturating_add(outlook.bytes);
    match strategy {
        Strategy::Staging => return Some(STORED),
        Strategy::Splice | Strategy::Snapshot if has_room_for_raw => return Some(STORED),
        _ => {}
    }
    let is_fast = match codec {
        Codec::Gzip { level } => level <= 3,
        Codec::Zstd { level } => level <= 3,
    };
    let has_room = outlook.free_bytes > outlook.archive_bytes.saturating_mul(2);
    (!is_fast && has_room && outlook.holds).then_some(Codec::Zstd { level: 1 })
}

/// What the last run of the stack that came to its end showed. Nothing depends on it but a choice.
async fn last_run(cx: Cx<'_>) -> Option<LastRun> {
    let filter =
        JobFilter { stack: Some(cx.request.stack.clone()), kind: Some(JobKind::Backup), ..JobFilter::default() };
    let jobs = cx.engine.0.parts.store.list_jobs(&filter, &PageRequest::first(LOOK_BACK)).await.ok()?;
    jobs.items.iter().filter(|job| !job.is_dry_run).find_map(to_last_run)
}

fn to_last_run(job: &Job) -> Option<LastRun> {
    if !matches!(job.state, JobState::Succeeded | JobState::Partial) || job.quiesce == Some(Quiesce::None) {
        return None;
    }
    let step = job.find_step(StepName::Capture).filter(|step| step.state == StepState::Succeeded)?;
    let took = step.finished_at? - step.started_at?;
    Some(LastRun {
        strategy: job.strategy?,
        capture_ms: u64::try_from(took.num_milliseconds()).unwrap_or(0),
        bytes_at_rest: job.bytes_captured_while_stopped?,
        bytes: job.bytes_read,
    })
}

/// Reads everything while the stack runs. What goes wrong costs a longer stop and nothing else, so it is said and the
/// job goes on; only a cancel ends it.
pub(super) async fn run(cx: Cx<'_>, resolved: &Resolved, plan: &mut Plan, bytes: u64) -> Result<Copied, Stop> {
    plan.bases.extend(previous_archive(cx, resolved).await);
    match copy(cx, resolved, plan, bytes).await {
        Ok((base, copied)) => {
            plan.bases.push(Arc::new(base));
            Ok(Copied(Some(copied)))
        }
        Err(Stop::Cancelled) => Err(Stop::Cancelled),
        Err(Stop::Failed(why)) => {
            cx.live.log.write(Level::Warning, format!("everything is read at rest instead: {why}"));
            plan.strategy = Strategy::Direct;
            // Everything is read now, and there may be no room for it uncompressed.
            plan.draft_codec = None;
            cx.live.change(|job| job.strategy = Some(Strategy::Direct));
            Ok(Copied(None))
        }
    }
}

async fn copy(cx: Cx<'_>, resolved: &Resolved, plan: &mut Plan, bytes: u64) -> Result<(Base, PassStats), Stop> {
    let roots = roots(resolved);
    // Brings the file systems up to date, which is what makes an unchanged file recognisable.
    let trust = tokio::task::spawn_blocking(move || archive::take_trust(&roots));
    let trust = tokio::time::timeout(SYNC_PATIENCE, trust).await;
    let trust = trust.map_err(|_| Stop::failed("a file system of the data could not be synced in time"))?;
    plan.trust = trust.ok();
    let meter = Arc::new(Meter::default());
    let options = ArchiveOptions { background: cx.engine.0.settings.archive.low_priority, ..plan.options(cx) };
    // At this point the draft codec is for staging alone: there is time to compress.
    let draft_codec = if plan.strategy == Strategy::Staging { plan.draft_codec } else { None };
    let options = ArchiveOptions { draft_codec, clone_files: false, ..options };
    let writer = ArchiveWriter::create(&plan.draft.hot, &plan.draft.top, &options, meter.clone())
        .map_err(|e| Stop::because("the copy could not be begun", &e))?;
    let pass = Pass::over(cx, &resolved.sources, "precopy.target");
    let work = move || -> Result<(Base, PassStats), ArchiveError> {
        let writer = pass.run(writer, &mut |_| {})?;
        let seen = writer.window();
        Ok((writer.into_base()?, seen))
    };
    let patience = cx.engine.0.settings.stall_timeout;
    let how = work::Watch { phase: StepName::Precopy, meter: &meter, bytes_total: Some(bytes), patience };
    watch(cx, &how, work, || {}).await?.map_err(|error| match error {
        ArchiveError::Cancelled => Stop::Cancelled,
        error => Stop::because("the copy could not be written", &error),
    })
}

/// The newest archive of the stack that is there, as far as something can be taken over from it.
async fn previous_archive(cx: Cx<'_>, resolved: &Resolved) -> Option<Arc<Base>> {
    let filter = SnapshotFilter::archives_of(&resolved.stack.name);
    let found = cx.engine.0.parts.store.list_snapshots(&filter, &PageRequest::first(1)).await;
    let path: PathBuf = found.ok()?.items.first()?.find_archive()?.to_owned();
    let codec = cx.engine.0.settings.archive.codec;
    let name = path.display().to_string();
    let opened = tokio::task::spawn_blocking(move || Base::of_archive(&path, codec)).await.ok()?;
    match opened {
        Ok(base) => Some(Arc::new(base)),
        Err(why) => {
            cx.live.log.write(Level::Debug, format!("nothing is taken over from {name}: {why}"));
            None
        }
    }
}

/// What can be read from here; what is streamed has no root.
fn roots(resolved: &Resolved) -> Vec<PathBuf> {
    let of = |source: &Source| match &source.from {
        From::Trees(trees) => trees.iter().map(|(root, _)| root.clone()).collect(),
        From::Stream(_) | From::Nothing(_) => Vec::new(),
    };
    resolved.sources.iter().flat_map(of).collect()
}

impl Plan {
    /// How the pass at rest is made.
    pub(super) fn options(&self, cx: Cx<'_>) -> ArchiveOptions {
        let settings = cx.engine.0.settings.archive;
        ArchiveOptions {
            codec: settings.codec,
            workers: settings.workers,
            created_at: cx.live.now().started_at.unwrap_or_else(|| cx.engine.0.parts.clock.now()),
            draft_codec: self.draft_codec,
            reuse: self.bases.clone(),
            clone_files: self.strategy == Strategy::Snapshot,
            background: false,
            trusted_before: self.trust.clone(),
        }
    }
}
