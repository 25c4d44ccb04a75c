//! Why nothing came out of an archive.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::super::index::IndexError;
use super::super::meter::{Cancelled, Meter};
use super::super::tar_reader::TarError;
use crate::domain::job::TargetKind;
use crate::domain::size::human_bytes;

/// Why nothing was unpacked. What had been begun is gone again.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The meter was told to stop.
    #[error("the work was cancelled")]
    Cancelled,
    /// The archive could not be opened or read by the system.
    #[error("the archive {} could not be read", path.display())]
    Read {
        /// The archive.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It ends too early.
    #[error("the archive is cut short")]
    Truncated,
    /// A checksum, a header or the compressed stream is broken.
    #[error("the archive is damaged: {0}")]
    Damaged(String),
    /// There is no manifest, and it has not the form of an archive of Docker Backup Manager either.
    #[error("the archive has no manifest, and is no archive of Docker Backup Manager either: unpack it with tar")]
    NoManifest,
    /// The manifest is no valid one.
    #[error("the manifest cannot be understood: {0}")]
    BadManifest(String),
    /// The archive does not hold what is wanted.
    #[error("the archive holds no {kind} '{name}'")]
    UnknownTarget {
        /// What kind of thing is wanted.
        kind: TargetKind,
        /// Its name.
        name: String,
    },
    /// A target does not hold what is wanted of it.
    #[error("the {kind} '{name}' holds no '{path}'")]
    UnknownPath {
        /// What kind of thing the target is.
        kind: TargetKind,
        /// Its name.
        name: String,
        /// What is wanted of it.
        path: String,
    },
    /// An entry that no archive of ours has: it would lead out, through a link, or over another entry.
    #[error("the archive is not to be trusted: '{path}' {why}")]
    Refused {
        /// The entry, as seen from its target.
        path: String,
        /// What it does.
        why: &'static str,
    },
    /// The archive has something else than its manifest says.
    #[error("'{path}' is not what the manifest says: {what}")]
    Differs {
        /// The entry, below the archive's top directory.
        path: String,
        /// What differs.
        what: &'static str,
    },
    /// The archive ends without something that its manifest tells of.
    #[error("'{0}' is in the manifest and not in the archive")]
    Missing(String),
    /// The place of a target is taken.
    #[error("{} is there already, and nothing is put in its place", .0.display())]
    Taken(PathBuf),
    /// A target is wanted twice.
    #[error("the {0} '{1}' is wanted twice")]
    Twice(TargetKind, String),
    /// The disk is too small.
    #[error("there is no room in {}: {} are needed, {} are free", directory.display(), human_bytes(*needed), human_bytes(*free))]
    NoRoom {
        /// Where it should go.
        directory: PathBuf,
        /// Bytes that are needed.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// Something could not be made.
    #[error("'{path}' in {}: {what}", to.display())]
    Write {
        /// The place of the target.
        to: PathBuf,
        /// The entry within it.
        path: String,
        /// What could not be done.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Scratch space could not be used.
    #[error("scratch space in {} could not be used", path.display())]
    Scratch {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl UnpackError {
    /// A scratch file in `path` failed.
    pub(super) fn scratch(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Scratch { path: path.to_owned(), source }
    }

    /// Whether the index beside the archive may be to blame.
    pub(super) fn may_be_of_the_index(&self) -> bool {
        matches!(
            self,
            Self::Truncated
                | Self::Damaged(_)
                | Self::Differs { .. }
                | Self::Missing(_)
                | Self::BadManifest(_)
                | Self::NoManifest
        )
    }

    /// What could not be read of `archive`; a reader that was told to stop looks like one that failed.
    pub(super) fn reading(archive: &Path, meter: &Meter, error: TarError) -> Self {
        match error {
            _ if meter.is_cancelled() => Self::Cancelled,
            TarError::Io(source) if source.raw_os_error().is_some() => Self::Read { path: archive.to_owned(), source },
            TarError::Io(source) if source.kind() == io::ErrorKind::UnexpectedEof => Self::Truncated,
            TarError::Io(source) => Self::Damaged(source.to_string()),
            TarError::Malformed(what) => Self::Damaged(what.to_owned()),
        }
    }

    /// The same of the index beside it.
    pub(super) fn indexed(archive: &Path, meter: &Meter, error: IndexError) -> Self {
        match error {
            IndexError::Read(source) => Self::reading(archive, meter, TarError::Io(source)),
            IndexError::Unusable(what) | IndexError::Damaged(what) => Self::Damaged(what),
        }
    }
}

impl From<Cancelled> for UnpackError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// What an attempt to make an entry tells of it: a name that is taken or leads through something is the archive's doing,
/// everything else the disk's.
pub(super) fn making(to: &Path, path: &[u8], what: &'static str, source: io::Error) -> UnpackError {
    let path = if path.is_empty() { ".".to_owned() } else { String::from_utf8_lossy(path).into_owned() };
    let errno = source.raw_os_error().map(Errno::from_raw_os_error);
    let why = match errno {
        None if source.kind() == io::ErrorKind::InvalidInput => "leads out of its target",
        Some(Errno::NOTDIR | Errno::LOOP) => "leads through a link or a file",
        Some(Errno::EXIST) => "is in it twice",
        _ => return UnpackError::Write { to: to.to_owned(), path, what, source },
    };
    UnpackError::Refused { path, why }
}
