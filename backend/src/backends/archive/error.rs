//! What can make an archive worthless. Gaps of the source are not errors: see [`super::Warning`].

use std::io;
use std::path::PathBuf;

use super::meter::Cancelled;

/// Why no archive came of it.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The meter was told to stop.
    #[error("the capture was cancelled")]
    Cancelled,
    /// The archive, or the spool beside it, could not be written: no space left, a broken disk, no permission.
    #[error("the archive {} could not be written", path.display())]
    Write {
        /// The archive.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something was added before `begin_target`.
    #[error("an entry was added outside of a target")]
    NoTarget,
    /// The finished archive could not be given its final name.
    #[error("the archive could not be published as {}", path.display())]
    Publish {
        /// The final name.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Free space or size could not be found out.
    #[error("the space of {} could not be measured", path.display())]
    Measure {
        /// What was to be measured.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl From<Cancelled> for ArchiveError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}
