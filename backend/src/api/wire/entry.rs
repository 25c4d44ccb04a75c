//! What is in a snapshot.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Time, time, wire_enum, wire_list};
use crate::domain::entry as domain;

wire_enum!(
    /// What kind of file an entry is.
    EntryKind from domain::EntryKind {
        File => "file", Directory => "directory", Symlink => "symlink", HardLink => "hard_link", Fifo => "fifo",
        CharDevice => "char_device", BlockDevice => "block_device",
    }
);

/// An entry of a snapshot, without its content.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "name": "page.html", "path": "data/page.html", "path_bytes": null, "kind": "file", "size_bytes": 17,
    "modified_at": "2026-11-20T18:00:00.000Z", "mode": "0644", "target": null
}))]
pub struct ArchiveEntry {
    /// The last part of its path.
    pub name: String,
    /// Where it is, seen from the archive's top directory; with replacement characters where it is no UTF-8.
    pub path: String,
    /// The bytes of a path that is no UTF-8, in hexadecimal, to hand over as `path_bytes`; null for all others.
    #[schema(required = true)]
    pub path_bytes: Option<String>,
    /// What it is.
    pub kind: EntryKind,
    /// Bytes of content, holes included; 0 for all but files and hard links.
    pub size_bytes: u64,
    /// When it was last modified; null for a directory that the archive only implies, and for years that no calendar
    /// has.
    #[schema(required = true)]
    pub modified_at: Option<Time>,
    /// Permission bits in octal; null for a directory that the archive only implies.
    #[schema(required = true)]
    pub mode: Option<String>,
    /// What a symbolic link points at, or the path that a hard link names.
    #[schema(required = true)]
    pub target: Option<String>,
}

wire_list!(ArchiveEntryList of ArchiveEntry, "entries, in the order of names as bytes");

impl From<domain::ArchiveEntry> for ArchiveEntry {
    fn from(entry: domain::ArchiveEntry) -> Self {
        let bytes = entry.path.as_bytes();
        Self {
            name: String::from_utf8_lossy(entry.path.name()).into_owned(),
            path: entry.path.to_string(),
            path_bytes: std::str::from_utf8(bytes).is_err().then(|| hex(bytes)),
            kind: entry.kind.into(),
            size_bytes: entry.size_bytes,
            modified_at: entry.modified_at.map(time),
            mode: entry.mode,
            target: entry.target,
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
