//! What can make an archive worthless. Gaps of the source are not errors: see [`super::Warning`].

use std::io;
use std::path::{Path, PathBuf};

use super::base::Damaged;
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
    /// A piece of an earlier archive, or of the pass before, is not what its index says. An earlier archive is not
    /// used again; the next backup reads everything.
    #[error("{} is damaged, so nothing can be taken over from it", path.display())]
    DamagedBase {
        /// The file with the broken piece.
        path: PathBuf,
        /// What was found.
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

impl ArchiveError {
    /// What went wrong while `path` was written: mostly the disk, but perhaps what was to be copied.
    pub(super) fn writing(path: &Path, source: io::Error) -> Self {
        match source.get_ref().and_then(|inner| inner.downcast_ref::<Damaged>()) {
            Some(damaged) => Self::DamagedBase { path: damaged.path.clone(), source },
            None => Self::Write { path: path.to_owned(), source },
        }
    }
}

impl From<Cancelled> for ArchiveError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}
