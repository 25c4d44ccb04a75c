//! Archives of Docker Backup Manager: no manifest, the stack directory in a tar of its own.

use std::os::unix::fs::MetadataExt;

use super::odd_tree::{look, make_odd_tree};
use super::*;

impl Bench {
    /// An archive as that tool makes it, out of the source tree.
    fn archive_of_predecessor(&self) -> PathBuf {
        let top = self.dir.path().join("blog_2026-01-01_03-00-00");
        fs::create_dir(&top).expect("a directory");
        fs::write(top.join("compose.yaml"), "services: {}\n").expect("a file");
        fs::write(top.join(".env"), "A=1\n").expect("a file");
        let data = top.join("data.tar.gz");
        let source = text(self.dir.path()).to_owned();
        run(
            "tar",
            &[
                "-C",
                &source,
                "--transform=s,^source,data,rSh",
                "--xattrs",
                "--format=pax",
                "-czf",
                text(&data),
                "source",
            ],
        );
        run("tar", &["-C", &source, "-czf", text(&self.archive()), "blog_2026-01-01_03-00-00"]);
        self.archive()
    }

    fn places_of_predecessor(&self) -> [UnpackPlace; 2] {
        [TargetKind::Compose, TargetKind::Data].map(|kind| UnpackPlace {
            kind,
            name: "blog".to_owned(),
            paths: Vec::new(),
            to: self.out().join(kind.as_str()),
        })
    }
}

/// What a tar of that tool has: no devices, no holes.
fn make_plain_tree(root: &Path) {
    fs::create_dir_all(root.join("conf/deep")).expect("directories");
    fs::write(root.join("conf/deep/file"), vec![7; 300_000]).expect("a file");
    fs::write(root.join("own"), "x").expect("a file");
    std::os::unix::fs::lchown(root.join("own"), Some(1000), Some(33)).expect("an owner");
    fs::hard_link(root.join("own"), root.join("conf/again")).expect("a link");
    std::os::unix::fs::symlink("deep/file", root.join("conf/link")).expect("a link");
}

#[test]
fn it_is_listed_and_comes_out() {
    let bench = Bench::new();
    make_plain_tree(&bench.source());
    let archive = bench.archive_of_predecessor();
    let contents = read_contents(&archive, &Meter::new()).expect("contents");
    assert!(!contents.has_manifest && contents.about.is_empty());
    let told: Vec<_> =
        contents.targets.iter().map(|held| (held.kind, held.name.as_str(), held.bytes, held.entries)).collect();
    let data = (TargetKind::Data, "blog", 300_001, 7);
    assert!(told.contains(&(TargetKind::Compose, "blog", 17, 2)) && told.contains(&data), "{told:?}");
    let unpacked = bench.unpack(&bench.places_of_predecessor()).expect("unpacked");
    assert_eq!((unpacked[0].entries, unpacked[1].entries), (2, 7));
    assert_eq!(look(&bench.source()), look(&bench.out().join("data")));
    assert_eq!(fs::read_to_string(bench.out().join("compose/.env")).expect("there"), "A=1\n");
    assert_eq!(fs::metadata(bench.out().join("data/own")).expect("there").nlink(), 2);
}

#[test]
fn parts_of_it_come_alone_and_damage_leaves_nothing() {
    let bench = Bench::new();
    make_plain_tree(&bench.source());
    let archive = bench.archive_of_predecessor();
    let [_, data] = bench.places_of_predecessor();
    let wish = |path: &str| crate::domain::entry::EntryPath::new(path.as_bytes()).expect("a path");
    bench.unpack(&[UnpackPlace { paths: vec![wish("conf/deep")], ..data.clone() }]).expect("unpacked");
    assert!(data.to.join("conf/deep/file").exists() && !data.to.join("own").exists());
    fs::remove_dir_all(&data.to).expect("removed");
    let error = bench.unpack(&[UnpackPlace { paths: vec![wish("never")], ..data.clone() }]).expect_err("nothing");
    assert!(matches!(error, UnpackError::UnknownPath { .. }), "{error}");
    let whole = fs::read(&archive).expect("an archive");
    fs::write(&archive, &whole[..whole.len() - 30]).expect("written");
    assert!(bench.unpack(std::slice::from_ref(&data)).is_err());
    assert_eq!(bench.left(), Vec::<String>::new());
}

#[test]
fn a_device_in_it_is_refused() {
    let bench = Bench::new();
    make_odd_tree(&bench.source());
    for odd in ["sparse", "sparse-tail", "sparse-empty"] {
        fs::remove_file(bench.source().join(odd)).expect("a file");
    }
    bench.archive_of_predecessor();
    let error = bench.unpack(&bench.places_of_predecessor()).expect_err("a device");
    assert!(error.to_string().contains("is a device that no manifest tells of"), "{error}");
    assert_eq!(bench.left(), Vec::<String>::new());
}
