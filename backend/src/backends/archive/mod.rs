//! The archive: one plain `.tar.gz` or `.tar.zst` with a manifest as its last entry.
//!
//! ```text
//! walk, tar_reader, bytes  →  Node + body  →  header  →  press (N threads)  →  file, fsynced
//!      (what there is)       (one entry)    (PAX tar)   (gzip or zstd)
//!                                  └→ catalogue → manifest.json
//! ```
//!
//! [`ArchiveWriter`] is synchronous: drive it from one blocking thread; it starts its compressors itself. Memory
//! does not grow with the tree: the manifest is spooled to an unlinked file, and only files with several names
//! are remembered. A gap of the source (vanished, unreadable, changed) is a [`Warning`] of the target and never
//! an error; an error means that the archive is no good.
//!
//! To capture from one more kind of source, add a file beside `capture_tree.rs` that turns it into `Node`s
//! and calls `ArchiveWriter::put`. To add a codec, extend [`Codec`] and `press/piece.rs`. Do not let a header
//! announce one size and a body have another: `ArchiveWriter::copy_body` is the only way in for content.

mod assemble;
mod base;
mod capture_tar;
mod capture_tree;
mod catalogue;
mod clones;
mod error;
mod file_systems;
mod group;
mod header;
mod index;
mod lines;
mod manifest;
mod meter;
mod node;
mod options;
mod press;
mod record;
mod report;
mod space;
mod sparse;
mod spool;
mod stat;
mod table;
mod tar_reader;
mod trust;
mod verify;
mod walk;
mod writer;
mod xattrs;

#[cfg(test)]
mod tests;

pub use base::Base;
pub use error::ArchiveError;
pub use index::{ArchiveIndex, ExtractError, IndexError, Listed, rebuild_index};
pub use manifest::{Entry, Item, PieceLine, TargetHead, read_manifest};
pub use meter::{Meter, Reading};
pub use node::EntryKind;
pub use options::{ArchiveOptions, Codec, Exclude, TargetSpec, TreeOptions};
pub use report::{Finished, GapKind, LeftOut, PassStats, TargetReport, Warning};
pub use space::{Estimate, estimate, free_bytes, publish, remove_archive};
pub use trust::{Trust, take_trust};
pub use verify::{Problem, VerifyError, VerifyReport, verify};
pub use writer::ArchiveWriter;
