//! Tar streams of others, as Docker sends them, taken over into an archive.

use std::io::Read;
use std::os::unix::fs::symlink;

use super::*;

/// A tree as GNU tar streams it in `format`.
fn stream(bench: &Bench, format: &str) -> Vec<u8> {
    let root = bench.source();
    let long = "d".repeat(120);
    fs::create_dir_all(root.join(&long)).expect("a directory");
    fs::write(root.join(&long).join("file"), vec![b'x'; 70_000]).expect("a file");
    fs::hard_link(root.join(&long).join("file"), root.join("second name")).expect("a link");
    symlink("t".repeat(150), root.join("link")).expect("a link");
    xattr::set(root.join("second name"), "user.kept", b"a\nb\0").expect("user attributes");
    let parent = bench.dir.path();
    run("tar", &[&format!("--format={format}"), "--xattrs", "-C", text(parent), "-cf", "-", "source"])
}

fn take_over(bench: &Bench, stream: &mut dyn Read) -> TargetReport {
    let mut writer = bench.writer();
    writer.add_tar(stream, "").expect("a capture");
    let report = writer.finish(about(), &bench.archive()).expect("a complete archive").targets.remove(0);
    assert_eq!(bench.verify().problems, []);
    report
}

#[test]
fn a_stream_is_taken_over_whole() {
    for format in ["posix", "gnu"] {
        let bench = Bench::new();
        let bytes = stream(&bench, format);
        let report = take_over(&bench, &mut bytes.as_slice());
        assert_eq!((report.entry_count, report.warning_count), (5, 0), "{format}: {report:?}");
        let restored = bench.dir.path().join("restored");
        fs::create_dir(&restored).expect("a directory");
        run("tar", &["--xattrs", "--xattrs-include=*", "-C", text(&restored), "-xpf", text(&bench.archive())]);
        let volume = restored.join(TOP).join("volumes/app-data");
        run("diff", &["-r", "--no-dereference", text(&bench.source()), text(&volume)]);
        if format == "posix" {
            let kept = xattr::get(volume.join("second name"), "user.kept").expect("an attribute");
            assert_eq!(kept.as_deref(), Some(&b"a\nb\0"[..]));
        }
    }
}

#[test]
fn a_stream_that_breaks_off_is_a_warning_and_a_sound_archive() {
    let bench = Bench::new();
    let bytes = stream(&bench, "posix");
    for part in 1..8 {
        drop(fs::remove_file(bench.archive()));
        let len = bytes.len() * part / 16;
        let report = take_over(&bench, &mut &bytes[..len]);
        assert!(report.warning_count > 0, "cut to {len} of {}", bytes.len());
        assert!(report.warnings.iter().all(|warning| warning.kind == GapKind::Unreadable));
    }
}

#[test]
fn a_stream_that_fails_within_a_file_is_a_warning_on_that_file() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the engine hung up"))
        }
    }
    let bench = Bench::new();
    fs::write(bench.source().join("f"), vec![b'x'; 100_000]).expect("a file");
    let bytes = run("tar", &["-C", text(bench.dir.path()), "-cf", "-", "source"]);
    let report = take_over(&bench, &mut bytes[..50_000].chain(Broken));
    assert_eq!(report.warnings[0].path, "f");
    assert!(report.warnings[0].message.ends_with("the engine hung up"), "{:?}", report.warnings);
    assert_eq!(report.size_bytes, 100_000);
}

#[test]
fn a_stream_that_climbs_is_refused_entry_by_entry() {
    let bench = Bench::new();
    fs::write(bench.source().join("f"), "x").expect("a file");
    let rename = "--transform=s,source/f,source/../../f,";
    let bytes = run("tar", &[rename, "-P", "-C", text(bench.dir.path()), "-cf", "-", "source"]);
    let report = take_over(&bench, &mut bytes.as_slice());
    assert_eq!((report.entry_count, report.left_out_count, report.warning_count), (1, 1, 1), "{report:?}");
}

#[test]
fn what_is_no_tar_is_a_warning() {
    let bench = Bench::new();
    let report = take_over(&bench, &mut &[b'?'; 2048][..]);
    assert_eq!((report.entry_count, report.warning_count), (0, 1));
}
