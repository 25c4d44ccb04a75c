//! Clones of large files on file systems that share blocks (btrfs, XFS): made in microseconds while the stack is at
//! rest, read after it was started again.
//!
//! A clone is an unnamed file in the directory of the original. It has no name to be left behind: it goes when the
//! process ends, however it ends.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{Mode, OFlags, ioctl_ficlone, openat, statfs};
use rustix::process::{Resource, getrlimit};

use super::node::Node;
use super::record::Key;
use super::stat::Stat;
use super::walk::Handle;

/// Clones at once, at most; each holds a descriptor.
const MAX_CLONES: u64 = 512;
/// The share of the process's descriptors that clones may take.
const SHARE: u64 = 4;
/// Segments of a file with holes, at most: they are kept in memory.
const MAX_SEGMENTS: usize = 4096;

/// `f_type` of btrfs and XFS; linux/magic.h.
const CLONING_TYPES: [u64; 2] = [0x9123_683e, 0x5846_5342];

/// Whether the file system of `path` is of a kind that can clone files. Whether it does shows when it is asked to.
#[must_use]
pub fn may_clone(path: &Path) -> bool {
    #[expect(clippy::cast_sign_loss, reason = "its type differs between architectures")]
    let kind = statfs(path).map(|found| found.f_type as u64);
    kind.is_ok_and(|kind| CLONING_TYPES.contains(&(kind & 0xffff_ffff)))
}

/// A body that is read by and by.
pub(super) struct Deferred {
    pub(super) node: Node,
    /// The number of its target.
    pub(super) target: usize,
    pub(super) clone: File,
    /// The map of a file with holes, as it stands before the data.
    pub(super) head: Vec<u8>,
    pub(super) segments: Vec<(u64, u64)>,
    /// The identity of the body, if it may be relied on.
    pub(super) key: Option<Key>,
}

/// The clones of a pass.
pub(super) struct Clones {
    pub(super) deferred: Vec<Deferred>,
    limit: u64,
    /// Devices that cannot clone.
    refused: HashSet<u64>,
}

impl Clones {
    pub(super) fn new(is_wanted: bool) -> Self {
        let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let limit = if is_wanted { MAX_CLONES.min(descriptors / SHARE) } else { 0 };
        Self { deferred: Vec::new(), limit, refused: HashSet::new() }
    }

    /// A clone of `file` as it is now; `None` if it has to be read now.
    pub(super) fn make(&mut self, handle: &Handle, file: &File, stat: &Stat, segments: usize) -> Option<File> {
        let is_full = self.deferred.len() as u64 >= self.limit;
        if is_full || segments > MAX_SEGMENTS || self.refused.contains(&stat.dev) {
            return None;
        }
        let Handle::Named { parent, .. } = handle else { return None };
        let made = clone(parent, file);
        if made.is_err() {
            self.refused.insert(stat.dev);
        }
        made.ok()
    }
}

fn clone(parent: &File, original: &File) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let clone = openat(parent, c".", flags, Mode::RUSR | Mode::WUSR)?;
    ioctl_ficlone(&clone, original)?;
    Ok(File::from(clone))
}
