//! A scratch file that has no name, so that nothing is left of it whatever happens.

use std::fs::{self, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::OFlags;

pub(super) struct Spool {
    file: BufWriter<fs::File>,
    len: u64,
}

impl Spool {
    /// A spool on the file system of `neighbour`. It never has a name where the file system can do that.
    pub(super) fn beside(neighbour: &Path) -> io::Result<Self> {
        let file = create_nameless(neighbour).or_else(|_| create_unlinked(neighbour))?;
        Ok(Self { file: BufWriter::with_capacity(64 << 10, file), len: 0 })
    }

    /// Bytes written so far.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Everything so far, for reading at given offsets.
    pub(super) fn share(&mut self) -> io::Result<fs::File> {
        self.file.flush()?;
        self.file.get_ref().try_clone()
    }

    /// What was written so far, from its beginning, as often as need be.
    pub(super) fn reader(&mut self) -> io::Result<BufReader<Part>> {
        let part = Part { file: self.share()?, range: 0..self.len };
        Ok(BufReader::with_capacity(64 << 10, part))
    }

    /// From its beginning.
    pub(super) fn into_reader(self) -> io::Result<BufReader<fs::File>> {
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(BufReader::with_capacity(64 << 10, file))
    }
}

fn create_nameless(neighbour: &Path) -> io::Result<fs::File> {
    let directory = neighbour.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let flags = OFlags::TMPFILE.bits().cast_signed();
    OpenOptions::new().read(true).write(true).mode(0o600).custom_flags(flags).open(directory)
}

/// For NFS, many FUSE mounts and old overlays. Should the process die before the name is gone, the name ends like that of
/// a partial archive, and is cleaned up with them.
fn create_unlinked(neighbour: &Path) -> io::Result<fs::File> {
    let (file, name) = create_scratch(neighbour)?;
    fs::remove_file(&name)?;
    Ok(file)
}

/// A new file beside `neighbour` that is cleaned up after a crash by its name, which is handed back.
pub(super) fn create_scratch(neighbour: &Path) -> io::Result<(fs::File, PathBuf)> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    loop {
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = neighbour.with_file_name(format!(".{}-{count}.spool.partial", std::process::id()));
        match OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&name) {
            // Process ids are alike in containers that share a directory.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            created => return Ok((created?, name)),
        }
    }
}

impl Write for Spool {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let count = self.file.write(buf)?;
        self.len += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A part of a file, read without moving the offset that its handles share.
pub(super) struct Part {
    pub(super) file: fs::File,
    pub(super) range: Range<u64>,
}

impl Read for Part {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let want = usize::try_from(self.range.end.saturating_sub(self.range.start)).unwrap_or(buf.len()).min(buf.len());
        let count = self.file.read_at(&mut buf[..want], self.range.start)?;
        self.range.start += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_and_without_a_name_a_spool_gives_back_what_it_took_and_leaves_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let neighbour = directory.path().join("archive");
        for create in [create_nameless, create_unlinked] {
            let mut file = create(&neighbour).expect("a file");
            file.write_all(b"taken").expect("written");
            file.rewind().expect("rewound");
            assert_eq!(io::read_to_string(file).expect("read"), "taken");
            assert!(directory.path().read_dir().expect("a directory").next().is_none());
        }
    }

    #[test]
    fn a_directory_that_is_not_there_takes_no_spool() {
        let directory = tempfile::tempdir().expect("a directory");
        let error = Spool::beside(&directory.path().join("gone/archive")).err().expect("refused");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
