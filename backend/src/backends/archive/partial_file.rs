//! A file that is gone again unless it was brought to its end.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Removes the file unless it is wanted.
pub(super) struct PartialFile {
    pub(super) path: PathBuf,
    pub(super) is_wanted: bool,
}

impl PartialFile {
    /// A new file for writing and reading.
    pub(super) fn create(path: &Path) -> io::Result<(File, Self)> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
        Ok((file, Self { path: path.to_owned(), is_wanted: false }))
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        if !self.is_wanted {
            // Best effort: the clean-up at the next start finds what is left.
            drop(fs::remove_file(&self.path));
        }
    }
}
