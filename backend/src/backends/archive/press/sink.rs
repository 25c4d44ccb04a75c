//! Puts compressed pieces into the file, in order, writes down where they are, and hashes an archive on its way.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::super::options::Codec;
use super::super::record::Piece;
use super::super::table::{Table, TableWriter};

/// Deflate, no name, no time, no flags, an unknown system: the same input gives the same archive.
pub(super) const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// An empty last block: pieces end on a byte border, so it can stand alone.
const DEFLATE_END: [u8; 2] = [3, 0];

/// A piece that is ready.
pub(super) struct Pressed {
    pub(super) bytes: Vec<u8>,
    /// Its place is filled in by the sink, unless it is kept.
    pub(super) piece: Piece,
    /// Whether it stays where it is: there are no bytes to write.
    pub(super) is_kept: bool,
}

/// The file in the making.
pub(super) struct Sink {
    file: File,
    codec: Codec,
    /// Of the file; only if it is an archive.
    digest: Option<blake3::Hasher>,
    crc: crc32fast::Hasher,
    plain_len: u64,
    len: u64,
    pieces: TableWriter<Piece>,
}

/// The finished archive.
#[derive(Debug)]
pub(in super::super) struct Stored {
    pub(in super::super) size_bytes: u64,
    pub(in super::super) blake3_hex: String,
    pub(in super::super) pieces: Table<Piece>,
}

impl Sink {
    pub(super) fn new(file: File, path: &Path, codec: Codec, is_archive: bool) -> io::Result<Self> {
        let pieces = TableWriter::beside(path)?;
        let digest = is_archive.then(blake3::Hasher::new);
        let mut sink = Self { file, codec, digest, crc: crc32fast::Hasher::new(), plain_len: 0, len: 0, pieces };
        if matches!(codec, Codec::Gzip { .. }) {
            sink.write(&GZIP_HEAD)?;
        }
        Ok(sink)
    }

    pub(super) fn put(&mut self, pressed: &Pressed) -> io::Result<()> {
        if pressed.is_kept {
            return self.note(&pressed.piece);
        }
        let piece = Piece { source: 0, offset: self.len, stored_len: pressed.bytes.len() as u32, ..pressed.piece };
        self.write(&pressed.bytes)?;
        self.note(&piece)
    }

    /// A piece that is in place.
    pub(super) fn note(&mut self, piece: &Piece) -> io::Result<()> {
        let plain_len = u64::from(piece.plain_len);
        self.crc.combine(&crc32fast::Hasher::new_with_initial_len(piece.crc, plain_len));
        self.plain_len += plain_len;
        self.pieces.push(piece)
    }

    /// The pieces so far.
    pub(super) fn table(&mut self) -> io::Result<Table<Piece>> {
        self.pieces.read()
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
        let blake3_hex = self.digest.take().map(|digest| digest.finalize().to_hex().to_string()).unwrap_or_default();
        Ok(Stored { size_bytes: self.len, blake3_hex, pieces: self.pieces.read()? })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        if let Some(digest) = &mut self.digest {
            digest.update(bytes);
        }
        self.len += bytes.len() as u64;
        Ok(())
    }
}
