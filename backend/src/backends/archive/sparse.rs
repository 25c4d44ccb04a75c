//! Where a file has data and where it has holes, and the map that GNU tar's sparse format 1.0 stores.

use std::fs::File;

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;

use super::header::padding;
use super::stat::Stat;

/// A file in more pieces than this is stored with the rest of it whole, so that the map stays small.
const MAX_SEGMENTS: usize = 1 << 16;

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
