//! The content of a file of a snapshot, or a directory of it as a tar: `restic dump`.

use bytes::Bytes;
use tokio::sync::mpsc;

use super::look::{full_path, gone};
use super::process::{Call, Ended};
use super::program::Restic;
use super::{BackendError, Wanted, Work};

/// Hands out what restic dumps. A receiver that went away is told as a cancel.
pub(super) async fn pour(
    restic: &Restic,
    work: &Work,
    id: &str,
    wanted: &Wanted,
    to: &mpsc::Sender<Bytes>,
) -> Result<(), BackendError> {
    let version = restic.version(work).await?;
    let call = match wanted {
        Wanted::File(path) => Call::new(["dump", "--no-lock"]).with(id).with(full_path(path)),
        Wanted::Folder(path) => Call::new(["dump", "--no-lock", "--archive", "tar"]).with(id).with(full_path(path)),
    };
    let ended = restic.pour(work, call, to).await?;
    if ended.is_success() {
        return Ok(());
    }
    if to.is_closed() {
        return Err(BackendError::Cancelled);
    }
    if ended.says_no_snapshot() { Err(gone(id)) } else { Err(restic.error("reading the snapshot", &ended, version)) }
}

impl Ended {
    /// Whether it found no snapshot of the id.
    pub(super) fn says_no_snapshot(&self) -> bool {
        self.said.iter().any(|line| line.contains("no matching ID found"))
    }
}
