//! What backends are given along: who is told, what ends them, how long nothing may move.

use std::sync::Arc;

use crate::backends::{BackendError, Report, Seen, SharedBackend, Work};
use crate::domain::job::Progress;
use crate::domain::log::Level;
use crate::domain::names::InstanceId;
use crate::domain::plan::Instance;

use super::JobEngine;
use super::live::LiveJob;
use super::steps::Stop;

/// Tells a job's log and its onlookers.
struct JobReport(Arc<LiveJob>);

impl Report for JobReport {
    fn log(&self, level: Level, target: Option<&str>, message: String) {
        self.0.log.write_about(level, target, message);
    }

    fn progress(&self, seen: Seen) {
        let total = seen.bytes_total.filter(|total| *total > 0);
        #[expect(clippy::cast_precision_loss, reason = "a share for a progress bar")]
        let fraction = total.map(|total| (seen.bytes_done as f64 / total as f64).min(0.99));
        self.0.set_progress(Progress {
            phase: self.0.phase(),
            fraction,
            bytes_done: seen.bytes_done,
            bytes_total: total,
            files_done: seen.files_done,
            current: seen.current,
        });
    }
}

/// Tells the service's own log of an instance: for work that no job does.
struct SystemReport(JobEngine, InstanceId);

impl Report for SystemReport {
    fn log(&self, level: Level, _: Option<&str>, message: String) {
        self.0.say(level, Some(self.1.as_str()), message);
    }

    fn progress(&self, _: Seen) {}
}

/// Tells nobody: for questions that are no job.
struct Unheard;

impl Report for Unheard {
    fn log(&self, _: Level, target: Option<&str>, message: String) {
        tracing::debug!(target, message, "said by a backend");
    }

    fn progress(&self, _: Seen) {}
}

impl JobEngine {
    /// The backend of an instance.
    pub(super) fn backend_of(&self, instance: &Instance) -> SharedBackend {
        (self.0.parts.build_backend)(instance, &self.0.parts.backends)
    }

    /// What a backend gets along for a job.
    pub(super) fn work_of(&self, live: &Arc<LiveJob>) -> Work {
        Work {
            report: Arc::new(JobReport(Arc::clone(live))),
            cancel: live.cancel.clone(),
            stall_timeout: self.0.settings.stall_timeout,
        }
    }

    /// What a backend gets along for a question that is no job.
    pub(super) fn unheard_work(&self) -> Work {
        self.jobless_work(Arc::new(Unheard))
    }

    /// What a backend gets along for work for an instance that no job does.
    pub(super) fn system_work(&self, instance: &InstanceId) -> Work {
        self.jobless_work(Arc::new(SystemReport(self.clone(), instance.clone())))
    }

    fn jobless_work(&self, report: Arc<dyn Report>) -> Work {
        Work { report, cancel: self.0.shutdown.child_token(), stall_timeout: self.0.settings.stall_timeout }
    }
}

/// What an error of a backend means for a job.
pub(super) fn to_stop(what: &str, error: &BackendError) -> Stop {
    match error {
        BackendError::Cancelled => Stop::Cancelled,
        error => Stop::because(what, error),
    }
}
