//! Blocking work for the port: progress to whoever asked, errors in the words of the port.

use std::sync::Arc;
use std::time::Duration;

use super::super::super::{BackendError, Seen, Work};
use super::super::{ArchiveError, GivenUp, Meter, VerifyError, watch};
use crate::domain::log::Level;

/// The writers run again, and a slow disk may take its time to be synced; a cancel still ends it.
pub(super) const UNHURRIED: Duration = Duration::from_hours(24);

/// Runs `job`, which feeds `meter`, on a thread that may block, and tells how far it is. It is given up when nothing of it
/// moves for `patience`, or a cancel comes.
///
/// # Errors
/// When it was given up. The thread may still be at work then, told to end.
pub async fn run<T: Send + 'static>(
    work: &Work,
    meter: &Arc<Meter>,
    (patience, bytes_total): (Duration, Option<u64>),
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<T, BackendError> {
    let watched = watch(meter, patience, &work.cancel, job, |reading| {
        work.report.progress(Seen {
            bytes_done: reading.bytes_done,
            bytes_total,
            files_done: reading.files_done,
            current: (!reading.current.is_empty()).then_some(reading.current),
        });
    });
    watched.await.map_err(|given_up| match given_up {
        GivenUp::Cancelled => BackendError::Cancelled,
        GivenUp::Hung(why) => {
            work.report.log(Level::Error, None, format!("the work hangs and is given up: {why}"));
            BackendError::Stalled { after: patience }
        }
        GivenUp::Defect => BackendError::failed("a defect in Mainstay ended the work; see the system log"),
    })
}

/// The same for what has no progress to show: looking, removing.
pub(super) async fn look<T: Send + 'static>(
    work: &Work,
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<T, BackendError> {
    run(work, &Arc::default(), (work.stall_timeout, None), job).await
}

/// `error` in the words of the port; `what` could not be done.
pub(super) fn told(what: &str, error: ArchiveError) -> BackendError {
    match error {
        ArchiveError::Cancelled => BackendError::Cancelled,
        error => BackendError::because(what, error),
    }
}

/// The same for a verification.
pub(super) fn told_unverified(error: VerifyError) -> BackendError {
    match error {
        VerifyError::Cancelled => BackendError::Cancelled,
        error => BackendError::because("the archive could not be read again", error),
    }
}
