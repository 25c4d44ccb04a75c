//! One file out of an archive, without reading the rest.

use super::odd_tree::make_odd_tree;
use super::splice::make_tree;
use super::*;

fn bench_with_archive(codec: Codec) -> Bench {
    let bench = Bench { codec, ..Bench::new() };
    make_tree(&bench.source());
    make_odd_tree(&bench.source());
    bench.capture();
    bench
}

fn names(listed: &[Listed]) -> Vec<String> {
    listed.iter().map(|one| String::from_utf8_lossy(&one.path).into_owned()).collect()
}

/// Every regular file of the archive comes out as GNU tar unpacks it.
fn assert_all_come_out(bench: &Bench) {
    let restored = bench.dir.path().join("restored");
    drop(fs::remove_dir_all(&restored));
    fs::create_dir(&restored).expect("a directory");
    let filter = if matches!(bench.codec, Codec::Gzip { .. }) { "--gzip" } else { "--zstd" };
    run("tar", &[filter, "-C", text(&restored), "-xpf", text(&bench.archive())]);
    let index = ArchiveIndex::open(&bench.archive()).expect("an index");
    let mut todo = vec![Vec::new()];
    let (mut files, mut others) = (0, 0);
    while let Some(dir) = todo.pop() {
        for listed in index.list(&dir, None, usize::MAX).expect("a listing") {
            use std::os::unix::ffi::OsStrExt;
            let path = restored.join(TOP).join(std::ffi::OsStr::from_bytes(&listed.path));
            let kind = listed.entry.as_ref().map_or(EntryKind::Directory, |entry| entry.kind);
            match kind {
                EntryKind::Directory => todo.push(listed.path),
                EntryKind::File | EntryKind::HardLink => {
                    let mut out = Vec::new();
                    let len = index.extract(&listed, &mut out).expect("a file");
                    assert_eq!(len, out.len() as u64);
                    assert!(out == fs::read(&path).expect("a file"), "{}", path.display());
                    assert_eq!(index.find(&listed.path).expect("a look"), Some(listed));
                    files += 1;
                }
                _ => {
                    let outcome = index.extract(&listed, &mut Vec::new());
                    assert!(matches!(outcome, Err(ExtractError::NotAFile(_))), "{outcome:?}");
                    others += 1;
                }
            }
        }
    }
    assert!(files > 380 && others > 5, "{files} files, {others} others");
}

#[test]
fn every_file_can_be_taken_out_alone() {
    for codec in [Codec::default(), Codec::Zstd { level: 3 }] {
        let bench = bench_with_archive(codec);
        assert_all_come_out(&bench);
    }
}

#[test]
fn an_index_can_be_made_from_the_archive_alone() {
    for codec in [Codec::default(), Codec::Zstd { level: 3 }] {
        let bench = bench_with_archive(codec);
        fs::remove_file(bench.dir.path().join("archive.partial.index")).expect("an index");
        assert!(matches!(ArchiveIndex::open(&bench.archive()), Err(IndexError::Unusable(_))));
        rebuild_index(&bench.archive(), &Meter::new()).expect("a sound archive");
        assert_all_come_out(&bench);
        assert!(Base::of_archive(&bench.archive(), codec).is_err(), "nothing is known of the files on the disk");
    }
}

#[test]
fn a_listing_goes_page_by_page_and_passes_over_what_is_below() {
    let bench = bench_with_archive(Codec::default());
    let index = ArchiveIndex::open(&bench.archive()).expect("an index");
    let top = index.list(b"", None, 10).expect("a listing");
    assert_eq!((names(&top), &top[0].entry), (vec!["volumes".to_owned()], &None));
    let volume = index.list(b"volumes", None, 10).expect("a listing");
    assert_eq!(names(&volume), ["volumes/app-data"]);
    assert_eq!(volume[0].entry.as_ref().map(|entry| entry.kind), Some(EntryKind::Directory));
    let all = index.list(b"volumes/app-data", None, usize::MAX).expect("a listing");
    let mut paged: Vec<Listed> = Vec::new();
    loop {
        let after = paged.last().map(|last| last.path.clone());
        let page = index.list(b"volumes/app-data", after.as_deref(), 3).expect("a listing");
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, all);
    let mut sorted = names(&all);
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted.len(), all.len());
    assert_eq!(index.list(b"volumes/app-data/dir 1", None, 100).expect("a listing").len(), 60);
    assert_eq!(index.list(b"volumes/app-data/di", None, 100).expect("a listing"), []);
    assert_eq!(index.find(b"volumes/none").expect("a look"), None);
}

#[test]
fn damage_shows_when_a_file_is_taken_out() {
    let bench = bench_with_archive(Codec::default());
    let index = ArchiveIndex::open(&bench.archive()).expect("an index");
    let large = index.find(b"volumes/app-data/large 3").expect("a look").expect("a file");
    let mut bytes = fs::read(bench.archive()).expect("an archive");
    for at in (100..bytes.len() - 5000).step_by(100_000) {
        bytes[at] ^= 1;
    }
    fs::write(bench.archive(), bytes).expect("room");
    let index = ArchiveIndex::open(&bench.archive()).expect("its end is as it was");
    let outcome = index.extract(&large, &mut Vec::new());
    assert!(matches!(outcome, Err(ExtractError::Index(IndexError::Damaged(_)))), "{outcome:?}");
}

#[test]
fn a_receiver_that_fails_is_told_apart() {
    let bench = bench_with_archive(Codec::default());
    let index = ArchiveIndex::open(&bench.archive()).expect("an index");
    let large = index.find(b"volumes/app-data/large 3").expect("a look").expect("a file");
    let mut full = fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    assert!(matches!(index.extract(&large, &mut full), Err(ExtractError::Write(_))));
}
