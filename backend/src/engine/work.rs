//! Blocking work on data, with someone who watches.
//!
//! Reading and compressing run on threads of their own. Whoever waits for them shows how far they are, passes a cancel
//! on, and gives up on work that does not come on: a thread that hangs in the kernel, on a dead network mount say, must
//! not keep a stack stopped. Such a thread is left behind; what it holds is removed by name.

use std::sync::Arc;
use std::time::Duration;

use crate::backends::archive::Meter;
use crate::domain::job::{Progress, StepName};

use super::stall::Stall;
use super::steps::{Cx, Stop};

const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long work may take to notice that it was told to stop.
const CANCEL_GRACE: Duration = Duration::from_secs(10);
/// The same for work that hangs: hardly any, because the stack may be at rest meanwhile.
const HUNG_GRACE: Duration = Duration::from_secs(1);

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
    let mut thread = tokio::task::spawn_blocking(work);
    let mut stall = Stall::new(watch.patience);
    let (given_up, grace) = loop {
        tokio::select! {
            done = &mut thread => {
                look();
                watch.show(cx);
                return done.map_err(|_| watch.defect());
            }
            () = tokio::time::sleep(LOOK_EVERY) => {
                look();
                watch.show(cx);
                if let Some(why) = stall.look(watch.meter.read()) {
                    break (Stop::failed(format!("the step {} hangs and is given up: {why}", watch.phase)), HUNG_GRACE);
                }
            }
            () = cx.live.cancel.cancelled() => break (Stop::Cancelled, CANCEL_GRACE),
        }
    };
    watch.meter.cancel();
    let _ = tokio::time::timeout(grace, &mut thread).await;
    Err(given_up)
}

impl Watch<'_> {
    fn defect(&self) -> Stop {
        Stop::failed(format!("a defect in Mainstay ended the step {}; see the system log", self.phase))
    }

    /// Shows how far it is. The share never reaches the whole before the step ends: the total is an estimate.
    fn show<R>(&self, cx: Cx<'_, R>) {
        let reading = self.meter.read();
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
