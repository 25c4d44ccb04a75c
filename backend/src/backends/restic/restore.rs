//! Brings data back: `restic restore`, and a look whether everything came.
//!
//! Versions differ in what they say of a failure, so that what came is held against the listing of the snapshot: kind, size,
//! owner and mode of every entry. restic gives nothing to the directories above a path that is asked for; they get it here.

use std::path::Path;
use std::sync::mpsc;

use serde::Deserialize;

use super::messages::{Message, parse};
use super::process::{Call, Heed, Line};
use super::program::Restic;
use super::restored::{Comparison, Node};
use super::{BackendError, RestoreRequest, Restored, Work};
use crate::backends::Seen;
use crate::domain::log::Level;

/// Brings a snapshot back into an empty directory, has restic read it there again, and holds it against the listing.
pub(super) async fn restore(
    restic: &Restic,
    work: &Work,
    request: &RestoreRequest,
) -> Result<Vec<Restored>, BackendError> {
    let version = restic.version(work).await?;
    let all = restic.all_snapshots(work).await?;
    if !all.iter().any(|snapshot| snapshot.id == request.reference) {
        return Err(BackendError::failed("the snapshot is not in the repository any more"));
    }
    expect_empty(&request.to).await?;
    let mut call = Call::new(["restore", "--verify"]);
    if version.has_restore_json() {
        call = call.with("--json");
    }
    if version.has_sparse() {
        call = call.with("--sparse");
    }
    call = call.with("--target").with(request.to.as_os_str());
    for path in &request.paths {
        call = call.with("--include").with(literal(path));
    }
    let _turn = restic.take_turn(work).await?;
    let mut on_line = |line: Line<'_>| show_restored(restic, work, &line);
    let call = call.with(request.reference.as_str());
    let ended = restic.run_locked(work, &call, restic.lock_patience, &mut on_line).await?;
    let has_fault = ended.said.iter().any(|line| line.contains("ignoring error for"));
    if !ended.is_success() || has_fault {
        return Err(restic.error("restoring", &ended, version));
    }
    compare_with_listing(restic, work, request).await
}

fn show_restored(restic: &Restic, work: &Work, line: &Line<'_>) -> Heed {
    /// restic names these otherwise than those of a backup.
    #[derive(Deserialize)]
    struct Restored {
        message_type: String,
        #[serde(default)]
        bytes_restored: u64,
        #[serde(default)]
        total_bytes: Option<u64>,
        #[serde(default)]
        files_restored: u64,
    }
    let (Line::Out(text) | Line::Err(text)) = line;
    if let Some(Message::Error(error)) = parse(text) {
        work.report.log(Level::Error, None, restic.redactor.clean(&error.to_words()));
    }
    let Ok(seen) = serde_json::from_str::<Restored>(text) else { return Heed::Idle };
    if seen.message_type != "status" {
        return Heed::Idle;
    }
    let (bytes_done, bytes_total, files_done) = (seen.bytes_restored, seen.total_bytes, seen.files_restored);
    work.report.progress(Seen { bytes_done, bytes_total, files_done, current: None });
    Heed::Idle
}

async fn expect_empty(directory: &Path) -> Result<(), BackendError> {
    let shown = directory.display();
    let unreadable = |error| BackendError::because(format!("{shown} cannot be read"), error);
    let mut entries = tokio::fs::read_dir(directory).await.map_err(unreadable)?;
    match entries.next_entry().await.map_err(unreadable)? {
        None => Ok(()),
        Some(_) => Err(BackendError::failed(format!("{shown} is not empty, so nothing is restored into it"))),
    }
}

/// A path as a pattern that matches nothing else.
fn literal(path: &Path) -> std::ffi::OsString {
    use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
    let mut pattern = Vec::new();
    for byte in path.as_os_str().as_bytes() {
        if b"*?[\\$".contains(byte) {
            pattern.push(b'\\');
        }
        pattern.push(*byte);
    }
    std::ffi::OsString::from_vec(pattern)
}

/// Lists the snapshot, and looks at each entry where it was restored.
async fn compare_with_listing(
    restic: &Restic,
    work: &Work,
    request: &RestoreRequest,
) -> Result<Vec<Restored>, BackendError> {
    let version = restic.version(work).await?;
    let (nodes, listed) = mpsc::channel::<Node>();
    let mut comparison = Comparison::new(request);
    // Looking at a disk may block.
    let looking = tokio::task::spawn_blocking(move || {
        listed.iter().for_each(|node| comparison.take(&node));
        comparison.finish()
    });
    let mut on_line = |line: Line<'_>| {
        if let Line::Out(text) = line
            && let Some(node) = Node::parse(text)
        {
            // Nobody listens only after a defect, which the end tells of.
            let _ = nodes.send(node);
        }
        Heed::Moved
    };
    let call = Call::new(["ls", "--json", "--no-lock"]).with(request.reference.as_str());
    let ended = restic.run(work, call, &mut on_line).await?;
    drop(nodes);
    let compared =
        looking.await.map_err(|error| BackendError::because("what was restored could not be read", error))?;
    if !ended.is_success() {
        return Err(restic.error("listing what was restored", &ended, version));
    }
    compared.map_err(BackendError::failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_no_pattern() {
        assert_eq!(literal(Path::new("/srv/[a]*/b?")), "/srv/\\[a]\\*/b\\?");
    }
}
