//! Reads a deflate stream bit by bit, the lowest of each byte first (RFC 1951, 3.1.1).

use super::Wrong;

/// What a stream that ends too early is.
const CUT_SHORT: Wrong = Wrong("the stream ends within a block");

pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// Of the first byte that is not in `held`.
    at: usize,
    held: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, held: 0, count: 0 }
    }

    /// Holds 56 bits or more from here on, or all that are left.
    pub(super) fn refill(&mut self) {
        if let Some(word) = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk()) {
            self.held |= u64::from_le_bytes(*word) << self.count;
            self.at += ((63 - self.count) / 8) as usize;
            // Bits above the count are right already, only not counted: setting them again does no harm.
            self.count |= 56;
            return;
        }
        while let (true, Some(&byte)) = (self.count < 56, self.bytes.get(self.at)) {
            self.held |= u64::from(byte) << self.count;
            self.at += 1;
            self.count += 8;
        }
    }

    /// The next `count` bits, at most 32; zero bits follow the last one.
    pub(super) const fn peek(&self, count: u32) -> usize {
        (self.held & ((1 << count) - 1)) as usize
    }

    /// Passes over bits that were refilled.
    pub(super) fn skip(&mut self, count: u32) -> Result<(), Wrong> {
        self.count = self.count.checked_sub(count).ok_or(CUT_SHORT)?;
        self.held >>= count;
        Ok(())
    }

    /// The next `count` bits of those refilled, as a number.
    pub(super) fn take(&mut self, count: u32) -> Result<usize, Wrong> {
        let value = self.peek(count);
        self.skip(count)?;
        Ok(value)
    }

    /// The place in the stream, in bits.
    pub(super) const fn position(&self) -> usize {
        self.at * 8 - self.count as usize
    }

    /// Whole bytes from the next byte border on.
    pub(super) fn take_bytes(&mut self, len: usize) -> Result<&'a [u8], Wrong> {
        let start = self.position().div_ceil(8);
        let bytes = start.checked_add(len).and_then(|end| self.bytes.get(start..end)).ok_or(CUT_SHORT)?;
        (self.at, self.held, self.count) = (start + len, 0, 0);
        Ok(bytes)
    }
}
