//! What an earlier pass, or the previous archive, left to be used again.
//!
//! Two ways to find it: by identity, which spares even the reading and is only as good as [`super::trust`] says; and by
//! content, which spares the compressing and needs no trust at all.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::index::{Tail, path_of};
use super::options::Codec;
use super::record::{Body, Group, Key, NO_KEY, Piece};
use super::table::{Record, Table};
use super::trust::Moment;

/// Compressed pieces and the way to find them: a finished pass over a running stack, or the archive before.
///
/// Shared through an `Arc` by the passes that use it. Its files have no name any more, or are an archive's own.
#[derive(Debug)]
pub struct Base {
    /// The files that its pieces are in.
    pub(super) sources: Vec<Arc<SourceFile>>,
    pub(super) pieces: Table<Piece>,
    pub(super) by_content: Lookup,
    pub(super) groups: Option<Groups>,
    pub(super) bodies: Table<Body>,
    pub(super) by_body: Lookup,
    /// When its pass began to trust; absent if it trusted nothing.
    pub(super) moment: Option<Moment>,
}

/// The groups of a pass and their lines.
#[derive(Debug)]
pub(super) struct Groups {
    pub(super) table: Table<Group>,
    pub(super) by_key: Lookup,
    pub(super) lines: File,
}

/// A file that has pieces in it.
#[derive(Debug)]
pub(super) struct SourceFile {
    pub(super) file: File,
    pub(super) path: PathBuf,
    pub(super) codec: Codec,
    /// The index that leads to it, if it is an archive.
    pub(super) index: Option<PathBuf>,
}

/// A piece was not what its index says.
#[derive(Debug, thiserror::Error)]
#[error("{} is damaged", path.display())]
pub(super) struct Damaged {
    pub(super) path: PathBuf,
    source: Option<io::Error>,
}

impl Base {
    /// The archive before, by means of the index beside it. Only the bodies of large files can be taken over from it,
    /// and all that is alike byte for byte.
    ///
    /// # Errors
    /// The reason, for people, why it cannot be used; never a reason not to make the next archive.
    pub fn of_archive(archive: &Path, codec: Codec) -> Result<Self, String> {
        let (index, tail) = Tail::open(archive)?;
        if !tail.is_of(codec) {
            return Err(format!("{} was compressed otherwise, or its index was rebuilt", archive.display()));
        }
        let failed = |error: io::Error| format!("the index of {} cannot be read: {error}", archive.display());
        if !tail.is_sound(&index).map_err(failed)? {
            return Err(format!("the index of {} is damaged", archive.display()));
        }
        let index = Arc::new(index);
        let (pieces, bodies) = tail.tables(&index);
        let source = SourceFile {
            file: File::open(archive).map_err(failed)?,
            path: archive.to_owned(),
            codec,
            index: Some(path_of(archive)),
        };
        Ok(Self {
            sources: vec![Arc::new(source)],
            by_content: Lookup::new(&pieces, |piece: &Piece| piece.hash).map_err(failed)?,
            pieces,
            groups: None,
            by_body: Lookup::new(&bodies, |body: &Body| body.key).map_err(failed)?,
            bodies,
            moment: tail.into_moment(),
        })
    }
}

impl SourceFile {
    /// What to say of a piece that is broken. An archive that has one is not used as a base again.
    pub(super) fn damaged(&self, source: Option<io::Error>) -> io::Error {
        if let Some(index) = &self.index {
            // Best effort: at worst the next backup finds the damage again.
            drop(fs::remove_file(index));
        }
        io::Error::new(io::ErrorKind::InvalidData, Damaged { path: self.path.clone(), source })
    }
}

/// The way from a key to the number of a record, at 16 bytes a record.
#[derive(Debug, Default)]
pub(super) struct Lookup(Vec<(u64, u32)>);

impl Lookup {
    /// Of all records in `table` that have a key.
    pub(super) fn new<R: Record>(table: &Table<R>, key: impl Fn(&R) -> Key) -> io::Result<Self> {
        let mut pairs = Vec::with_capacity(usize::try_from(table.len()).unwrap_or(0));
        for (number, record) in (0..).zip(table.iter()) {
            let key = key(&record?);
            if key != NO_KEY {
                pairs.push((front(&key), number));
            }
        }
        pairs.sort_unstable();
        Ok(Self(pairs))
    }

    /// The numbers of records whose keys begin like `key`; nearly always one at most.
    fn find(&self, key: &Key) -> impl Iterator<Item = u64> + '_ {
        let front = front(key);
        let start = self.0.partition_point(|(other, _)| *other < front);
        self.0[start..].iter().take_while(move |(other, _)| *other == front).map(|(_, number)| u64::from(*number))
    }

    /// The record of `key`. What cannot be read is not there: then the work is done again.
    fn get<R: Record>(&self, table: &Table<R>, key: &Key, key_of: impl Fn(&R) -> Key) -> Option<R> {
        let records = self.find(key).filter_map(|number| table.get(number).ok());
        records.into_iter().find(|record| key_of(record) == *key)
    }
}

fn front(key: &Key) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&key[..8]);
    u64::from_le_bytes(bytes)
}

/// The bases of one pass, and a count of what they were good for.
#[derive(Debug, Default)]
pub(super) struct Reuse {
    bases: Vec<Usable>,
    by_identity_bytes: AtomicU64,
    by_content_bytes: AtomicU64,
    compressed_bytes: AtomicU64,
}

#[derive(Debug)]
struct Usable {
    base: Arc<Base>,
    /// The number of its first source among those of the writer.
    first_source: u32,
    /// Whether stamps can be compared with those of its time.
    by_identity: bool,
}

/// A group that need not be read.
pub(super) struct GroupHit {
    pub(super) group: Group,
    pub(super) pieces: Vec<Piece>,
    pub(super) lines: Vec<u8>,
}

/// A body that need not be read.
pub(super) struct BodyHit {
    pub(super) hash: Key,
    pub(super) pieces: Vec<Piece>,
}

impl Reuse {
    /// `bases` with what speaks against comparing stamps with theirs, if anything does, and all of their sources;
    /// number 0 is left for the writer's own file.
    pub(super) fn new(bases: &[Arc<Base>]) -> (Self, Vec<Arc<SourceFile>>, Vec<String>) {
        let now = Moment::now();
        let (mut sources, mut notes, mut usable) = (Vec::new(), Vec::new(), Vec::new());
        for base in bases {
            let step = base.moment.as_ref().and_then(|then| now.find_step(then));
            let by_identity = base.moment.is_some() && step.is_none();
            notes.extend(step.map(|step| format!("{step}, so every file is read again")));
            usable.push(Usable { base: Arc::clone(base), first_source: 1 + sources.len() as u32, by_identity });
            sources.extend(base.sources.iter().cloned());
        }
        (Self { bases: usable, ..Self::default() }, sources, notes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bases.is_empty()
    }

    /// A piece with this content.
    pub(super) fn find_piece(&self, hash: &Key) -> Option<Piece> {
        let found = self.bases.iter().find_map(|usable| {
            let base = &usable.base;
            let piece: Piece = base.by_content.get(&base.pieces, hash, |piece: &Piece| piece.hash)?;
            Some(usable.placed(piece))
        })?;
        self.by_content_bytes.fetch_add(u64::from(found.plain_len), Ordering::Relaxed);
        Some(found)
    }

    /// The group with this identity, whole.
    pub(super) fn find_group(&self, key: &Key) -> Option<GroupHit> {
        self.bases.iter().filter(|usable| usable.by_identity).find_map(|usable| {
            let groups = usable.base.groups.as_ref()?;
            let group = groups.by_key.get(&groups.table, key, |group: &Group| group.key)?;
            let pieces = usable.pieces(group.first_piece, group.piece_count)?;
            let mut lines = vec![0; usize::try_from(group.lines_len).ok()?];
            groups.lines.read_exact_at(&mut lines, group.lines_at).ok()?;
            Some(GroupHit { group, pieces, lines })
        })
    }

    /// The body of the file with this identity, if it makes up `padded_len` bytes of the tar.
    pub(super) fn find_body(&self, key: &Key, padded_len: u64) -> Option<BodyHit> {
        self.bases.iter().filter(|usable| usable.by_identity).find_map(|usable| {
            let base = &usable.base;
            let body: Body = base.by_body.get(&base.bodies, key, |body: &Body| body.key)?;
            let pieces = usable.pieces(body.first_piece, body.piece_count)?;
            let plain_len: u64 = pieces.iter().map(|piece| u64::from(piece.plain_len)).sum();
            (plain_len == padded_len).then_some(BodyHit { hash: body.hash, pieces })
        })
    }

    pub(super) fn count_identical(&self, bytes: u64) {
        self.by_identity_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn count_compressed(&self, len: usize) {
        self.compressed_bytes.fetch_add(len as u64, Ordering::Relaxed);
    }

    /// Bytes that were taken over by identity, by content, and those that were compressed.
    pub(super) fn counts(&self) -> [u64; 3] {
        [&self.by_identity_bytes, &self.by_content_bytes, &self.compressed_bytes].map(|n| n.load(Ordering::Relaxed))
    }
}

impl Usable {
    fn placed(&self, piece: Piece) -> Piece {
        Piece { source: self.first_source + piece.source, ..piece }
    }

    fn pieces(&self, first: u64, count: u32) -> Option<Vec<Piece>> {
        let pieces = self.base.pieces.range(first, count.into());
        pieces.map(|piece| piece.ok().map(|piece| self.placed(piece))).collect()
    }
}
