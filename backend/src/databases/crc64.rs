//! The checksum of Redis's files: CRC-64 with Jones's polynomial, least significant bit first (Redis, `src/crc64.c`).

const POLYNOMIAL: u64 = 0x95ac_9329_ac4b_c9b5;

/// One step of the checksum for every byte.
static TABLE: [u64; 256] = table();

const fn table() -> [u64; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        let mut value = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ POLYNOMIAL } else { value >> 1 };
            bit += 1;
        }
        table[byte] = value;
        byte += 1;
    }
    table
}

/// A checksum on its way.
pub(super) struct Crc64(u64);

impl Crc64 {
    /// Of nothing.
    pub(super) const fn new() -> Self {
        Self(0)
    }

    /// Goes on with more bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let step = usize::from(self.0.to_le_bytes()[0] ^ byte);
            self.0 = TABLE[step] ^ (self.0 >> 8);
        }
    }

    /// Of everything so far.
    pub(super) const fn value(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_one_of_redis() {
        let mut sum = Crc64::new();
        sum.update(b"12345");
        sum.update(b"6789");
        // The check value that stands in Redis's own source.
        assert_eq!(sum.value(), 0xe9c6_d914_c4b8_d9ca);
    }
}
