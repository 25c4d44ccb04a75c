//! Where a file has data and where it has holes, and the map that GNU tar's sparse format 1.0 stores.

use std::fs::File;
use std::io::{self, Read};

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;

use super::header::{BLOCK, padding};
use super::stat::Stat;

/// A file in more pieces than this is stored with the rest of it whole, so that the map stays small.
const MAX_SEGMENTS: usize = 1 << 16;
/// The most that is taken from others.
const MAX_FOREIGN_SEGMENTS: u64 = 1 << 20;

/// The data of a file with holes: offsets and lengths, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SparseMap {
    pub(super) segments: Vec<(u64, u64)>,
    size: u64,
}

impl SparseMap {
    /// `None` for a file without holes, and where the file system cannot tell.
    pub(super) fn find(file: &File, stat: &Stat) -> Option<Self> {
        let size = stat.size;
        if stat.blocks.saturating_mul(512) >= size {
            return None;
        }
        let mut segments = Vec::new();
        let mut at = 0;
        while at < size {
            let start = match seek(file, SeekFrom::Data(at)) {
                Ok(start) if start < size => start,
                Ok(_) | Err(Errno::NXIO) => break,
                Err(_) => return None,
            };
            let hole = seek(file, SeekFrom::Hole(start)).ok()?.min(size);
            let end = if segments.len() + 1 == MAX_SEGMENTS { size } else { hole };
            segments.push((start, end - start));
            at = end;
        }
        let map = Self { segments, size };
        (map.data_len() < size).then_some(map)
    }

    /// Bytes of data.
    pub(super) fn data_len(&self) -> u64 {
        self.segments.iter().map(|(_, len)| len).sum()
    }

    /// The map as it stands before the data: numbers in decimal, a line each, filled up to a whole block.
    pub(super) fn encode(&self) -> Vec<u8> {
        // GNU tar ends a map with an empty segment when the file ends in a hole.
        let ends_in_hole = self.segments.last().is_none_or(|(start, len)| start + len < self.size);
        let tail = ends_in_hole.then_some((self.size, 0));
        let segments = self.segments.iter().copied().chain(tail);
        let mut text = format!("{}\n", self.segments.len() + usize::from(ends_in_hole));
        for (start, len) in segments {
            text.push_str(&format!("{start}\n{len}\n"));
        }
        let mut map = text.into_bytes();
        map.resize(map.len() + padding(map.len() as u64), 0);
        map
    }
}

/// Reads the map that the body of a sparse file begins with: the number of segments, then offset and length of each, a line
/// each, filled up to a whole block; the data follows. The segments come in order and lie within `size`.
pub(super) fn read_map(body: &mut impl Read, size: u64) -> io::Result<Vec<(u64, u64)>> {
    let mut numbers = Numbers { body, block: [0; BLOCK], at: BLOCK };
    let count = numbers.next()?;
    if count > MAX_FOREIGN_SEGMENTS {
        return Err(broken_map());
    }
    let (mut segments, mut at) = (Vec::new(), 0);
    for _ in 0..count {
        let (start, len) = (numbers.next()?, numbers.next()?);
        let end = start.checked_add(len).filter(|end| start >= at && *end <= size);
        at = end.ok_or_else(broken_map)?;
        segments.push((start, len));
    }
    Ok(segments)
}

fn broken_map() -> io::Error {
    io::Error::other("the map of a sparse file is broken")
}

struct Numbers<'a, R> {
    body: &'a mut R,
    block: [u8; BLOCK],
    at: usize,
}

impl<R: Read> Numbers<'_, R> {
    fn next(&mut self) -> io::Result<u64> {
        let mut number = 0_u64;
        loop {
            if self.at == self.block.len() {
                self.body.read_exact(&mut self.block)?;
                self.at = 0;
            }
            let byte = self.block[self.at];
            self.at += 1;
            match byte {
                b'\n' => return Ok(number),
                b'0'..=b'9' => {
                    let next = number.checked_mul(10).and_then(|n| n.checked_add(u64::from(byte - b'0')));
                    number = next.ok_or_else(broken_map)?;
                }
                _ => return Err(broken_map()),
            }
        }
    }
}
