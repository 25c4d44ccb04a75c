//! Puts compressed pieces into the file, in order, and hashes the file on its way.

use std::fs::File;
use std::io::{self, Write};

use super::super::options::Codec;

/// Deflate, no name, no time, no flags, an unknown system: the same input gives the same archive.
const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// An empty last block: pieces end on a byte border, so it can stand alone.
const DEFLATE_END: [u8; 2] = [3, 0];

/// A compressed piece and what the trailer must know of the plain one.
pub(super) struct Pressed {
    pub(super) bytes: Vec<u8>,
    /// CRC of the plain piece; it carries the piece's length.
    pub(super) crc: crc32fast::Hasher,
    pub(super) plain_len: u64,
}

/// The archive file in the making.
pub(super) struct Sink {
    file: File,
    codec: Codec,
    digest: blake3::Hasher,
    crc: crc32fast::Hasher,
    plain_len: u64,
    len: u64,
}

/// The finished file.
#[derive(Debug)]
pub(in super::super) struct Stored {
    pub(in super::super) size_bytes: u64,
    pub(in super::super) blake3_hex: String,
}

impl Sink {
    pub(super) fn new(file: File, codec: Codec) -> io::Result<Self> {
        let (digest, crc) = (blake3::Hasher::new(), crc32fast::Hasher::new());
        let mut sink = Self { file, codec, digest, crc, plain_len: 0, len: 0 };
        if matches!(codec, Codec::Gzip { .. }) {
            sink.write(&GZIP_HEAD)?;
        }
        Ok(sink)
    }

    pub(super) fn put(&mut self, piece: &Pressed) -> io::Result<()> {
        self.crc.combine(&piece.crc);
        self.plain_len += piece.plain_len;
        self.write(&piece.bytes)
    }

    /// The trailer, then everything to the disk.
    pub(super) fn finish(mut self) -> io::Result<Stored> {
        if matches!(self.codec, Codec::Gzip { .. }) {
            self.write(&DEFLATE_END)?;
            self.write(&self.crc.clone().finalize().to_le_bytes())?;
            // The format keeps the length modulo 2^32.
            self.write(&(self.plain_len as u32).to_le_bytes())?;
        }
        self.file.sync_all()?;
        Ok(Stored { size_bytes: self.len, blake3_hex: self.digest.finalize().to_hex().to_string() })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.digest.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }
}
