//! Takes one file out of an archive, reading only the pieces that it is in.

use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;

use super::super::manifest::Entry;
use super::super::node::EntryKind;
use super::super::press::unpress;
use super::super::record::Piece;
use super::super::sparse::read_map;
use super::super::tar_reader::{TarError, TarReader};
use super::read::{ArchiveIndex, IndexError, Listed};

/// Links that are followed from one to the next.
const MAX_LINKS: usize = 8;

/// Why a file did not come out.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// There is no such file, or it is none that has content.
    #[error("the archive has no file {0}")]
    NotAFile(String),
    /// What came out is not what the manifest says; it has been written all the same.
    #[error("the content of {0} differs from the manifest")]
    Content(String),
    /// The archive or its index failed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The content could not be handed over.
    #[error("the content could not be written")]
    Write(#[source] io::Error),
}

impl ArchiveIndex {
    /// The file whose content `listed` has: itself, or what a hard link names.
    ///
    /// # Errors
    /// [`ExtractError::NotAFile`] for everything else.
    pub fn resolve(&self, listed: &Listed) -> Result<Listed, ExtractError> {
        let mut file = listed.clone();
        for _ in 0..MAX_LINKS {
            let entry = file.entry.as_ref().ok_or_else(|| not_a_file(&file))?;
            match entry.kind {
                EntryKind::File => return Ok(file),
                EntryKind::HardLink => {
                    let first = entry.raw_link_target().map(|path| self.find(&path)).transpose()?.flatten();
                    file = first.ok_or_else(|| not_a_file(&file))?;
                }
                _ => break,
            }
        }
        Err(not_a_file(&file))
    }

    /// Writes the content of a file that `find` or `list` told of, holes as zeros, and returns how many bytes that are.
    /// A further name of a file has the file's content. Whether the content is right is known only at the end.
    ///
    /// # Errors
    /// [`ExtractError`]; what was written until then is of no use.
    pub fn extract(&self, listed: &Listed, to: &mut dyn Write) -> Result<u64, ExtractError> {
        let file = self.resolve(listed)?;
        let entry = file.entry.as_ref().ok_or_else(|| not_a_file(&file))?;
        self.copy_file(&file, entry, to)
    }

    fn copy_file(&self, file: &Listed, entry: &Entry, to: &mut dyn Write) -> Result<u64, ExtractError> {
        let plain = Plain::at(self, file.at).map_err(IndexError::from)?;
        let mut tar = TarReader::new(plain);
        let node = tar.next_entry().map_err(damaged)?.ok_or_else(|| differs(file))?;
        let top = node.path.split(|&byte| byte == b'/').next().unwrap_or_default();
        if node.path.get(top.len() + 1..) != Some(&file.path) || node.kind != EntryKind::File {
            return Err(differs(file));
        }
        let mut body = Hashed { body: tar, hasher: blake3::Hasher::new() };
        let mut out = Out { to, failure: None };
        let copied =
            if node.is_sparse { copy_sparse(&mut body, node.size, &mut out) } else { io::copy(&mut body, &mut out) };
        match (copied, out.failure) {
            (_, Some(failure)) => Err(ExtractError::Write(failure)),
            (Err(error), None) => Err(damaged(TarError::Io(error))),
            (Ok(len), None) => {
                let is_right = entry.hash.as_deref() == Some(body.hasher.finalize().to_hex().as_str());
                if is_right { Ok(len) } else { Err(differs(file)) }
            }
        }
    }
}

fn not_a_file(listed: &Listed) -> ExtractError {
    ExtractError::NotAFile(String::from_utf8_lossy(&listed.path).into_owned())
}

pub(super) fn differs(listed: &Listed) -> ExtractError {
    ExtractError::Content(String::from_utf8_lossy(&listed.path).into_owned())
}

pub(super) fn damaged(error: TarError) -> ExtractError {
    ExtractError::Index(match error {
        TarError::Io(error) if error.raw_os_error().is_some() => IndexError::Read(error),
        TarError::Io(error) => IndexError::Damaged(error.to_string()),
        TarError::Malformed(what) => IndexError::Damaged(what.to_owned()),
    })
}

/// The data of a sparse file with zeros for its holes.
fn copy_sparse(body: &mut impl Read, size: u64, to: &mut impl Write) -> io::Result<u64> {
    let mut at = 0;
    for (start, len) in read_map(body, size)? {
        io::copy(&mut io::repeat(0).take(start - at), to)?;
        if io::copy(&mut body.by_ref().take(len), to)? != len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        at = start + len;
    }
    io::copy(&mut io::repeat(0).take(size - at), to)?;
    Ok(size)
}

/// The tar from some entry on, piece by piece.
pub(super) struct Plain<'a> {
    index: &'a ArchiveIndex,
    next: u64,
    piece: Vec<u8>,
    at: usize,
}

impl<'a> Plain<'a> {
    /// From an offset of the tar on.
    pub(super) fn at(index: &'a ArchiveIndex, offset: u64) -> io::Result<Self> {
        let mut plain = Self { index, next: 0, piece: Vec::new(), at: 0 };
        plain.go_to(offset)?;
        Ok(plain)
    }

    /// Goes on at `offset` in the tar; the piece at hand is not read again.
    pub(super) fn go_to(&mut self, offset: u64) -> io::Result<()> {
        let (mut low, mut high) = (0, self.index.offsets.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.index.offsets.get(middle)?.0 <= offset { low = middle + 1 } else { high = middle }
        }
        let number = low.checked_sub(1).ok_or_else(|| io::Error::other("the index has no pieces"))?;
        let within = offset - self.index.offsets.get(number)?.0;
        if self.next != number + 1 {
            self.next = number;
            self.load()?;
        }
        self.at = usize::try_from(within).map_err(io::Error::other)?;
        Ok(())
    }

    /// From the beginning of a piece on.
    pub(super) fn at_piece(index: &'a ArchiveIndex, number: u64) -> io::Result<Self> {
        let mut plain = Self { index, next: number, piece: Vec::new(), at: 0 };
        plain.load()?;
        Ok(plain)
    }

    fn load(&mut self) -> io::Result<()> {
        let piece: Piece = self.index.pieces.get(self.next)?;
        let mut stored = vec![0; piece.stored_len as usize];
        self.index.archive.read_exact_at(&mut stored, piece.offset)?;
        self.piece = unpress(self.index.codec, &stored, piece.plain_len as usize)?;
        if crc32fast::hash(&self.piece) != piece.crc {
            return Err(io::Error::other("the checksum of a piece is wrong"));
        }
        self.next += 1;
        self.at = 0;
        Ok(())
    }
}

impl Read for Plain<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.piece.len() {
            if self.next == self.index.pieces.len() {
                return Ok(0);
            }
            self.load()?;
        }
        let count = (&self.piece[self.at..]).read(buf)?;
        self.at += count;
        Ok(count)
    }
}

pub(super) struct Hashed<R> {
    pub(super) body: R,
    pub(super) hasher: blake3::Hasher,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.body.read(buf)?;
        self.hasher.update(&buf[..count]);
        Ok(count)
    }
}

/// Tells errors of the receiver from those of the archive.
pub(super) struct Out<'a> {
    pub(super) to: &'a mut dyn Write,
    pub(super) failure: Option<io::Error>,
}

impl Write for Out<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.to.write(buf).map_err(|error| {
            let kind = error.kind();
            if kind != io::ErrorKind::Interrupted {
                self.failure = Some(error);
            }
            kind.into()
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
