//! A directory of an archive as a tar of its own.

use std::os::unix::fs::MetadataExt as _;

use super::odd_tree::{look, make_odd_tree};
use super::*;

const VOLUME: &str = "volumes/app-data";

/// The directory `dir` of the archive, unpacked by GNU tar.
fn unpacked(bench: &Bench, dir: &str) -> PathBuf {
    let (tar, into) = (bench.dir.path().join("folder.tar"), bench.dir.path().join("restored"));
    drop(fs::remove_dir_all(&into));
    fs::create_dir(&into).expect("a directory");
    let index = ArchiveIndex::open(&bench.archive()).expect("an index");
    let mut file = fs::File::create(&tar).expect("a file");
    let count = index.write_folder(dir.as_bytes(), &mut file).expect("a tar");
    assert!(count > 0);
    run("tar", &["--xattrs", "--xattrs-include=*", "--numeric-owner", "-C", text(&into), "-xpf", text(&tar)]);
    into.join(dir)
}

#[test]
fn a_folder_is_what_it_was() {
    for codec in [Codec::default(), Codec::Zstd { level: 3 }] {
        let bench = Bench { codec, ..Bench::new() };
        make_odd_tree(&bench.source());
        bench.capture();
        for dir in ["", "volumes", VOLUME] {
            unpacked(&bench, dir);
            let (source, copy) = (look(&bench.source()), look(&bench.dir.path().join("restored").join(VOLUME)));
            assert_eq!(source.keys().collect::<Vec<_>>(), copy.keys().collect::<Vec<_>>(), "{dir}");
            for (path, seen) in &source {
                assert_eq!(copy.get(path), Some(seen), "{}", String::from_utf8_lossy(path));
            }
        }
    }
}

#[test]
fn a_name_of_a_file_that_lies_elsewhere_has_its_content() {
    let bench = Bench::new();
    let source = bench.source();
    for dir in ["a", "b"] {
        fs::create_dir(source.join(dir)).expect("made");
    }
    // The walk meets `a/first`; the names in `b` are links to it.
    fs::write(source.join("a/first"), "content").expect("written");
    for name in ["b/0", "b/1"] {
        fs::hard_link(source.join("a/first"), source.join(name)).expect("linked");
    }
    bench.capture();
    let folder = unpacked(&bench, &format!("{VOLUME}/b"));
    let [one, other] = ["0", "1"].map(|name| fs::metadata(folder.join(name)).expect(name).ino());
    assert_eq!((one, fs::read_to_string(folder.join("1")).expect("content").as_str()), (other, "content"));
    assert!(!bench.dir.path().join("restored").join(VOLUME).join("a").exists(), "nothing else is in it");
}

#[test]
fn damage_ends_a_folder_with_an_error() {
    let bench = Bench::new();
    super::splice::make_tree(&bench.source());
    bench.capture();
    let mut bytes = fs::read(bench.archive()).expect("an archive");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(bench.archive(), bytes).expect("written");
    let index = ArchiveIndex::open(&bench.archive()).expect("an index");
    let outcome = index.write_folder(VOLUME.as_bytes(), &mut std::io::sink());
    assert!(outcome.is_err(), "{outcome:?}");
}

#[test]
fn names_are_found_as_a_walk_goes() {
    let bench = Bench::new();
    for name in ["a/x.txt", "a/b/x.txt", "a.txt", "z"] {
        let path = bench.source().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, name).expect("written");
    }
    bench.capture();
    let index = ArchiveIndex::open(&bench.archive()).expect("an index");
    let search = |after: Option<&[u8]>, limit| {
        let found = index.search(&|path| path.ends_with(b".txt"), after, limit).expect("a search");
        found.iter().map(|one| String::from_utf8_lossy(&one.path[VOLUME.len() + 1..]).into_owned()).collect::<Vec<_>>()
    };
    assert_eq!(search(None, 9), ["a/b/x.txt", "a/x.txt", "a.txt"]);
    assert_eq!(search(None, 1), ["a/b/x.txt"]);
    assert_eq!(search(Some(format!("{VOLUME}/a/b/x.txt").as_bytes()), 1), ["a/x.txt"]);
}
