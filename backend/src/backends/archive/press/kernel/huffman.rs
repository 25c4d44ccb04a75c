//! A Huffman code of deflate as a table: the next bits of the stream are the index (RFC 1951, 3.2.2).
//!
//! The table is narrow, so that it stays in the fastest cache; codes that are longer lead on to a second one.

use super::Wrong;
use super::bits::Bits;

/// The longest code that the format allows.
const LONGEST: usize = 15;
/// Bits of the first table.
const WIDTH: u32 = 10;

/// What a code stands for. `bits` is how long the code is; 0 says that no code begins like this.
#[derive(Clone, Copy, Default)]
pub(super) struct Entry {
    pub(super) bits: u8,
    /// Extra bits behind the code, which count up from `value`.
    pub(super) extra: u8,
    pub(super) kind: Kind,
    pub(super) value: u16,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// A byte, or a number as it stands.
    #[default]
    Plain,
    /// A length or a distance.
    Base,
    /// The end of the block.
    End,
    /// The code is longer than the first table is wide: `value` is where its second one begins.
    Longer,
}

/// A table that is filled again for every block.
#[derive(Default)]
pub(super) struct Table {
    entries: Vec<Entry>,
    /// Bits of the first table, and of every second one.
    first: u32,
    second: u32,
}

impl Table {
    /// Fills the table for a code whose symbol `n` has `lengths[n]` bits, none for 0, and means `meaning(n)`.
    pub(super) fn fill(&mut self, lengths: &[u8], meaning: impl Fn(usize) -> Entry) -> Result<(), Wrong> {
        let mut next = first_codes(lengths)?;
        let longest = u32::from(lengths.iter().copied().max().unwrap_or(0));
        self.first = longest.min(WIDTH);
        self.second = longest - self.first;
        self.entries.clear();
        self.entries.resize(1 << self.first, Entry::default());
        for (symbol, &bits) in lengths.iter().enumerate().filter(|(_, bits)| **bits > 0) {
            let code = &mut next[usize::from(bits)];
            // Codes are written from their highest bit on, everything else from the lowest.
            let reversed = usize::from(code.reverse_bits() >> (16 - bits));
            *code += 1;
            self.put(reversed, Entry { bits, ..meaning(symbol) });
        }
        Ok(())
    }

    /// Whatever follows a code, its entry is the same: it stands wherever the index begins with it.
    fn put(&mut self, code: usize, entry: Entry) {
        let bits = u32::from(entry.bits);
        let (table, code, bits) = if bits <= self.first {
            (0..1 << self.first, code, bits)
        } else {
            let start = self.second_table(code & ((1 << self.first) - 1));
            (start..start + (1 << self.second), code >> self.first, bits - self.first)
        };
        self.entries[table][code..].iter_mut().step_by(1 << bits).for_each(|slot| *slot = entry);
    }

    fn second_table(&mut self, slot: usize) -> usize {
        if self.entries[slot].kind != Kind::Longer {
            // At most 2^15 entries in all, one for each code.
            let value = self.entries.len() as u16;
            self.entries[slot] = Entry { kind: Kind::Longer, value, ..Entry::default() };
            self.entries.resize(self.entries.len() + (1 << self.second), Entry::default());
        }
        usize::from(self.entries[slot].value)
    }

    /// What the next bits stand for; they are not passed over.
    #[inline]
    pub(super) fn next(&self, bits: &Bits<'_>) -> Entry {
        let entry = self.get(bits.peek(self.first));
        if entry.kind != Kind::Longer {
            return entry;
        }
        self.get(usize::from(entry.value) + (bits.peek(self.first + self.second) >> self.first))
    }

    fn get(&self, index: usize) -> Entry {
        self.entries.get(index).copied().unwrap_or_default()
    }
}

/// The first code of each length. Codes that are left unused are fine: a block with one distance has such a code.
fn first_codes(lengths: &[u8]) -> Result<[u16; LONGEST + 1], Wrong> {
    let mut counts = [0_u16; LONGEST + 1];
    for &bits in lengths.iter().filter(|bits| **bits > 0) {
        counts[usize::from(bits)] += 1;
    }
    let (mut next, mut code) = ([0; LONGEST + 1], 0_u32);
    for bits in 1..=LONGEST {
        next[bits] = code as u16;
        code += u32::from(counts[bits]);
        if code > 1 << bits {
            return Err(Wrong("a block has more codes than fit in their length"));
        }
        code <<= 1;
    }
    Ok(next)
}
