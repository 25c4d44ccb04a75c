//! A backup that is begun before the stop and reads nothing until the writers rest.
//!
//! Opening and locking the repository takes restic half a second and more. It does both before it reads its files of
//! exclusions, and one of these is a pipe here: restic waits at it and goes on when we close it. When this process is killed
//! the pipe is closed as well, so that no restic waits for ever; what it makes then is marked as unfinished. Meanwhile it
//! holds its lock, so that nobody can refuse it the repository within the stop.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Work;
use super::pass::Pass;
use super::process::{Heed, Running};
use super::program::Restic;

/// Its own standard input.
const GATE: &str = "/dev/stdin";
/// No pattern for what is left out.
const NO_PATTERN: &[u8] = b"[\n";
/// How long it may take to understand that, when it is still about to open the repository.
const PATIENCE: Duration = Duration::from_secs(30);

/// A backup that waits.
pub(super) struct Standby {
    running: Running,
    /// Of the same backup that does not wait.
    arguments: Vec<OsString>,
}

impl Restic {
    /// Begins a pass that waits. None where that cannot be done: then the stop takes longer, and that is all.
    pub(super) fn stand_by(&self, pass: &Pass<'_>) -> Option<Standby> {
        if !Path::new(GATE).is_symlink() {
            return None;
        }
        let arguments = self.backup_arguments(pass);
        let mut waiting = arguments.clone();
        waiting.insert(1, format!("--exclude-file={GATE}").into());
        Some(Standby { running: self.start_waiting(&waiting).ok()?, arguments })
    }
}

impl Standby {
    /// Whether it is this backup and still waits.
    pub(super) fn fits(&mut self, arguments: &[OsString]) -> bool {
        self.arguments == arguments && !self.running.has_ended()
    }

    /// Lets it go on.
    pub(super) fn let_go(mut self) -> Running {
        self.running.open_gate();
        self.running
    }

    /// Ends it and waits until its lock is gone: it ends by itself at a pattern that cannot be understood. A signal might
    /// come while its lock is not known to itself.
    pub(super) async fn abandon(mut self, work: &Work) {
        let work = Work { cancel: CancellationToken::new(), ..work.clone() };
        self.running.open_gate_with(NO_PATTERN, PATIENCE).await;
        // Nobody needs what it says.
        let _ = self.running.watch(&work, &mut |_| Heed::Idle).await;
    }
}
