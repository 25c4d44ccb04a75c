//! Every odd kind of file, archived by us, restored by GNU tar, compared with the source.

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr};
use std::fs::{self, File, Metadata};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, makedev, mknodat, utimensat};

use super::*;

/// Everything that can be seen of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    mode: u32,
    owner: (u32, u32),
    size: u64,
    mtime: (i64, i64),
    device: u64,
    /// The first path of the same inode, for files with several names.
    twin: Option<Vec<u8>>,
    content: Vec<u8>,
    is_sparse: bool,
    xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Seen {
    /// The same file as an old restic brings it back: without holes, without attributes of what is neither a file nor a
    /// directory, and with replacement characters in the target of a link that is no UTF-8.
    pub(crate) fn kept_by_restic(mut self) -> Self {
        let kind = FileType::from_raw_mode(self.mode);
        if !matches!(kind, FileType::RegularFile | FileType::Directory) {
            self.xattrs.clear();
        }
        if kind == FileType::Symlink {
            self.content = String::from_utf8_lossy(&self.content).into_owned().into_bytes();
            self.size = self.content.len() as u64;
        }
        Self { is_sparse: false, ..self }
    }
}

#[test]
fn gnu_tar_restores_the_odd_tree_as_it_was() {
    for codec in [Codec::default(), Codec::Zstd { level: 3 }] {
        let bench = Bench { codec, ..Bench::new() };
        make_odd_tree(&bench.source());
        let finished = bench.capture();
        let report = &finished.targets[0];
        assert_eq!(report.warnings, [], "an odd file is no gap");
        assert_eq!(report.left_out.len(), 1, "{:?}", report.left_out);
        assert_eq!(report.left_out[0].path, "socket");
        let verified = bench.verify();
        assert_eq!(verified.problems, []);
        assert_eq!((verified.entry_count, verified.content_bytes), (finished.entry_count, finished.content_bytes));

        let restored = bench.dir.path().join("restored");
        fs::create_dir(&restored).expect("a directory");
        let (archive, into) = (bench.archive(), text(&restored).to_owned());
        let filter = if matches!(codec, Codec::Gzip { .. }) { "--gzip" } else { "--zstd" };
        run("tar", &[filter, "--xattrs", "--xattrs-include=*", "--numeric-owner", "-C", &into, "-xpf", text(&archive)]);
        let source = look(&bench.source());
        let copy = look(&restored.join(TOP).join("volumes/app-data"));
        assert_eq!(source.keys().collect::<Vec<_>>(), copy.keys().collect::<Vec<_>>());
        assert!(source.len() > 30, "the odd tree has {} entries", source.len());
        for (path, seen) in &source {
            assert_eq!(copy.get(path), Some(seen), "{}", String::from_utf8_lossy(path));
        }
        assert_eq!(report.entry_count, source.len() as u64);
    }
}

#[test]
fn gzip_and_python_read_the_archive() {
    let bench = Bench::new();
    make_odd_tree(&bench.source());
    let finished = bench.capture();
    run("gzip", &["-t", text(&bench.archive())]);
    let count = "import sys,tarfile; print(len(tarfile.open(sys.argv[1]).getnames()))";
    let count = run("python3", &["-c", count, text(&bench.archive())]);
    assert_eq!(String::from_utf8_lossy(&count).trim(), (finished.entry_count + 1).to_string());
}

#[test]
fn the_manifest_names_every_path_without_loss() {
    let bench = Bench::new();
    make_odd_tree(&bench.source());
    bench.capture();
    let manifest = bench.manifest();
    let entries = manifest["targets"][0]["entries"].as_array().expect("entries");
    let find = |path: &str| entries.iter().find(|e| e["path"] == path).unwrap_or_else(|| panic!("{path}"));
    assert_eq!(find("latin-\u{fffd}")["path_bytes"], "6c6174696e2de9");
    assert_eq!(find("new\nline")["path_bytes"], Value::Null);
    assert_eq!(find(".")["mode"], "1751");
    assert_eq!(find("before-1970")["mtime"], "1969-12-31T23:59:58.500000000Z");
    assert_eq!(find("sparse")["sparse"], true);
    assert_eq!(find("setuid")["mode"], "4755");
    let links: Vec<_> = entries.iter().filter(|e| e["type"] == "hard_link").map(|e| &e["link_target"]).collect();
    assert_eq!(links.len(), 2);
    assert_eq!(links[0], links[1]);
}

/// A tree with every odd kind of file. Takes root.
pub(crate) fn make_odd_tree(root: &Path) {
    let file = |name: &str, content: &[u8]| {
        fs::write(root.join(name), content).expect("a file");
        root.join(name)
    };
    file("empty", b"");
    file("exactly-one-block", &[7; 512]);
    file("large", &b"some text that repeats\n".repeat(150_000));
    make_names(root);
    make_links(root);
    make_sparse_files(root);
    make_special_files(root);
    make_attributes(root);
    fs::set_permissions(file("setuid", b"#!"), fs::Permissions::from_mode(0o4755)).expect("a mode");
    fs::set_permissions(file("no-permissions", b"x"), fs::Permissions::from_mode(0o0)).expect("a mode");
    std::os::unix::fs::lchown(file("far-owner", b"x"), Some(4_000_000_000), Some(3_000_000)).expect("an owner");
    set_times(root);
}

fn make_names(root: &Path) {
    let long = "n".repeat(250);
    fs::create_dir_all(root.join(&long).join(&long)).expect("directories");
    fs::write(root.join(&long).join(&long).join("deep"), "deep").expect("a file");
    for name in [&b"latin-\xe9"[..], b"new\nline", b"space and \\ backslash", b"-dash", b"\xff\xfe", "späße".as_bytes()]
    {
        fs::write(root.join(OsStr::from_bytes(name)), name).expect("a file");
    }
    for len in [80, 99, 100, 101, 155] {
        fs::write(root.join("m".repeat(len)), "m").expect("a file");
    }
}

fn make_links(root: &Path) {
    symlink("empty", root.join("link")).expect("a link");
    symlink("a//b/../c/.", root.join("link-unnormalised")).expect("a link");
    symlink("t".repeat(150), root.join("link-long")).expect("a link");
    symlink(OsStr::from_bytes(b"\xe9\n"), root.join("link-latin")).expect("a link");
    symlink("/nowhere", root.join("link-dangling")).expect("a link");
    fs::create_dir(root.join("names")).expect("a directory");
    fs::write(root.join("names/first"), "three names").expect("a file");
    fs::hard_link(root.join("names/first"), root.join("second")).expect("a link");
    fs::hard_link(root.join("names/first"), root.join("third".repeat(40))).expect("a link");
}

fn make_sparse_files(root: &Path) {
    let make = |name: &str, size: u64, data: &[(u64, &[u8])]| {
        let file = File::create(root.join(name)).expect("a file");
        file.set_len(size).expect("a size");
        for (at, bytes) in data {
            file.write_all_at(bytes, *at).expect("room");
        }
    };
    make("sparse", 50 << 20, &[(0, b"head"), (20 << 20, &[1; 100_000]), ((50 << 20) - 3, b"end")]);
    make("sparse-tail", 3 << 20, &[(0, b"head")]);
    make("sparse-empty", 1 << 20, &[]);
    make(&"sparse-long".repeat(15), 1 << 20, &[(512 << 10, b"middle")]);
}

fn make_special_files(root: &Path) {
    drop(UnixListener::bind(root.join("socket")).expect("a socket"));
    let make = |name: &str, file_type, device| {
        mknodat(CWD, root.join(name), file_type, Mode::from_raw_mode(0o640), device).expect("mknod: run as root");
    };
    make("fifo", FileType::Fifo, 0);
    make("null", FileType::CharacterDevice, makedev(1, 3));
    make("disk", FileType::BlockDevice, makedev(259, 70_000));
}

fn make_attributes(root: &Path) {
    let path = root.join("attributes");
    fs::write(&path, "x").expect("a file");
    xattr::set(&path, "user.text", b"value").expect("user attributes");
    xattr::set(&path, "user.binary=%", b"a\nb\0c=\xff").expect("user attributes");
    xattr::set(&path, "user.empty", b"").expect("user attributes");
    let capability = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    xattr::set(&path, "security.capability", &capability).expect("capabilities: run as root");
    let entry =
        |tag: u16, bits: u16, id: u32| [&tag.to_le_bytes()[..], &bits.to_le_bytes(), &id.to_le_bytes()].concat();
    let all = u32::MAX;
    let acl = [entry(1, 6, all), entry(2, 4, 1000), entry(4, 4, all), entry(16, 4, all), entry(32, 4, all)].concat();
    let acl = [&2_u32.to_le_bytes()[..], &acl].concat();
    xattr::set(&path, "system.posix_acl_access", &acl).expect("ACLs");
    fs::create_dir(root.join("attributes-dir")).expect("a directory");
    xattr::set(root.join("attributes-dir"), "user.dir", b"d").expect("user attributes");
    xattr::set(root.join("link-dangling"), "trusted.link", b"l").expect("trusted attributes: run as root");
    xattr::set(root.join("fifo"), "trusted.fifo", b"f").expect("trusted attributes: run as root");
}

fn set_times(root: &Path) {
    let stamp = |tv_sec, tv_nsec| Timespec { tv_sec, tv_nsec };
    let set = |path: PathBuf, at| {
        let times = Timestamps { last_access: at, last_modification: at };
        utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).expect("a time");
    };
    fs::write(root.join("before-1970"), "x").expect("a file");
    set(root.join("before-1970"), stamp(-2, 500_000_000));
    set(root.join("link"), stamp(1_000_000_000, 123_456_789));
    set(root.join("names"), stamp(1_000_000_001, 1));
    set(root.join("fifo"), stamp(1_000_000_002, 999_999_999));
    let whole = SystemTime::UNIX_EPOCH + Duration::from_secs(1_234_567_890);
    File::open(root.join("empty")).and_then(|f| f.set_modified(whole)).expect("a time");
    fs::set_permissions(root, fs::Permissions::from_mode(0o1751)).expect("a mode");
    std::os::unix::fs::lchown(root, Some(70), Some(71)).expect("an owner");
    set(root.to_owned(), stamp(1_000_000_003, 5));
}

/// All below `root`, sockets apart, by path.
pub(crate) fn look(root: &Path) -> BTreeMap<Vec<u8>, Seen> {
    let mut paths = vec![PathBuf::new()];
    let mut at = 0;
    while let Some(path) = paths.get(at).cloned() {
        at += 1;
        if fs::symlink_metadata(root.join(&path)).expect("a file").is_dir() {
            let entries = fs::read_dir(root.join(&path)).expect("a directory");
            paths.extend(entries.map(|entry| path.join(entry.expect("an entry").file_name())));
        }
    }
    paths.sort();
    let mut twins = BTreeMap::new();
    let mut seen = BTreeMap::new();
    for path in paths {
        let metadata = fs::symlink_metadata(root.join(&path)).expect("a file");
        if !metadata.file_type().is_socket() {
            let name = path.into_os_string().into_vec();
            let first: &mut Vec<u8> = twins.entry(metadata.ino()).or_insert_with(|| name.clone());
            let twin = (!metadata.is_dir() && metadata.nlink() > 1).then(|| first.clone());
            let entry = see(&root.join(OsStr::from_bytes(&name)), &metadata, twin);
            seen.insert(name, entry);
        }
    }
    seen
}

fn see(path: &Path, metadata: &Metadata, twin: Option<Vec<u8>>) -> Seen {
    let content = match metadata.file_type() {
        t if t.is_file() => fs::read(path).expect("a readable file"),
        t if t.is_symlink() => fs::read_link(path).expect("a link").into_os_string().into_vec(),
        _ => Vec::new(),
    };
    // Not `xattr::get`, which takes names in UTF-8 only: the path is what may be odd here.
    let name = CString::new(path.as_os_str().as_bytes()).expect("a path without NUL");
    let name = OsStr::from_bytes(name.as_bytes());
    let value = |attribute: std::ffi::OsString| {
        let value = xattr::get(name, &attribute).expect("a readable attribute").unwrap_or_default();
        (attribute.into_vec(), value)
    };
    Seen {
        mode: metadata.mode(),
        owner: (metadata.uid(), metadata.gid()),
        size: if metadata.is_dir() { 0 } else { metadata.size() },
        mtime: (metadata.mtime(), metadata.mtime_nsec()),
        device: metadata.rdev(),
        twin,
        content,
        is_sparse: metadata.is_file() && metadata.blocks() * 512 + 8192 < metadata.size(),
        xattrs: xattr::list(name).map(|names| names.map(value).collect()).unwrap_or_default(),
    }
}
