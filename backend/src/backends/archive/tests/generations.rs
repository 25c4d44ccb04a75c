//! The archive before as the base of the next, and what is not to be relied on.

use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};

use super::splice::{make_tree, settle};
use super::*;
use crate::backends::archive::index::path_of;

/// Publishes what the bench made under a name of its own.
fn published(bench: &Bench, name: &str) -> PathBuf {
    let to = bench.dir.path().join(name);
    publish(&bench.archive(), &to).expect("a free name");
    to
}

/// A first archive in one pass, published.
fn first(bench: &Bench) -> PathBuf {
    let trust = bench.trust();
    let writer = bench.cold(&trust, Vec::new());
    let finished = bench.finish(writer);
    assert_eq!(finished.notes, [""; 0]);
    bench.assert_is_true();
    published(bench, "first")
}

fn base(bench: &Bench, archive: &Path) -> Arc<Base> {
    Arc::new(Base::of_archive(archive, bench.codec).expect("a usable base"))
}

#[test]
fn the_bodies_of_the_archive_before_are_taken_over() {
    for codec in [Codec::default(), Codec::Zstd { level: 3 }] {
        let bench = Bench { codec, ..Bench::new() };
        make_tree(&bench.source());
        let mut last = first(&bench);
        for generation in 0..4 {
            fs::write(bench.source().join(format!("dir 1/of generation {generation}")), "new").expect("a file");
            let large = File::options().write(true).open(bench.source().join("large 3")).expect("a file");
            large.write_all_at(b"a page", generation * 300_000).expect("room");
            let trust = bench.trust();
            let hot = bench.pass(
                "hot.partial",
                &ArchiveOptions {
                    trusted_before: Some(trust.clone()),
                    reuse: vec![base(&bench, &last)],
                    ..bench.options()
                },
            );
            let stats = hot.window();
            assert!(stats.reused_by_identity_bytes > 4_000_000, "the other large files: {stats:?}");
            assert!(stats.reused_by_content_bytes > 1_000_000, "most of the one that changed: {stats:?}");
            let hot = Arc::new(hot.into_base().expect("a base"));
            let writer = bench.cold(&trust, vec![hot]);
            assert_eq!(writer.window().read_bytes, 0);
            bench.finish(writer);
            bench.assert_is_true();
            if matches!(codec, Codec::Gzip { .. }) {
                run("gzip", &["-t", text(&bench.archive())]);
            }
            let next = published(&bench, &format!("generation {generation}"));
            remove_archive(&last).expect("an archive");
            assert!(!path_of(&last).exists());
            last = next;
        }
    }
}

#[test]
fn an_index_that_does_not_fit_is_ignored_with_a_reason() {
    let bench = Bench::new();
    make_tree(&bench.source());
    let archive = first(&bench);
    let index = path_of(&archive);
    let sound = fs::read(&index).expect("an index");
    let refused = |what: &str| {
        let reason = Base::of_archive(&archive, bench.codec).expect_err(what);
        assert!(!reason.is_empty());
    };
    for step in 0..40 {
        let mut broken = sound.clone();
        let at = (sound.len() - 1) * step / 39;
        broken[at] ^= 0x10;
        fs::write(&index, &broken).expect("room");
        // Entries and the directory are nothing to a base, but must not mislead a reader.
        if let Ok(base) = Base::of_archive(&archive, bench.codec) {
            drop(base);
            let listing = ArchiveIndex::open(&archive).and_then(|index| index.list(b"volumes/app-data", None, 1000));
            let is_right = listing.is_err() || listing.is_ok_and(|listed| listed.len() == 11);
            assert!(is_right, "byte {at} of {}", sound.len());
        }
    }
    for len in [0, 1, 15, 16, sound.len() / 2, sound.len() - 1] {
        fs::write(&index, &sound[..len]).expect("room");
        refused("a cut index");
        assert!(matches!(ArchiveIndex::open(&archive), Err(IndexError::Unusable(_))));
    }
    fs::remove_file(&index).expect("an index");
    refused("no index");
    fs::write(&index, &sound).expect("room");
    assert!(Base::of_archive(&archive, Codec::Gzip { level: 7 }).is_err(), "another level");
    // Another archive under the same name: of another size, then of the same size.
    let bytes = fs::read(&archive).expect("an archive");
    fs::write(&archive, [&bytes[..], b"x"].concat()).expect("room");
    refused("another size");
    let mut other = bytes.clone();
    let last = other.len() - 5;
    other[last] ^= 1;
    fs::write(&archive, other).expect("room");
    refused("another checksum");
    fs::write(&archive, bytes).expect("room");
    assert!(Base::of_archive(&archive, bench.codec).is_ok(), "all is as it was");
}

#[test]
fn a_broken_piece_of_the_archive_before_is_noticed_and_not_met_again() {
    let bench = Bench::new();
    make_tree(&bench.source());
    let archive = first(&bench);
    let trust = bench.trust();
    let base = base(&bench, &archive);
    // In the middle of what large files are made of, which makes up most of the archive.
    let file = File::options().read(true).write(true).open(&archive).expect("an archive");
    let at = file.metadata().expect("an archive").size() / 2;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).expect("a byte");
    file.write_all_at(&[byte[0] ^ 4], at).expect("room");
    let writer = bench.cold(&trust, vec![base]);
    drop(fs::remove_file(bench.archive()));
    let outcome = writer.finish(about(), &bench.archive());
    let Err(ArchiveError::DamagedBase { path, .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(path, archive);
    assert!(!bench.archive().exists(), "nothing is left of the attempt");
    assert!(!path_of(&archive).exists(), "the next backup reads everything");
}

#[test]
fn a_clock_that_was_set_makes_every_file_be_read() {
    let bench = Bench::new();
    make_tree(&bench.source());
    for step_ms in [-5_000, 5_000] {
        let mut trust = bench.trust();
        trust.moment.offset_ms += step_ms;
        let hot = bench.hot(&trust, Vec::new());
        let writer = bench.cold(&trust, vec![hot]);
        let stats = writer.window();
        assert_eq!(stats.reused_by_identity_bytes, 0);
        assert!(stats.reused_by_content_bytes > 7_000_000 && stats.compressed_bytes == 0, "{stats:?}");
        assert!(writer.notes()[0].contains("the clock was set by"), "{:?}", writer.notes());
        let finished = bench.finish(writer);
        assert!(!finished.notes.is_empty());
        bench.assert_is_true();
    }
}

#[test]
fn what_is_younger_than_the_margin_is_read_again() {
    let bench = Bench::new();
    make_tree(&bench.source());
    settle();
    let trust = Trust { margin: std::time::Duration::from_secs(3600), ..take_trust(&[bench.source()]) };
    let hot = bench.hot(&trust, Vec::new());
    let writer = bench.cold(&trust, vec![hot]);
    let stats = writer.window();
    assert_eq!((stats.reused_by_identity_bytes, stats.compressed_bytes), (0, 0), "known, but not trusted");
    bench.finish(writer);
    bench.assert_is_true();
}

#[test]
fn without_a_moment_of_trust_nothing_is_taken_over_unread() {
    let bench = Bench::new();
    make_tree(&bench.source());
    settle();
    let hot = Arc::new(bench.pass("hot.partial", &bench.options()).into_base().expect("a base"));
    let options = ArchiveOptions { reuse: vec![hot], ..bench.options() };
    let writer = bench.pass("cold.partial", &options);
    assert_eq!(writer.window().reused_by_identity_bytes, 0);
    bench.finish(writer);
    bench.assert_is_true();
}

#[test]
fn a_draft_is_compressed_for_good_at_the_end() {
    let bench = Bench::new();
    make_tree(&bench.source());
    let one_pass = bench.capture();
    let trust = bench.trust();
    let raw = Codec::Gzip { level: 0 };
    let draft = |reuse| ArchiveOptions {
        draft_codec: Some(raw),
        trusted_before: Some(trust.clone()),
        reuse,
        ..bench.options()
    };
    let writer = bench.pass("direct.partial", &draft(Vec::new()));
    let direct = bench.finish(writer);
    bench.assert_is_true();
    assert_eq!(direct.size_bytes, one_pass.size_bytes);
    let hot = Arc::new(bench.pass("hot.partial", &draft(Vec::new())).into_base().expect("a base"));
    let writer = bench.pass("cold.partial", &draft(vec![hot]));
    assert_eq!(writer.window().read_bytes, 0);
    let staged = bench.finish(writer);
    bench.assert_is_true();
    assert_eq!(staged.size_bytes, one_pass.size_bytes);
    let mut left: Vec<_> =
        fs::read_dir(bench.dir.path()).expect("a directory").flatten().map(|e| e.file_name()).collect();
    left.sort();
    assert_eq!(left, ["archive.partial", "archive.partial.index", "restored", "source"], "no pass has left a file");
}

#[test]
fn the_same_tree_gives_the_same_stream_by_any_way() {
    let bench = Bench::new();
    make_tree(&bench.source());
    let trust = bench.trust();
    bench.capture();
    let plain = |bench: &Bench| run("gzip", &["-dc", text(&bench.archive())]);
    let fresh = plain(&bench);
    let manifest_at =
        fresh.len() - run("tar", &["-xOf", text(&bench.archive()), &format!("{TOP}/manifest.json")]).len();
    let hot = bench.hot(&trust, Vec::new());
    let writer = bench.cold(&trust, vec![hot]);
    bench.finish(writer);
    let spliced = plain(&bench);
    // Up to the manifest, which is as long but names other compressed lengths, perhaps.
    assert!(fresh[..manifest_at - 4096] == spliced[..manifest_at - 4096]);
}
