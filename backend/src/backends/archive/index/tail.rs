//! The end of an index file, which tells what is in it and what it belongs to.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::options::Codec;
use super::super::record::{Body, Piece};
use super::super::table::{Fields, Record, Table};
use super::super::trust::Moment;
use super::{VERSION, path_of};

const MAGIC: [u8; 8] = *b"mainsidx";
/// Length and CRC of the JSON, and the magic.
const FRAME: u64 = 16;
/// A longer tail is none of ours.
const MAX_TAIL: u32 = 1 << 16;

/// A part of the index file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Section {
    pub(in super::super) at: u64,
    pub(in super::super) len: u64,
    pub(in super::super) crc: u32,
}

/// What stands at the end of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Tail {
    pub(super) version: u32,
    /// How the archive is compressed, level included, as the program writes it.
    pub(super) codec: String,
    /// Whether its pieces are gzip's or Zstandard's.
    pub(super) is_gzip: bool,
    /// Size of the archive that it belongs to.
    pub(super) archive_bytes: u64,
    /// CRC of that archive's last bytes, which hold its own checksum.
    pub(super) archive_end: u32,
    /// When its pass began to trust.
    pub(super) moment: Option<Moment>,
    pub(super) directory: Section,
    pub(super) pieces: Section,
    pub(super) offsets: Section,
    pub(super) bodies: Section,
}

impl Tail {
    /// How `codec` is written down.
    pub(super) fn word(codec: Codec) -> String {
        format!("{codec:?}")
    }

    /// The file of the archive's index and its tail, if both are sound and belong to the archive as it is. The error is
    /// a reason for people.
    pub(in super::super) fn open(archive: &Path) -> Result<(File, Self), String> {
        let path = path_of(archive);
        let file = File::open(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let tail = Self::read(&file).map_err(|error| format!("{}: {error}", path.display()))?;
        let archive_bytes = archive.metadata().map_err(|error| format!("{}: {error}", archive.display()))?.len();
        let belongs = tail.archive_bytes == archive_bytes
            && File::open(archive)
                .and_then(|file| end_of(&file, archive_bytes))
                .is_ok_and(|end| end == tail.archive_end);
        if belongs { Ok((file, tail)) } else { Err(format!("{} belongs to another archive", path.display())) }
    }

    /// Whether the archive was made with `codec`, level included.
    pub(in super::super) fn is_of(&self, codec: Codec) -> bool {
        self.codec == Self::word(codec)
    }

    /// Whether what a base needs is as it was written.
    pub(in super::super) fn is_sound(&self, index: &File) -> io::Result<bool> {
        Ok(self.pieces.is_sound(index)? && self.bodies.is_sound(index)?)
    }

    pub(in super::super) fn tables(&self, index: &Arc<File>) -> (Table<Piece>, Table<Body>) {
        let pieces = Table::new(Arc::clone(index), self.pieces.at, self.pieces.len / Piece::LEN as u64);
        (pieces, Table::new(Arc::clone(index), self.bodies.at, self.bodies.len / Body::LEN as u64))
    }

    pub(in super::super) fn into_moment(self) -> Option<Moment> {
        self.moment
    }

    fn read(file: &File) -> io::Result<Self> {
        let broken = || io::Error::other("it is no index, or a damaged one");
        let size = file.metadata()?.len();
        let frame_at = size.checked_sub(FRAME).ok_or_else(broken)?;
        let mut frame = [0; FRAME as usize];
        file.read_exact_at(&mut frame, frame_at)?;
        let mut fields = Fields(&frame);
        let (len, crc, magic) = (fields.u32(), fields.u32(), fields.array::<8>());
        let at = frame_at.checked_sub(len.into()).ok_or_else(broken)?;
        if magic != MAGIC || len > MAX_TAIL {
            return Err(broken());
        }
        let mut json = vec![0; len as usize];
        file.read_exact_at(&mut json, at)?;
        let version = || serde_json::from_slice::<serde_json::Value>(&json).ok()?.get("version")?.as_u64();
        if crc32fast::hash(&json) != crc {
            return Err(broken());
        }
        if version() != Some(VERSION.into()) {
            return Err(io::Error::other("it was made by another version"));
        }
        let tail: Self = serde_json::from_slice(&json)?;
        let sections = [tail.directory, tail.pieces, tail.offsets, tail.bodies];
        let fits = |section: &Section| section.at.checked_add(section.len).is_some_and(|end| end <= at);
        if sections.iter().all(fits) { Ok(tail) } else { Err(broken()) }
    }

    /// The tail as it stands in the file, frame included.
    pub(super) fn encode(&self) -> io::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self)?;
        let (len, crc) = (u32::try_from(bytes.len()).map_err(io::Error::other)?, crc32fast::hash(&bytes));
        bytes.extend_from_slice(&len.to_le_bytes());
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes.extend_from_slice(&MAGIC);
        Ok(bytes)
    }
}

/// The CRC of the last bytes of an archive.
pub(super) fn end_of(archive: &File, size: u64) -> io::Result<u32> {
    let len = size.min(4096);
    let mut bytes = vec![0; len as usize];
    archive.read_exact_at(&mut bytes, size - len)?;
    Ok(crc32fast::hash(&bytes))
}

impl Section {
    /// Whether its bytes are those that were written.
    pub(in super::super) fn is_sound(&self, file: &File) -> io::Result<bool> {
        let mut crc = crc32fast::Hasher::new();
        let mut buf = vec![0; 64 << 10];
        let (mut at, end) = (self.at, self.at + self.len);
        while at < end {
            let want = usize::try_from(end - at).unwrap_or(buf.len()).min(buf.len());
            file.read_exact_at(&mut buf[..want], at)?;
            crc.update(&buf[..want]);
            at += want as u64;
        }
        Ok(crc.finalize() == self.crc)
    }
}
