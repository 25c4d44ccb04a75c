//! The index beside an archive: `<archive>.index`.
//!
//! It is a cache and never needed: an archive without one, or with a damaged one, is as good as any; the next backup
//! reads everything, and [`rebuild_index`] makes a new one out of the archive alone. It serves two ends: the pieces
//! and bodies make the archive a [`Base`](super::Base) of the next one, and the entries, sorted by path, let one file
//! be found and extracted without reading the rest ([`ArchiveIndex`]).
//!
//! ```text
//! blocks of entries (zstd)  key length, key, offset in the tar, JSON length, JSON; sorted by key
//! directory of the blocks   (zstd) offset, length, key length, first key
//! pieces                    records of `Piece`, offsets within the archive
//! offsets                   where each piece begins in the tar, 8 bytes each
//! bodies                    records of `Body`
//! tail                      JSON: version, codec, sections with checksums, which archive it belongs to
//! length and CRC of the tail, magic: 16 bytes
//! ```
//!
//! Numbers are little-endian. A change of the format, or of how pieces are cut, must raise [`VERSION`].

mod about;
mod check;
mod extract;
mod folder;
mod read;
mod rebuild;
mod sort;
mod tail;
mod write;

use std::path::{Path, PathBuf};

pub use self::check::find_index_flaw;
pub use self::extract::ExtractError;
pub use self::read::{ArchiveIndex, IndexError, Listed};
pub use self::rebuild::rebuild_index;
pub(super) use self::tail::Tail;
pub(super) use self::write::{Parts, write};

/// Raised when an older index must not be used any more.
const VERSION: u32 = 1;

/// The place of an archive's index. Its ending keeps it from being taken for an archive.
pub(super) fn path_of(archive: &Path) -> PathBuf {
    let mut name = archive.as_os_str().to_owned();
    name.push(".index");
    name.into()
}

/// The order of the entries: `/` sorts before everything else, so that a directory and all below it stand together.
fn key_of(path: &[u8]) -> Vec<u8> {
    path.iter().map(|&byte| if byte == b'/' { 0 } else { byte }).collect()
}

fn path_of_key(key: &[u8]) -> Vec<u8> {
    key.iter().map(|&byte| if byte == 0 { b'/' } else { byte }).collect()
}
