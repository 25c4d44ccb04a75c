//! The file of a dump, which has its name only once it is whole.

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;

use super::check::{Flaw, check};
use crate::docker::shell::ShellOutput;
use crate::domain::log::Level;
use crate::domain::plan::DatabaseKind;

/// How many of the tool's last lines an error tells.
const LINES_TOLD: usize = 5;

/// A dump on its way to its file. Dropped before its end, it leaves nothing.
pub(super) struct DumpFile<'a> {
    file: tokio::fs::File,
    partial: PathBuf,
    path: PathBuf,
    size: u64,
    last_lines: Vec<String>,
    say: &'a (dyn Fn(Level, String) + Send + Sync),
}

impl<'a> DumpFile<'a> {
    /// A new file in `directory`, for the owner's eyes only.
    pub(super) fn create(
        directory: &Path,
        name: &str,
        say: &'a (dyn Fn(Level, String) + Send + Sync),
    ) -> io::Result<Self> {
        let (path, partial) = (directory.join(name), directory.join(format!("{name}.partial")));
        let file = fs::OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&partial)?;
        Ok(Self { file: file.into(), partial, path, size: 0, last_lines: Vec::new(), say })
    }

    /// Bytes so far.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// The file's name once it is whole.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What the tool said last, in one line.
    pub(super) fn last_words(&self) -> String {
        if self.last_lines.is_empty() { "it said nothing".to_owned() } else { self.last_lines.join("; ") }
    }

    /// Checks the dump, brings it to the disk and gives it its name. Returns its size.
    pub(super) async fn finish(mut self, kind: DatabaseKind) -> Result<u64, Flaw> {
        self.file.flush().await?;
        let file = self.file.try_clone().await?.into_std().await;
        let (partial, path, size) = (self.partial.clone(), self.path.clone(), self.size);
        let published = tokio::task::spawn_blocking(move || publish(kind, &file, size, &partial, &path));
        published.await.map_err(io::Error::other)?
    }
}

fn publish(kind: DatabaseKind, file: &fs::File, size: u64, partial: &Path, path: &Path) -> Result<u64, Flaw> {
    let whole = check(kind, file, size)?;
    if whole != size {
        file.set_len(whole)?;
    }
    file.sync_all()?;
    fs::rename(partial, path)?;
    if let Some(directory) = path.parent() {
        fs::File::open(directory)?.sync_all()?;
    }
    Ok(whole)
}

impl Drop for DumpFile<'_> {
    fn drop(&mut self) {
        // After a success there is none of this name.
        drop(fs::remove_file(&self.partial));
    }
}

#[async_trait]
impl ShellOutput for DumpFile<'_> {
    async fn keep(&mut self, bytes: Bytes) -> io::Result<()> {
        self.file.write_all(&bytes).await?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    fn complain(&mut self, line: &str) {
        if self.last_lines.len() == LINES_TOLD {
            self.last_lines.remove(0);
        }
        self.last_lines.push(line.to_owned());
        (self.say)(Level::Info, line.to_owned());
    }
}
