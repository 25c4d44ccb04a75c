//! Makes a complete deflate stream one that more blocks may follow.

use super::{Wrong, blocks};

/// An empty stored block behind its three header bits: what zlib's sync flush ends with.
const EMPTY: [u8; 4] = [0, 0, 0xff, 0xff];

/// Takes the end off the stream at `stream[from..]`, which must hold `plain`: its last block is not the last any more,
/// and it ends on a byte border.
pub(super) fn reopen(stream: &mut Vec<u8>, from: usize, plain: &[u8]) -> Result<(), Wrong> {
    let last = blocks::compare(&stream[from..], plain)?;
    stream[from + last.starts / 8] &= !(1 << (last.starts % 8));
    stream.truncate(from + last.ends.div_ceil(8));
    let used = last.ends % 8;
    if used > 0 {
        if let Some(end) = stream.last_mut() {
            *end &= (1 << used) - 1;
        }
        // The three bits of the header are zero: not the last, stored.
        if used > 5 {
            stream.push(0);
        }
        stream.extend_from_slice(&EMPTY);
    }
    Ok(())
}
