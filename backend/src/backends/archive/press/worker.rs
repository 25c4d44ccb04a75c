//! One compressor thread.

use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::super::base::{Reuse, SourceFile};
use super::super::options::Codec;
use super::super::record::Piece;
use super::Outcome;
use super::piece::PieceCodec;
use super::sink::Pressed;
use super::unpress::unpress;

/// The lowest priority, by which the disk is shared out too.
const LOWEST: i32 = 19;

/// A piece to be made ready for the sink.
pub(super) enum Task {
    /// The first so many of these bytes.
    Plain(Vec<u8>, usize),
    /// A compressed piece out of one of the sources.
    Stored(Piece),
}

pub(super) struct Job {
    pub(super) task: Task,
    pub(super) done: Sender<Outcome>,
}

pub(super) struct Worker {
    codec: Codec,
    press: PieceCodec,
    plain: Buffers,
    stored: Buffers,
    reuse: Arc<Reuse>,
    sources: Vec<Arc<SourceFile>>,
}

impl Worker {
    pub(super) fn new(
        codec: Codec,
        (plain, stored): (Buffers, Buffers),
        reuse: Arc<Reuse>,
        sources: Vec<Arc<SourceFile>>,
    ) -> io::Result<Self> {
        Ok(Self { codec, press: PieceCodec::new(codec)?, plain, stored, reuse, sources })
    }

    pub(super) fn spawn(mut self, todo: Receiver<Job>, background: bool) -> io::Result<JoinHandle<()>> {
        let work = move || {
            if background {
                // A machine that does not allow it is no reason to do without a backup.
                let _ = rustix::process::setpriority_process(None, LOWEST);
            }
            for Job { task, done } in todo {
                let outcome = match task {
                    Task::Plain(plain, len) => {
                        let outcome = self.press(&plain[..len]);
                        self.plain.give(plain);
                        outcome
                    }
                    Task::Stored(piece) => self.copy(piece),
                };
                // Nobody waits any more when the sink has given up.
                drop(done.send(outcome));
            }
        };
        thread::Builder::new().name("archive-press".to_owned()).spawn(work)
    }

    fn press(&mut self, plain: &[u8]) -> Outcome {
        let hash = *blake3::hash(plain).as_bytes();
        let found = self.reuse.find_piece(&hash).filter(|piece| piece.plain_len as usize == plain.len());
        match found {
            Some(piece) => Ok(Pressed { bytes: Vec::new(), piece, is_kept: true }),
            None => self.compress(plain, hash),
        }
    }

    fn compress(&mut self, plain: &[u8], hash: [u8; 32]) -> Outcome {
        let mut bytes = self.stored.take();
        bytes.clear();
        self.press.press(plain, &mut bytes)?;
        self.reuse.count_compressed(plain.len());
        let piece = Piece {
            source: 0,
            offset: 0,
            stored_len: len_of(&bytes)?,
            plain_len: len_of(plain)?,
            crc: crc32fast::hash(plain),
            stored_crc: crc32fast::hash(&bytes),
            hash,
        };
        Ok(Pressed { bytes, piece, is_kept: false })
    }

    /// The piece as it is if it has the right codec, else pressed again. Bytes that are not those that were written
    /// end the archive: it would be as broken as what it was made from.
    fn copy(&mut self, piece: Piece) -> Outcome {
        let source = self.sources.get(piece.source as usize).cloned();
        let source = source.ok_or_else(|| io::Error::other("a piece of the archive is in no file"))?;
        let mut bytes = self.stored.take();
        bytes.resize(piece.stored_len as usize, 0);
        let read = source.file.read_exact_at(&mut bytes, piece.offset);
        if read.is_err() || crc32fast::hash(&bytes) != piece.stored_crc {
            return Err(source.damaged(read.err()));
        }
        if source.codec == self.codec {
            return Ok(Pressed { bytes, piece, is_kept: false });
        }
        let plain = unpress(source.codec, &bytes, piece.plain_len as usize).map_err(|e| source.damaged(Some(e)))?;
        self.stored.give(bytes);
        if crc32fast::hash(&plain) != piece.crc {
            return Err(source.damaged(None));
        }
        self.compress(&plain, piece.hash)
    }
}

fn len_of(bytes: &[u8]) -> io::Result<u32> {
    u32::try_from(bytes.len()).map_err(io::Error::other)
}

/// Used buffers, so that a mebibyte is not asked of the allocator for every piece.
#[derive(Clone)]
pub(super) struct Buffers {
    give: Sender<Vec<u8>>,
    take: Receiver<Vec<u8>>,
}

impl Buffers {
    pub(super) fn new(count: usize) -> Self {
        let (give, take) = bounded(count);
        Self { give, take }
    }

    pub(super) fn take(&self) -> Vec<u8> {
        self.take.try_recv().unwrap_or_default()
    }

    /// One too many is simply freed.
    pub(super) fn give(&self, buffer: Vec<u8>) {
        drop(self.give.try_send(buffer));
    }
}
