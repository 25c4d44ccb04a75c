//! What is staged is what was there, and nothing leads out.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use super::super::header::{BLOCK, encode, padding};
use super::super::node::{EntryKind, Mtime, Node};
use super::super::options::TreeOptions;
use super::super::patterns::Patterns;
use super::*;

pub(super) struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        fs::create_dir(directory.path().join("to")).expect("made");
        Self { directory }
    }

    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    fn stage(&self, work: impl FnOnce(&mut Stage<'_>) -> io::Result<()>) -> Staged {
        let meter = Meter::new();
        let mut stage = Stage::begin(&self.path("to"), "data", &meter).expect("begun");
        work(&mut stage).expect("staged");
        stage.finish().expect("finished")
    }
}

fn node(kind: EntryKind, path: &str, link: &str, size: u64) -> Node {
    let mut node = Node::generated(path.as_bytes().to_vec(), size, Mtime { secs: 1_000_000_000, nanos: 5 });
    (node.kind, node.link, node.mode) = (kind, link.as_bytes().to_vec(), 0o755);
    node
}

fn tar(entries: &[(Node, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (node, body) in entries {
        out.extend(encode(node));
        out.extend_from_slice(body);
        out.resize(out.len() + padding(body.len() as u64), 0);
    }
    out.resize(out.len() + 2 * BLOCK, 0);
    out
}

fn facts(path: &Path) -> (u32, u32, u32, i64, i64, u64) {
    let meta = fs::symlink_metadata(path).expect("there");
    (meta.mode(), meta.uid(), meta.gid(), meta.mtime(), meta.mtime_nsec(), meta.size())
}

#[test]
fn a_tree_is_copied_as_it_is() {
    let place = Place::new();
    let from = place.path("from");
    fs::create_dir_all(from.join("sub/empty")).expect("made");
    fs::write(from.join("sub/file"), b"hello").expect("written");
    fs::set_permissions(from.join("sub/file"), fs::Permissions::from_mode(0o4750)).expect("set");
    fs::hard_link(from.join("sub/file"), from.join("other")).expect("linked");
    symlink("/etc/passwd", from.join("link")).expect("linked");
    xattr::set(from.join("sub/file"), "user.note", b"x").expect("set");
    let sparse = fs::File::create(from.join("sparse")).expect("made");
    sparse.set_len(8 << 20).expect("set");
    let _socket = std::os::unix::net::UnixListener::bind(from.join("socket")).expect("bound");
    fs::set_permissions(from.join("sub"), fs::Permissions::from_mode(0o500)).expect("set");
    let staged = place.stage(|stage| stage.add_tree(&from, &TreeOptions::default()));
    assert_eq!((staged.gap_count, staged.bytes), (0, 5), "{staged:?}");
    let to = place.path("to/data");
    for name in ["", "sub", "sub/file", "sub/empty", "other", "link", "sparse"] {
        let (old, new) = (from.join(name), to.join(name));
        let is_directory = old.is_dir() && !old.is_symlink();
        let (mut old, mut new) = (facts(&old), facts(&new));
        if is_directory {
            (old.5, new.5) = (0, 0);
        }
        assert_eq!(old, new, "{name}");
    }
    assert_eq!(fs::read(to.join("sub/file")).expect("read"), b"hello");
    assert_eq!(fs::read_link(to.join("link")).expect("read"), Path::new("/etc/passwd"));
    assert_eq!(xattr::get(to.join("sub/file"), "user.note").expect("read").as_deref(), Some(&b"x"[..]));
    assert_eq!(fs::metadata(to.join("other")).expect("there").nlink(), 2);
    assert!(fs::metadata(to.join("sparse")).expect("there").blocks() < 64, "the hole is one still");
    assert!(!to.join("socket").exists());
}

#[test]
fn a_tar_is_unpacked_and_leads_nowhere_else() {
    let place = Place::new();
    fs::create_dir(place.path("outside")).expect("made");
    let outside = place.path("outside").display().to_string();
    let entries = [
        (node(EntryKind::Directory, "vol", "", 0), &b""[..]),
        (node(EntryKind::File, "vol/deep/file", "", 5), &b"hello"[..]),
        (node(EntryKind::HardLink, "vol/again", "vol/deep/file", 0), &b""[..]),
        (node(EntryKind::HardLink, "vol/stray", "../../etc/passwd", 0), &b""[..]),
        (node(EntryKind::Symlink, "vol/away", &outside, 0), &b""[..]),
        (node(EntryKind::File, "vol/../../evil", "", 3), &b"bad"[..]),
    ];
    let staged =
        place.stage(|stage| stage.add_tar(&mut tar(&entries).as_slice(), Path::new("/data"), &Patterns::default()));
    assert_eq!(staged.gap_count, 2, "{staged:?}");
    let to = place.path("to/data");
    assert_eq!(fs::read(to.join("again")).expect("read"), b"hello");
    assert_eq!(fs::metadata(&to).expect("there").mtime(), 1_000_000_000, "set after its content");
    assert!(!place.path("evil").exists() && !place.path("to/evil").exists());

    let through = [
        (node(EntryKind::Symlink, "vol/away2", &outside, 0), &b""[..]),
        (node(EntryKind::File, "vol/away2/evil", "", 3), &b"bad"[..]),
    ];
    let meter = Meter::new();
    let mut stage = Stage::begin(&place.path("to"), "data", &meter).expect("begun");
    assert!(
        stage.add_tar(&mut tar(&through).as_slice(), Path::new("/data"), &Patterns::default()).is_err(),
        "a link is never followed"
    );
    assert!(!place.path("outside/evil").exists());
}

#[test]
fn what_is_left_out_of_a_stream_is_left_out_with_all_below_it() {
    let place = Place::new();
    let entries = [
        (node(EntryKind::Directory, "vol/cache", "", 0), &b""[..]),
        (node(EntryKind::File, "vol/cache/deep/file", "", 5), &b"hello"[..]),
        (node(EntryKind::File, "vol/kept.tmp/file", "", 5), &b"hello"[..]),
        (node(EntryKind::File, "vol/file", "", 5), &b"hello"[..]),
    ];
    let (patterns, _) = Patterns::parse(&["cache".to_owned(), "/data/*.tmp".to_owned()]);
    let staged = place.stage(|stage| stage.add_tar(&mut tar(&entries).as_slice(), Path::new("/data"), &patterns));
    assert_eq!((staged.gap_count, staged.bytes), (0, 5), "{staged:?}");
    assert_eq!(fs::read(place.path("to/data/file")).expect("read"), b"hello");
}

#[test]
fn a_stream_that_breaks_off_is_a_gap() {
    let place = Place::new();
    let whole = tar(&[(node(EntryKind::File, "vol/file", "", 2000), &[7; 2000][..])]);
    let staged = place.stage(|stage| {
        stage.add_tar(&mut &whole[..whole.len() - 2 * BLOCK - 1024], Path::new("/data"), &Patterns::default())
    });
    assert!(staged.gap_count > 0, "{staged:?}");
}

#[test]
fn what_was_cancelled_ends_with_an_error() {
    let place = Place::new();
    let meter = Meter::new();
    meter.cancel();
    let mut stage = Stage::begin(&place.path("to"), "data", &meter).expect("begun");
    assert!(stage.add_tree(&place.path("to"), &TreeOptions::default()).is_err());
}

#[test]
fn nothing_is_staged_into_a_link_or_under_a_path() {
    let place = Place::new();
    symlink(place.path("to"), place.path("link")).expect("linked");
    let meter = Meter::new();
    assert!(Stage::begin(&place.path("link"), "data", &meter).is_err());
    for name in ["", "..", "a/b"] {
        assert!(Stage::begin(&place.path("to"), name, &meter).is_err(), "{name}");
    }
}
