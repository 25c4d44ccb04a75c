//! Compresses a stream on several threads, in order, in bounded memory.
//!
//! ```text
//! caller ── piece ──► jobs (bounded) ──► worker 1..N ──┐ its ticket
//!    └───── ticket ─► order (bounded) ─────────────► sink ──► file
//! ```
//!
//! The caller fills a piece of 1 MiB and hands it over together with a ticket; the sink redeems the tickets in
//! the order of the stream, whichever worker is first. Both queues are bounded, so the slowest stage sets the
//! pace and memory does not grow. Whatever happens, dropping a [`Press`] ends and joins every thread.

mod kernel;
mod piece;
mod probe;
mod sink;

use std::fs::File;
use std::io;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};

use self::piece::PieceCodec;
pub(super) use self::sink::Stored;
use self::sink::{Pressed, Sink};
use super::options::Codec;

/// Plain bytes of one piece.
const PIECE: usize = 1 << 20;

type Outcome = io::Result<Pressed>;

struct Job {
    piece: Vec<u8>,
    done: Sender<Outcome>,
}

/// The compressor pool and the file behind it.
pub(super) struct Press {
    piece: Vec<u8>,
    filled: usize,
    buffers: Buffers,
    jobs: Option<Sender<Job>>,
    order: Option<Sender<Receiver<Outcome>>>,
    workers: Vec<JoinHandle<()>>,
    sink: Option<JoinHandle<io::Result<Sink>>>,
}

impl Press {
    pub(super) fn start(file: File, codec: Codec, workers: usize) -> io::Result<Self> {
        let workers = workers.max(1);
        let (jobs, todo) = bounded(workers);
        let (order, tickets) = bounded(2 * workers);
        let buffers = Buffers::new(4 * workers);
        let mut press = Self {
            piece: vec![0; PIECE],
            filled: 0,
            buffers: buffers.clone(),
            jobs: Some(jobs),
            order: Some(order),
            workers: Vec::with_capacity(workers),
            sink: None,
        };
        for _ in 0..workers {
            press.workers.push(spawn_worker(PieceCodec::new(codec)?, todo.clone(), buffers.clone())?);
        }
        press.sink = Some(spawn_sink(Sink::new(file, codec)?, tickets, buffers)?);
        Ok(press)
    }

    /// Where the next bytes go; never empty. Tell with [`Press::advance`] how many came.
    pub(super) fn room(&mut self) -> &mut [u8] {
        &mut self.piece[self.filled..]
    }

    /// Takes over `count` bytes that were put into [`Press::room`].
    pub(super) fn advance(&mut self, count: usize) -> io::Result<()> {
        self.filled += count;
        if self.filled < self.piece.len() { Ok(()) } else { self.hand_over() }
    }

    pub(super) fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = self.room();
            let count = room.len().min(bytes.len());
            let (now, later) = bytes.split_at(count);
            room[..count].copy_from_slice(now);
            self.advance(count)?;
            bytes = later;
        }
        Ok(())
    }

    /// Compresses what is left, completes the file and syncs it.
    pub(super) fn finish(mut self) -> io::Result<Stored> {
        if self.filled > 0 {
            self.hand_over()?;
        }
        self.join()?.finish()
    }

    fn hand_over(&mut self) -> io::Result<()> {
        let mut piece = self.buffers.take();
        piece.resize(PIECE, 0);
        std::mem::swap(&mut piece, &mut self.piece);
        piece.truncate(self.filled);
        self.filled = 0;
        let (done, ticket) = bounded(1);
        let is_taken = match (&self.order, &self.jobs) {
            (Some(order), Some(jobs)) => order.send(ticket).is_ok() && jobs.send(Job { piece, done }).is_ok(),
            _ => false,
        };
        // The sink leaves early only with an error to tell.
        if is_taken { Ok(()) } else { self.join().and(Err(io::Error::other("the compressor threads are gone"))) }
    }

    /// Ends every thread, work in the queues included, and hands back the file or what went wrong with it.
    fn join(&mut self) -> io::Result<Sink> {
        (self.jobs, self.order) = (None, None);
        for worker in self.workers.drain(..) {
            // A panic of a worker reaches the sink as a ticket that nobody redeems.
            drop(worker.join());
        }
        let sink = self.sink.take().ok_or_else(|| io::Error::other("the archive is closed already"))?;
        sink.join().map_err(|_| io::Error::other("the writer thread panicked"))?
    }
}

impl Drop for Press {
    fn drop(&mut self) {
        drop(self.join());
    }
}

fn spawn_worker(mut codec: PieceCodec, todo: Receiver<Job>, buffers: Buffers) -> io::Result<JoinHandle<()>> {
    let work = move || {
        for Job { piece, done } in todo {
            let mut bytes = buffers.take();
            bytes.clear();
            let outcome = codec.press(&piece, &mut bytes).map(|()| {
                let mut crc = crc32fast::Hasher::new();
                crc.update(&piece);
                Pressed { bytes, crc, plain_len: piece.len() as u64 }
            });
            // Nobody waits any more when the sink has given up.
            drop(done.send(outcome));
            buffers.give(piece);
        }
    };
    thread::Builder::new().name("archive-press".to_owned()).spawn(work)
}

fn spawn_sink(
    mut sink: Sink,
    tickets: Receiver<Receiver<Outcome>>,
    buffers: Buffers,
) -> io::Result<JoinHandle<io::Result<Sink>>> {
    let work = move || {
        for ticket in tickets {
            let pressed = ticket.recv().map_err(|_| io::Error::other("a compressor thread ended early"))??;
            sink.put(&pressed)?;
            buffers.give(pressed.bytes);
        }
        Ok(sink)
    };
    thread::Builder::new().name("archive-sink".to_owned()).spawn(work)
}

/// Used buffers, so that a mebibyte is not asked of the allocator for every piece.
#[derive(Clone)]
struct Buffers {
    give: Sender<Vec<u8>>,
    take: Receiver<Vec<u8>>,
}

impl Buffers {
    fn new(count: usize) -> Self {
        let (give, take) = bounded(count);
        Self { give, take }
    }

    fn take(&self) -> Vec<u8> {
        self.take.try_recv().unwrap_or_default()
    }

    /// One too many is simply freed.
    fn give(&self, buffer: Vec<u8>) {
        drop(self.give.try_send(buffer));
    }
}

#[cfg(test)]
mod tests;
