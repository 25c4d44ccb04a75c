//! What a running stack does to its data: one file in a hundred, the same ones on every machine.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::Result;

/// Bytes that a change writes, at most: a page of a database, a small file as a whole.
const PAGE: usize = 8192;

/// Writes into every hundredth file of the tree; `round` says which ones and what.
pub(crate) fn change_one_percent(root: &Path, round: usize) -> Result<()> {
    let mut files = Vec::new();
    find_files(root, &mut files)?;
    files.sort();
    for path in files.iter().skip(round % 100).step_by(100) {
        let file = File::options().write(true).open(path)?;
        let len = usize::try_from(file.metadata()?.len())?;
        let content: Vec<u8> =
            (0..len.min(PAGE)).map(|at| b"what changed while the stack ran "[(at + round) % 33]).collect();
        let place = (len - content.len()) / 2 / PAGE * PAGE;
        file.write_all_at(&content, place as u64)?;
    }
    Ok(())
}

fn find_files(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            find_files(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
