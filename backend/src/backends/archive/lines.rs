//! The lines of a pass: for each entry its line of the manifest, and how much of the tar it takes.
//!
//! ```text
//! length of the header (4 bytes), of the body (8 bytes), of the JSON (4 bytes), the JSON
//! ```

use std::io::{self, Read, Write};

use super::header::padding;
use super::manifest::Entry;
use super::table::Fields;

const HEAD: usize = 16;

/// One entry of a group.
pub(super) struct Line<'a> {
    pub(super) header_len: u32,
    /// Bytes of the body, padding not counted.
    pub(super) stored: u64,
    /// The entry as the manifest tells it.
    pub(super) json: &'a [u8],
}

impl<'a> Line<'a> {
    /// The first line of `bytes`, and what comes after it.
    pub(super) fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (head, rest) = bytes.split_at_checked(HEAD)?;
        let mut head = Fields(head);
        let (header_len, stored, json_len) = (head.u32(), head.u64(), head.u32());
        let (json, rest) = rest.split_at_checked(json_len as usize)?;
        Some((Self { header_len, stored, json }, rest))
    }

    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(&self.header_len.to_le_bytes())?;
        to.write_all(&self.stored.to_le_bytes())?;
        to.write_all(&u32::try_from(self.json.len()).map_err(io::Error::other)?.to_le_bytes())?;
        to.write_all(self.json)
    }

    /// How much of the tar the entry takes.
    pub(super) fn tar_len(&self) -> u64 {
        u64::from(self.header_len) + self.stored + padding(self.stored) as u64
    }
}

/// An entry of the finished archive: where it begins in the tar, and its line.
pub(super) struct Placed {
    pub(super) at: u64,
    pub(super) json: Vec<u8>,
}

impl Placed {
    pub(super) fn write(at: u64, json: &[u8], to: &mut impl Write) -> io::Result<()> {
        to.write_all(&at.to_le_bytes())?;
        to.write_all(&u32::try_from(json.len()).map_err(io::Error::other)?.to_le_bytes())?;
        to.write_all(json)
    }

    /// The next one, or `None` at the end.
    pub(super) fn read(from: &mut impl Read) -> io::Result<Option<Self>> {
        let mut head = [0; 12];
        match from.read_exact(&mut head) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        let mut head = Fields(&head);
        let (at, len) = (head.u64(), head.u32());
        let mut json = vec![0; len as usize];
        from.read_exact(&mut json)?;
        Ok(Some(Self { at, json }))
    }

    pub(super) fn entry(&self) -> io::Result<Entry> {
        Ok(serde_json::from_slice(&self.json)?)
    }
}
