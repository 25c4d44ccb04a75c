//! Entries as the index tells them, in the words of the domain.

use chrono::{DateTime, Utc};

use crate::backends::archive::{ArchiveIndex, ExtractError, Listed};
use crate::domain::entry::{ArchiveEntry, EntryKind, EntryPath};

use super::BrowseError;

/// What is listed, with the size of the file for its further names.
pub(super) fn describe(index: &ArchiveIndex, listed: &Listed) -> Result<ArchiveEntry, BrowseError> {
    let path = EntryPath::new(&listed.path).map_err(|error| BrowseError::NoIndex(error.to_string()))?;
    let kind = kind_of(listed);
    let Some(entry) = &listed.entry else {
        return Ok(ArchiveEntry { path, kind, size_bytes: 0, modified_at: None, mode: None, target: None });
    };
    let size_bytes = if kind == EntryKind::HardLink { size_of_link(index, listed)? } else { entry.size };
    Ok(ArchiveEntry {
        path,
        kind,
        size_bytes,
        modified_at: entry.mtime.parse::<DateTime<Utc>>().ok(),
        mode: Some(entry.mode.clone()),
        target: entry.link_target.clone(),
    })
}

/// A link that leads nowhere has no content.
fn size_of_link(index: &ArchiveIndex, listed: &Listed) -> Result<u64, BrowseError> {
    match index.resolve(listed) {
        Err(ExtractError::NotAFile(_)) => Ok(0),
        resolved => Ok(size_of(&resolved?)),
    }
}

/// Bytes of content of a file.
pub(super) fn size_of(file: &Listed) -> u64 {
    file.entry.as_ref().map_or(0, |entry| entry.size)
}

/// What is listed without an entry of its own is a directory, because something is below it.
pub(super) fn kind_of(listed: &Listed) -> EntryKind {
    listed.entry.as_ref().map_or(EntryKind::Directory, |entry| entry.kind)
}
