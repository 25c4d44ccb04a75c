//! The pool's output is one valid stream, whatever goes in.

use std::fs;
use std::io::{Read, Seek};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn start(file: fs::File, codec: Codec, workers: usize) -> io::Result<Press> {
    let path = &std::env::temp_dir().join("archive");
    let (reuse, sources) = (Arc::default(), Vec::new());
    Press::start(Setup { file, path, codec, workers, reuse, sources, is_archive: true, background: false })
}

fn press(codec: Codec, workers: usize, chunks: &[Vec<u8>]) -> (Vec<u8>, Stored) {
    let file = tempfile::tempfile().expect("a scratch file");
    let mut reader = file.try_clone().expect("a second handle");
    let mut press = start(file, codec, workers).expect("threads");
    for chunk in chunks {
        press.write(chunk).expect("room on the disk");
    }
    let stored = press.finish().expect("room on the disk");
    let mut bytes = Vec::new();
    reader.rewind().expect("a seekable file");
    reader.read_to_end(&mut bytes).expect("a readable file");
    (bytes, stored)
}

fn unpack(codec: Codec, bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match codec {
        Codec::Gzip { .. } => {
            let mut decoder = flate2::bufread::GzDecoder::new(bytes);
            decoder.read_to_end(&mut plain).expect("a valid member");
            assert!(decoder.into_inner().is_empty(), "nothing behind the only member");
        }
        Codec::Zstd { .. } => {
            plain = zstd::decode_all(bytes).expect("valid frames");
        }
    }
    plain
}

fn random(len: usize, seed: u8) -> Vec<u8> {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().update(&[seed]).finalize_xof().fill(&mut bytes);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn what_goes_in_comes_out(
        chunks in vec((any::<u8>(), 1_usize..700_000, 0_u8..3), 1..6),
        level in 0_u32..=9, workers in 1_usize..4, is_gzip: bool,
    ) {
        let chunk = |&(seed, len, kind): &(u8, usize, u8)| match kind {
            0 => random(len, seed),
            1 => vec![seed; len],
            _ => random(64, seed).iter().copied().cycle().take(len).collect(),
        };
        let chunks: Vec<Vec<u8>> = chunks.iter().map(chunk).collect();
        let codec = if is_gzip { Codec::Gzip { level } } else { Codec::Zstd { level: 1 + level as i32 } };
        let (bytes, stored) = press(codec, workers, &chunks);
        prop_assert_eq!(stored.size_bytes, bytes.len() as u64);
        prop_assert_eq!(stored.blake3_hex, blake3::hash(&bytes).to_hex().to_string());
        prop_assert!(unpack(codec, &bytes) == chunks.concat());
    }
}

#[test]
fn the_same_bytes_give_the_same_archive_on_any_number_of_threads() {
    let chunks = [random(3 << 20, 1), b"text that repeats itself\n".repeat(200_000)];
    let (one, _) = press(Codec::default(), 1, &chunks);
    let (four, _) = press(Codec::default(), 4, &chunks);
    assert!(one == four);
}

#[test]
fn incompressible_data_grows_by_next_to_nothing() {
    let data = random(8 << 20, 7);
    let (bytes, _) = press(Codec::default(), 2, std::slice::from_ref(&data));
    assert!(bytes.len() < data.len() + data.len() / 1000, "{} bytes for {}", bytes.len(), data.len());
}

#[test]
fn a_file_that_cannot_be_written_ends_the_press_with_its_error() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let outcome = start(full, Codec::Zstd { level: 1 }, 2).and_then(|mut press| {
        for _ in 0..64 {
            press.write(&random(1 << 20, 3))?;
        }
        press.finish()
    });
    assert_eq!(outcome.expect_err("no room").kind(), io::ErrorKind::StorageFull);
}
