//! Compresses pieces on several threads, in order, in bounded memory.
//!
//! ```text
//! caller ── piece ──► jobs (bounded) ──► worker 1..N ──┐ its ticket
//!    └───── ticket ─► order (bounded) ─────────────► sink ──► file, table of pieces
//! ```
//!
//! The caller fills a piece of at most 1 MiB and hands it over together with a ticket; the sink redeems the tickets
//! in the order of the stream, whichever worker is first. Both queues are bounded, so the slowest stage sets the
//! pace and memory does not grow. Whatever happens, dropping a [`Press`] ends and joins every thread.
//!
//! Three kinds of pieces: those that the caller fills, which a worker compresses unless one of the [`Reuse`]'s pieces
//! has the same content; those that stay where they are ([`Press::keep`]), of which the table alone hears; and those
//! that are copied out of another file ([`Press::copy`]), compressed anew if that file has another codec.

mod kernel;
mod piece;
mod probe;
mod sink;
mod unpress;
mod worker;

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};

pub(super) use self::sink::Stored;
use self::sink::{Pressed, Sink};
pub(super) use self::unpress::unpress;
use self::worker::{Buffers, Job, Task, Worker};
use super::base::{Reuse, SourceFile};
use super::options::Codec;
use super::record::Piece;
use super::table::Table;

/// Plain bytes of one piece, at most.
pub(super) const PIECE: usize = 1 << 20;
/// Bytes at the front of an archive before its first piece.
pub(super) const fn head_len(codec: Codec) -> u64 {
    match codec {
        Codec::Gzip { .. } => sink::GZIP_HEAD.len() as u64,
        Codec::Zstd { .. } => 0,
    }
}

type Outcome = io::Result<Pressed>;

/// What the sink does next.
enum Ticket {
    /// Write the piece that a worker is at.
    Later(Receiver<Outcome>),
    /// Note a piece that is elsewhere.
    Kept(Piece),
    /// Tell what is in the table so far.
    Tell(Sender<io::Result<Table<Piece>>>),
}

/// What a press works with.
pub(super) struct Setup<'a> {
    /// Where the compressed pieces go.
    pub(super) file: File,
    /// Its path; scratch files are made beside it.
    pub(super) path: &'a Path,
    pub(super) codec: Codec,
    pub(super) workers: usize,
    /// What need not be compressed again.
    pub(super) reuse: Arc<Reuse>,
    /// The files that pieces to be copied are in.
    pub(super) sources: Vec<Arc<SourceFile>>,
    /// Whether the file is the archive itself, of which the digest will be asked.
    pub(super) is_archive: bool,
    /// Whether the threads step back behind everything else on the machine.
    pub(super) background: bool,
}

/// The compressor pool and the file behind it.
pub(super) struct Press {
    piece: Vec<u8>,
    filled: usize,
    /// Pieces handed over.
    count: u64,
    /// Used pieces, each of full length.
    plain: Buffers,
    jobs: Option<Sender<Job>>,
    order: Option<Sender<Ticket>>,
    workers: Vec<JoinHandle<()>>,
    sink: Option<JoinHandle<io::Result<Sink>>>,
}

impl Press {
    pub(super) fn start(setup: Setup<'_>) -> io::Result<Self> {
        let workers = setup.workers.max(1);
        let (jobs, todo) = bounded(workers);
        let (order, tickets) = bounded(2 * workers);
        let (plain, stored) = (Buffers::new(2 * workers + 1), Buffers::new(3 * workers));
        let mut press = Self {
            piece: vec![0; PIECE],
            filled: 0,
            count: 0,
            plain: plain.clone(),
            jobs: Some(jobs),
            order: Some(order),
            workers: Vec::with_capacity(workers),
            sink: None,
        };
        for _ in 0..workers {
            let buffers = (plain.clone(), stored.clone());
            let worker = Worker::new(setup.codec, buffers, Arc::clone(&setup.reuse), setup.sources.clone())?;
            press.workers.push(worker.spawn(todo.clone(), setup.background)?);
        }
        let sink = Sink::new(setup.file, setup.path, setup.codec, setup.is_archive)?;
        press.sink = Some(spawn_sink(sink, tickets, stored)?);
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

    /// Ends the piece at hand, if there is anything in it.
    pub(super) fn cut(&mut self) -> io::Result<()> {
        if self.filled > 0 { self.hand_over() } else { Ok(()) }
    }

    /// Adds a piece that stays where it is. The piece at hand is ended first.
    pub(super) fn keep(&mut self, piece: Piece) -> io::Result<()> {
        self.cut()?;
        self.count += 1;
        self.order(Ticket::Kept(piece))
    }

    /// Adds a copy of a piece out of one of the sources. The piece at hand is ended first.
    pub(super) fn copy(&mut self, piece: Piece) -> io::Result<()> {
        self.cut()?;
        self.submit(Task::Stored(piece))
    }

    /// How many pieces were added so far; the number of the next one.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The pieces so far, once all of them are written. The piece at hand is ended first.
    pub(super) fn table(&mut self) -> io::Result<Table<Piece>> {
        self.cut()?;
        let (tell, told) = bounded(1);
        self.order(Ticket::Tell(tell))?;
        match told.recv() {
            Ok(table) => table,
            Err(_) => Err(self.failure()),
        }
    }

    /// Completes the archive and syncs it.
    pub(super) fn finish(mut self) -> io::Result<Stored> {
        self.cut()?;
        self.join()?.finish()
    }

    fn hand_over(&mut self) -> io::Result<()> {
        let mut plain = self.plain.take();
        // What is in it does not matter: no more of it is used than was filled.
        plain.resize(PIECE, 0);
        std::mem::swap(&mut plain, &mut self.piece);
        let len = std::mem::take(&mut self.filled);
        self.submit(Task::Plain(plain, len))
    }

    fn submit(&mut self, task: Task) -> io::Result<()> {
        let (done, ticket) = bounded(1);
        self.count += 1;
        self.order(Ticket::Later(ticket))?;
        let is_taken = self.jobs.as_ref().is_some_and(|jobs| jobs.send(Job { task, done }).is_ok());
        if is_taken { Ok(()) } else { Err(self.failure()) }
    }

    fn order(&mut self, ticket: Ticket) -> io::Result<()> {
        let is_taken = self.order.as_ref().is_some_and(|order| order.send(ticket).is_ok());
        if is_taken { Ok(()) } else { Err(self.failure()) }
    }

    /// The sink leaves early only with an error to tell.
    fn failure(&mut self) -> io::Error {
        self.join().err().unwrap_or_else(|| io::Error::other("the compressor threads are gone"))
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

fn spawn_sink(mut sink: Sink, tickets: Receiver<Ticket>, buffers: Buffers) -> io::Result<JoinHandle<io::Result<Sink>>> {
    let work = move || {
        for ticket in tickets {
            match ticket {
                Ticket::Later(done) => {
                    let pressed = done.recv().map_err(|_| io::Error::other("a compressor thread ended early"))??;
                    sink.put(&pressed)?;
                    buffers.give(pressed.bytes);
                }
                Ticket::Kept(piece) => sink.note(&piece)?,
                // Nobody waits any more when the caller has given up.
                Ticket::Tell(tell) => drop(tell.send(sink.table())),
            }
        }
        Ok(sink)
    };
    thread::Builder::new().name("archive-sink".to_owned()).spawn(work)
}

#[cfg(test)]
mod tests;
