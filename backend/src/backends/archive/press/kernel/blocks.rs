//! Reads a complete deflate stream, compares it with what it should hold, and finds its last block.
//!
//! Nothing is written anywhere: what the stream should hold is at hand, so a copy from further back is right when
//! the two places are alike. Written after RFC 1951, with none of the compressor's own code.

use super::Wrong;
use super::bits::Bits;
use super::huffman::{Entry, Kind, Table};

/// Symbol 257 + n is a match of so many bytes, with so many extra bits (RFC 1951, 3.2.5).
const LENGTHS: [(u16, u8); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];
/// The order in which a dynamic block gives the lengths of the code of its lengths (RFC 1951, 3.2.7).
const LENGTH_ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const NO_CODE: Wrong = Wrong("a block uses a code that it does not define");
const DIFFERS: Wrong = Wrong("the stream holds something else than it was made of");

/// Where the last block of a stream lies, in bits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LastBlock {
    /// Its first bit, the one that says that it is the last.
    pub(super) starts: usize,
    /// Behind its last bit.
    pub(super) ends: usize,
}

/// Reads the whole `stream`, which must hold `plain` and nothing else.
pub(super) fn compare(stream: &[u8], plain: &[u8]) -> Result<LastBlock, Wrong> {
    let mut reader =
        Reader { bits: Bits::new(stream), plain, at: 0, codes: Table::default(), distances: Table::default() };
    loop {
        reader.bits.refill();
        let starts = reader.bits.position();
        let is_last = reader.bits.take(1)? == 1;
        match reader.bits.take(2)? {
            0 => reader.stored()?,
            1 => {
                reader.fixed()?;
                reader.symbols()?;
            }
            2 => {
                reader.dynamic()?;
                reader.symbols()?;
            }
            _ => return Err(Wrong("a block is of no known kind")),
        }
        if is_last {
            let is_whole = reader.at == plain.len();
            return if is_whole { Ok(LastBlock { starts, ends: reader.bits.position() }) } else { Err(DIFFERS) };
        }
    }
}

struct Reader<'a> {
    bits: Bits<'a>,
    plain: &'a [u8],
    /// What of `plain` was read.
    at: usize,
    codes: Table,
    distances: Table,
}

impl Reader<'_> {
    fn stored(&mut self) -> Result<(), Wrong> {
        let head = self.bits.take_bytes(4)?;
        let (len, inverse) = (u16::from_le_bytes([head[0], head[1]]), u16::from_le_bytes([head[2], head[3]]));
        if len != !inverse {
            return Err(Wrong("a stored block has no sound length"));
        }
        let bytes = self.bits.take_bytes(usize::from(len))?;
        if !self.plain[self.at..].starts_with(bytes) {
            return Err(DIFFERS);
        }
        self.at += bytes.len();
        Ok(())
    }

    /// The code of RFC 1951, 3.2.6.
    fn fixed(&mut self) -> Result<(), Wrong> {
        let mut lengths = [8; 288];
        lengths[144..256].fill(9);
        lengths[256..280].fill(7);
        self.codes.fill(&lengths, code)?;
        self.distances.fill(&[5; 30], distance)
    }

    /// The code that stands before the block's data (RFC 1951, 3.2.7).
    fn dynamic(&mut self) -> Result<(), Wrong> {
        let (codes, distances) = (257 + self.bits.take(5)?, 1 + self.bits.take(5)?);
        let order = 4 + self.bits.take(4)?;
        let mut lengths = [0; 19];
        for &place in &LENGTH_ORDER[..order] {
            self.bits.refill();
            lengths[place] = self.bits.take(3)? as u8;
        }
        self.codes.fill(&lengths, |symbol| Entry { value: symbol as u16, ..Entry::default() })?;
        // At most 32 distances, though only 30 mean something.
        let mut lengths = [0; 288 + 32];
        self.lengths(lengths.get_mut(..codes + distances).ok_or(NO_CODE)?)?;
        self.codes.fill(&lengths[..codes], code)?;
        self.distances.fill(&lengths[codes..codes + distances], distance)
    }

    fn lengths(&mut self, lengths: &mut [u8]) -> Result<(), Wrong> {
        let mut at = 0;
        while at < lengths.len() {
            self.bits.refill();
            let entry = self.codes.next(&self.bits);
            if entry.bits == 0 {
                return Err(NO_CODE);
            }
            self.bits.skip(entry.bits.into())?;
            let (length, count) = match entry.value {
                16 if at > 0 => (lengths[at - 1], 3 + self.bits.take(2)?),
                16 => return Err(NO_CODE),
                17 => (0, 3 + self.bits.take(3)?),
                18 => (0, 11 + self.bits.take(7)?),
                length => (length as u8, 1),
            };
            lengths.get_mut(at..at + count).ok_or(NO_CODE)?.fill(length);
            at += count;
        }
        Ok(())
    }

    fn symbols(&mut self) -> Result<(), Wrong> {
        loop {
            // One symbol with everything behind it has 48 bits at most.
            self.bits.refill();
            let entry = self.codes.next(&self.bits);
            self.bits.skip(entry.bits.into())?;
            match entry.kind {
                // The table itself follows those that are longer.
                Kind::Longer => return Err(NO_CODE),
                _ if entry.bits == 0 => return Err(NO_CODE),
                Kind::End => return Ok(()),
                Kind::Plain if self.plain.get(self.at) == Some(&(entry.value as u8)) => self.at += 1,
                Kind::Plain => return Err(DIFFERS),
                Kind::Base => self.copy(entry)?,
            }
        }
    }

    fn copy(&mut self, length: Entry) -> Result<(), Wrong> {
        let len = usize::from(length.value) + self.bits.take(length.extra.into())?;
        let entry = self.distances.next(&self.bits);
        if entry.bits == 0 {
            return Err(NO_CODE);
        }
        self.bits.skip(entry.bits.into())?;
        let back = usize::from(entry.value) + self.bits.take(entry.extra.into())?;
        let from = self.at.checked_sub(back).ok_or(Wrong("a match begins before the stream"))?;
        // Right even where the two overlap: all that was read so far is known to be alike.
        let (old, new) = (self.plain.get(from..from + len), self.plain.get(self.at..self.at + len));
        if new.is_none() || old != new {
            return Err(DIFFERS);
        }
        self.at += len;
        Ok(())
    }
}

fn code(symbol: usize) -> Entry {
    match symbol {
        0..256 => Entry { value: symbol as u16, ..Entry::default() },
        256 => Entry { kind: Kind::End, ..Entry::default() },
        _ => LENGTHS.get(symbol - 257).map_or(UNDEFINED, |&(value, extra)| Entry {
            kind: Kind::Base,
            value,
            extra,
            bits: 0,
        }),
    }
}

fn distance(symbol: usize) -> Entry {
    let extra = (symbol as u8 / 2).saturating_sub(1);
    match symbol {
        0..4 => Entry { kind: Kind::Base, value: symbol as u16 + 1, ..Entry::default() },
        4..30 => Entry { kind: Kind::Base, value: (1 + ((2 + symbol % 2) << extra)) as u16, extra, bits: 0 },
        _ => UNDEFINED,
    }
}

/// A symbol that may have a code but must not be used: no match is of no bytes, or from no distance.
const UNDEFINED: Entry = Entry { kind: Kind::Base, value: u16::MAX, extra: 0, bits: 0 };
