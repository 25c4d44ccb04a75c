//! Finds entries of an archive by their path.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use super::super::manifest::Entry;
use super::super::options::Codec;
use super::super::record::Piece;
use super::super::table::{Fields, Record, Table};
use super::sort::Item;
use super::tail::Tail;
use super::{key_of, path_of_key};

/// A block of entries is about 32 KiB; a single entry may be larger, by its path and its link target.
const MAX_BLOCK: u32 = 64 << 20;

/// Why an index did not do what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// There is none, or it is damaged or of another archive; `rebuild_index` makes a new one.
    #[error("the archive has no usable index: {0}")]
    Unusable(String),
    /// The index or the archive could not be read.
    #[error("the archive or its index could not be read")]
    Read(#[from] io::Error),
    /// The archive cannot be taken apart.
    #[error("the archive is damaged: {0}")]
    Damaged(String),
}

/// An archive that can be looked into without reading all of it.
#[derive(Debug)]
pub struct ArchiveIndex {
    pub(super) archive: File,
    /// Decides how a piece is decompressed; the level does not matter.
    pub(super) codec: Codec,
    pub(super) pieces: Table<Piece>,
    pub(super) offsets: Table<Offset>,
    index: Arc<File>,
    blocks: Vec<Block>,
}

/// Something that is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Path below the archive's top directory, such as `volumes/app-data/etc`.
    pub path: Vec<u8>,
    /// What the manifest says of it, with its paths seen from the top directory; absent for a directory that has
    /// entries below it and is none itself.
    pub entry: Option<Entry>,
    /// Where its header begins in the tar.
    pub(super) at: u64,
}

/// A block of entries.
#[derive(Debug)]
struct Block {
    first: Vec<u8>,
    at: u64,
    stored_len: u32,
    plain_len: u32,
    crc: u32,
}

/// Where a piece begins in the tar.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offset(pub(super) u64);

impl Record for Offset {
    const LEN: usize = 8;

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_le_bytes());
    }

    fn decode(mut fields: Fields<'_>) -> Self {
        Self(fields.u64())
    }
}

impl ArchiveIndex {
    /// Opens the archive with the index beside it; takes a millisecond or two, whatever the archive's size.
    ///
    /// # Errors
    /// [`IndexError::Unusable`] when there is no index that fits.
    pub fn open(archive: &Path) -> Result<Self, IndexError> {
        let (index, tail) = Tail::open(archive).map_err(IndexError::Unusable)?;
        let mut needed = [tail.directory, tail.pieces, tail.offsets].into_iter();
        if !needed.try_fold(true, |is_sound, section| Ok::<_, io::Error>(is_sound && section.is_sound(&index)?))? {
            return Err(IndexError::Unusable("it is damaged".to_owned()));
        }
        let index = Arc::new(index);
        let mut directory = vec![0; usize::try_from(tail.directory.len).unwrap_or(0)];
        index.read_exact_at(&mut directory, tail.directory.at)?;
        let blocks = Block::all(&zstd::decode_all(&directory[..])?);
        let blocks = blocks.ok_or_else(|| IndexError::Unusable("its directory is damaged".to_owned()))?;
        Ok(Self {
            archive: File::open(archive)?,
            codec: if tail.is_gzip { Codec::Gzip { level: 0 } } else { Codec::Zstd { level: 1 } },
            pieces: Table::new(Arc::clone(&index), tail.pieces.at, tail.pieces.len / Piece::LEN as u64),
            offsets: Table::new(Arc::clone(&index), tail.offsets.at, tail.offsets.len / Offset::LEN as u64),
            index,
            blocks,
        })
    }

    /// The entry at `path` below the top directory.
    ///
    /// # Errors
    /// [`IndexError`] when the index cannot be read.
    pub fn find(&self, path: &[u8]) -> Result<Option<Listed>, IndexError> {
        let key = key_of(path);
        let mut cursor = Cursor::new(self);
        cursor.seek(&key)?;
        let mut found = None;
        // Of two entries with one path the later one is what an unpacker leaves behind.
        while let Some(item) = cursor.next()?.filter(|item| item.key == key) {
            found = Some(Listed::of(&item)?);
        }
        Ok(found)
    }

    /// What is directly in the directory `dir`, empty for the top directory, in the order of names as bytes: at most
    /// `limit` of it, behind the path `after`, which need not exist. Hand in the last path of a page to get the next.
    ///
    /// # Errors
    /// [`IndexError`] when the index cannot be read.
    pub fn list(&self, dir: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Listed>, IndexError> {
        let mut prefix = key_of(dir);
        if !prefix.is_empty() {
            prefix.push(0);
        }
        let mut cursor = Cursor::new(self);
        cursor.seek(&after.map_or_else(|| prefix.clone(), |path| behind(key_of(path))))?;
        let mut listed: Vec<Listed> = Vec::new();
        while listed.len() < limit {
            let Some(item) = cursor.next()?.filter(|item| item.key.starts_with(&prefix)) else { break };
            let name_len = item.key[prefix.len()..].iter().position(|&byte| byte == 0);
            let key = item.key[..name_len.map_or(item.key.len(), |len| prefix.len() + len)].to_vec();
            let entry = match name_len {
                None => Listed::of(&item)?,
                Some(_) => Listed { path: path_of_key(&key), entry: None, at: 0 },
            };
            // What is below a directory is passed over, however much it is; a second entry of the same path too.
            cursor.seek(&behind(key))?;
            listed.push(entry);
        }
        Ok(listed)
    }

    /// What `is_wanted` says of its path, anywhere in the archive, as a walk goes: at most `limit` of it, behind the path
    /// `after`. Directories that have no entry of their own are not asked about.
    ///
    /// # Errors
    /// [`IndexError`] when the index cannot be read.
    pub fn search(
        &self,
        is_wanted: &dyn Fn(&[u8]) -> bool,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Listed>, IndexError> {
        let after = after.map(key_of);
        let mut walk = Walk::from(self, after.as_deref().unwrap_or_default())?;
        let mut found = Vec::new();
        while found.len() < limit {
            let Some(item) = walk.next()? else { break };
            if after.as_ref() != Some(&item.key) && is_wanted(&path_of_key(&item.key)) {
                found.push(Listed::of(&item)?);
            }
        }
        Ok(found)
    }

    /// Calls `take` for every entry at `path` and below it, in the order of keys, until it says that it has enough.
    ///
    /// # Errors
    /// [`IndexError`] when the index cannot be read.
    pub fn each_below(&self, path: &[u8], take: &mut dyn FnMut(&[u8], &Entry) -> bool) -> Result<(), IndexError> {
        let key = key_of(path);
        let below = [key.as_slice(), &[0]].concat();
        let mut cursor = Cursor::new(self);
        cursor.seek(&key)?;
        while let Some(item) = cursor.next()?.filter(|item| item.key == key || item.key.starts_with(&below)) {
            let listed = Listed::of(&item)?;
            if listed.entry.is_some_and(|entry| !take(&listed.path, &entry)) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn items(&self, number: usize) -> Result<Vec<Item>, IndexError> {
        let Some(block) = self.blocks.get(number) else { return Ok(Vec::new()) };
        let mut stored = vec![0; block.stored_len as usize];
        self.index.read_exact_at(&mut stored, block.at)?;
        if crc32fast::hash(&stored) != block.crc {
            return Err(IndexError::Unusable("a block of it is damaged".to_owned()));
        }
        let plain = zstd::bulk::decompress(&stored, block.plain_len as usize)?;
        let (mut items, mut rest) = (Vec::new(), plain.as_slice());
        while let Some(item) = Item::read(&mut rest)? {
            items.push(item);
        }
        Ok(items)
    }
}

/// The first key that is neither `key` nor below it.
fn behind(mut key: Vec<u8>) -> Vec<u8> {
    key.push(1);
    key
}

impl Listed {
    pub(super) fn of(item: &Item) -> Result<Self, IndexError> {
        let entry = serde_json::from_slice(&item.json).map_err(|error| IndexError::Unusable(error.to_string()))?;
        Ok(Self { path: path_of_key(&item.key), entry: Some(entry), at: item.at })
    }
}

impl Block {
    /// The blocks of a directory, in order.
    fn all(mut bytes: &[u8]) -> Option<Vec<Self>> {
        let mut blocks = Vec::new();
        while !bytes.is_empty() {
            let (head, rest) = bytes.split_at_checked(24)?;
            let mut head = Fields(head);
            let (at, stored_len, plain_len, first_len, crc) =
                (head.u64(), head.u32(), head.u32(), head.u32(), head.u32());
            let (first, rest) = rest.split_at_checked(first_len as usize)?;
            if stored_len > MAX_BLOCK || plain_len > MAX_BLOCK {
                return None;
            }
            blocks.push(Self { first: first.to_vec(), at, stored_len, plain_len, crc });
            bytes = rest;
        }
        Some(blocks)
    }
}

/// The entries one after another, each path once.
pub(super) struct Walk<'a> {
    cursor: Cursor<'a>,
    next: Option<Item>,
}

impl<'a> Walk<'a> {
    /// From the first entry on whose key is not less than `key`.
    pub(super) fn from(index: &'a ArchiveIndex, key: &[u8]) -> Result<Self, IndexError> {
        let mut cursor = Cursor::new(index);
        cursor.seek(key)?;
        let next = cursor.next()?;
        Ok(Self { cursor, next })
    }

    /// Of several entries with one path the last one.
    pub(super) fn next(&mut self) -> Result<Option<Item>, IndexError> {
        let Some(mut item) = self.next.take() else { return Ok(None) };
        loop {
            match self.cursor.next()? {
                Some(same) if same.key == item.key => item = same,
                next => {
                    self.next = next;
                    return Ok(Some(item));
                }
            }
        }
    }
}

/// A place among the entries.
pub(super) struct Cursor<'a> {
    index: &'a ArchiveIndex,
    /// The block at hand, and what is left of it.
    block: Option<usize>,
    items: std::vec::IntoIter<Item>,
}

impl<'a> Cursor<'a> {
    /// At the first entry.
    pub(super) fn new(index: &'a ArchiveIndex) -> Self {
        Self { index, block: None, items: Vec::new().into_iter() }
    }

    /// Goes forward to the first entry whose key is not less than `key`.
    fn seek(&mut self, key: &[u8]) -> Result<(), IndexError> {
        // Entries of one key may begin at the end of a block, so the block before the first that begins with it counts.
        let block = self.index.blocks.partition_point(|block| block.first.as_slice() < key).saturating_sub(1);
        if self.block != Some(block) {
            self.items = self.index.items(block)?.into_iter();
            self.block = Some(block);
        }
        let less = self.items.as_slice().partition_point(|item| item.key.as_slice() < key);
        if less > 0 {
            drop(self.items.nth(less - 1));
        }
        Ok(())
    }

    pub(super) fn next(&mut self) -> Result<Option<Item>, IndexError> {
        loop {
            if let Some(item) = self.items.next() {
                return Ok(Some(item));
            }
            let block = self.block.map_or(0, |block| block + 1);
            if block >= self.index.blocks.len() {
                return Ok(None);
            }
            self.items = self.index.items(block)?.into_iter();
            self.block = Some(block);
        }
    }
}
