//! Copies content into the archive, as many bytes as its header has announced, whatever the source does.

use std::io;

use super::meter::Meter;
use super::press::Press;

/// The most that is read between two looks at the meter.
const STRIDE: usize = 256 << 10;

/// Why a body came out shorter than its header says; the rest of it is zeros.
pub(super) enum Shortfall {
    Ended,
    Failed(io::Error),
}

/// Copies exactly `len` bytes, zeros in place of what does not come. Ends early when the meter says so.
pub(super) fn copy_body(
    press: &mut Press,
    meter: &Meter,
    len: u64,
    hasher: &mut blake3::Hasher,
    read: &mut dyn FnMut(&mut [u8]) -> io::Result<usize>,
) -> io::Result<Option<Shortfall>> {
    let mut rest = len;
    let mut shortfall = None;
    while rest > 0 && !meter.is_cancelled() {
        let room = press.room();
        let want = room.len().min(STRIDE).min(usize::try_from(rest).unwrap_or(STRIDE));
        let room = &mut room[..want];
        let count = if shortfall.is_some() { Ok(0) } else { read(room) };
        let count = match count {
            Ok(count) if count > 0 => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            ended => {
                shortfall = shortfall.or(Some(ended.err().map_or(Shortfall::Ended, Shortfall::Failed)));
                room.fill(0);
                want
            }
        };
        hasher.update(&room[..count]);
        press.advance(count)?;
        meter.add_bytes(count as u64);
        rest -= count as u64;
    }
    Ok(shortfall)
}
