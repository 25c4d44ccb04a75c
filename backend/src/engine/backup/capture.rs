//! Step 5: every target, at rest: everything, or what changed since it was read while the stack ran.

use std::sync::Arc;

use crate::backends::archive::{ArchiveError, ArchiveWriter, Meter};
use crate::domain::job::{StepName, TargetResult, TargetState};
use crate::domain::log::Level;
use crate::domain::size::human_bytes;

use super::super::work::{self, watch};
use super::precopy::Plan;
use super::reading::Pass;
use super::{Cx, Resolved, StepResult, Stop};

/// What was captured.
pub(super) struct Captured {
    pub(super) writer: ArchiveWriter,
    pub(super) meter: Arc<Meter>,
    /// Containers that something else started meanwhile.
    pub(super) disturbed: Vec<String>,
}

impl StepResult for Captured {
    fn detail(&self) -> Option<String> {
        let seen = self.writer.window();
        let reused = match seen.reused_bytes {
            0 => String::new(),
            bytes => format!(", {} unchanged since they were read before", human_bytes(bytes)),
        };
        Some(format!("{} read{reused}", human_bytes(seen.read_bytes)))
    }
}

/// An archive that was begun, before the stop: what can fail here costs none.
pub(super) struct Begun {
    writer: ArchiveWriter,
    meter: Arc<Meter>,
}

/// Makes the files and starts the threads that the capture needs.
pub(super) fn begin(cx: Cx<'_>, plan: &Plan) -> Result<Begun, Stop> {
    let meter = Arc::new(Meter::default());
    let writer = ArchiveWriter::create(&plan.draft.at_rest, &plan.draft.top, &plan.options(cx), meter.clone());
    let writer = writer.map_err(|e| Stop::because("the archive could not be begun, so nothing was stopped", &e))?;
    Ok(Begun { writer, meter })
}

pub(super) async fn run(cx: Cx<'_>, resolved: &Resolved, begun: Begun) -> Result<Captured, Stop> {
    let Begun { writer, meter } = begun;
    let (done, mut results) = tokio::sync::mpsc::unbounded_channel();
    let pass = Pass::over(cx, &resolved.sources, "capture.target");
    let work = move || {
        // Nobody listens any more only when the job was cancelled.
        pass.run(writer, &mut |result| drop(done.send(result)))
    };
    let settings = &cx.engine.0.settings;
    let bytes_total = cx.live.now().progress.bytes_total;
    let how = work::Watch { phase: StepName::Capture, meter: &meter, bytes_total, patience: settings.stall_timeout };
    let writer = watch(cx, &how, work, || {
        while let Ok(result) = results.try_recv() {
            record(cx, result);
        }
    });
    match writer.await? {
        Ok(writer) => {
            if !resolved.party.choice.held.is_empty() {
                let read = writer.window().read_bytes;
                cx.live.change(|job| job.bytes_captured_while_stopped = Some(read));
            }
            for note in writer.notes() {
                cx.live.log.write(Level::Info, note.clone());
            }
            Ok(Captured { writer, meter, disturbed: find_disturbed(cx, resolved).await })
        }
        Err(ArchiveError::Cancelled) => Err(Stop::Cancelled),
        Err(error) => Err(Stop::because("the archive could not be written", &error)),
    }
}

/// What makes the capture less than clean, although the stack was at rest.
async fn find_disturbed(cx: Cx<'_>, resolved: &Resolved) -> Vec<String> {
    let disturbed = resolved.party.witness(cx.engine.0.parts.docker.as_ref()).find_disturbances().await;
    for message in &disturbed {
        cx.live.log.write(Level::Warning, message.clone());
    }
    disturbed
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
