//! Two passes are as good as one: what a hot pass left and a cold pass took over is the tree as it was at rest.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::sync::Arc;
use std::time::Duration;

use super::odd_tree::{Seen, look, make_odd_tree};
use super::*;

/// A stand-in for the margin of [`Trust`], so that files of a test are old enough soon.
const MARGIN: Duration = Duration::from_millis(20);

/// Waits until every stamp given out so far is older than the margin.
pub(super) fn settle() {
    std::thread::sleep(MARGIN + Duration::from_millis(15));
}

impl Bench {
    /// The moment before which stamps can be relied on, once everything made so far is older.
    pub(super) fn trust(&self) -> Trust {
        settle();
        Trust { margin: MARGIN, ..take_trust(&[self.source()]) }
    }

    /// A pass over the source tree, with everything of the options that makes two passes.
    pub(super) fn pass(&self, name: &str, options: &ArchiveOptions) -> ArchiveWriter {
        let path = self.dir.path().join(name);
        let mut writer = ArchiveWriter::create(&path, TOP, options, Arc::default()).expect("a new pass");
        writer.begin_target(self.target("app-data")).expect("a target");
        writer.add_tree(&self.source(), &TreeOptions::default()).expect("a capture");
        writer
    }

    pub(super) fn hot(&self, trust: &Trust, reuse: Vec<Arc<Base>>) -> Arc<Base> {
        let options = ArchiveOptions { trusted_before: Some(trust.clone()), reuse, ..self.options() };
        Arc::new(self.pass("hot.partial", &options).into_base().expect("a base"))
    }

    pub(super) fn cold(&self, trust: &Trust, reuse: Vec<Arc<Base>>) -> ArchiveWriter {
        let options = ArchiveOptions { trusted_before: Some(trust.clone()), reuse, ..self.options() };
        self.pass("cold.partial", &options)
    }

    pub(super) fn finish(&self, writer: ArchiveWriter) -> Finished {
        drop(fs::remove_file(self.archive()));
        writer.finish(about(), &self.archive()).expect("a complete archive")
    }

    /// The archive, unpacked by GNU tar, compared with the source entry by entry.
    pub(super) fn assert_is_true(&self) {
        let restored = self.dir.path().join("restored");
        drop(fs::remove_dir_all(&restored));
        fs::create_dir(&restored).expect("a directory");
        let filter = if matches!(self.codec, Codec::Gzip { .. }) { "--gzip" } else { "--zstd" };
        let (into, archive) = (text(&restored).to_owned(), self.archive());
        run("tar", &[filter, "--xattrs", "--xattrs-include=*", "--numeric-owner", "-C", &into, "-xpf", text(&archive)]);
        assert_same(&look(&self.source()), &look(&restored.join(TOP).join("volumes/app-data")));
        let verified = self.verify();
        assert_eq!(verified.problems, []);
    }
}

pub(super) fn assert_same(source: &BTreeMap<Vec<u8>, Seen>, copy: &BTreeMap<Vec<u8>, Seen>) {
    assert_eq!(source.keys().collect::<Vec<_>>(), copy.keys().collect::<Vec<_>>());
    for (path, seen) in source {
        assert!(copy.get(path) == Some(seen), "{} differs", String::from_utf8_lossy(path));
    }
}

/// Some hundred small files in a few directories, and some large ones.
pub(super) fn make_tree(root: &Path) {
    for dir in 0..6 {
        let dir = root.join(format!("dir {dir}"));
        fs::create_dir(&dir).expect("a directory");
        for number in 0..60_usize {
            let content = format!("{} of {}\n", number, dir.display()).repeat(number * 7);
            fs::write(dir.join(format!("file {number}")), content).expect("a file");
        }
    }
    for number in 0..4_u8 {
        let mut noise = vec![0; 700_000 * (usize::from(number) + 1)];
        blake3::Hasher::new().update(&[number]).finalize_xof().fill(&mut noise);
        fs::write(root.join(format!("large {number}")), noise).expect("a file");
    }
}

/// Everything that can happen to a tree between two passes.
fn change_everything(root: &Path) {
    let at = |path: &str| root.join(path);
    let stamped = |path: &str, change: &dyn Fn(&Path)| {
        let path = at(path);
        let before = fs::metadata(&path).expect("a file").modified().expect("a time");
        change(&path);
        File::options().write(true).open(&path).and_then(|f| f.set_modified(before)).expect("a time");
    };
    fs::write(at("dir 0/added"), "new").expect("a file");
    fs::remove_file(at("dir 1/file 7")).expect("a file");
    fs::rename(at("dir 2/file 9"), at("dir 3/renamed")).expect("a file");
    fs::set_permissions(at("dir 2/file 10"), fs::Permissions::from_mode(0o640)).expect("a mode");
    File::options().write(true).open(at("dir 4/file 50")).and_then(|f| f.set_len(3)).expect("a cut");
    xattr::set(at("dir 4/file 20"), "user.note", b"later").expect("user attributes");
    fs::hard_link(at("dir 5/file 1"), at("dir 0/second name")).expect("a link");
    symlink("file 2", at("dir 5/link")).expect("a link");
    // The same size and the same times.
    stamped("dir 1/file 30", &|path| {
        let content = fs::read(path).expect("a file");
        File::options()
            .write(true)
            .open(path)
            .and_then(|f| f.write_all_at(&vec![b'#'; content.len()], 0))
            .expect("room");
    });
    stamped("large 2", &|path| {
        File::options().write(true).open(path).and_then(|f| f.write_all_at(b"in the middle", 1_500_000)).expect("room");
    });
    File::options().append(true).open(at("large 1")).and_then(|mut f| f.write_all(b"more")).expect("room");
    std::os::unix::fs::lchown(at("dir 0/file 3"), Some(70), Some(71)).expect("an owner");
    let swapped = at("dir 0/file 4");
    fs::remove_file(&swapped).expect("a file");
    fs::create_dir(&swapped).expect("a directory");
}

#[test]
fn a_spliced_archive_is_the_tree_as_it_was_at_rest() {
    for codec in [Codec::default(), Codec::Zstd { level: 3 }] {
        let bench = Bench { codec, ..Bench::new() };
        make_tree(&bench.source());
        make_odd_tree(&bench.source());
        let trust = bench.trust();
        let hot = bench.hot(&trust, Vec::new());
        change_everything(&bench.source());
        let writer = bench.cold(&trust, vec![hot]);
        let stats = writer.window();
        let finished = bench.finish(writer);
        assert_eq!(finished.targets[0].warnings, []);
        bench.assert_is_true();
        assert!(stats.reused_by_identity_bytes > stats.read_bytes, "{stats:?}");
        assert!(stats.reused_by_content_bytes > 1_000_000, "the unchanged part of what grew: {stats:?}");
    }
}

#[test]
fn an_untouched_tree_is_not_read_again() {
    let bench = Bench::new();
    make_tree(&bench.source());
    let trust = bench.trust();
    let hot = bench.hot(&trust, Vec::new());
    let mut writer = ArchiveWriter::create(
        &bench.dir.path().join("cold.partial"),
        TOP,
        &ArchiveOptions { reuse: vec![hot], ..bench.options() },
        Arc::default(),
    )
    .expect("a pass");
    writer.before_body = Some(Box::new(|path| panic!("{} is read", String::from_utf8_lossy(path))));
    writer.begin_target(bench.target("app-data")).expect("a target");
    writer.add_tree(&bench.source(), &TreeOptions::default()).expect("a capture");
    let stats = writer.window();
    assert_eq!((stats.read_bytes, stats.compressed_bytes), (0, 0));
    let finished = bench.finish(writer);
    assert_eq!(finished.content_bytes, stats.reused_by_identity_bytes);
    bench.assert_is_true();
}
