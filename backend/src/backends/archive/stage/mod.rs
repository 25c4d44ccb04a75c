//! Puts a tree, or what arrives as a tar stream, into a directory instead of into an archive.
//!
//! For backends that read a local copy. Owner, mode, times, attributes, links and holes are kept; links are never
//! followed, neither of the source nor of what lies in the directory already, and no name leads out of it. What of the
//! source could not be had is a gap of the result; what is wrong with the directory is an error. To stage one more kind
//! of source, turn it into [`Node`]s and call [`Stage::put`] and [`Stage::begin_file`].

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, openat};

use super::meter::Meter;
use super::node::{Node, join};

mod aside;
mod body;
mod from_tar;
mod from_tree;
mod place;

#[cfg(test)]
mod aside_tests;
#[cfg(test)]
mod tests;

pub use aside::Aside;

/// The most gaps that are named.
const GAPS_NAMED: usize = 20;

/// What came of staging something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Staged {
    /// Bytes of content that were copied.
    pub bytes: u64,
    /// Bytes of content that an earlier copy had.
    pub bytes_taken_over: u64,
    /// Files, directories and the like.
    pub entries: u64,
    /// What is missing or may be torn, the first of them by name and reason.
    pub gaps: Vec<String>,
    /// How many gaps there are.
    pub gap_count: u64,
}

/// Something that is being put into a directory.
pub struct Stage<'a> {
    parent: File,
    /// What it is called there.
    name: Vec<u8>,
    meter: &'a Meter,
    /// Their times and modes are set at the end, because what is put into them changes both.
    directories: Vec<Node>,
    /// Where files with several names were put first.
    links: HashMap<(u64, u64), Vec<u8>>,
    staged: Staged,
    /// Of a copy of the running source.
    notes: Option<aside::Notes>,
    /// Of a copy at rest: the one before it.
    aside: Option<Aside>,
}

impl<'a> Stage<'a> {
    /// Begins to put something into `parent`, which must be there and no link, under the single name `name`.
    ///
    /// # Errors
    /// When the directory cannot be opened, or the name is none.
    pub fn begin(parent: &Path, name: &str, meter: &'a Meter) -> io::Result<Self> {
        if matches!(name, "" | "." | "..") || name.contains(['/', '\0']) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("'{name}' is no name of a file")));
        }
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let parent = File::from(openat(CWD, parent, flags, Mode::empty())?);
        let name = name.as_bytes().to_vec();
        let (directories, links) = (Vec::new(), HashMap::new());
        Ok(Self { parent, name, meter, directories, links, staged: Staged::default(), notes: None, aside: None })
    }

    /// Gives the directories their times and modes, and tells what was done.
    ///
    /// # Errors
    /// When a directory that was made is gone.
    pub fn finish(mut self) -> io::Result<Staged> {
        // Those within first: a directory may become one that cannot be entered.
        for node in std::mem::take(&mut self.directories).into_iter().rev() {
            self.finish_directory(&node)?;
        }
        Ok(self.staged)
    }

    /// The place below the parent for something at `path` below the source.
    fn place(&self, path: &[u8]) -> Vec<u8> {
        join(&self.name, path)
    }

    fn gap(&mut self, path: &[u8], reason: &str) {
        self.staged.gap_count += 1;
        if self.staged.gaps.len() < GAPS_NAMED {
            let path = if path.is_empty() { "it".into() } else { String::from_utf8_lossy(path) };
            self.staged.gaps.push(format!("{path}: {reason}"));
        }
    }

    fn check(&self) -> io::Result<()> {
        self.meter.check().map_err(|_| io::Error::new(io::ErrorKind::Interrupted, "it was cancelled"))
    }
}
