//! Tables of records of one size in a file, so that millions of them cost no memory.

use std::fs::File;
use std::io::{self, Write};
use std::marker::PhantomData;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use super::spool::Spool;

/// Records read at once when going through a table.
const BATCH: usize = 1024;

/// Something that always takes the same number of bytes.
pub(super) trait Record: Sized {
    /// How many.
    const LEN: usize;
    /// Appends exactly [`Record::LEN`] bytes.
    fn encode(&self, out: &mut Vec<u8>);
    /// The record in exactly [`Record::LEN`] bytes.
    fn decode(fields: Fields<'_>) -> Self;
}

/// Numbers taken from the front of some bytes, little-endian. What is not there is zero.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn bytes(&mut self, len: usize) -> &'a [u8] {
        let (now, later) = self.0.split_at(len.min(self.0.len()));
        self.0 = later;
        now
    }

    pub(super) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    pub(super) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    pub(super) fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let bytes = self.bytes(N);
        array[..bytes.len()].copy_from_slice(bytes);
        array
    }
}

/// A table in the making.
pub(super) struct TableWriter<R> {
    spool: Spool,
    count: u64,
    buf: Vec<u8>,
    kind: PhantomData<R>,
}

impl<R: Record> TableWriter<R> {
    pub(super) fn beside(neighbour: &Path) -> io::Result<Self> {
        Ok(Self { spool: Spool::beside(neighbour)?, count: 0, buf: Vec::new(), kind: PhantomData })
    }

    pub(super) fn push(&mut self, record: &R) -> io::Result<()> {
        self.buf.clear();
        record.encode(&mut self.buf);
        self.count += 1;
        self.spool.write_all(&self.buf)
    }

    /// What is in it so far.
    pub(super) fn read(&mut self) -> io::Result<Table<R>> {
        Ok(Table::new(Arc::new(self.spool.share()?), 0, self.count))
    }
}

/// A table to read from, also by several threads.
#[derive(Debug)]
pub(super) struct Table<R> {
    file: Arc<File>,
    start: u64,
    count: u64,
    kind: PhantomData<fn() -> R>,
}

impl<R: Record> Table<R> {
    /// `count` records from byte `start` of `file` on.
    pub(super) fn new(file: Arc<File>, start: u64, count: u64) -> Self {
        Self { file, start, count, kind: PhantomData }
    }

    pub(super) fn len(&self) -> u64 {
        self.count
    }

    pub(super) fn get(&self, number: u64) -> io::Result<R> {
        if number >= self.count {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut buf = vec![0; R::LEN];
        self.file.read_exact_at(&mut buf, self.start + number * R::LEN as u64)?;
        Ok(R::decode(Fields(&buf)))
    }

    /// Records `from..from + count`, in order.
    pub(super) fn range(&self, from: u64, count: u64) -> impl Iterator<Item = io::Result<R>> + '_ {
        let end = from.saturating_add(count);
        let is_whole = end <= self.count;
        let end = end.min(self.count);
        let batches = (from..end).step_by(BATCH).map(move |at| {
            let len = usize::try_from(end - at).unwrap_or(BATCH).min(BATCH);
            let mut buf = vec![0; len * R::LEN];
            self.file.read_exact_at(&mut buf, self.start + at * R::LEN as u64).map(|()| buf)
        });
        let records = batches.flat_map(|batch| match batch {
            Ok(buf) => buf.chunks_exact(R::LEN).map(|bytes| Ok(R::decode(Fields(bytes)))).collect::<Vec<_>>(),
            Err(error) => vec![Err(error)],
        });
        records.chain((!is_whole).then(|| Err(io::ErrorKind::UnexpectedEof.into())))
    }

    /// All records, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = io::Result<R>> + '_ {
        self.range(0, self.count)
    }
}
