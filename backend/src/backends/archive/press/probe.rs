//! Tells data that will not shrink, at a few microseconds a block, so that it is stored instead of deflated.

/// The unit of the decision. A mebibyte of media holds a header or some JSON nearly always; 64 KiB seldom does.
pub(super) const BLOCK: usize = 64 << 10;

const PROBES: usize = 16;
const PROBE: usize = 256;
/// Bits a byte; random bytes of this sample size show 7.955 on average.
const RANDOM_ABOVE: f32 = 7.93;
/// Equal four-byte words in the sample; random bytes have one in some hundred samples.
const REPEATS_BELOW: u32 = 4;

/// Whether `block` looks like random, compressed or encrypted data.
pub(super) fn is_incompressible(block: &[u8]) -> bool {
    if block.len() < PROBES * PROBE * 2 {
        return false;
    }
    let stride = block.len() / PROBES;
    let samples = || block.chunks_exact(stride).take(PROBES).map(|chunk| &chunk[..PROBE]);
    entropy(samples()) > RANDOM_ABOVE && repeats(samples()) < REPEATS_BELOW
}

fn entropy<'a>(samples: impl Iterator<Item = &'a [u8]>) -> f32 {
    let mut counts = [0_u16; 256];
    for &byte in samples.flatten() {
        counts[usize::from(byte)] += 1;
    }
    let total = (PROBES * PROBE) as f32;
    let share = |count: u16| f32::from(count) / total;
    counts.iter().filter(|&&count| count > 0).map(|&count| -share(count) * share(count).log2()).sum()
}

/// Catches data whose bytes are evenly spread and yet repeat, such as counters and tables.
fn repeats<'a>(samples: impl Iterator<Item = &'a [u8]>) -> u32 {
    let mut seen = [0_u32; PROBES * PROBE];
    let mut count = 0;
    for sample in samples {
        for word in sample.windows(4) {
            let word = u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
            let slot = (word.wrapping_mul(0x9e37_79b1) >> 20) as usize;
            count += u32::from(seen[slot] == word && word != 0);
            seen[slot] = word;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        blake3::Hasher::new().finalize_xof().fill(&mut bytes);
        bytes
    }

    #[test]
    fn random_data_is_stored_and_everything_else_is_pressed() {
        assert!(random(4 << 20).chunks(BLOCK).all(is_incompressible));
        let text = b"the quick brown fox jumps over the lazy dog\n".repeat(2000);
        assert!(!is_incompressible(&text[..BLOCK]));
        let flat: Vec<u8> = (0..BLOCK).map(|i| i as u8).collect();
        assert!(!is_incompressible(&flat), "evenly spread, yet it repeats");
        assert!(!is_incompressible(&random(1000)), "too short to judge");
        let halves = [random(BLOCK / 2), vec![0; BLOCK / 2]].concat();
        assert!(!is_incompressible(&halves));
    }
}
