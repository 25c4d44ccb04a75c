//! What is written down of pieces, groups and bodies.
//!
//! A *piece* is at most a mebibyte of the tar, compressed by itself, so that pieces of any origin can be put one after
//! another. A *group* is what is reused or made anew as a whole: a run of small entries, or one large file, whose header
//! is a piece of its own and whose *body* is the pieces after it. The header of an entry names the archive's top
//! directory and with it the time of the backup, so groups are alike only within a job; bodies are alike for ever.

use super::table::{Fields, Record};

/// A hash that stands for something: the identity of a group or a body, the content of a piece.
pub(super) type Key = [u8; 32];

/// A piece and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    /// Which of the writer's files has it; 0 is the writer's own.
    pub(super) source: u32,
    pub(super) offset: u64,
    pub(super) stored_len: u32,
    pub(super) plain_len: u32,
    /// CRC-32 of the plain bytes.
    pub(super) crc: u32,
    /// CRC-32 of the compressed bytes.
    pub(super) stored_crc: u32,
    /// BLAKE3 of the plain bytes.
    pub(super) hash: Key,
}

impl Record for Piece {
    const LEN: usize = 60;

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.source.to_le_bytes());
        out.extend_from_slice(&self.offset.to_le_bytes());
        for number in [self.stored_len, self.plain_len, self.crc, self.stored_crc] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&self.hash);
    }

    fn decode(mut fields: Fields<'_>) -> Self {
        Self {
            source: fields.u32(),
            offset: fields.u64(),
            stored_len: fields.u32(),
            plain_len: fields.u32(),
            crc: fields.u32(),
            stored_crc: fields.u32(),
            hash: fields.array(),
        }
    }
}

/// A group of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Group {
    /// The identity of its entries; zeros if it must not be reused by identity.
    pub(super) key: Key,
    /// Its lines among those of the pass.
    pub(super) lines_at: u64,
    pub(super) lines_len: u64,
    pub(super) first_piece: u64,
    pub(super) piece_count: u32,
    pub(super) entry_count: u32,
    pub(super) content_bytes: u64,
    /// One more than the number of the clone that has its body; 0 if it has none.
    pub(super) clone: u32,
}

/// The key of what has none.
pub(super) const NO_KEY: Key = [0; 32];

impl Record for Group {
    const LEN: usize = 76;

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.key);
        for number in [self.lines_at, self.lines_len, self.first_piece, self.content_bytes] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for number in [self.piece_count, self.entry_count, self.clone] {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }

    fn decode(mut fields: Fields<'_>) -> Self {
        let key = fields.array();
        let [lines_at, lines_len, first_piece, content_bytes] = std::array::from_fn(|_| fields.u64());
        let [piece_count, entry_count, clone] = std::array::from_fn(|_| fields.u32());
        Self { key, lines_at, lines_len, first_piece, piece_count, entry_count, content_bytes, clone }
    }
}

/// The content of a large file, padding included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Body {
    /// The identity of the file, its path not counted.
    pub(super) key: Key,
    /// BLAKE3 of the content.
    pub(super) hash: Key,
    pub(super) first_piece: u64,
    pub(super) piece_count: u32,
}

impl Record for Body {
    const LEN: usize = 76;

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.key);
        out.extend_from_slice(&self.hash);
        out.extend_from_slice(&self.first_piece.to_le_bytes());
        out.extend_from_slice(&self.piece_count.to_le_bytes());
    }

    fn decode(mut fields: Fields<'_>) -> Self {
        Self { key: fields.array(), hash: fields.array(), first_piece: fields.u64(), piece_count: fields.u32() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back<R: Record + PartialEq + std::fmt::Debug>(record: &R) {
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        assert_eq!(bytes.len(), R::LEN);
        assert_eq!(&R::decode(Fields(&bytes)), record);
    }

    #[test]
    fn records_take_their_length_and_come_back() {
        let hash = [7; 32];
        there_and_back(&Piece {
            source: 1,
            offset: 1 << 40,
            stored_len: 2,
            plain_len: 3,
            crc: 4,
            stored_crc: u32::MAX,
            hash,
        });
        there_and_back(&Body { key: [1; 32], hash, first_piece: 1 << 33, piece_count: 5 });
        there_and_back(&Group {
            key: hash,
            lines_at: 1,
            lines_len: 2,
            first_piece: 3,
            piece_count: 4,
            entry_count: 5,
            content_bytes: 1 << 50,
            clone: 6,
        });
    }
}
