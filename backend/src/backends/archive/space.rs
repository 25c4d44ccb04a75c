//! Room on a disk, a quick guess of what a tree needs, and the last step of an archive: its final name.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::error::ArchiveError;
use super::index;
use super::options::Exclude;
use super::spool::Spool;

/// Bytes that an unprivileged process can still write below `directory`.
///
/// # Errors
/// [`ArchiveError::Measure`] when the directory is not there or cannot be asked.
pub fn free_bytes(directory: &Path) -> Result<u64, ArchiveError> {
    let failed = |source: Errno| ArchiveError::Measure { path: directory.to_owned(), source: source.into() };
    let stat = rustix::fs::statvfs(directory).map_err(failed)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Proves that `directory` takes a file with content. Nothing is left of it, see [`Spool::beside`].
///
/// # Errors
/// What the system said to the file or to its content: a full disk takes the one and refuses the other.
pub fn prove_writable(directory: &Path) -> io::Result<()> {
    let mut spool = Spool::beside(&directory.join("proof"))?;
    spool.write_all(b"mainstay")?;
    spool.flush()
}

/// What a tree is guessed to hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Bytes of content, holes and second names not counted.
    pub bytes: u64,
    /// Files.
    pub files: u64,
    /// Whether the whole tree was seen; otherwise the tree is at least this large.
    pub is_complete: bool,
}

/// Adds up the sizes below `root` for at most `limit`. What cannot be read counts as nothing.
#[must_use]
pub fn estimate(root: &Path, excludes: &[Exclude], limit: Duration) -> Estimate {
    let deadline = Instant::now() + limit;
    let excluded: HashSet<&Path> = excludes.iter().map(|exclude| exclude.path.as_path()).collect();
    let mut sum = Estimate { is_complete: true, ..Estimate::default() };
    let mut todo: Vec<PathBuf> = Vec::new();
    match fs::metadata(root) {
        Ok(metadata) if metadata.is_dir() => todo.push(root.to_owned()),
        Ok(metadata) => sum.add(&metadata),
        Err(_) => {}
    }
    while let Some(directory) = todo.pop() {
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        for entry in entries.flatten() {
            if Instant::now() > deadline {
                sum.is_complete = false;
                return sum;
            }
            match entry.metadata() {
                _ if excluded.contains(entry.path().as_path()) => {}
                Ok(metadata) if metadata.is_dir() => todo.push(entry.path()),
                Ok(metadata) => sum.add(&metadata),
                Err(_) => {}
            }
        }
    }
    sum
}

impl Estimate {
    fn add(&mut self, metadata: &fs::Metadata) {
        if metadata.is_file() {
            self.files += 1;
            // A file with three names is met three times.
            self.bytes += metadata.size().min(metadata.blocks().saturating_mul(512)) / metadata.nlink().max(1);
        }
    }
}

/// Gives a complete archive, and the index beside it, its final name, never in place of a file that is there, and syncs
/// the directory.
///
/// # Errors
/// [`ArchiveError::Publish`], also when `to` exists; `from` is untouched then. An archive that has its name and whose
/// directory could not be synced is no error: it is there, and only a power cut in the next seconds could take the
/// name away again.
pub fn publish(from: &Path, to: &Path) -> Result<(), ArchiveError> {
    let renamed = match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS) => rename_without_flag(from, to),
        other => other.map_err(io::Error::from),
    };
    renamed.map_err(|source| ArchiveError::Publish { path: to.to_owned(), source })?;
    adopt_index(from, to);
    let directory = to.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Err(error) = File::open(directory).and_then(|directory| directory.sync_all()) {
        tracing::warn!(%error, "the directory {} could not be synced", directory.display());
    }
    Ok(())
}

/// The index follows its archive. It is only a cache, so it may be missing, and it may replace an old one.
pub fn adopt_index(from: &Path, to: &Path) {
    match fs::rename(index::path_of(from), index::path_of(to)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, "the index of {} could not be given its name", to.display());
            drop(fs::remove_file(index::path_of(from)));
        }
        _ => {}
    }
}

/// Removes an archive, be it complete or partial, with its index. A file that is not there counts as removed.
///
/// # Errors
/// What the system said when the archive could not be removed; its index is left with it then.
pub fn remove_archive(path: &Path) -> io::Result<()> {
    let gone = |path: &Path| match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    gone(path)?;
    if let Err(error) = gone(&index::path_of(path)) {
        tracing::warn!(%error, "the index of {} could not be removed", path.display());
    }
    Ok(())
}

/// On file systems without this kind of rename, such as NFS, a link does not replace either. Where there are no links
/// (many FUSE mounts) a look must do: nobody else gives names of this form.
fn rename_without_flag(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        Err(_) if to.symlink_metadata().is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(from, to),
    }
}

#[cfg(test)]
mod tests {
    use super::prove_writable;

    /// Whoever is killed in the middle of a proof leaves what can be seen in the middle of it.
    #[test]
    fn nothing_is_seen_of_a_proof_while_it_is_made() {
        let directory = tempfile::tempdir().expect("a directory");
        std::thread::scope(|scope| {
            let prover = scope.spawn(|| {
                for _ in 0..5_000 {
                    prove_writable(directory.path()).expect("writable");
                }
            });
            while !prover.is_finished() {
                let seen = directory.path().read_dir().expect("a directory").next();
                assert!(seen.is_none(), "{seen:?}");
            }
        });
    }
}
