//! The content of a file: with its holes, and as it was at one moment.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;

use super::super::sparse::SparseMap;
use super::super::stat::Stat;
use super::Stage;

const STRIDE: usize = 256 << 10;

/// Why a content is not whole.
pub(super) enum Torn {
    /// The source failed.
    Source(io::Error),
    /// It ended before its size.
    Short,
}

impl Stage<'_> {
    /// Copies the content of an open file, leaving its holes out.
    pub(super) fn copy_file(&mut self, from: &File, stat: &Stat, to: &File) -> io::Result<Option<Torn>> {
        let segments = SparseMap::find(from, stat).map_or_else(|| vec![(0, stat.size)], |map| map.segments);
        let mut torn = None;
        for (start, len) in segments {
            torn = self.copy_segment(from, to, start, len)?;
            if torn.is_some() {
                break;
            }
        }
        to.set_len(stat.size)?;
        Ok(torn)
    }

    fn copy_segment(&mut self, from: &File, to: &File, start: u64, len: u64) -> io::Result<Option<Torn>> {
        let mut buffer = vec![0; STRIDE];
        let (mut at, end) = (start, start + len);
        while at < end {
            self.check()?;
            let want = buffer.len().min(usize::try_from(end - at).unwrap_or(STRIDE));
            let count = match from.read_at(&mut buffer[..want], at) {
                Ok(0) => return Ok(Some(Torn::Short)),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Ok(Some(Torn::Source(error))),
            };
            to.write_all_at(&buffer[..count], at)?;
            self.count(count as u64);
            at += count as u64;
        }
        Ok(None)
    }

    /// Takes `size` bytes of a stream; whole blocks of zeros become holes.
    pub(super) fn copy_stream(&mut self, from: &mut dyn Read, size: u64, to: &File) -> io::Result<Option<Torn>> {
        let mut buffer = vec![0; STRIDE];
        let mut at = 0;
        let mut torn = None;
        while at < size {
            self.check()?;
            let want = buffer.len().min(usize::try_from(size - at).unwrap_or(STRIDE));
            let count = match from.read(&mut buffer[..want]) {
                Ok(count) if count > 0 => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok(_) => {
                    torn = Some(Torn::Short);
                    break;
                }
                Err(error) => {
                    torn = Some(Torn::Source(error));
                    break;
                }
            };
            if buffer[..count].iter().any(|&byte| byte != 0) {
                to.write_all_at(&buffer[..count], at)?;
            }
            self.count(count as u64);
            at += count as u64;
        }
        to.set_len(size)?;
        Ok(torn)
    }

    fn count(&mut self, bytes: u64) {
        self.staged.bytes += bytes;
        self.meter.add_bytes(bytes);
    }
}

impl Torn {
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Source(error) => format!("it could not be read to its end, the rest is zeros: {error}"),
            Self::Short => "it was cut short while it was read, the rest is zeros".to_owned(),
        }
    }
}
