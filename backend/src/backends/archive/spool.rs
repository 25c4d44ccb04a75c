//! A scratch file that has no name, so that nothing is left of it whatever happens.

use std::fs::{self, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

pub(super) struct Spool {
    file: BufWriter<fs::File>,
    len: u64,
}

impl Spool {
    /// A spool on the file system of `neighbour`. Its name is gone again before this returns; should the process
    /// die in between, the name ends like that of a partial archive, and is cleaned up with them.
    pub(super) fn beside(neighbour: &Path) -> io::Result<Self> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        loop {
            let count = COUNTER.fetch_add(1, Ordering::Relaxed);
            let name = neighbour.with_file_name(format!(".{}-{count}.spool.partial", std::process::id()));
            match OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&name) {
                // Process ids are alike in containers that share a directory.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                created => {
                    let file = created?;
                    fs::remove_file(&name)?;
                    return Ok(Self { file: BufWriter::with_capacity(64 << 10, file), len: 0 });
                }
            }
        }
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
