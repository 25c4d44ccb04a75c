//! Makes an index out of nothing but the archive.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::rc::Rc;

use super::super::header::padding;
use super::super::lines::Placed;
use super::super::manifest::{FILE_NAME, Item, PieceLine, read_manifest};
use super::super::meter::Meter;
use super::super::options::Codec;
use super::super::press::{head_len, unpress};
use super::super::record::{Body, Piece};
use super::super::spool::Spool;
use super::super::table::{Table, TableWriter};
use super::super::tar_reader::{TarError, TarReader};
use super::super::verify::{Decoder, Source};
use super::read::IndexError;
use super::write::{Parts, write};

/// Writes a new index beside the archive, after reading all of it twice: once for the entries and the manifest, which
/// knows where the pieces are, and once for the pieces. With such an index the archive can be looked into; it is no
/// base for the next one, because nothing in it tells which files on the disk it was made from.
///
/// # Errors
/// [`IndexError`]; archives made before there were pieces in the manifest cannot have an index.
pub fn rebuild_index(archive: &Path, meter: &Meter) -> Result<(), IndexError> {
    let is_gzip = File::open(archive).and_then(|file| is_gzip(&file))?;
    let mut found = Found::read(archive, meter).map_err(|error| match error {
        TarError::Io(error) if error.raw_os_error().is_some() => IndexError::Read(error),
        TarError::Io(error) => IndexError::Damaged(error.to_string()),
        TarError::Malformed(what) => IndexError::Damaged(what.to_owned()),
    })?;
    let codec = if is_gzip { Codec::Gzip { level: 0 } } else { Codec::Zstd { level: 1 } };
    if found.entry_count > 0 && found.pieces.is_empty() {
        return Err(IndexError::Unusable("its manifest names no pieces".to_owned()));
    }
    let pieces = read_pieces(archive, codec, &found.pieces, meter)?;
    let bodies: Table<Body> = TableWriter::beside(archive)?.read()?;
    let parts = Parts {
        codec: None,
        is_gzip,
        moment: None,
        pieces: &pieces,
        bodies: &bodies,
        entries: &mut found.entries,
        targets: found.targets,
    };
    Ok(write(archive, parts)?)
}

fn is_gzip(file: &File) -> io::Result<bool> {
    let mut magic = [0; 2];
    file.read_exact_at(&mut magic, 0)?;
    Ok(magic == [0x1f, 0x8b])
}

/// What the first reading finds.
struct Found {
    /// See [`Placed`].
    entries: Spool,
    entry_count: u64,
    targets: Vec<(String, u64)>,
    pieces: Vec<PieceLine>,
}

impl Found {
    fn read(archive: &Path, meter: &Meter) -> Result<Self, TarError> {
        let position = Rc::new(Cell::new(0));
        let decoder = Source::open(archive, meter).and_then(Decoder::new)?;
        let mut tar = TarReader::new(Counted { inner: decoder, position: Rc::clone(&position) });
        let mut found =
            Self { entries: Spool::beside(archive)?, entry_count: 0, targets: Vec::new(), pieces: Vec::new() };
        let mut starts = Spool::beside(archive)?;
        let mut start = 0_u64;
        while let Some(node) = tar.next_entry()? {
            let is_manifest = node.path.split(|&byte| byte == b'/').skip(1).eq([FILE_NAME.as_bytes()]);
            if is_manifest {
                found.read_manifest(&mut tar, &mut starts)?;
                return Ok(found);
            }
            Placed::write(start, &[], &mut starts)?;
            start = position.get() + node.stored + padding(node.stored) as u64;
        }
        Err(TarError::Malformed("the archive has no manifest"))
    }

    fn read_manifest(&mut self, manifest: &mut impl Read, starts: &mut Spool) -> Result<(), TarError> {
        let mut starts = starts.reader()?;
        let read = read_manifest(BufReader::new(manifest), &mut |item| {
            self.take(item, &mut starts).map_err(|error| error.to_string())
        });
        read.map_err(|error| TarError::Io(io::Error::other(error)))
    }

    fn take(&mut self, item: Item, starts: &mut impl Read) -> io::Result<()> {
        match item {
            Item::Field(..) => {}
            Item::Target(head) => self.targets.push((head.archive_path, 0)),
            Item::Entry(entry) => {
                let start = Placed::read(starts)?.ok_or(io::ErrorKind::UnexpectedEof)?;
                Placed::write(start.at, &serde_json::to_vec(&entry)?, &mut self.entries)?;
                self.entry_count += 1;
                if let Some((_, count)) = self.targets.last_mut() {
                    *count += 1;
                }
            }
            Item::Piece(piece) => self.pieces.push(piece),
        }
        Ok(())
    }
}

/// The second reading.
fn read_pieces(archive: &Path, codec: Codec, lines: &[PieceLine], meter: &Meter) -> Result<Table<Piece>, IndexError> {
    let file = File::open(archive)?;
    let mut table = TableWriter::beside(archive)?;
    let mut offset = head_len(codec);
    for line in lines {
        if meter.is_cancelled() {
            return Err(IndexError::Unusable("making it was cancelled".to_owned()));
        }
        let mut stored = vec![0; line.stored_len as usize];
        file.read_exact_at(&mut stored, offset)?;
        let plain = unpress(codec, &stored, line.plain_len as usize);
        let plain = plain.map_err(|error| IndexError::Damaged(error.to_string()))?;
        table.push(&Piece {
            source: 0,
            offset,
            stored_len: line.stored_len,
            plain_len: line.plain_len,
            crc: crc32fast::hash(&plain),
            stored_crc: crc32fast::hash(&stored),
            hash: *blake3::hash(&plain).as_bytes(),
        })?;
        offset += u64::from(line.stored_len);
    }
    Ok(table.read()?)
}

struct Counted<R> {
    inner: R,
    position: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        self.position.set(self.position.get() + count as u64);
        Ok(count)
    }
}
