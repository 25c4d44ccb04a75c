//! The content of a file on its way to the disk: hashed as the manifest has it, holes left out.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;

use super::super::meter::Meter;
use super::super::node::Node;
use super::super::sparse::read_map;

/// Bytes that are handed over at once.
const STRIDE: usize = 256 << 10;

/// Why a content did not come to the disk.
pub(super) enum Torn {
    /// It was told to stop.
    Cancelled,
    /// The archive failed.
    Read(io::Error),
    /// The disk failed.
    Write(io::Error),
}

/// Copies contents, one after another.
pub(super) struct Copier<'a> {
    meter: &'a Meter,
    /// Whether what is written counts as progress; otherwise what is read of the archive does.
    counts: bool,
    buffer: Vec<u8>,
}

impl<'a> Copier<'a> {
    pub(super) fn new(meter: &'a Meter, counts: bool) -> Self {
        Self { meter, counts, buffer: vec![0; STRIDE] }
    }

    /// Writes the body of `node` into the empty file `to`. Returns its hash, and how many bytes were written.
    pub(super) fn copy(&mut self, body: &mut dyn Read, node: &Node, to: &File) -> Result<(blake3::Hash, u64), Torn> {
        let mut body = Hashed { body, hasher: blake3::Hasher::new() };
        if !node.is_sparse {
            self.copy_span(&mut body, to, 0, node.stored)?;
            return Ok((body.hasher.finalize(), node.stored));
        }
        let mut written = 0;
        for (start, len) in read_map(&mut body, node.size).map_err(Torn::Read)? {
            self.copy_span(&mut body, to, start, len)?;
            written += len;
        }
        to.set_len(node.size).map_err(Torn::Write)?;
        match body.read(&mut [0]).map_err(Torn::Read)? {
            0 => Ok((body.hasher.finalize(), written)),
            _ => Err(Torn::Read(io::Error::other("a sparse file has more data than its map says"))),
        }
    }

    fn copy_span(&mut self, body: &mut impl Read, to: &File, start: u64, len: u64) -> Result<(), Torn> {
        let (mut at, end) = (start, start + len);
        while at < end {
            self.meter.check().map_err(|_| Torn::Cancelled)?;
            let want = usize::try_from(end - at).unwrap_or(STRIDE).min(STRIDE);
            let count = match body.read(&mut self.buffer[..want]) {
                Ok(0) => return Err(Torn::Read(io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Torn::Read(error)),
            };
            to.write_all_at(&self.buffer[..count], at).map_err(Torn::Write)?;
            at += count as u64;
            if self.counts {
                self.meter.add_bytes(count as u64);
            }
        }
        Ok(())
    }
}

struct Hashed<'a> {
    body: &'a mut dyn Read,
    hasher: blake3::Hasher,
}

impl Read for Hashed<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.body.read(buf)?;
        self.hasher.update(&buf[..count]);
        Ok(count)
    }
}
