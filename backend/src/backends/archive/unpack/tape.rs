//! The entries of an archive in their order, with a way to pass over many: by the index where there is one, by reading on
//! where there is none.

use std::io::{self, Read};
use std::path::Path;

use super::super::index::ArchiveIndex;
use super::super::meter::Meter;
use super::super::node::Node;
use super::super::tar_reader::{TarError, TarReader};
use super::super::verify::{Decoder, Source};
use super::error::UnpackError;

/// What is rather read than passed over: it takes about as long to look it up.
const NEAR_ENTRIES: u64 = 64;
const NEAR_BYTES: u64 = 4 << 20;

/// An archive that is read from its beginning to its end.
pub(super) struct Tape<'a> {
    archive: &'a Path,
    index: Option<&'a ArchiveIndex>,
    meter: &'a Meter,
    tar: TarReader<Box<dyn Read + 'a>>,
    /// The number of the entry that comes next.
    next: u64,
}

impl<'a> Tape<'a> {
    pub(super) fn open(
        archive: &'a Path,
        index: Option<&'a ArchiveIndex>,
        meter: &'a Meter,
    ) -> Result<Self, UnpackError> {
        let stream: io::Result<Box<dyn Read + 'a>> = match index {
            Some(index) => index.tar_from_the_beginning().map(|plain| Box::new(plain) as Box<dyn Read + 'a>),
            None => Source::open(archive, meter)
                .and_then(Decoder::of_any)
                .map(|decoder| Box::new(decoder) as Box<dyn Read + 'a>),
        };
        let stream = stream.map_err(|error| UnpackError::reading(archive, meter, error.into()))?;
        Ok(Self { archive, index, meter, tar: TarReader::new(stream), next: 0 })
    }

    /// The entry of a number, which is not less than that of the one before; `path` is where it lies below the top
    /// directory. `None` when the archive has no so many.
    pub(super) fn go_to(&mut self, number: u64, path: &[u8], passed_bytes: u64) -> Result<Option<Node>, UnpackError> {
        let is_far = number - self.next > NEAR_ENTRIES || passed_bytes > NEAR_BYTES;
        if is_far && let Some(index) = self.index {
            let listed = index.find(path).map_err(|error| UnpackError::indexed(self.archive, self.meter, error))?;
            let listed = listed.ok_or_else(|| UnpackError::Damaged("its index names other entries".to_owned()))?;
            let plain = index.tar_from(&listed).map_err(|error| self.failed(error.into()))?;
            self.tar = TarReader::new(Box::new(plain));
            self.next = number;
        }
        while self.next < number {
            let Some(passed) = self.entry()? else { return Ok(None) };
            self.meter.begin_entry(&passed.path);
        }
        self.entry()
    }

    /// The content of the entry at hand.
    pub(super) fn body(&mut self) -> &mut dyn Read {
        &mut self.tar
    }

    /// Reads what is left where only the end tells whether all of it was right.
    pub(super) fn finish(mut self) -> Result<(), UnpackError> {
        if self.index.is_some() {
            return Ok(());
        }
        while let Some(passed) = self.entry()? {
            self.meter.begin_entry(&passed.path);
        }
        let (archive, meter) = (self.archive, self.meter);
        let rest = io::copy(&mut self.tar.into_inner(), &mut io::sink());
        rest.map(drop).map_err(|error| UnpackError::reading(archive, meter, error.into()))
    }

    /// What an error of the present content means.
    pub(super) fn failed(&self, error: TarError) -> UnpackError {
        UnpackError::reading(self.archive, self.meter, error)
    }

    fn entry(&mut self) -> Result<Option<Node>, UnpackError> {
        self.meter.check()?;
        self.next += 1;
        let entry = self.tar.next_entry();
        entry.map_err(|error| self.failed(error))
    }
}
