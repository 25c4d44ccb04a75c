//! Verification finds what is wrong, wherever it is.

use super::*;

fn bench_with_tree(codec: Codec) -> (Bench, Finished) {
    let bench = Bench { codec, ..Bench::new() };
    for number in 0..40 {
        let content = format!("file number {number}\n").repeat(number * 50);
        fs::write(bench.source().join(format!("f{number}")), content).expect("a file");
    }
    let mut noise = vec![0; 300_000];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);
    fs::write(bench.source().join("noise"), noise).expect("a file");
    let finished = bench.capture();
    (bench, finished)
}

#[test]
fn a_sound_archive_is_told_as_it_was_written() {
    for codec in [Codec::default(), Codec::Zstd { level: 3 }] {
        let (bench, finished) = bench_with_tree(codec);
        let report = bench.verify();
        assert_eq!(report.problems, []);
        assert_eq!(report.size_bytes, finished.size_bytes);
        assert_eq!(report.blake3_hex, Some(finished.blake3_hex));
        assert_eq!(report.entry_count, finished.entry_count);
        assert_eq!(report.content_bytes, finished.content_bytes);
    }
}

#[test]
fn a_flipped_bit_is_found_wherever_it_is() {
    for codec in [Codec::default(), Codec::Zstd { level: 3 }] {
        let (bench, finished) = bench_with_tree(codec);
        let sound = fs::read(bench.archive()).expect("an archive");
        let content = run("tar", &["-xOf", text(&bench.archive())]);
        for step in 0..60 {
            let position = (sound.len() - 1) * step / 59;
            let mut broken = sound.clone();
            broken[position] ^= 1 << (step % 8);
            fs::write(bench.archive(), broken).expect("room");
            let report = bench.verify();
            // Some bits mean nothing to a reader: time and system in a gzip header, what fills up the last byte of a
            // block. The file's hash still tells.
            let is_found = !report.is_sound() || report.blake3_hex.as_ref() != Some(&finished.blake3_hex);
            assert!(is_found, "{codec:?}: byte {position} of {}", sound.len());
            let is_same = || run("tar", &["-xOf", text(&bench.archive())]) == content;
            assert!(!report.is_sound() || is_same(), "{codec:?}: byte {position} of {}", sound.len());
        }
    }
}

#[test]
fn an_archive_that_is_cut_anywhere_is_found() {
    for codec in [Codec::default(), Codec::Zstd { level: 3 }] {
        let (bench, _) = bench_with_tree(codec);
        let sound = fs::read(bench.archive()).expect("an archive");
        let cuts = (0..40).map(|step| sound.len() * step / 40).chain([sound.len() - 1, sound.len() - 8]);
        for len in cuts {
            fs::write(bench.archive(), &sound[..len]).expect("room");
            assert!(!bench.verify().is_sound(), "{codec:?}: cut to {len} of {}", sound.len());
        }
    }
}

#[test]
fn bytes_behind_the_end_are_found() {
    for codec in [Codec::default(), Codec::Zstd { level: 3 }] {
        let (bench, _) = bench_with_tree(codec);
        let mut bytes = fs::read(bench.archive()).expect("an archive");
        bytes.extend_from_slice(b"more");
        fs::write(bench.archive(), bytes).expect("room");
        assert!(!bench.verify().is_sound(), "{codec:?}");
    }
}

/// Takes the archive apart with GNU tar, lets `change` at the files, and packs the given names again.
fn repacked(bench: &Bench, change: impl FnOnce(&Path, &mut Vec<String>)) -> VerifyReport {
    let listing = String::from_utf8(run("tar", &["-tf", text(&bench.archive())])).expect("plain names");
    let mut names: Vec<String> = listing.lines().map(str::to_owned).collect();
    let at = bench.dir.path().join("unpacked");
    fs::create_dir(&at).expect("a directory");
    run("tar", &["-xpf", text(&bench.archive()), "-C", text(&at)]);
    change(&at, &mut names);
    let list = bench.dir.path().join("names");
    fs::write(&list, names.join("\n")).expect("a file");
    let archive = bench.archive();
    run("tar", &["--format=posix", "--no-recursion", "-C", text(&at), "-czf", text(&archive), "-T", text(&list)]);
    bench.verify()
}

#[test]
fn an_archive_packed_again_by_gnu_tar_is_still_sound() {
    let (bench, _) = bench_with_tree(Codec::default());
    assert_eq!(repacked(&bench, |_, _| {}).problems, []);
}

#[test]
fn missing_extra_and_changed_entries_are_told_apart() {
    let (bench, _) = bench_with_tree(Codec::default());
    let report = repacked(&bench, |at, names| {
        let volume = format!("{TOP}/volumes/app-data");
        names.retain(|name| *name != format!("{volume}/f7"));
        fs::write(at.join(&volume).join("extra"), "x").expect("a file");
        names.insert(5, format!("{volume}/extra"));
        let changed = at.join(&volume).join("f9");
        let before = fs::metadata(&changed).expect("a file").modified().expect("a time");
        let content = fs::read(&changed).expect("a file");
        fs::write(&changed, content.to_ascii_uppercase()).expect("room");
        fs::File::options().write(true).open(&changed).and_then(|f| f.set_modified(before)).expect("a time");
        let touched = fs::File::options().write(true).open(at.join(&volume).join("f11")).expect("a file");
        touched.set_modified(std::time::SystemTime::UNIX_EPOCH).expect("a time");
    });
    let path = |name: &str| format!("volumes/app-data/{name}");
    let expected = [
        Problem::Missing(path("f7")),
        Problem::Extra(path("extra")),
        Problem::Content(path("f9")),
        Problem::Metadata(path("f11")),
        Problem::Metadata("volumes/app-data".to_owned()), // its time, by the file that came into it
    ];
    for problem in &expected {
        assert!(report.problems.contains(problem), "{problem:?} in {:?}", report.problems);
    }
    assert_eq!(report.problem_count, expected.len() as u64, "{:?}", report.problems);
}

#[test]
fn a_missing_or_broken_manifest_is_found() {
    let (bench, _) = bench_with_tree(Codec::default());
    let report = repacked(&bench, |_, names| drop(names.pop()));
    assert_eq!(report.problems, [Problem::NoManifest]);

    let (bench, _) = bench_with_tree(Codec::default());
    let report =
        repacked(&bench, |at, _| fs::write(at.join(TOP).join("manifest.json"), "{\"version\":1,").expect("room"));
    assert!(matches!(report.problems[..], [Problem::BadManifest(_)]), "{:?}", report.problems);
}

#[test]
fn a_verification_can_be_cancelled_and_tells_what_is_no_archive() {
    let (bench, _) = bench_with_tree(Codec::default());
    let meter = Meter::new();
    meter.cancel();
    let outcome = verify(&bench.archive(), bench.dir.path(), &meter);
    assert!(matches!(outcome, Err(VerifyError::Cancelled)), "{outcome:?}");
    let outcome = verify(&bench.dir.path().join("none"), bench.dir.path(), &Meter::new());
    assert!(matches!(outcome, Err(VerifyError::Read { .. })), "{outcome:?}");
    fs::write(bench.archive(), "no archive").expect("room");
    assert!(!bench.verify().is_sound());
    fs::write(bench.archive(), "").expect("room");
    assert!(!bench.verify().is_sound());
}
