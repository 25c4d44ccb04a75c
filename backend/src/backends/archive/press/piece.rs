//! Compresses one piece so that pieces of any number of threads can be put one after another.

use std::io;

use flate2::{Compress, Compression, FlushCompress};
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use super::super::options::Codec;
use super::probe;

/// The most that one stored deflate block holds.
const STORED_MAX: usize = 0xffff;

/// The compressor of one thread.
pub(super) enum PieceCodec {
    /// Raw deflate that ends on a byte border and looks back no further than the piece.
    Deflate(Compress),
    /// A Zstandard frame with its own checksum.
    Zstd(Box<Compressor<'static>>),
}

impl PieceCodec {
    pub(super) fn new(codec: Codec) -> io::Result<Self> {
        Ok(match codec {
            Codec::Gzip { level } => Self::Deflate(Compress::new(Compression::new(level.min(9)), false)),
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
            Self::Deflate(deflate) => press_deflate(deflate, piece, out),
            Self::Zstd(compressor) => {
                out.resize(zstd::zstd_safe::compress_bound(piece.len()), 0);
                let len = compressor.compress_to_buffer(piece, &mut out[..])?;
                out.truncate(len);
                Ok(())
            }
        }
    }
}

/// Runs of blocks that shrink are deflated, runs that do not are stored.
fn press_deflate(deflate: &mut Compress, piece: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let mut rest = piece;
    while !rest.is_empty() {
        let is_stored = probe::is_incompressible(&rest[..rest.len().min(probe::BLOCK)]);
        let alike = rest.chunks(probe::BLOCK).skip(1).take_while(|block| probe::is_incompressible(block) == is_stored);
        let len = rest.len().min((1 + alike.count()) * probe::BLOCK);
        let (run, after) = rest.split_at(len);
        if is_stored {
            store(run, out);
        } else {
            deflate_run(deflate, run, out)?;
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

fn deflate_run(deflate: &mut Compress, run: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    deflate.reset();
    out.reserve(run.len() / 2 + 1024);
    loop {
        let taken = deflate.total_in() as usize;
        deflate.compress_vec(&run[taken..], out, FlushCompress::Sync)?;
        // Room left over means that the flush is complete.
        if deflate.total_in() as usize == run.len() && out.len() < out.capacity() {
            return Ok(());
        }
        out.reserve(run.len() / 4 + 1024);
    }
}
