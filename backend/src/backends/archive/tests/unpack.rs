//! What comes out of an archive is what went in, and nothing is put in the place of anything.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::odd_tree::{look, make_odd_tree};
use super::*;
use crate::domain::entry::EntryPath;

pub(super) type Tree = BTreeMap<Vec<u8>, super::odd_tree::Seen>;

impl Bench {
    pub(super) fn place(&self, name: &str, paths: &[&str]) -> UnpackPlace {
        let paths = paths.iter().map(|path| EntryPath::new(path.as_bytes()).expect("a path")).collect();
        UnpackPlace { kind: TargetKind::Volume, name: name.to_owned(), paths, to: self.out().join(name) }
    }

    /// Where places are.
    pub(super) fn out(&self) -> PathBuf {
        let out = self.dir.path().join("out");
        fs::create_dir_all(&out).expect("a directory");
        out
    }

    pub(super) fn unpack(&self, places: &[UnpackPlace]) -> Result<Vec<Unpacked>, UnpackError> {
        let plan = UnpackPlan::make(&self.archive(), places, &Meter::new())?;
        let unpacked = plan.run(&Meter::new())?;
        plan.sync()?;
        Ok(unpacked)
    }

    pub(super) fn without_index(&self) {
        fs::remove_file(self.archive().with_extension("partial.index")).expect("an index");
    }

    /// Names beside the places: nothing of ours may stay.
    pub(super) fn left(&self) -> Vec<String> {
        let entries = fs::read_dir(self.out()).expect("a directory");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn assert_same(source: &Tree, copy: &Tree) {
    assert_eq!(source.keys().collect::<Vec<_>>(), copy.keys().collect::<Vec<_>>());
    for (path, seen) in source {
        assert_eq!(copy.get(path), Some(seen), "{}", String::from_utf8_lossy(path));
    }
}

#[test]
fn the_odd_tree_comes_back_as_it_was() {
    for codec in [Codec::default(), Codec::Zstd { level: 3 }] {
        for has_index in [true, false] {
            let bench = Bench { codec, ..Bench::new() };
            make_odd_tree(&bench.source());
            let finished = bench.capture();
            if !has_index {
                bench.without_index();
            }
            let unpacked = bench.unpack(&[bench.place("app-data", &[])]).expect("unpacked");
            assert_eq!((unpacked[0].entries, &unpacked[0].notes), (finished.entry_count, &Vec::new()));
            let source = look(&bench.source());
            assert!(source.len() > 30, "the odd tree has {} entries", source.len());
            assert_same(&source, &look(&bench.out().join("app-data")));
            assert_eq!(bench.left(), ["app-data"]);
        }
    }
}

#[test]
fn what_is_in_an_archive_is_told() {
    let bench = Bench::new();
    make_odd_tree(&bench.source());
    let finished = bench.capture();
    for _ in 0..2 {
        let contents = read_contents(&bench.archive(), &Meter::new()).expect("contents");
        assert!(contents.has_manifest);
        assert_eq!(contents.about.get("stack"), Some(&Value::from("shop")));
        let held = &contents.targets[0];
        assert_eq!(
            (held.kind, held.name.as_str(), held.entries),
            (TargetKind::Volume, "app-data", finished.entry_count)
        );
        assert_eq!((held.archive_path.as_str(), &held.original_path), ("volumes/app-data", &bench.source()));
        assert_eq!(held.file_name, None);
        let _ = fs::remove_file(bench.archive().with_extension("partial.index"));
    }
}

#[test]
fn parts_come_with_the_directories_above_them_and_nothing_else() {
    for has_index in [true, false] {
        let bench = Bench::new();
        let source = bench.source();
        fs::create_dir_all(source.join("a/b/c")).expect("directories");
        fs::create_dir(source.join("other")).expect("a directory");
        for (name, content) in
            [("a/b/c/deep", "deep"), ("a/b/beside", "b"), ("a/bc", "c"), ("other/x", "x"), ("z", "z")]
        {
            fs::write(source.join(name), content).expect("a file");
        }
        // Far enough apart that the index is asked.
        for number in 0..300 {
            fs::write(source.join(format!("other/{number}")), "filler").expect("a file");
        }
        fs::set_permissions(source.join("a"), fs::Permissions::from_mode(0o2710)).expect("a mode");
        fs::set_permissions(&source, fs::Permissions::from_mode(0o1751)).expect("a mode");
        bench.capture();
        if !has_index {
            bench.without_index();
        }
        let unpacked = bench.unpack(&[bench.place("app-data", &["a/b", "z"])]).expect("unpacked");
        let (all, came) = (look(&source), look(&bench.out().join("app-data")));
        let names: Vec<_> = came.keys().map(|path| String::from_utf8_lossy(path).into_owned()).collect();
        assert_eq!(names, ["", "a", "a/b", "a/b/beside", "a/b/c", "a/b/c/deep", "z"]);
        assert_eq!((unpacked[0].entries, unpacked[0].bytes), (7, 6));
        came.iter().for_each(|(path, seen)| assert_eq!(all.get(path), Some(seen), "{}", String::from_utf8_lossy(path)));
        let missing = bench.place("app-data", &["a/b", "a/nothing"]);
        let missing = UnpackPlace { to: bench.out().join("again"), ..missing };
        let error = bench.unpack(&[missing]).expect_err("nothing");
        assert!(matches!(&error, UnpackError::UnknownPath { path, .. } if path == "a/nothing"), "{error}");
        assert_eq!(bench.left(), ["app-data"]);
    }
}

#[test]
fn a_further_name_has_the_content_of_a_file_that_is_not_wanted() {
    let bench = Bench::new();
    let source = bench.source();
    fs::create_dir(source.join("names")).expect("a directory");
    fs::write(source.join("first"), "content").expect("a file");
    for name in ["names/second", "names/third"] {
        fs::hard_link(source.join("first"), source.join(name)).expect("a link");
    }
    bench.capture();
    // Which of them is the first in the archive depends on the file system.
    for (number, wish) in ["names", "first", "names/second", "names/third"].into_iter().enumerate() {
        let to = bench.out().join(number.to_string());
        let place = UnpackPlace { to: to.clone(), ..bench.place("app-data", &[wish]) };
        bench.unpack(&[place]).expect("unpacked");
        let wanted: Vec<&str> = match wish {
            "names" => vec!["names/second", "names/third"],
            one => vec![one],
        };
        let inodes: Vec<u64> = wanted.iter().map(|name| fs::metadata(to.join(name)).expect("there").ino()).collect();
        assert!(inodes.iter().all(|inode| *inode == inodes[0]), "{wish}");
        let first = fs::metadata(to.join(wanted[0])).expect("there");
        assert_eq!(first.nlink(), wanted.len() as u64);
        assert_eq!(fs::read_to_string(to.join(wanted[0])).expect("read"), "content");
    }
}

#[test]
fn one_pass_serves_all_places_and_a_single_file_is_a_file() {
    let bench = Bench::new();
    fs::write(bench.source().join("a"), "one").expect("a file");
    symlink("a", bench.source().join("b")).expect("a link");
    let mut writer = bench.writer();
    writer.add_tree(&bench.source(), &TreeOptions::default()).expect("a capture");
    let target = |kind, name: &str, path: PathBuf, at: &str| TargetSpec {
        kind,
        name: name.to_owned(),
        original_path: path,
        archive_path: at.to_owned(),
    };
    writer.begin_target(target(TargetKind::Database, "db", "/staging".into(), "databases/db")).expect("a target");
    writer.add_bytes("dump.sql", b"select 1;").expect("an entry");
    let file = bench.source().join("a");
    writer.begin_target(target(TargetKind::Bind, text(&file), file.clone(), "binds/1")).expect("a target");
    writer.add_tree(&file, &TreeOptions::default()).expect("a capture");
    writer.begin_target(target(TargetKind::Path, text(&file), bench.source(), "paths/1")).expect("a target");
    let at = TreeOptions { at: "a".to_owned(), ..TreeOptions::default() };
    writer.add_tree(&file, &at).expect("a capture");
    writer.begin_target(target(TargetKind::Compose, "shop", bench.source(), "compose")).expect("a target");
    let at = TreeOptions { at: "conf/a".to_owned(), ..TreeOptions::default() };
    writer.add_tree(&file, &at).expect("a capture");
    writer.begin_target(target(TargetKind::Data, "shop", bench.source(), "data")).expect("a target");
    writer.finish(about(), &bench.archive()).expect("a complete archive");

    let contents = read_contents(&bench.archive(), &Meter::new()).expect("contents");
    let names: Vec<_> = contents.targets.iter().map(|held| held.file_name.as_deref()).collect();
    assert_eq!(names, [None, Some("dump.sql"), Some("a"), Some("a"), None, None]);
    let places = contents.targets.iter().enumerate().map(|(number, held)| UnpackPlace {
        kind: held.kind,
        name: held.name.clone(),
        paths: Vec::new(),
        to: bench.out().join(number.to_string()),
    });
    let places: Vec<UnpackPlace> = places.rev().collect();
    let unpacked = bench.unpack(&places).expect("unpacked");
    assert_eq!(unpacked.iter().map(|one| one.entries).collect::<Vec<_>>(), [0, 1, 1, 1, 1, 3]);
    let read = |path: &str| fs::read_to_string(bench.out().join(path)).expect("a file");
    assert_eq!(
        [read("0/a"), read("1"), read("2"), read("3"), read("4/conf/a")],
        ["one", "select 1;", "one", "one", "one"]
    );
    assert!(bench.out().join("5").is_dir(), "what was empty is an empty directory");
    let implied = fs::metadata(bench.out().join("4/conf")).expect("there");
    assert_eq!(implied.permissions().mode() & 0o7777, 0o755);
}

#[test]
fn what_is_there_stays_as_it_is() {
    let bench = Bench::new();
    fs::write(bench.source().join("a"), "one").expect("a file");
    bench.capture();
    let place = bench.place("app-data", &[]);
    fs::write(&place.to, "precious").expect("a file");
    assert!(matches!(bench.unpack(std::slice::from_ref(&place)), Err(UnpackError::Taken(_))));
    assert_eq!(fs::read_to_string(&place.to).expect("there"), "precious");
    fs::remove_file(&place.to).expect("removed");
    symlink("/nowhere", &place.to).expect("a link");
    assert!(matches!(bench.unpack(std::slice::from_ref(&place)), Err(UnpackError::Taken(_))));
    let other = UnpackPlace { to: bench.out().join("other"), ..place.clone() };
    let twice = UnpackPlace { to: bench.out().join("twice"), ..place.clone() };
    assert!(matches!(bench.unpack(&[other.clone(), twice]), Err(UnpackError::Twice(..))));
    let unknown = UnpackPlace { name: "nobody".to_owned(), ..other.clone() };
    assert!(matches!(bench.unpack(&[unknown]), Err(UnpackError::UnknownTarget { .. })));
    let nowhere = UnpackPlace { to: bench.out().join("no/parent"), ..other };
    assert!(bench.unpack(&[nowhere]).is_err());
    assert_eq!(bench.left(), ["app-data"]);
}

#[test]
fn a_cancel_leaves_nothing() {
    for has_index in [true, false] {
        let bench = Bench::new();
        make_odd_tree(&bench.source());
        bench.capture();
        if !has_index {
            bench.without_index();
        }
        let plan = UnpackPlan::make(&bench.archive(), &[bench.place("app-data", &[])], &Meter::new()).expect("a plan");
        let meter = Meter::new();
        meter.cancel();
        assert!(matches!(plan.run(&meter), Err(UnpackError::Cancelled)));
        assert_eq!(bench.left(), Vec::<String>::new());
    }
}

#[test]
fn an_index_that_lies_is_passed_over() {
    let bench = Bench::new();
    fs::write(bench.source().join("a"), "one").expect("a file");
    bench.capture();
    let index = bench.archive().with_extension("partial.index");
    let whole = fs::read(&index).expect("an index");
    for at in (0..whole.len()).step_by(7) {
        let mut broken = whole.clone();
        broken[at] ^= 0x10;
        fs::write(&index, broken).expect("written");
        let place = UnpackPlace { to: bench.out().join(at.to_string()), ..bench.place("app-data", &[]) };
        bench.unpack(std::slice::from_ref(&place)).unwrap_or_else(|error| panic!("byte {at}: {error}"));
        assert_eq!(fs::read_to_string(place.to.join("a")).expect("there"), "one");
    }
}
