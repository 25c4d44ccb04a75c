//! A Huffman code of deflate as a table: the next bits of the stream are the index (RFC 1951, 3.2.2).

use super::Wrong;

/// The longest code that the format allows.
const LONGEST: usize = 15;

/// What a code stands for. `bits` is how long the code is; 0 says that no code begins like this.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub(super) bits: u8,
    /// Extra bits behind the code, which count up from `value`.
    pub(super) extra: u8,
    pub(super) kind: Kind,
    pub(super) value: u16,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// A byte, or a number as it stands.
    #[default]
    Plain,
    /// A length or a distance.
    Base,
    /// The end of the block.
    End,
}

/// A table that is filled again for every block.
#[derive(Default)]
pub(super) struct Table {
    entries: Vec<Entry>,
    /// The longest code that is used.
    pub(super) bits: u32,
}

impl Table {
    /// Fills the table for a code whose symbol `n` has `lengths[n]` bits, none for 0, and means `meaning(n)`.
    pub(super) fn fill(&mut self, lengths: &[u8], meaning: impl Fn(usize) -> Entry) -> Result<(), Wrong> {
        let mut next = first_codes(lengths)?;
        self.bits = u32::from(lengths.iter().copied().max().unwrap_or(0));
        self.entries.clear();
        self.entries.resize(1 << self.bits, Entry::default());
        for (symbol, &bits) in lengths.iter().enumerate().filter(|(_, bits)| **bits > 0) {
            let code = &mut next[usize::from(bits)];
            let first = usize::from(code.reverse_bits() >> (16 - bits));
            *code += 1;
            let entry = Entry { bits, ..meaning(symbol) };
            // Whatever follows the code, it is this symbol.
            self.entries[first..].iter_mut().step_by(1 << bits).for_each(|slot| *slot = entry);
        }
        Ok(())
    }

    pub(super) fn get(&self, bits: usize) -> Entry {
        self.entries.get(bits).copied().unwrap_or_default()
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
