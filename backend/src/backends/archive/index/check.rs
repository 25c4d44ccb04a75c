//! Holds an index against the archive that it lies beside.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::super::meter::Meter;
use super::super::verify::{EntrySum, VerifyReport};
use super::read::{ArchiveIndex, Cursor, IndexError};
use super::tail::Tail;

/// What is wrong with the index beside `archive`, in words for people; `None` when it tells what is there. `found` is what
/// a verification found in the archive: it is not read for its entries once more, only piece by piece as it is stored.
///
/// # Errors
/// When the archive or the index cannot be read.
pub fn find_index_flaw(archive: &Path, found: &VerifyReport, meter: &Meter) -> Result<Option<String>, IndexError> {
    match compare(archive, found, meter) {
        Err(IndexError::Unusable(reason)) => Ok(Some(reason)),
        compared => compared,
    }
}

fn compare(archive: &Path, found: &VerifyReport, meter: &Meter) -> Result<Option<String>, IndexError> {
    let (file, tail) = Tail::open(archive).map_err(IndexError::Unusable)?;
    if !tail.is_sound(&file)? {
        return Ok(Some("what it tells of pieces and bodies is damaged".to_owned()));
    }
    let index = ArchiveIndex::open(archive)?;
    let (mut cursor, mut entries, mut count) = (Cursor::new(&index), EntrySum::default(), 0);
    while let Some(item) = cursor.next()? {
        entries.add(&item.json);
        count += 1;
    }
    if (entries, count) != (found.entries, found.entry_count) {
        let of = found.entry_count;
        return Ok(Some(format!("its {count} entries are not the {of} of the archive")));
    }
    let misplaced = find_misplaced_piece(&index, meter)?;
    Ok(misplaced.map(|offset| format!("it names a piece at byte {offset} that is not there")))
}

/// Where a piece is said to be that is not.
fn find_misplaced_piece(index: &ArchiveIndex, meter: &Meter) -> Result<Option<u64>, IndexError> {
    let archive: &File = &index.archive;
    let mut stored = Vec::new();
    for piece in index.pieces.iter() {
        let piece = piece?;
        if meter.is_cancelled() {
            return Err(IndexError::Damaged("the comparison was cancelled".to_owned()));
        }
        stored.resize(piece.stored_len as usize, 0);
        let is_there = archive.read_exact_at(&mut stored, piece.offset).is_ok();
        if !is_there || crc32fast::hash(&stored) != piece.stored_crc {
            return Ok(Some(piece.offset));
        }
        meter.add_bytes(u64::from(piece.stored_len));
    }
    Ok(None)
}
