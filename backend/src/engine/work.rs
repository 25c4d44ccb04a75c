//! Blocking work on data, as a step of a job: its progress is the job's, and why it was given up ends the step.

use std::sync::Arc;
use std::time::Duration;

use crate::backends::archive::{self, GivenUp, Meter, Reading};
use crate::domain::job::{Progress, StepName};

use super::steps::{Cx, Stop};

/// What is watched, and how.
pub(super) struct Watch<'a> {
    pub(super) phase: StepName,
    pub(super) meter: &'a Arc<Meter>,
    /// What there is to do, when known.
    pub(super) bytes_total: Option<u64>,
    /// How long it may go without progress.
    pub(super) patience: Duration,
}

/// Runs `work` on a thread that may block, and calls `look` several times a second and once at the end.
pub(super) async fn watch<R, T: Send + 'static>(
    cx: Cx<'_, R>,
    watch: &Watch<'_>,
    work: impl FnOnce() -> T + Send + 'static,
    mut look: impl FnMut(),
) -> Result<T, Stop> {
    let watched = archive::watch(watch.meter, watch.patience, &cx.live.cancel, work, |reading| {
        look();
        watch.show(cx, reading);
    });
    watched.await.map_err(|given_up| match given_up {
        GivenUp::Cancelled => Stop::Cancelled,
        GivenUp::Hung(why) => Stop::failed(format!("the step {} hangs and is given up: {why}", watch.phase)),
        GivenUp::Defect => watch.defect(),
    })
}

impl Watch<'_> {
    fn defect(&self) -> Stop {
        Stop::failed(format!("a defect in Mainstay ended the step {}; see the system log", self.phase))
    }

    /// Shows how far it is. The share never reaches the whole before the step ends: the total is an estimate.
    fn show<R>(&self, cx: Cx<'_, R>, reading: Reading) {
        let total = self.bytes_total.filter(|t| *t > 0);
        #[expect(clippy::cast_precision_loss, reason = "a share for a progress bar")]
        let fraction = total.map(|total| (reading.bytes_done as f64 / total as f64).min(0.99));
        cx.live.set_progress(Progress {
            phase: Some(self.phase),
            fraction,
            bytes_done: reading.bytes_done,
            bytes_total: total,
            files_done: reading.files_done,
            current: (!reading.current.is_empty()).then_some(reading.current),
        });
    }
}
