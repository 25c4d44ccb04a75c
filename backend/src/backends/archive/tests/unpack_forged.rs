//! Archives that somebody made to do harm, and archives that rotted: each has a clear answer, nothing outside of the place is
//! touched, and nothing stays at the place.

use std::io::Write as _;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use super::super::header::{BLOCK, encode, padding};
use super::super::manifest::Entry;
use super::super::node::{Mtime, Node};
use super::odd_tree::make_odd_tree;
use super::*;

const ROOT: &str = "shop_2026-01-01_00-00-00/volumes/v";

/// An entry with its content, and what the manifest says of it.
struct Forged {
    node: Node,
    body: Vec<u8>,
    entry: Entry,
}

fn forged(kind: EntryKind, path: &str, link: &str, body: &[u8]) -> Forged {
    let full = |path: &str| if path.is_empty() { ROOT.to_owned() } else { format!("{ROOT}/{path}") };
    let mut node = Node::generated(full(path).into_bytes(), body.len() as u64, Mtime { secs: 1_000_000_000, nanos: 5 });
    let link = if kind == EntryKind::HardLink { full(link) } else { link.to_owned() };
    (node.kind, node.link, node.mode) = (kind, link.into_bytes(), 0o755);
    let hash = (kind == EntryKind::File).then(|| blake3::hash(body));
    let entry = Entry::new(&node, ROOT.as_bytes(), hash);
    Forged { node, body: body.to_vec(), entry }
}

fn file(path: &str, body: &[u8]) -> Forged {
    forged(EntryKind::File, path, "", body)
}

fn directory(path: &str) -> Forged {
    forged(EntryKind::Directory, path, "", b"")
}

fn device(path: &str) -> Forged {
    let mut forged = forged(EntryKind::CharDevice, path, "", b"");
    forged.node.device = (0, 0);
    forged.entry = Entry::new(&forged.node, ROOT.as_bytes(), None);
    forged
}

fn put(tar: &mut impl std::io::Write, node: &Node, body: &[u8]) {
    tar.write_all(&encode(node)).expect("room");
    tar.write_all(body).expect("room");
    tar.write_all(&[0; BLOCK][..padding(body.len() as u64)]).expect("room");
}

impl Bench {
    /// Writes an archive with these entries, and a manifest that tells of them.
    fn forge(&self, entries: &[Forged]) {
        let told: Vec<&Entry> = entries.iter().map(|forged| &forged.entry).collect();
        self.forge_with(entries, &told);
    }

    fn forge_with(&self, entries: &[Forged], told: &[&Entry]) {
        let mut tar = GzEncoder::new(Vec::new(), Compression::fast());
        entries.iter().for_each(|forged| put(&mut tar, &forged.node, &forged.body));
        let target = json!({
            "kind": "volume", "name": "v", "path": "/v", "archive_path": "volumes/v", "entries": told,
        });
        let manifest = json!({ "version": 1, "targets": [target], "pieces": [] }).to_string().into_bytes();
        let path = format!("{TOP}/manifest.json").into_bytes();
        put(&mut tar, &Node::generated(path, manifest.len() as u64, Mtime::default()), &manifest);
        tar.write_all(&[0; 2 * BLOCK]).expect("room");
        fs::write(self.archive(), tar.finish().expect("room")).expect("written");
    }

    /// Unpacks what must not come out: returns what is said.
    fn refuse(&self) -> String {
        let outside = self.dir.path().join("outside");
        fs::create_dir_all(&outside).expect("a directory");
        fs::write(outside.join("precious"), "precious").expect("a file");
        let error = self.unpack(&[self.place("v", &[])]).expect_err("it came out");
        assert_eq!(self.left(), Vec::<String>::new(), "{error}");
        let kept = fs::read_dir(&outside).expect("a directory").count();
        assert_eq!((kept, fs::read_to_string(outside.join("precious")).expect("there").as_str()), (1, "precious"));
        error.to_string()
    }
}

#[test]
fn an_honest_archive_of_this_make_comes_out() {
    let bench = Bench::new();
    bench.forge(&[directory(""), file("a", b"one"), forged(EntryKind::HardLink, "b", "a", b"")]);
    let unpacked = bench.unpack(&[bench.place("v", &[])]).expect("unpacked");
    assert_eq!((unpacked[0].entries, unpacked[0].bytes), (3, 3));
    assert_eq!(fs::metadata(bench.out().join("v/b")).expect("there").nlink(), 2);
}

#[test]
fn nothing_leads_out() {
    let bench = Bench::new();
    let outside = text(&bench.dir.path().join("outside")).to_owned();
    let link = |path: &str, to: &str| forged(EntryKind::Symlink, path, to, b"");
    let hard = |path: &str, to: &str| forged(EntryKind::HardLink, path, to, b"");
    let table: Vec<(Vec<Forged>, &str)> = vec![
        (vec![directory(""), file("../../outside/x", b"x")], "leads out"),
        (vec![file("../outside", b"x")], "leads out"),
        (vec![directory(""), directory("..")], "leads out"),
        (vec![directory(""), file("a/./b", b"x")], "leads out"),
        (vec![directory(""), file("a//b", b"x")], "leads out"),
        (vec![directory(""), link("a", &outside), file("a/x", b"x")], "leads through a link"),
        (vec![directory(""), link("a", &outside), directory("a/x")], "leads through a link"),
        (vec![link("", &outside), file("x", b"x")], "leads through a link"),
        (vec![directory(""), link("a", &outside), hard("b", "a/precious")], "leads through a link"),
        (vec![directory(""), hard("b", "../../outside/precious")], "leads out"),
        (vec![directory(""), file("a", b"1"), file("a", b"2")], "is in it twice"),
        (vec![directory(""), directory("a"), directory("a")], "is in it twice"),
        (vec![directory(""), directory("a"), file("a", b"x")], "is in it twice"),
        (vec![directory(""), file("a", b"x"), directory("a")], "is in it twice"),
        (vec![directory(""), file("a", b"x"), file("a/b", b"x")], "leads through"),
        (vec![directory(""), link("a", &outside), file("a", b"x")], "is in it twice"),
    ];
    for (entries, said) in table {
        bench.forge(&entries);
        let told = bench.refuse();
        assert!(told.contains(said), "{told}, not '{said}'");
    }
}

#[test]
fn an_absolute_name_is_another_entry() {
    let bench = Bench::new();
    let mut evil = file("x", b"x");
    evil.node.path = bench.dir.path().join("outside/x").into_os_string().into_encoded_bytes();
    bench.forge(&[directory(""), evil]);
    assert!(bench.refuse().contains("another entry is in its place"));
    let mut evil = forged(EntryKind::HardLink, "b", "a", b"");
    evil.node.link = b"/etc/passwd".to_vec();
    bench.forge(&[directory(""), file("a", b"x"), evil]);
    assert!(bench.refuse().contains("its metadata differs"));
}

#[test]
fn a_device_is_made_only_when_the_manifest_tells_of_it() {
    let bench = Bench::new();
    let mut evil = file("d", b"");
    evil.node = device("d").node;
    bench.forge(&[directory(""), evil]);
    assert!(bench.refuse().contains("its metadata differs"));
    bench.forge(&[directory(""), device("whiteout")]);
    bench.unpack(&[bench.place("v", &[])]).expect("as root");
    let made = fs::symlink_metadata(bench.out().join("v/whiteout")).expect("there");
    assert!(made.file_type().is_char_device() && made.rdev() == 0);
}

#[test]
fn what_was_not_announced_is_not_written() {
    let bench = Bench::new();
    // Ten gigabytes of zeros in ten megabytes would be the same, and take longer.
    let bomb = Forged { entry: file("bomb", b"small").entry, ..file("bomb", &vec![0; 32 << 20]) };
    bench.forge(&[directory(""), bomb]);
    assert!(bench.archive().metadata().expect("there").len() < 1 << 20);
    assert!(bench.refuse().contains("its metadata differs"));
    let mut huge = file("huge", b"");
    huge.entry.size = 1 << 60;
    huge.node.size = 1 << 60;
    bench.forge(&[directory(""), huge]);
    assert!(bench.refuse().contains("there is no room"));
}

#[test]
fn everything_that_was_announced_must_come() {
    let bench = Bench::new();
    let (a, b) = (file("a", b"one"), file("b", b"two"));
    let root = directory("");
    let told = [&root.entry, &a.entry, &b.entry];
    bench.forge_with(&[directory(""), file("a", b"one")], &told);
    assert!(bench.refuse().contains("another entry is in its place"), "the manifest comes next");
    bench.forge_with(&[directory(""), file("b", b"two")], &told);
    assert!(bench.refuse().contains("'volumes/v/a' is not what the manifest says"));
    bench.forge_with(&[directory(""), file("a", b"0ne"), file("b", b"two")], &told);
    assert!(bench.refuse().contains("its content differs"));
}

#[test]
fn a_foreign_tar_is_left_to_tar() {
    let bench = Bench::new();
    fs::write(bench.source().join("a"), "x").expect("a file");
    run("tar", &["-C", text(&bench.source()), "-czf", text(&bench.archive()), "."]);
    assert!(bench.refuse().contains("unpack it with tar"));
    fs::write(bench.archive(), b"this is no archive at all, and too short for one").expect("written");
    assert!(bench.refuse().contains("cut short"));
    fs::write(bench.archive(), [7; 4096]).expect("written");
    assert!(bench.refuse().contains("damaged"));
}

#[test]
fn a_cut_archive_is_told_and_leaves_nothing() {
    for has_index in [true, false] {
        let bench = Bench::new();
        make_odd_tree(&bench.source());
        bench.capture();
        let whole = fs::read(bench.archive()).expect("an archive");
        for part in 1..8 {
            fs::write(bench.archive(), &whole[..whole.len() * part / 8]).expect("written");
            if !has_index {
                let _ = fs::remove_file(bench.archive().with_extension("partial.index"));
            }
            let place = UnpackPlace { name: "app-data".to_owned(), ..bench.place("v", &[]) };
            let error = bench.unpack(&[place]).expect_err("it is cut");
            assert!(matches!(error, UnpackError::Truncated | UnpackError::Damaged(_)), "{error}");
            assert_eq!(bench.left(), Vec::<String>::new());
        }
    }
}

#[test]
fn a_flipped_bit_is_found_wherever_it_is() {
    for has_index in [true, false] {
        let bench = Bench::new();
        fs::write(bench.source().join("a"), b"some text that repeats\n".repeat(500)).expect("a file");
        fs::write(bench.source().join("b"), "two").expect("a file");
        xattr::set(bench.source().join("b"), "user.note", b"as it was").expect("an attribute");
        bench.capture();
        let before = super::odd_tree::look(&bench.source());
        if !has_index {
            bench.without_index();
        }
        let whole = fs::read(bench.archive()).expect("an archive");
        let mut found = 0;
        for at in (0..whole.len()).step_by(5) {
            let mut broken = whole.clone();
            broken[at] ^= 1 << (at % 8);
            fs::write(bench.archive(), broken).expect("written");
            let to = bench.out().join(at.to_string());
            let place = UnpackPlace { name: "app-data".to_owned(), to: to.clone(), ..bench.place("v", &[]) };
            match bench.unpack(&[place]) {
                Err(_) => {
                    found += 1;
                    assert!(!to.exists());
                }
                // The head of a gzip file and the end of the manifest bear no data.
                Ok(_) => assert!(super::odd_tree::look(&to) == before, "byte {at}"),
            }
        }
        assert!(found * 5 > whole.len() / 2, "{found}");
    }
}
