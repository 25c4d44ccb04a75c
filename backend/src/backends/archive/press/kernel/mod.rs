//! The libraries that deflate a piece, and which of them serves a level.
//!
//! | levels | library | against zlib's level 6, one thread |
//! |---|---|---|
//! | 1 to 3 | ISA-L 2 where it is built in and passes its trial, else libdeflate 1 | 20 times as fast, 4 to 12 % larger |
//! | 4 to 9 | libdeflate, the same level | 2 to 5 times as fast, up to 6 % smaller |
//!
//! What a kernel appends to a stream are whole deflate blocks, none of them the last, that end on a byte border and
//! look back no further than the run they were made of: so pieces of all kernels may follow one another in any
//! order, and pieces of an earlier archive may stand among them.
//!
//! No output is simply believed. libdeflate's is read to its end anyway ([`blocks`]), because its last block must be
//! reopened; ISA-L's is inflated for every [`SAMPLE`]th run, since inflating takes longer than it does. A kernel that
//! was wrong once is not asked again: zlib takes its place. The archive as a whole is read back when it is complete.
//!
//! One more kernel: a variant of [`Engine`], an arm in [`Engine::append`], a level in [`Kernel::new`], and its name
//! in `tests.rs`. Not zlib's level 1: its archives are up to half as large again.

mod bits;
mod blocks;
mod huffman;
mod reopen;
mod trial;

use std::io;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use libdeflater::{CompressionLvl, Compressor};
use tracing::warn;

/// Of so many runs that ISA-L makes, one is inflated and compared; the first one always.
const SAMPLE: u32 = 32;

/// A deflate compressor of one thread, for one level.
pub(super) struct Kernel {
    engine: Engine,
    runs: u32,
}

enum Engine {
    Isal(isal_press::Deflater),
    Libdeflate(Compressor),
    Zlib(Compress),
    #[cfg(test)]
    Lying,
}

/// A kernel's output is not what it was given; the text says how it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wrong(&'static str);

impl Kernel {
    /// The kernel of a gzip level from 1 to 9.
    pub(super) fn new(level: u32) -> Self {
        let isal = if level <= 3 && trial::is_isal_fit() { isal_press::Deflater::new() } else { None };
        let engine = match isal {
            Some(deflater) => Engine::Isal(deflater),
            None if level <= 3 => Engine::libdeflate(1),
            None => Engine::libdeflate(level.min(9)),
        };
        Self { engine, runs: 0 }
    }

    /// Appends the deflated `run` to `out`.
    pub(super) fn append(&mut self, run: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let before = out.len();
        let outcome = self.engine.append(run, out).and_then(|()| {
            let is_due = self.engine.is_sampled() && self.runs.is_multiple_of(SAMPLE);
            if is_due { inflates_to(&out[before..], run) } else { Ok(()) }
        });
        self.runs = self.runs.wrapping_add(1);
        let Err(Wrong(what)) = outcome else { return Ok(()) };
        warn!(what, "a compressor made a piece that does not read back; zlib takes its place");
        out.truncate(before);
        self.engine = Engine::zlib();
        self.engine.append(run, out).map_err(|Wrong(what)| io::Error::other(what))
    }
}

impl Engine {
    fn libdeflate(level: u32) -> Self {
        let level = i32::try_from(level).ok().and_then(|level| CompressionLvl::new(level).ok());
        Self::Libdeflate(Compressor::new(level.unwrap_or_default()))
    }

    fn zlib() -> Self {
        Self::Zlib(Compress::new(Compression::new(6), false))
    }

    /// Whether the output is checked only now and then.
    const fn is_sampled(&self) -> bool {
        match self {
            Self::Isal(_) => true,
            Self::Libdeflate(_) | Self::Zlib(_) => false,
            #[cfg(test)]
            Self::Lying => true,
        }
    }

    fn append(&mut self, run: &[u8], out: &mut Vec<u8>) -> Result<(), Wrong> {
        match self {
            Self::Isal(deflater) => deflater.deflate(run, out).map_err(|_| Wrong("isa-l refused the piece")),
            Self::Libdeflate(compressor) => append_reopened(compressor, run, out),
            Self::Zlib(deflate) => append_flushed(deflate, run, out),
            #[cfg(test)]
            Self::Lying => {
                out.extend_from_slice(&[0, 1, 0, 0xfe, 0xff, b'?']);
                Ok(())
            }
        }
    }
}

/// libdeflate knows only complete streams, so the end is taken off again.
fn append_reopened(compressor: &mut Compressor, run: &[u8], out: &mut Vec<u8>) -> Result<(), Wrong> {
    let before = out.len();
    out.resize(before + compressor.deflate_compress_bound(run.len()), 0);
    let len = compressor.deflate_compress(run, &mut out[before..]).map_err(|_| Wrong("libdeflate wants more room"))?;
    out.truncate(before + len);
    reopen::reopen(out, before, run)
}

fn append_flushed(deflate: &mut Compress, run: &[u8], out: &mut Vec<u8>) -> Result<(), Wrong> {
    deflate.reset();
    out.reserve(run.len() / 2 + 1024);
    loop {
        let taken = deflate.total_in() as usize;
        deflate.compress_vec(&run[taken..], out, FlushCompress::Sync).map_err(|_| Wrong("zlib refused the piece"))?;
        // Room left over means that the flush is complete.
        if deflate.total_in() as usize == run.len() && out.len() < out.capacity() {
            return Ok(());
        }
        out.reserve(run.len() / 4 + 1024);
    }
}

fn inflates_to(deflated: &[u8], run: &[u8]) -> Result<(), Wrong> {
    // One byte more than expected: a stream that goes on is seen.
    let mut plain = Vec::with_capacity(run.len() + 1);
    Decompress::new(false)
        .decompress_vec(deflated, &mut plain, FlushDecompress::Sync)
        .map_err(|_| Wrong("the piece is not valid deflate"))?;
    if plain == run { Ok(()) } else { Err(Wrong("the piece inflates to something else")) }
}

#[cfg(test)]
mod tests;
