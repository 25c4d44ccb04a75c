//! Blocking work on the archive, with someone who watches.
//!
//! Reading and compressing run on threads of their own. Whoever waits for them shows how far they are, passes a cancel
//! on, and gives up on work that does not come on: a thread that hangs in the kernel, on a dead network mount say, must
//! not keep a stack stopped. Such a thread is left behind; what it holds is removed by name.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::backends::archive::{Meter, Reading};
use crate::domain::job::{Progress, StepName};
use crate::domain::size::human_millis;

use super::{Cx, Stop};

const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long work may take to notice that it was told to stop.
const CANCEL_GRACE: Duration = Duration::from_secs(10);

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
pub(super) async fn watch<T: Send + 'static>(
    cx: Cx<'_>,
    watch: &Watch<'_>,
    work: impl FnOnce() -> T + Send + 'static,
    mut look: impl FnMut(),
) -> Result<T, Stop> {
    let mut thread = tokio::task::spawn_blocking(work);
    let mut progress = Pulse::new();
    let given_up = loop {
        tokio::select! {
            done = &mut thread => {
                look();
                watch.show(cx);
                return done.map_err(|_| watch.defect());
            }
            () = tokio::time::sleep(LOOK_EVERY) => {
                look();
                watch.show(cx);
                if let Some(stalled) = progress.stalled(watch.meter.read(), watch.patience) {
                    break Stop::failed(stalled);
                }
            }
            () = cx.live.cancel.cancelled() => break Stop::Cancelled,
        }
    };
    watch.meter.cancel();
    let _ = tokio::time::timeout(CANCEL_GRACE, &mut thread).await;
    Err(given_up)
}

impl Watch<'_> {
    fn defect(&self) -> Stop {
        Stop::failed(format!("a defect in Mainstay ended the step {}; see the system log", self.phase))
    }

    /// Shows how far it is. The share never reaches the whole before the step ends: the total is an estimate.
    fn show(&self, cx: Cx<'_>) {
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

/// When something was last seen to move.
struct Pulse {
    last: Reading,
    since: Instant,
}

impl Pulse {
    fn new() -> Self {
        Self { last: Reading::default(), since: Instant::now() }
    }

    /// What to say of work that has not come on for longer than `patience`.
    fn stalled(&mut self, now: Reading, patience: Duration) -> Option<String> {
        if now != self.last {
            (self.last, self.since) = (now, Instant::now());
        }
        let still = self.since.elapsed();
        (still > patience).then(|| {
            let at = if self.last.current.is_empty() { "its beginning" } else { &self.last.current };
            let still = human_millis(u64::try_from(still.as_millis()).unwrap_or(u64::MAX));
            format!("nothing came on for {still}, at {at}; the disk or the network behind it hangs")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_is_not_stalled_and_what_stands_still_is_named() {
        let at = |bytes_done| Reading { bytes_done, files_done: 1, current: "volumes/db/rows".into() };
        let mut pulse = Pulse::new();
        assert_eq!(pulse.stalled(at(1), Duration::ZERO), None, "it has just moved");
        pulse.since -= Duration::from_secs(61);
        assert_eq!(pulse.stalled(at(1), Duration::from_secs(90)), None, "there is patience left");
        let said = pulse.stalled(at(1), Duration::from_secs(60)).expect("stalled");
        assert!(said.contains("volumes/db/rows"), "{said}");
        assert_eq!(pulse.stalled(at(2), Duration::from_secs(60)), None, "it moves again");
    }
}
