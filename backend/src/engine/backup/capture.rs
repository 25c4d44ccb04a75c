//! Step 4: every target into the archive, under its partial name.
//!
//! Reading and compressing run on threads of their own; the step waits, shows how far they are, and passes a cancel
//! on. A thread that hangs in the kernel does not keep the stack stopped: after a cancel it is waited for only a
//! moment.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use tokio::io::AsyncRead;
use tokio_util::io::{StreamReader, SyncIoBridge};
use tokio_util::sync::CancellationToken;

use crate::backends::archive::{ArchiveError, ArchiveOptions, ArchiveWriter, Meter, TargetReport, TargetSpec};
use crate::discovery::targets::ReachedVia;
use crate::docker::{ContainerDetail, EngineError, SharedEngine};
use crate::domain::job::{Progress, Quiesce, StepName, TargetResult, TargetState};
use crate::domain::log::Level;
use crate::domain::size::human_bytes;
use crate::domain::stack::{Container, ContainerState, labels};
use crate::store::{HeldContainer, HoldAction};

use super::super::pause_point;
use super::super::quiesce::{is_at_work, run_of};
use super::super::stall::Stall;
use super::source::{From, Source};
use super::{Cx, Resolved, StepResult, Stop};

const SHOW_EVERY: Duration = Duration::from_millis(200);
/// How long a cancelled capture may take to notice.
const CANCEL_GRACE: Duration = Duration::from_secs(10);

/// How long the store may keep the stack at rest before anything is read.
const NOTE_PATIENCE: Duration = Duration::from_secs(15);

/// What was captured.
pub(super) struct Captured {
    pub(super) writer: ArchiveWriter,
    pub(super) partial: PathBuf,
    pub(super) archive: PathBuf,
    /// Containers that something else started meanwhile.
    pub(super) disturbed: Vec<String>,
}

impl StepResult for Captured {}

/// Everything the capturing thread works with.
struct Work {
    sources: Vec<Source>,
    docker: SharedEngine,
    runtime: tokio::runtime::Handle,
    cancel: CancellationToken,
    done: tokio::sync::mpsc::UnboundedSender<TargetResult>,
}

pub(super) async fn run(cx: Cx<'_>, resolved: &Resolved) -> Result<Captured, Stop> {
    let (top, archive) = name(cx, resolved)?;
    let partial = partial_of(&archive);
    let noted = tokio::time::timeout(NOTE_PATIENCE, cx.live.note_partial_files(vec![partial.clone()])).await;
    noted
        .map_err(|_| Stop::failed("the store does not answer, so the archive was not begun"))?
        .map_err(|e| Stop::because("the partial file could not be recorded, so it was not made", &e))?;
    let meter = Arc::new(Meter::default());
    let settings = cx.engine.0.settings.archive;
    let created_at = cx.live.now().started_at.unwrap_or_else(|| cx.engine.0.parts.clock.now());
    let options = ArchiveOptions { codec: settings.codec, workers: settings.workers, created_at };
    let writer = ArchiveWriter::create(&partial, &top, &options, meter.clone())
        .map_err(|e| Stop::because("the archive could not be begun", &e))?;
    let (done, mut results) = tokio::sync::mpsc::unbounded_channel();
    let work = Work {
        sources: resolved.sources.clone(),
        docker: cx.engine.0.parts.docker.clone(),
        runtime: cx.engine.0.parts.runtime.clone(),
        cancel: cx.live.cancel.clone(),
        done,
    };
    let mut thread = tokio::task::spawn_blocking(move || capture_all(writer, &work));
    let total = cx.live.now().progress.bytes_total;
    let mut stall = Stall::new(cx.engine.0.settings.stall_timeout);
    let outcome = loop {
        tokio::select! {
            outcome = &mut thread => break outcome,
            Some(result) = results.recv() => record(cx, result),
            () = tokio::time::sleep(SHOW_EVERY) => {
                show(cx, &meter, total, StepName::Capture);
                if let Some(why) = stall.look(meter.read()) {
                    // The thread hangs in the kernel; the stack does not wait for it.
                    meter.cancel();
                    return Err(Stop::failed(format!("the capture hangs and is given up: {why}")));
                }
            }
            () = cx.live.cancel.cancelled() => {
                meter.cancel();
                let _ = tokio::time::timeout(CANCEL_GRACE, &mut thread).await;
                return Err(Stop::Cancelled);
            }
        }
    };
    while let Ok(result) = results.try_recv() {
        record(cx, result);
    }
    show(cx, &meter, total, StepName::Capture);
    match outcome {
        Ok(Ok(writer)) => Ok(Captured { writer, partial, archive, disturbed: find_disturbed(cx, resolved).await }),
        Ok(Err(ArchiveError::Cancelled)) => Err(Stop::Cancelled),
        Ok(Err(error)) => Err(Stop::because("the archive could not be written", &error)),
        Err(_) => Err(Stop::failed("a defect in Mainstay ended the capture; see the system log")),
    }
}

/// Containers that may have written although the stack was at rest, because something else started them.
async fn find_disturbed(cx: Cx<'_>, resolved: &Resolved) -> Vec<String> {
    if resolved.mode == Quiesce::None {
        return Vec::new();
    }
    let docker = cx.engine.0.parts.docker.as_ref();
    let mut disturbed = Vec::new();
    for held in &resolved.choice.held {
        let what = match docker.inspect_container(&held.id).await {
            Ok(detail) if has_stayed_at_rest(held, &detail) => continue,
            // What took its place is in the list.
            Err(EngineError::NotFound { .. }) => continue,
            Ok(_) => "was started by something else during the capture".to_owned(),
            Err(error) => format!("may have been started during the capture: {}", super::super::chain(&error)),
        };
        disturbed.push(format!("container {} {what}", held.name));
    }
    match docker.list_containers().await {
        Ok(all) => {
            let newcomers = all.iter().filter(|container| is_newcomer(container, resolved));
            disturbed.extend(newcomers.map(|c| format!("container {} came up during the capture", c.name)));
        }
        Err(error) => {
            disturbed.push(format!("it cannot be told what came up meanwhile: {}", super::super::chain(&error)));
        }
    }
    for message in &disturbed {
        cx.live.log.write(Level::Warning, message.clone());
    }
    disturbed
}

/// Whether a container is still at rest, and was all the time: another run means that it was up in between.
fn has_stayed_at_rest(held: &HeldContainer, now: &ContainerDetail) -> bool {
    let is_same_run = held.started_at.is_none() || run_of(now) == held.started_at;
    let is_at_rest = match held.action {
        HoldAction::Stop => !now.is_up(),
        HoldAction::Pause => now.container.state == ContainerState::Paused,
    };
    is_at_rest && is_same_run
}

/// Whether a container of the stack is up that was neither brought to rest nor left alone on purpose.
fn is_newcomer(container: &Container, resolved: &Resolved) -> bool {
    let is_known = resolved.choice.held.iter().any(|held| held.id == container.id)
        || resolved.choice.left.iter().any(|(name, _)| *name == container.name);
    let is_of_the_stack =
        container.labels.get(labels::PROJECT).map(String::as_str) == Some(resolved.stack.name.as_str());
    is_of_the_stack && is_at_work(container.state) && !is_known
}

/// The archive's top directory and its final path: `<stack>_<time>`, with a number where that is taken.
fn name(cx: Cx<'_>, resolved: &Resolved) -> Result<(String, PathBuf), Stop> {
    let settings = &cx.engine.0.settings;
    let at = cx.live.now().started_at.unwrap_or_else(|| cx.engine.0.parts.clock.now());
    let stamp = at.with_timezone(&settings.timezone).format("%Y-%m-%d_%H-%M-%S");
    let extension = settings.archive.codec.extension();
    let candidates = (1..100).map(|n| match n {
        1 => format!("{}_{stamp}", resolved.stack.name),
        n => format!("{}_{stamp}_{n}", resolved.stack.name),
    });
    let is_free = |path: &Path| !path.exists() && !partial_of(path).exists();
    let mut named = candidates.map(|top| (settings.backup_dir.join(format!("{top}.{extension}")), top));
    let (path, top) =
        named.find(|(path, _)| is_free(path)).ok_or_else(|| Stop::failed("every name for the archive is taken"))?;
    Ok((top, path))
}

fn partial_of(archive: &Path) -> PathBuf {
    let mut name = archive.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

fn capture_all(mut writer: ArchiveWriter, work: &Work) -> Result<ArchiveWriter, ArchiveError> {
    for source in &work.sources {
        let result = capture_one(&mut writer, work, source)?;
        // Nobody listens any more only when the job was cancelled.
        let _ = work.done.send(result);
        pause_point::reach_blocking("capture.target");
    }
    Ok(writer)
}

/// Captures a target. What is wrong with the target is its result; what is wrong with the archive is an error.
fn capture_one(writer: &mut ArchiveWriter, work: &Work, source: &Source) -> Result<TargetResult, ArchiveError> {
    let mut stream = match &source.from {
        From::Nothing(reason) => return Ok(not_captured(&source.spec, reason.clone())),
        From::Trees(_) => None,
        From::Stream(via) => match open_stream(work, via) {
            Ok(stream) => Some(stream),
            Err(reason) => return Ok(not_captured(&source.spec, reason)),
        },
    };
    writer.begin_target(source.spec.clone())?;
    if let Some(stream) = &mut stream {
        writer.add_tar(stream, "")?;
    }
    if let From::Trees(trees) = &source.from {
        for (root, options) in trees {
            writer.add_tree(root, options)?;
        }
    }
    Ok(judge(&writer.end_target()?))
}

type Bridge = SyncIoBridge<Box<dyn AsyncRead + Send + Unpin>>;

/// A tar of the target from the engine's archive API, for what cannot be read from here.
fn open_stream(work: &Work, via: &ReachedVia) -> Result<Bridge, String> {
    let asked = work.docker.stream_path(&via.container_id, &via.destination);
    let stream = work.runtime.block_on(asked).map_err(|e| super::super::chain(&e))?;
    // A read that waits for the engine cannot be interrupted, so a cancel ends what it waits for.
    let cancelled = work.cancel.clone().cancelled_owned();
    let stream = stream.map_err(std::io::Error::other).take_until(cancelled).boxed();
    let reader = StreamReader::new(stream);
    Ok(SyncIoBridge::new_with_handle(Box::new(reader), work.runtime.clone()))
}

fn not_captured(spec: &TargetSpec, reason: String) -> TargetResult {
    TargetResult {
        kind: spec.kind,
        name: spec.name.clone(),
        state: TargetState::Failed,
        size_bytes: 0,
        message: Some(reason),
    }
}

fn judge(report: &TargetReport) -> TargetResult {
    let result = report.to_result();
    let is_empty = result.message.is_none() && result.size_bytes == 0;
    TargetResult { message: if is_empty { Some("it holds no content".to_owned()) } else { result.message }, ..result }
}

fn record(cx: Cx<'_>, result: TargetResult) {
    let about = format!("{} {}", result.kind, result.name);
    let size = human_bytes(result.size_bytes);
    let (level, message) = match (&result.state, &result.message) {
        (TargetState::Succeeded, None) => (Level::Success, format!("captured, {size}")),
        (TargetState::Succeeded, Some(note)) => (Level::Warning, format!("captured, {size}: {note}")),
        (TargetState::Partial, note) => {
            (Level::Warning, format!("captured with gaps, {size}: {}", note.as_deref().unwrap_or("?")))
        }
        (_, note) => (Level::Error, format!("not captured: {}", note.as_deref().unwrap_or("?"))),
    };
    cx.live.log.write_about(level, Some(&about), message);
    cx.live.change(|job| {
        job.bytes_read += result.size_bytes;
        if let Some(slot) = job.targets.iter_mut().find(|t| t.kind == result.kind && t.name == result.name) {
            *slot = result;
        }
    });
}

/// Shows how far the reading is. The share never reaches the whole before the step ends: the total is an estimate.
pub(super) fn show(cx: Cx<'_>, meter: &Meter, total: Option<u64>, phase: StepName) {
    let reading = meter.read();
    let total = total.filter(|t| *t > 0);
    #[expect(clippy::cast_precision_loss, reason = "a share for a progress bar")]
    let fraction = total.map(|total| (reading.bytes_done as f64 / total as f64).min(0.99));
    cx.live.set_progress(Progress {
        phase: Some(phase),
        fraction,
        bytes_done: reading.bytes_done,
        bytes_total: total,
        files_done: reading.files_done,
        current: (!reading.current.is_empty()).then_some(reading.current),
    });
}
