//! Sorts entries by key in memory that does not depend on how many there are: runs in a spool, then a merge.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use super::super::spool::{Part, Spool};
use super::super::table::Fields;

/// Bytes of one run.
const RUN: usize = 8 << 20;
const READ_AHEAD: usize = 16 << 10;

/// An entry on its way into the index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Item {
    pub(super) key: Vec<u8>,
    /// Where its header begins in the tar.
    pub(super) at: u64,
    /// Its line of the manifest.
    pub(super) json: Vec<u8>,
}

impl Item {
    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(&u32::try_from(self.key.len()).map_err(io::Error::other)?.to_le_bytes())?;
        to.write_all(&self.key)?;
        to.write_all(&self.at.to_le_bytes())?;
        to.write_all(&u32::try_from(self.json.len()).map_err(io::Error::other)?.to_le_bytes())?;
        to.write_all(&self.json)
    }

    /// The next item, or `None` at the end.
    pub(super) fn read(from: &mut impl Read) -> io::Result<Option<Self>> {
        let mut len = [0; 4];
        match from.read_exact(&mut len) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        let key = take(from, u32::from_le_bytes(len))?;
        let mut head = [0; 12];
        from.read_exact(&mut head)?;
        let mut head = Fields(&head);
        let (at, len) = (head.u64(), head.u32());
        Ok(Some(Self { key, at, json: take(from, len)? }))
    }

    fn len(&self) -> usize {
        self.key.len() + self.json.len() + 64
    }
}

/// So many bytes; a length that is not true costs no memory.
fn take(from: &mut impl Read, len: u32) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(len.into()).read_to_end(&mut bytes)?;
    if bytes.len() == len as usize { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Takes items in any order.
pub(super) struct Sorter {
    spool: Spool,
    run: Vec<Item>,
    run_len: usize,
    /// Where the runs end in the spool.
    ends: Vec<u64>,
}

impl Sorter {
    pub(super) fn beside(neighbour: &Path) -> io::Result<Self> {
        Ok(Self { spool: Spool::beside(neighbour)?, run: Vec::new(), run_len: 0, ends: Vec::new() })
    }

    pub(super) fn push(&mut self, item: Item) -> io::Result<()> {
        self.run_len += item.len();
        self.run.push(item);
        if self.run_len < RUN { Ok(()) } else { self.end_run() }
    }

    fn end_run(&mut self) -> io::Result<()> {
        self.run.sort_unstable();
        for item in self.run.drain(..) {
            item.write(&mut self.spool)?;
        }
        self.run_len = 0;
        self.ends.push(self.spool.len());
        Ok(())
    }

    /// Hands out all of them in order.
    pub(super) fn drain(mut self, mut each: impl FnMut(Item) -> io::Result<()>) -> io::Result<()> {
        self.end_run()?;
        let mut start = 0;
        let mut runs = Vec::new();
        for end in &self.ends {
            let part = Part { file: self.spool.share()?, range: start..*end };
            runs.push(BufReader::with_capacity(READ_AHEAD, part));
            start = *end;
        }
        let mut heads = BinaryHeap::new();
        for (number, run) in runs.iter_mut().enumerate() {
            heads.extend(Item::read(run)?.map(|item| Reverse((item, number))));
        }
        while let Some(Reverse((item, number))) = heads.pop() {
            heads.extend(Item::read(&mut runs[number])?.map(|next| Reverse((next, number))));
            each(item)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_runs_come_out_in_order() {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let mut sorter = Sorter::beside(&dir.path().join("x")).expect("a spool");
        let count = 3000_u64;
        for number in 0..count {
            let key = format!("{:08}", (number * 7919) % count).into_bytes();
            sorter.push(Item { key, at: number, json: vec![b'x'; 10_000] }).expect("room");
        }
        assert!(sorter.ends.len() > 2, "more than one run");
        let mut seen = 0;
        let check = |item: Item| {
            assert_eq!(item.key, format!("{seen:08}").into_bytes());
            seen += 1;
            Ok(())
        };
        sorter.drain(check).expect("readable runs");
        assert_eq!(seen, count);
    }
}
