//! What goes in comes out, read by an implementation that shares no line with ISA-L.

use flate2::{Decompress, FlushDecompress, Status};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn inflate(deflated: &[u8], len: usize) -> Vec<u8> {
    let mut plain = Vec::with_capacity(len + 1);
    let status = Decompress::new(false).decompress_vec(deflated, &mut plain, FlushDecompress::Sync);
    assert_ne!(status.expect("valid deflate"), Status::StreamEnd, "no block may be the last");
    plain
}

fn noise(len: usize, mut seed: u64) -> Vec<u8> {
    let mut next = || {
        seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (seed >> 33) as u8
    };
    (0..len).map(|_| next()).collect()
}

fn deflater() -> Deflater {
    Deflater::new().expect("ISA-L is in this build")
}

#[test]
fn odd_lengths_and_contents_survive() {
    let mut deflater = deflater();
    let text = b"select * from orders where id = 17;\n".repeat(40_000);
    for len in [0, 1, 2, 7, 8, 9, 63, 64, 257, 258, 259, 65_534, 65_535, 65_536, 131_071, 1 << 20, text.len()] {
        for plain in [vec![0; len], vec![0xff; len], noise(len, len as u64), text[..len.min(text.len())].to_vec()] {
            let mut out = b"before".to_vec();
            deflater.deflate(&plain, &mut out).expect("room");
            let deflated = out.strip_prefix(b"before").expect("what was there stays");
            assert!(inflate(deflated, plain.len()) == plain, "{len} bytes");
            assert!(deflated.len() <= plain.len() + (plain.len() / 65_535 + 1) * 5 + 5, "{len} bytes grew");
        }
    }
}

#[test]
fn a_piece_does_not_remember_the_one_before_it() {
    let (plain, mut deflater) = (b"the same again and again, ".repeat(1000), deflater());
    let [mut one, mut two, mut alone] = [Vec::new(), Vec::new(), Vec::new()];
    deflater.deflate(&plain, &mut one).expect("room");
    deflater.deflate(&plain, &mut two).expect("room");
    self::deflater().deflate(&plain, &mut alone).expect("room");
    assert!(one == two && two == alone);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn pieces_stand_one_after_another(pieces in vec((any::<u64>(), 0_usize..300_000, 0_u8..4), 1..6)) {
        let (mut deflater, mut out, mut all) = (deflater(), Vec::new(), Vec::new());
        for (seed, len, kind) in pieces {
            let plain = match kind {
                0 => noise(len, seed),
                1 => vec![seed as u8; len],
                2 => noise(1 + seed as usize % 40_000, seed).into_iter().cycle().take(len).collect(),
                _ => noise(len, seed).iter().map(|byte| b"etaoin shrdlu\n"[usize::from(*byte) % 14]).collect(),
            };
            deflater.deflate(&plain, &mut out).expect("room");
            all.extend(plain);
        }
        prop_assert!(inflate(&out, all.len()) == all);
    }
}
