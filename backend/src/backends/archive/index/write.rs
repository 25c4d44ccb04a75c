//! Writes an index.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::super::lines::Placed;
use super::super::manifest::Entry;
use super::super::options::Codec;
use super::super::record::{Body, Piece};
use super::super::spool::{Spool, create_scratch};
use super::super::table::{Record, Table};
use super::super::trust::Moment;
use super::sort::{Item, Sorter};
use super::tail::{Section, Tail, end_of};
use super::{VERSION, key_of, path_of};

/// Plain bytes of a block of entries.
const BLOCK: usize = 32 << 10;
const LEVEL: i32 = 3;

/// What an index is made of.
pub(in super::super) struct Parts<'a> {
    /// How the archive was compressed; unknown after a rebuild, and then it is no base.
    pub(in super::super) codec: Option<Codec>,
    pub(in super::super) is_gzip: bool,
    pub(in super::super) moment: Option<&'a Moment>,
    pub(in super::super) pieces: &'a Table<Piece>,
    pub(in super::super) bodies: &'a Table<Body>,
    /// The entries in order, each target's after the other's.
    pub(in super::super) entries: &'a mut Spool,
    /// Where each target is below the top directory, and how many entries it has.
    pub(in super::super) targets: Vec<(String, u64)>,
}

/// Writes the index of the complete archive at `archive`, in place of what is there.
pub(in super::super) fn write(archive: &Path, parts: Parts<'_>) -> io::Result<()> {
    let (file, scratch) = create_scratch(archive)?;
    let written = write_to(archive, file, parts).and_then(|()| fs::rename(&scratch, path_of(archive)));
    if written.is_err() {
        drop(fs::remove_file(&scratch));
    }
    written
}

fn write_to(archive: &Path, file: File, parts: Parts<'_>) -> io::Result<()> {
    let Parts { codec, is_gzip, moment, pieces: all_pieces, bodies: all_bodies, entries, targets } = parts;
    let mut out = Output { file: BufWriter::with_capacity(64 << 10, file), len: 0, crc: crc32fast::Hasher::new() };
    let mut sorter = Sorter::beside(archive)?;
    let mut entries = entries.reader()?;
    for (at, count) in targets {
        for _ in 0..count {
            let placed = Placed::read(&mut entries)?.ok_or(io::ErrorKind::UnexpectedEof)?;
            let entry: Entry = placed.entry()?.below(&at);
            let json = serde_json::to_vec(&entry)?;
            sorter.push(Item { key: key_of(&entry.raw_path()), at: placed.at, json })?;
        }
    }
    let directory = write_blocks(sorter, &mut out)?;
    let directory = out.section(|out| out.write_all(&zstd::bulk::compress(&directory, LEVEL)?))?;
    let pieces = out.section(|out| write_table(all_pieces, out))?;
    let offsets = out.section(|out| {
        let mut at = 0_u64;
        for piece in all_pieces.iter() {
            out.write_all(&at.to_le_bytes())?;
            at += u64::from(piece?.plain_len);
        }
        Ok(())
    })?;
    let bodies = out.section(|out| write_table(all_bodies, out))?;
    let archive = File::open(archive)?;
    let archive_bytes = archive.metadata()?.len();
    let tail = Tail {
        version: VERSION,
        codec: codec.map(Tail::word).unwrap_or_default(),
        is_gzip,
        archive_bytes,
        archive_end: end_of(&archive, archive_bytes)?,
        moment: moment.cloned(),
        directory,
        pieces,
        offsets,
        bodies,
    };
    out.write_all(&tail.encode()?)?;
    out.flush()
}

fn write_table<R: Record>(table: &Table<R>, out: &mut Output) -> io::Result<()> {
    let mut buf = Vec::new();
    for record in table.iter() {
        buf.clear();
        record?.encode(&mut buf);
        out.write_all(&buf)?;
    }
    Ok(())
}

/// Writes the entries; what comes back is the directory of their blocks.
fn write_blocks(sorter: Sorter, out: &mut Output) -> io::Result<Vec<u8>> {
    let (mut directory, mut block, mut first) = (Vec::new(), Vec::new(), Vec::new());
    let mut end_block = |block: &mut Vec<u8>, first: &[u8], out: &mut Output| -> io::Result<()> {
        let stored = zstd::bulk::compress(block, LEVEL)?;
        directory.extend_from_slice(&out.len.to_le_bytes());
        for len in [stored.len(), block.len(), first.len()] {
            directory.extend_from_slice(&u32::try_from(len).map_err(io::Error::other)?.to_le_bytes());
        }
        directory.extend_from_slice(&crc32fast::hash(&stored).to_le_bytes());
        directory.extend_from_slice(first);
        block.clear();
        out.write_all(&stored)
    };
    sorter.drain(|item| {
        if block.is_empty() {
            first.clone_from(&item.key);
        }
        item.write(&mut block)?;
        if block.len() < BLOCK { Ok(()) } else { end_block(&mut block, &first, out) }
    })?;
    if !block.is_empty() {
        end_block(&mut block, &first, out)?;
    }
    Ok(directory)
}

struct Output {
    file: BufWriter<File>,
    len: u64,
    crc: crc32fast::Hasher,
}

impl Output {
    fn section(&mut self, write: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<Section> {
        self.crc = crc32fast::Hasher::new();
        let at = self.len;
        write(self)?;
        Ok(Section { at, len: self.len - at, crc: self.crc.clone().finalize() })
    }
}

impl Write for Output {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let count = self.file.write(buf)?;
        self.crc.update(&buf[..count]);
        self.len += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
