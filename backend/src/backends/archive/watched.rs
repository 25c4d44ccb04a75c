//! Blocking work on an archive, with someone who watches.
//!
//! Reading and compressing run on threads of their own. Whoever waits for them passes a cancel on and gives up on work
//! that does not come on: a thread that hangs in the kernel, on a dead network mount say, must not keep a stack stopped.
//! Such a thread is left behind; what it holds is removed by name.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::meter::{Meter, Reading};
use super::stall::Stall;

const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long work may take to notice that it was told to stop.
const CANCEL_GRACE: Duration = Duration::from_secs(10);
/// The same for work that hangs: hardly any, because the stack may be at rest meanwhile.
const HUNG_GRACE: Duration = Duration::from_secs(1);

/// Why nobody waits for some work any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenUp {
    /// It was told to end.
    Cancelled,
    /// It did not come on; the sentence says for how long and where.
    Hung(String),
    /// It panicked.
    Defect,
}

/// Runs `work`, which feeds `meter`, on a thread that may block. Calls `look` several times a second and once at the
/// end. Work that moves nothing for `patience` is given up; so is work that nobody waits for any more.
///
/// # Errors
/// [`GivenUp`]; the thread may be at work still.
pub async fn watch<T: Send + 'static>(
    meter: &Arc<Meter>,
    patience: Duration,
    cancel: &CancellationToken,
    work: impl FnOnce() -> T + Send + 'static,
    mut look: impl FnMut(Reading),
) -> Result<T, GivenUp> {
    let abandoned = CancelOnDrop(meter);
    let mut thread = tokio::task::spawn_blocking(work);
    let mut stall = Stall::new(patience);
    let (given_up, grace) = loop {
        tokio::select! {
            done = &mut thread => {
                look(meter.read());
                std::mem::forget(abandoned);
                return done.map_err(|_| GivenUp::Defect);
            }
            () = tokio::time::sleep(LOOK_EVERY) => {
                let reading = meter.read();
                look(reading.clone());
                if let Some(why) = stall.look(reading) {
                    break (GivenUp::Hung(why), HUNG_GRACE);
                }
            }
            () = cancel.cancelled() => break (GivenUp::Cancelled, CANCEL_GRACE),
        }
    };
    meter.cancel();
    let _ = tokio::time::timeout(grace, &mut thread).await;
    Err(given_up)
}

/// Tells the work to end when nobody waits for it any more.
struct CancelOnDrop<'a>(&'a Meter);

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Work that goes on until it is told to end, and moves nothing.
    fn idle(meter: &Arc<Meter>) -> impl FnOnce() + Send + use<> {
        let meter = Arc::clone(meter);
        move || {
            while !meter.is_cancelled() {
                std::thread::yield_now();
            }
        }
    }

    #[tokio::test]
    async fn what_hangs_is_given_up_and_told_to_end() {
        let meter = Arc::new(Meter::new());
        let given_up = watch(&meter, Duration::ZERO, &CancellationToken::new(), idle(&meter), |_| {}).await;
        assert!(matches!(given_up, Err(GivenUp::Hung(_))), "{given_up:?}");
        assert!(meter.is_cancelled());
    }

    #[tokio::test]
    async fn a_cancel_and_a_dropped_wait_end_the_work() {
        let (meter, cancel) = (Arc::new(Meter::new()), CancellationToken::new());
        cancel.cancel();
        let given_up = watch(&meter, Duration::from_hours(1), &cancel, idle(&meter), |_| {}).await;
        assert_eq!(given_up, Err(GivenUp::Cancelled));

        let meter = Arc::new(Meter::new());
        let cancel = CancellationToken::new();
        let waits = watch(&meter, Duration::from_hours(1), &cancel, idle(&meter), |_| {});
        assert!(tokio::time::timeout(Duration::from_millis(1), waits).await.is_err());
        assert!(meter.is_cancelled(), "the thread would go on for ever");
    }

    #[tokio::test]
    async fn work_that_ends_is_not_told_to() {
        let meter = Arc::new(Meter::new());
        let done = watch(&meter, Duration::from_hours(1), &CancellationToken::new(), || 7, |_| {}).await;
        assert_eq!((done, meter.is_cancelled()), (Ok(7), false), "the meter is used by the next step too");
    }
}
