//! Records that come back in the order opposite to that in which they went, in memory that does not depend on how many.

use std::fs::File;
use std::io::{self, Write as _};
use std::marker::PhantomData;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::spool::Spool;

/// The length behind each record.
const TRAILER: u64 = 4;

/// A stack in a file without a name.
pub(super) struct Backwards<T> {
    spool: Spool,
    /// Once the first was taken back, and where the rest ends.
    reading: Option<(File, u64)>,
    records: PhantomData<T>,
}

impl<T: Serialize + DeserializeOwned> Backwards<T> {
    pub(super) fn beside(neighbour: &Path) -> io::Result<Self> {
        Ok(Self { spool: Spool::beside(neighbour)?, reading: None, records: PhantomData })
    }

    /// Adds one. Not after [`Self::pop`].
    pub(super) fn push(&mut self, record: &T) -> io::Result<()> {
        let bytes = serde_json::to_vec(record)?;
        self.spool.write_all(&bytes)?;
        self.spool.write_all(&u32::try_from(bytes.len()).map_err(io::Error::other)?.to_le_bytes())
    }

    /// Takes the latest one back.
    pub(super) fn pop(&mut self) -> io::Result<Option<T>> {
        if self.reading.is_none() {
            self.reading = Some((self.spool.share()?, self.spool.len()));
        }
        let Some((file, end)) = &mut self.reading else { return Ok(None) };
        if *end == 0 {
            return Ok(None);
        }
        let mut trailer = [0; TRAILER as usize];
        *end -= TRAILER;
        file.read_exact_at(&mut trailer, *end)?;
        let mut bytes = vec![0; u32::from_le_bytes(trailer) as usize];
        *end -= bytes.len() as u64;
        file.read_exact_at(&mut bytes, *end)?;
        Ok(Some(serde_json::from_slice(&bytes)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_comes_back_first() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut stack = Backwards::beside(&directory.path().join("x")).expect("a file");
        let records: Vec<Vec<u8>> = (0..300_u16).map(|n| vec![n as u8; usize::from(n)]).collect();
        records.iter().for_each(|record| stack.push(record).expect("room"));
        for record in records.iter().rev() {
            assert_eq!(stack.pop().expect("read").as_ref(), Some(record));
        }
        assert_eq!(stack.pop().expect("read"), None);
        assert_eq!(std::fs::read_dir(directory.path()).expect("a directory").count(), 0, "nothing is left");
    }
}
