//! Compresses one piece so that pieces of any number of threads, and of any archive, can be put one after another.

use std::io::{self, Cursor};
use std::mem;

use zstd::bulk::Compressor;
use zstd::zstd_safe::{CParameter, compress_bound};

use super::super::options::Codec;
use super::kernel::Kernel;
use super::probe;

/// The most that one stored deflate block holds.
const STORED_MAX: usize = 0xffff;

/// The compressor of one thread.
pub(super) enum PieceCodec {
    /// Raw deflate blocks with nothing in them compressed.
    Stored,
    /// Raw deflate that ends on a byte border and looks back no further than the piece.
    Deflate(Kernel),
    /// A Zstandard frame with its own checksum.
    Zstd(Box<Compressor<'static>>),
}

impl PieceCodec {
    pub(super) fn new(codec: Codec) -> io::Result<Self> {
        Ok(match codec {
            Codec::Gzip { level: 0 } => Self::Stored,
            Codec::Gzip { level } => Self::Deflate(Kernel::new(level)),
            Codec::Zstd { level } => {
                let mut compressor = Compressor::new(level)?;
                compressor.set_parameter(CParameter::ChecksumFlag(true))?;
                Self::Zstd(Box::new(compressor))
            }
        })
    }

    /// Appends the compressed `piece` to `out`.
    pub(super) fn press(&mut self, piece: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Stored => {
                store(piece, out);
                Ok(())
            }
            Self::Deflate(kernel) => press_deflate(kernel, piece, out),
            Self::Zstd(compressor) => press_zstd(compressor, piece, out),
        }
    }
}

/// Runs of blocks that shrink are deflated, runs that do not are stored.
fn press_deflate(kernel: &mut Kernel, piece: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let mut rest = piece;
    while !rest.is_empty() {
        let is_stored = probe::is_incompressible(&rest[..rest.len().min(probe::BLOCK)]);
        let alike = rest.chunks(probe::BLOCK).skip(1).take_while(|block| probe::is_incompressible(block) == is_stored);
        let len = rest.len().min((1 + alike.count()) * probe::BLOCK);
        let (run, after) = rest.split_at(len);
        if is_stored {
            store(run, out);
        } else {
            kernel.append(run, out)?;
        }
        rest = after;
    }
    Ok(())
}

fn store(run: &[u8], out: &mut Vec<u8>) {
    for block in run.chunks(STORED_MAX) {
        let len = block.len() as u16;
        out.push(0);
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&(!len).to_le_bytes());
        out.extend_from_slice(block);
    }
}

fn press_zstd(compressor: &mut Compressor<'_>, piece: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    out.reserve(compress_bound(piece.len()));
    let before = out.len() as u64;
    // A cursor lets the library write behind what is there, without a mebibyte of zeros first.
    let mut cursor = Cursor::new(mem::take(out));
    cursor.set_position(before);
    let outcome = compressor.compress_to_buffer(piece, &mut cursor);
    *out = cursor.into_inner();
    outcome.map(drop)
}
