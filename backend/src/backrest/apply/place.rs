//! Where a configuration lies, and the names of what we put beside it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::file::FileError;

/// The place of a configuration. A symbolic link is followed, because a rename would replace it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    directory: PathBuf,
    path: PathBuf,
    name: OsString,
}

impl Place {
    /// Finds the place; the file need not be there, its directory must.
    pub(super) fn find(path: &Path) -> Result<Self, FileError> {
        let none = || FileError::NoPlace(path.to_owned());
        let real = fs::canonicalize(path).or_else(|_| {
            let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let name = path.file_name().ok_or_else(none)?;
            fs::canonicalize(directory).map(|directory| directory.join(name)).map_err(|_| none())
        })?;
        let directory = real.parent().ok_or_else(none)?.to_owned();
        let name = real.file_name().ok_or_else(none)?.to_owned();
        Ok(Self { directory, path: real, name })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The copy of what was replaced last.
    pub(super) fn copy(&self) -> PathBuf {
        self.beside("", ".mainstay-before")
    }

    /// The file whose lock keeps others of us away.
    pub(super) fn lock_file(&self) -> PathBuf {
        self.beside(".", ".mainstay-lock")
    }

    /// What is to become the file.
    pub(super) fn staged_file(&self) -> PathBuf {
        self.beside(".", ".mainstay-new")
    }

    /// What is to become the copy.
    pub(super) fn staged_copy(&self) -> PathBuf {
        self.beside(".", ".mainstay-before-new")
    }

    /// The note of a stop.
    pub(super) fn note(&self) -> PathBuf {
        self.beside(".", ".mainstay-stopped")
    }

    fn beside(&self, before: &str, after: &str) -> PathBuf {
        let mut name = OsString::from(before);
        name.push(&self.name);
        name.push(after);
        self.directory.join(name)
    }
}
