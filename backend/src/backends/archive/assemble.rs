//! Puts the archive together out of what the pass made and what it took over, in the order of the pass.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::iter::Peekable;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::body::{Shortfall, copy_body};
use super::catalogue::Catalogue;
use super::clones::Deferred;
use super::header::{self, BLOCK, padding};
use super::index::{self, Parts};
use super::lines::{Line, Placed};
use super::manifest::Entry;
use super::meter::Meter;
use super::node::Node;
use super::options::Codec;
use super::press::Press;
use super::record::{Body, Group, Piece};
use super::report::{Finished, GapKind};
use super::spool::Spool;
use super::table::{Table, TableWriter};
use super::trust::Moment;

/// The archive in the making.
pub(super) struct Assembly {
    pub(super) press: Box<Press>,
    /// The pieces of the pass.
    pub(super) pieces: Table<Piece>,
    /// Whether they are where they belong.
    pub(super) is_in_place: bool,
    pub(super) catalogue: Box<Catalogue>,
    /// The entries with their places in the tar.
    pub(super) entries: Spool,
    pub(super) bodies: TableWriter<Body>,
    /// Bytes of tar so far.
    pub(super) at: u64,
    pub(super) meter: Arc<Meter>,
}

impl Assembly {
    /// Puts one group: its pieces, the rest of it that waits in a clone, its lines and its bodies.
    pub(super) fn put_group(
        &mut self,
        group: &Group,
        lines: &File,
        bodies: &mut Peekable<impl Iterator<Item = io::Result<Body>>>,
        clones: &mut impl Iterator<Item = Deferred>,
    ) -> io::Result<()> {
        let mut lines_of_group = vec![0; usize::try_from(group.lines_len).map_err(io::Error::other)?];
        lines.read_exact_at(&mut lines_of_group, group.lines_at)?;
        let first_piece = if self.is_in_place { group.first_piece } else { self.press.count() };
        let mut tar_len = self.put_pieces(group)?;
        let end = group.first_piece + u64::from(group.piece_count);
        while let Some(body) = bodies.next_if(|body| body.as_ref().map_or(true, |body| body.first_piece < end)) {
            let body = body?;
            let within = body.first_piece.checked_sub(group.first_piece).ok_or_else(out_of_step)?;
            self.bodies.push(&Body { first_piece: first_piece + within, ..body })?;
        }
        let mut completed = None;
        if group.clone > 0 {
            let deferred = clones.next().ok_or_else(out_of_step)?;
            tar_len += deferred.node.stored + padding(deferred.node.stored) as u64;
            completed = Some(self.put_clone(&deferred)?);
        }
        let end = self.at + tar_len;
        self.put_lines(&lines_of_group, completed.as_ref())?;
        if self.at == end { Ok(()) } else { Err(out_of_step()) }
    }

    /// How much of the tar the pieces of a group hold.
    fn put_pieces(&mut self, group: &Group) -> io::Result<u64> {
        let mut tar_len = 0;
        for piece in self.pieces.range(group.first_piece, group.piece_count.into()) {
            let piece = piece?;
            tar_len += u64::from(piece.plain_len);
            if !self.is_in_place {
                self.check()?;
                self.press.copy(piece)?;
            }
        }
        Ok(tar_len)
    }

    /// The hash of a deferred body goes into the line of its entry, which is the last of its group.
    fn put_lines(&mut self, mut lines: &[u8], hash: Option<&blake3::Hash>) -> io::Result<()> {
        while !lines.is_empty() {
            let (line, rest) = Line::split(lines).ok_or_else(out_of_step)?;
            match hash.filter(|_| rest.is_empty()) {
                Some(hash) => {
                    let mut entry: Entry = serde_json::from_slice(line.json)?;
                    entry.hash = Some(hash.to_hex().to_string());
                    Placed::write(self.at, &serde_json::to_vec(&entry)?, &mut self.entries)?;
                }
                None => Placed::write(self.at, line.json, &mut self.entries)?,
            }
            self.at += line.tar_len();
            lines = rest;
        }
        Ok(())
    }

    /// Reads a body from its clone. The clone holds still, so only a broken disk can cut it short.
    fn put_clone(&mut self, deferred: &Deferred) -> io::Result<blake3::Hash> {
        let node = &deferred.node;
        self.meter.begin_entry(&node.path);
        self.press.cut()?;
        let first_piece = self.press.count();
        let mut hasher = blake3::Hasher::new();
        hasher.update(&deferred.head);
        self.press.write(&deferred.head)?;
        let mut shortfall = None;
        for (start, len) in &deferred.segments {
            let mut at = *start;
            let mut read = |buf: &mut [u8]| {
                let count = deferred.clone.read_at(buf, at)?;
                at += count as u64;
                Ok(count)
            };
            shortfall = shortfall.or(copy_body(&mut self.press, &self.meter, *len, &mut hasher, &mut read)?);
        }
        self.check()?;
        self.press.write(&[0; BLOCK][..padding(node.stored)])?;
        self.press.cut()?;
        let hash = hasher.finalize();
        if let Some(shortfall) = shortfall {
            let cause = match shortfall {
                Shortfall::Ended => String::new(),
                Shortfall::Failed(error) => format!(": {error}"),
            };
            let message = format!("its clone could not be read to its end, the rest is zeros{cause}");
            self.catalogue.warn_of(deferred.target, &node.path, GapKind::Unreadable, &message)?;
        } else if let Some(key) = deferred.key {
            let piece_count = (self.press.count() - first_piece) as u32;
            self.bodies.push(&Body { key, hash: *hash.as_bytes(), first_piece, piece_count })?;
        }
        Ok(hash)
    }

    /// Manifest, end of the tar, trailer.
    pub(super) fn complete(
        mut self,
        about: Map<String, Value>,
        node: impl Fn(u64) -> Node,
        to: &Path,
    ) -> io::Result<Complete> {
        let table = self.press.table()?;
        let mut pieces = list_pieces(&table, &mut self.entries, to)?;
        let targets = self.catalogue.reports();
        let mut manifest = Spool::beside(to)?;
        self.catalogue.write(about, &mut self.entries.reader()?, &mut pieces.reader()?, &mut manifest)?;
        let len = manifest.len();
        self.press.write(&header::encode(&node(len)))?;
        copy_all(&mut manifest.reader()?, &mut self.press)?;
        self.press.write(&[0; BLOCK][..padding(len)])?;
        self.press.cut()?;
        // Two empty blocks end a tar.
        self.press.write(&[0; 2 * BLOCK])?;
        let stored = self.press.finish()?;
        let finished = Finished {
            path: to.to_owned(),
            size_bytes: stored.size_bytes,
            content_bytes: targets.iter().map(|target| target.size_bytes).sum(),
            entry_count: targets.iter().map(|target| target.entry_count).sum(),
            blake3_hex: stored.blake3_hex,
            targets,
            notes: Vec::new(),
        };
        Ok(Complete { finished, pieces: stored.pieces, bodies: self.bodies, entries: self.entries })
    }

    /// Told to stop, the assembly ends with an error that the caller replaces.
    fn check(&self) -> io::Result<()> {
        if self.meter.is_cancelled() { Err(io::Error::other("cancelled")) } else { Ok(()) }
    }
}

/// An archive without its index.
pub(super) struct Complete {
    finished: Finished,
    pieces: Table<Piece>,
    bodies: TableWriter<Body>,
    entries: Spool,
}

impl Complete {
    /// Puts the index beside the archive. Without it the archive is as good, so a failure is a mere note.
    pub(super) fn with_index(
        mut self,
        codec: Codec,
        moment: Option<&Moment>,
        targets: Vec<(String, u64)>,
        notes: Vec<String>,
    ) -> Finished {
        self.finished.notes = notes;
        let written = self.bodies.read().and_then(|bodies| {
            let (pieces, entries) = (&self.pieces, &mut self.entries);
            let is_gzip = matches!(codec, Codec::Gzip { .. });
            let parts = Parts { codec: Some(codec), is_gzip, moment, pieces, bodies: &bodies, entries, targets };
            index::write(&self.finished.path, parts)
        });
        if let Err(error) = written {
            self.finished.notes.push(format!("the archive has no index, which could not be written: {error}"));
        }
        self.finished
    }
}

/// The manifest's list of pieces: for each its compressed and its plain length, and how many entries begin in it.
fn list_pieces(table: &Table<Piece>, entries: &mut Spool, beside: &Path) -> io::Result<Spool> {
    let mut list = Spool::beside(beside)?;
    let mut entries = entries.reader()?;
    let mut next = Placed::read(&mut entries)?;
    let mut end = 0;
    for piece in table.iter() {
        let piece = piece?;
        end += u64::from(piece.plain_len);
        let mut count = 0_u32;
        while next.as_ref().is_some_and(|entry| entry.at < end) {
            count += 1;
            next = Placed::read(&mut entries)?;
        }
        write!(list, ",\n[{},{},{count}]", piece.stored_len, piece.plain_len)?;
    }
    Ok(list)
}

fn copy_all(from: &mut impl Read, press: &mut Press) -> io::Result<()> {
    loop {
        let room = press.room();
        match from.read(room)? {
            0 => return Ok(()),
            count => press.advance(count)?,
        }
    }
}

/// The records of the pass contradict each other: a defect, which must not become a wrong archive.
fn out_of_step() -> io::Error {
    io::Error::other("the records of the capture do not fit together")
}
