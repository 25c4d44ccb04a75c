//! The way back: the plain bytes of one compressed piece.

use std::io;

use flate2::{Decompress, FlushDecompress};

use super::super::options::Codec;

/// The plain bytes of `stored`, a whole piece, which must be exactly `plain_len` of them.
pub(in super::super) fn unpress(codec: Codec, stored: &[u8], plain_len: usize) -> io::Result<Vec<u8>> {
    let plain = match codec {
        Codec::Gzip { .. } => inflate(stored, plain_len)?,
        Codec::Zstd { .. } => zstd::bulk::decompress(stored, plain_len)?,
    };
    if plain.len() == plain_len { Ok(plain) } else { Err(io::Error::other("a piece has the wrong length")) }
}

/// A piece ends in a flush and not in a last block, so the end is where its bytes end.
fn inflate(stored: &[u8], plain_len: usize) -> io::Result<Vec<u8>> {
    let mut inflate = Decompress::new(false);
    // One byte more than fits, so that a piece that is too long shows.
    let mut plain = Vec::with_capacity(plain_len + 1);
    while (inflate.total_in() as usize) < stored.len() && plain.len() <= plain_len {
        let before = (inflate.total_in(), inflate.total_out());
        inflate.decompress_vec(&stored[inflate.total_in() as usize..], &mut plain, FlushDecompress::None)?;
        if (inflate.total_in(), inflate.total_out()) == before {
            break;
        }
    }
    let is_whole = inflate.total_in() as usize == stored.len();
    if is_whole { Ok(plain) } else { Err(io::Error::other("a piece is not a whole number of deflate blocks")) }
}
