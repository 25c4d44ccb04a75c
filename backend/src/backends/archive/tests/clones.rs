//! Clones on file systems that can: btrfs and XFS in files of their own, mounted through loop devices.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::odd_tree::{look, make_odd_tree};
use super::splice::{assert_same, make_tree};
use super::truth::Unmount;
use super::*;

/// A bench whose source is a file system of its own.
fn bench_on(kind: &str) -> (Bench, Unmount) {
    let bench = Bench::new();
    let image = bench.dir.path().join("image");
    File::create(&image).and_then(|file| file.set_len(400 << 20)).expect("a sparse file");
    let quiet = if kind == "btrfs" { "-q" } else { "-f" };
    run(&format!("mkfs.{kind}"), &[quiet, text(&image)]);
    run("mount", &["-o", "loop", text(&image), text(&bench.source())]);
    let unmount = Unmount(bench.source());
    (bench, unmount)
}

fn cloning(bench: &Bench) -> ArchiveOptions {
    ArchiveOptions { clone_files: true, ..bench.options() }
}

#[test]
fn a_clone_is_the_file_as_it_was_at_rest() {
    for kind in ["btrfs", "xfs"] {
        let (bench, _unmount) = bench_on(kind);
        make_tree(&bench.source());
        make_odd_tree(&bench.source());
        let at_rest = look(&bench.source());
        let writer = bench.pass("cold.partial", &cloning(&bench));
        let stats = writer.window();
        assert!(stats.deferred_bytes > 7_000_000 && stats.read_bytes < stats.deferred_bytes, "{kind}: {stats:?}");
        // The stack runs again before anything of the large files is read.
        for number in 0..4 {
            let file =
                File::options().write(true).open(bench.source().join(format!("large {number}"))).expect("a file");
            file.write_all_at(&vec![b'!'; 500_000], 100_000).expect("room");
        }
        let finished = bench.finish(writer);
        assert_eq!(finished.targets[0].warnings, []);
        let restored = bench.dir.path().join("restored");
        fs::create_dir(&restored).expect("a directory");
        let (into, archive) = (text(&restored).to_owned(), bench.archive());
        run("tar", &["--xattrs", "--xattrs-include=*", "--numeric-owner", "-C", &into, "-xpf", text(&archive)]);
        assert_same(&at_rest, &look(&restored.join(TOP).join("volumes/app-data")));
        assert_eq!(bench.verify().problems, []);
        let index = ArchiveIndex::open(&bench.archive()).expect("an index");
        let large = index.find(b"volumes/app-data/large 2").expect("a look").expect("a file");
        assert_eq!(index.extract(&large, &mut std::io::sink()).expect("a file"), 2_100_000);
    }
}

#[test]
fn the_body_of_a_clone_is_known_to_the_next_archive() {
    let (bench, _unmount) = bench_on("btrfs");
    make_tree(&bench.source());
    let trust = bench.trust();
    let options = ArchiveOptions { trusted_before: Some(trust), ..cloning(&bench) };
    let writer = bench.pass("cold.partial", &options);
    bench.finish(writer);
    let base = Arc::new(Base::of_archive(&bench.archive(), bench.codec).expect("a usable base"));
    let trust = bench.trust();
    let next = bench.cold(&trust, vec![base]);
    assert_eq!(next.window().reused_by_identity_bytes, 7_000_000);
    bench.finish(next);
    bench.assert_is_true();
}

#[test]
fn where_nothing_can_be_cloned_everything_is_read() {
    let bench = Bench::new();
    make_tree(&bench.source());
    let writer = bench.pass("cold.partial", &cloning(&bench));
    let stats = writer.window();
    // The system's temporary directory may be on a file system that can.
    assert_eq!(stats.deferred_bytes + stats.read_bytes, bench.finish(writer).content_bytes);
    bench.assert_is_true();
}
