//! The archive: one plain `.tar.gz` or `.tar.zst` with a manifest as its last entry.
//!
//! ```text
//! walk, tar_reader, bytes  →  groups of Nodes  →  base has it? ─ yes ─────────────► kept where it is ──┐
//!      (what there is)        (cut by rule)            └─ no ─► header, press (N threads) ► own file ──┤
//!                                  └→ catalogue                 (PAX tar)  (pieces, hashed)            │
//!                                         └──────► manifest.json ──────────────► assemble ◄────────────┘
//! ```
//!
//! A *pass* ([`ArchiveWriter`]) reads its targets once and cuts the tar into pieces that are compressed by themselves.
//! A pass over a running stack ends as a [`Base`]; the pass over the stack at rest takes over from it what cannot have
//! changed ([`trust`] says what that is), and only then, with the stack running again, `finish` puts the archive
//! together. The archive is an ordinary one: nothing in it tells which pass or which earlier archive a piece came from.
//! The index beside it (`index`) is a cache.
//!
//! [`ArchiveWriter`] is synchronous: drive it from one blocking thread; it starts its compressors itself. Memory
//! does not grow with the tree: what is known of entries, groups and pieces is spooled to unlinked files, and only
//! files with several names and the keys of bases (16 bytes each) are remembered. A gap of the source (vanished,
//! unreadable, changed) is a [`Warning`] of the target and never an error; an error means that the archive is no good.
//!
//! To capture from one more kind of source, add a file beside `capture_tree.rs` that turns it into `Node`s and calls
//! `ArchiveWriter::put` and `put_file`; groups take care of themselves. To add a codec, extend [`Codec`],
//! `press/piece.rs` and `press/unpress.rs`. Do not let a header announce one size and a body have another:
//! `ArchiveWriter::copy_body` is the only way in for content. Do not take anything over from a base by another way than
//! `Reuse`, and nothing unread that [`trust`] does not cover. The way out is [`unpack`].

mod assemble;
mod at;
mod base;
mod body;
mod capture_file;
mod capture_tar;
mod capture_tree;
mod catalogue;
mod clones;
mod error;
mod file_systems;
mod finish;
mod group;
mod header;
mod index;
mod lines;
mod manifest;
mod meter;
mod node;
mod options;
mod partial_file;
mod patterns;
mod plain_tar;
mod port;
mod press;
mod record;
mod report;
mod space;
mod sparse;
mod spool;
mod stage;
mod stall;
mod stat;
mod table;
mod tar_reader;
mod trust;
mod unindexed;
mod unpack;
mod verify;
mod walk;
mod watched;
mod writer;
mod xattrs;

#[cfg(test)]
pub(crate) mod tests;

pub use base::Base;
pub use clones::may_clone;
pub use error::ArchiveError;
pub use index::{ArchiveIndex, ExtractError, IndexError, Listed, find_index_flaw, rebuild_index};
pub use manifest::{Entry, Item, PieceLine, TargetHead, read_manifest};
pub use meter::{Meter, Reading};
pub use node::EntryKind;
pub use options::{ArchiveOptions, Codec, Exclude, TargetSpec, TreeOptions};
pub use patterns::Patterns;
pub(super) use plain_tar::write_plain_tar;
pub(super) use port::backend;
pub use port::run as run_watched;
pub use report::{Finished, GapKind, LeftOut, PassStats, TargetReport, Warning};
pub use space::{Estimate, adopt_index, estimate, free_bytes, prove_writable, publish, remove_archive};
pub use stage::{Aside, Stage, Staged};
pub use trust::{Trust, take_trust};
pub use unindexed::PlainArchives;
pub use unpack::{
    Contents, Held, UnpackError, UnpackPlace, UnpackPlan, Unpacked, read_contents, remove_unpacked, sync_unpacked,
};
pub use verify::{EntrySum, Problem, VerifyError, VerifyReport, verify};
pub use watched::{GivenUp, watch};
pub use writer::ArchiveWriter;
