//! Every kernel's pieces, among those of all others, are one gzip member for every reader; a wrong one is found.

use std::io::{Read, Write};
use std::process::Stdio;

use flate2::bufread::GzDecoder;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Each kernel there is: all levels, zlib, and ISA-L itself where it is built in, whatever its trial says.
fn kernels() -> Vec<Kernel> {
    let mut kernels: Vec<Kernel> = (1..=9).map(Kernel::new).collect();
    kernels.extend((1..=9).map(|level| Kernel { engine: Engine::libdeflate(level), runs: 0 }));
    kernels.push(Kernel { engine: Engine::zlib(), runs: 0 });
    kernels.extend(isal_press::Deflater::new().map(|isal| Kernel { engine: Engine::Isal(isal), runs: 0 }));
    kernels
}

/// A gzip file (RFC 1952) around pieces that are there.
fn member(pieces: &[u8], plain: &[u8]) -> Vec<u8> {
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    [&head, pieces, &[3, 0], &crc32fast::hash(plain).to_le_bytes(), &(plain.len() as u32).to_le_bytes()].concat()
}

fn gunzip(file: &[u8]) -> Vec<u8> {
    let (mut plain, mut decoder) = (Vec::new(), GzDecoder::new(file));
    decoder.read_to_end(&mut plain).expect("a valid member");
    assert!(decoder.into_inner().is_empty(), "nothing behind the only member");
    plain
}

fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

/// Data of a kind: noise, one byte, a period as long as a match can reach or longer, text, numbers that count up.
fn plain(seed: u64, len: usize, kind: u8) -> Vec<u8> {
    let word = |n: u8| &b"the stack stops and starts again: volume backup 0123456789\n"[usize::from(n) % 50..][..7];
    match kind {
        0 => noise(len, seed),
        1 => vec![seed as u8; len],
        2 => noise(1 + seed as usize % 40_000, seed).into_iter().cycle().take(len).collect(),
        3 => noise(len / 6 + 1, seed).into_iter().flat_map(word).copied().take(len).collect(),
        _ => (0..len).map(|n| ((n as u64 / 3) ^ seed) as u8).collect(),
    }
}

#[expect(clippy::disallowed_methods, reason = "other programs are the judges of our archives")]
fn pipe(program: &str, args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = std::process::Command::new(program);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|e| panic!("{program}: {e}"));
    let mut stdin = child.stdin.take().expect("a pipe");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input).expect("it reads everything"));
        child.wait_with_output().expect("it ends")
    });
    assert!(output.status.success(), "{program} {args:?}: {}", output.status);
    output.stdout
}

#[test]
fn pieces_of_all_kernels_are_one_member_for_gzip_and_python() {
    let (mut pieces, mut all) = (Vec::new(), Vec::new());
    let mut kernels = kernels();
    for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0]] {
        kernels.reverse();
        for (n, kernel) in kernels.iter_mut().enumerate() {
            for kind in order {
                let plain = plain(n as u64, [0, 1, 300, 65_536, 200_000][(n + usize::from(kind)) % 5], kind);
                kernel.append(&plain, &mut pieces).expect("deflated");
                all.extend(plain);
            }
        }
    }
    let file = member(&pieces, &all);
    assert!(gunzip(&file) == all, "zlib-rs");
    assert!(pipe("gzip", &["-dc"], &file) == all, "gzip");
    let decompressor = "import sys,zlib\nd = zlib.decompressobj(31)\nsys.stdout.buffer.write(d.decompress(sys.stdin.buffer.read()))\n\
                        assert d.eof and not d.unused_data";
    assert!(pipe("python3", &["-c", decompressor], &file) == all, "python, which stops behind the first member");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn pieces_of_kernels_stand_in_any_order(
        pieces in vec((any::<prop::sample::Index>(), any::<u64>(), 0_usize..150_000, 0_u8..5), 1..12),
    ) {
        let mut kernels = kernels();
        let (mut out, mut all) = (Vec::new(), Vec::new());
        for (kernel, seed, len, kind) in pieces {
            let plain = plain(seed, len, kind);
            let count = kernels.len();
            kernels[kernel.index(count)].append(&plain, &mut out).expect("deflated");
            all.extend(plain);
        }
        prop_assert!(gunzip(&member(&out, &all)) == all);
    }

    /// Nothing that is not the stream may pass, and nothing may panic.
    #[test]
    fn a_changed_stream_is_refused_or_still_right(
        seed: u64, len in 1_usize..20_000, kind in 0_u8..5, level in 1_u32..=9, hits in vec((any::<prop::sample::Index>(), 1_u8..), 1..4),
    ) {
        let plain = plain(seed, len, kind);
        let mut stream = complete(level, &plain);
        for (place, flip) in hits {
            let place = place.index(stream.len());
            stream[place] ^= flip;
        }
        let is_right = inflate_complete(&stream, plain.len()).is_some_and(|found| found == plain);
        prop_assert!(blocks::compare(&stream, &plain).is_ok() <= is_right);
    }
}

fn complete(level: u32, plain: &[u8]) -> Vec<u8> {
    let Engine::Libdeflate(mut compressor) = Engine::libdeflate(level) else { panic!("libdeflate") };
    let mut out = vec![0; compressor.deflate_compress_bound(plain.len())];
    let len = compressor.deflate_compress(plain, &mut out).expect("room");
    out.truncate(len);
    out
}

fn inflate_complete(stream: &[u8], len: usize) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(len + 1);
    let status = Decompress::new(false).decompress_vec(stream, &mut plain, FlushDecompress::Finish);
    matches!(status, Ok(flate2::Status::StreamEnd)).then_some(plain)
}

#[test]
fn a_stream_is_refused_when_it_is_cut_or_of_something_else() {
    let plain = plain(1, 50_000, 3);
    let stream = complete(6, &plain);
    assert!(blocks::compare(&stream, &plain).is_ok());
    for len in [0, 1, 2, 100, stream.len() - 1] {
        assert!(blocks::compare(&stream[..len], &plain).is_err(), "cut to {len} bytes");
    }
    assert!(blocks::compare(&stream, &plain[..49_999]).is_err(), "more than it should hold");
    assert!(blocks::compare(&stream, &[&plain[..], b"x"].concat()).is_err(), "less than it should hold");
    let other = [&plain[..40_000], b"!", &plain[40_001..]].concat();
    assert!(blocks::compare(&stream, &other).is_err(), "something else");
}

#[test]
fn a_kernel_that_is_wrong_is_replaced_and_its_piece_made_again() {
    let (mut kernel, mut out) = (Kernel { engine: Engine::Lying, runs: 0 }, b"before".to_vec());
    let plain = plain(2, 10_000, 3);
    kernel.append(&plain, &mut out).expect("zlib does it");
    assert!(matches!(kernel.engine, Engine::Zlib(_)), "it is not asked again");
    let pieces = out.strip_prefix(b"before").expect("what was there stays");
    assert!(gunzip(&member(pieces, &plain)) == plain);
}

#[test]
fn a_sampled_kernel_is_checked_at_first_and_every_so_often() {
    let wrong = |runs| {
        let mut kernel = Kernel { engine: Engine::Lying, runs };
        kernel.append(b"something", &mut Vec::new()).expect("deflated");
        matches!(kernel.engine, Engine::Zlib(_))
    };
    assert!(wrong(0) && wrong(SAMPLE) && wrong(7 * SAMPLE));
    assert!(!wrong(1) && !wrong(SAMPLE - 1), "checking everything takes longer than the kernel does");
}

#[test]
fn isal_serves_the_fast_levels_where_it_is_built_in() {
    let is_isal = |level| matches!(Kernel::new(level).engine, Engine::Isal(_));
    let is_built_in = isal_press::Deflater::new().is_some();
    assert_eq!([1, 2, 3].map(is_isal), [is_built_in && trial::is_isal_fit(); 3]);
    assert_eq!([4, 6, 9].map(is_isal), [false; 3]);
}
