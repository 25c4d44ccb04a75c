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

mod capture_tar;
mod capture_tree;
mod catalogue;
mod error;
mod header;
mod manifest;
mod meter;
mod node;
mod options;
mod press;
mod report;
mod space;
mod sparse;
mod spool;
mod tar_reader;
mod verify;
mod walk;
mod writer;
mod xattrs;

#[cfg(test)]
mod tests;

pub use error::ArchiveError;
pub use manifest::{Entry, Item, TargetHead, read_manifest};
pub use meter::{Meter, Reading};
pub use node::EntryKind;
pub use options::{ArchiveOptions, Codec, Exclude, TargetSpec, TreeOptions};
pub use report::{Finished, GapKind, LeftOut, TargetReport, Warning};
pub use space::{Estimate, estimate, free_bytes, publish};
pub use verify::{Problem, VerifyError, VerifyReport, verify};
pub use writer::ArchiveWriter;
