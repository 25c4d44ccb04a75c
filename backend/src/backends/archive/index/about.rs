//! Reads what an archive says of itself, without reading the archive.

use std::io::{self, BufReader, Read};

use flate2::read::DeflateDecoder;
use serde_json::{Map, Value};

use super::super::manifest::{FILE_NAME, Item, read_manifest};
use super::super::options::Codec;
use super::super::press::head_len;
use super::super::spool::Part;
use super::super::tar_reader::TarReader;
use super::extract::Plain;
use super::read::{ArchiveIndex, IndexError, Listed};

impl ArchiveIndex {
    /// The fields of the manifest that stand before its targets.
    ///
    /// # Errors
    /// [`IndexError`] when the archive has no manifest, or it cannot be read.
    pub fn about(&self) -> Result<Map<String, Value>, IndexError> {
        read_head(BufReader::new(self.open_manifest()?))
    }

    /// The text of the manifest. It begins with a piece of its own. An index that was made anew does not list it, so it is
    /// right behind the pieces; else it is looked for from the end: what follows its beginning is its own text, which is
    /// no tar.
    ///
    /// # Errors
    /// [`IndexError`] when the archive has no manifest.
    pub(in super::super) fn open_manifest(&self) -> Result<Box<dyn Read + '_>, IndexError> {
        if let Some(manifest) = find_manifest(self.behind_pieces()?) {
            return Ok(Box::new(manifest));
        }
        for number in (0..self.pieces.len()).rev() {
            if let Some(manifest) = find_manifest(Plain::at_piece(self, number)?) {
                return Ok(Box::new(manifest));
            }
        }
        Err(IndexError::Damaged("it has no manifest".to_owned()))
    }

    /// The tar from an entry on that was listed.
    pub(in super::super) fn tar_from(&self, listed: &Listed) -> io::Result<impl Read + '_> {
        Plain::at(self, listed.at)
    }

    /// The tar from its beginning on.
    pub(in super::super) fn tar_from_the_beginning(&self) -> io::Result<impl Read + '_> {
        Plain::at_piece(self, 0)
    }

    /// The tar behind the pieces that the index lists.
    fn behind_pieces(&self) -> io::Result<Box<dyn Read>> {
        let last = self.pieces.len().checked_sub(1).map(|number| self.pieces.get(number)).transpose()?;
        let at = last.map_or_else(|| head_len(self.codec), |piece| piece.offset + u64::from(piece.stored_len));
        let rest = Part { file: self.archive.try_clone()?, range: at..self.archive.metadata()?.len() };
        Ok(match self.codec {
            Codec::Gzip { .. } => Box::new(DeflateDecoder::new(rest)),
            Codec::Zstd { .. } => Box::new(zstd::Decoder::new(rest)?),
        })
    }
}

/// The text of the manifest, if that is what `tar` begins with.
fn find_manifest<R: Read>(tar: R) -> Option<TarReader<R>> {
    let mut tar = TarReader::new(tar);
    match tar.next_entry() {
        Ok(Some(node)) if node.path.split(|&byte| byte == b'/').skip(1).eq([FILE_NAME.as_bytes()]) => Some(tar),
        _ => None,
    }
}

fn read_head(manifest: impl Read) -> Result<Map<String, Value>, IndexError> {
    let (mut head, mut is_whole) = (Map::new(), false);
    let read = read_manifest(manifest, &mut |item| match item {
        Item::Field(key, value) => {
            head.insert(key, value);
            Ok(())
        }
        Item::Target(_) | Item::Entry(_) | Item::Piece(_) => {
            is_whole = true;
            Err("enough was read".to_owned())
        }
    });
    match read {
        Err(error) if !is_whole => Err(IndexError::Damaged(error.to_string())),
        _ => Ok(head),
    }
}
