//! A source that does not hold still, or does not let itself be read: warnings, never a broken archive.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::thread;

use rustix::process::Uid;

use super::*;

/// Captures the source tree while `meddle` is called before each file's content is read.
fn capture_while(bench: &Bench, mut meddle: impl FnMut(&str) + Send + 'static) -> TargetReport {
    let mut writer = bench.writer();
    writer.before_body = Some(Box::new(move |path| meddle(std::str::from_utf8(path).expect("a plain path"))));
    writer.add_tree(&bench.source(), &TreeOptions::default()).expect("a capture");
    let mut finished = writer.finish(about(), &bench.archive()).expect("a complete archive");
    assert_eq!(bench.verify().problems, [], "whatever happens, the archive is sound");
    run("tar", &["-tf", text(&bench.archive())]);
    let target = bench.manifest()["targets"][0].clone();
    let report = finished.targets.remove(0);
    assert_eq!(target["state"], report.state().as_str());
    assert_eq!(target["warnings"], serde_json::to_value(&report.warnings).expect("JSON"));
    assert_eq!(target["left_out"], serde_json::to_value(&report.left_out).expect("JSON"));
    report
}

fn only_warning(report: &TargetReport) -> (&str, GapKind) {
    assert_eq!(report.warnings.len(), 1, "{:?}", report.warnings);
    (&report.warnings[0].path, report.warnings[0].kind)
}

/// A tree with one larger file among others.
fn bench_with_file() -> (Bench, PathBuf) {
    let bench = Bench::new();
    for name in ["a", "c"] {
        fs::write(bench.source().join(name), name).expect("a file");
    }
    let file = bench.source().join("busy");
    fs::write(&file, vec![b'x'; 3_000_000]).expect("a file");
    (bench, file)
}

#[test]
fn a_file_that_grows_is_cut_at_its_announced_size() {
    let (bench, file) = bench_with_file();
    let report = capture_while(&bench, move |path| {
        if path.ends_with("busy") {
            let mut file = OpenOptions::new().append(true).open(&file).expect("a file");
            file.write_all(&[b'y'; 5_000_000]).expect("room");
        }
    });
    assert_eq!(only_warning(&report), ("busy", GapKind::Changed));
    assert_eq!(report.size_bytes, 3_000_002);
    assert_eq!(report.entry_count, 4);
}

#[test]
fn a_file_that_shrinks_is_filled_with_zeros() {
    let (bench, file) = bench_with_file();
    let report = capture_while(&bench, move |path| {
        if path.ends_with("busy") {
            File::options().write(true).open(&file).and_then(|f| f.set_len(1_000)).expect("a cut");
        }
    });
    assert_eq!(only_warning(&report), ("busy", GapKind::Changed));
    let content = run("tar", &["-xOf", text(&bench.archive()), &format!("{TOP}/volumes/app-data/busy")]);
    assert_eq!(content.len(), 3_000_000);
    assert!(content[..1_000].iter().all(|&b| b == b'x') && content[1_000..].iter().all(|&b| b == 0));
}

#[test]
fn a_file_that_is_rewritten_in_place_is_warned_of() {
    let (bench, file) = bench_with_file();
    let report = capture_while(&bench, move |path| {
        if path.ends_with("busy") {
            File::options().write(true).open(&file).and_then(|mut f| f.write_all(b"other")).expect("a write");
        }
    });
    assert_eq!(only_warning(&report), ("busy", GapKind::Changed));
}

#[test]
fn a_file_that_vanishes_is_named_as_left_out() {
    let (bench, _) = bench_with_file();
    let source = bench.source();
    let mut is_first = true;
    let report = capture_while(&bench, move |path| {
        // The names of a directory are known before the first of its files is read.
        if std::mem::take(&mut is_first) {
            let unread = if path.ends_with("app-data/a") { "c" } else { "a" };
            fs::remove_file(source.join(unread)).expect("a file");
        }
    });
    let (path, kind) = only_warning(&report);
    assert_eq!((path, kind), (report.left_out[0].path.as_str(), GapKind::Vanished));
    assert_eq!((report.entry_count, report.left_out_count), (3, 1));
    assert!(report.to_result().message.is_some_and(|message| message.starts_with(path)));
}

#[test]
fn a_file_swapped_for_a_link_is_not_followed() {
    let (bench, _) = bench_with_file();
    let secret = bench.dir.path().join("secret");
    fs::write(&secret, "secret").expect("a file");
    let source = bench.source();
    let mut is_first = true;
    let report = capture_while(&bench, move |path| {
        if std::mem::take(&mut is_first) {
            for name in ["a", "busy", "c"].iter().filter(|name| !path.ends_with(&format!("app-data/{name}"))) {
                fs::remove_file(source.join(name)).expect("a file");
                symlink(&secret, source.join(name)).expect("a link");
            }
        }
    });
    assert_eq!(report.left_out.len(), 2);
    assert!(report.warnings.iter().all(|warning| warning.kind == GapKind::Changed), "{:?}", report.warnings);
    let all = run("tar", &["-xOf", text(&bench.archive()), &format!("{TOP}/volumes")]);
    assert!(!all.windows(6).any(|window| window == b"secret"));
}

#[test]
fn what_cannot_be_read_is_left_out_and_named() {
    let (bench, file) = bench_with_file();
    let closed = bench.source().join("closed");
    fs::create_dir(&closed).expect("a directory");
    for path in [&file, &closed] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o0)).expect("a mode");
    }
    // As somebody else: root may read everything.
    let report = thread::scope(|scope| {
        let capture = || {
            let bench = &bench;
            let mut writer = bench.writer();
            rustix::thread::set_thread_res_uid(None::<Uid>, Uid::from_raw(65_534), None::<Uid>).expect("run as root");
            writer.add_tree(&bench.source(), &TreeOptions::default()).expect("a capture");
            rustix::thread::set_thread_res_uid(None::<Uid>, Uid::ROOT, None::<Uid>).expect("root again");
            writer.finish(about(), &bench.archive()).expect("a complete archive").targets.remove(0)
        };
        scope.spawn(capture).join().expect("no panic")
    });
    let mut names: Vec<_> = report.left_out.iter().map(|left| left.path.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["busy", "closed"]);
    assert!(report.warnings.iter().all(|warning| warning.kind == GapKind::Unreadable));
    assert_eq!(bench.verify().problems, []);
}

#[test]
fn a_root_that_is_not_there_is_a_failed_target() {
    let bench = Bench::new();
    let mut writer = bench.writer();
    writer.add_tree(&bench.source().join("none"), &TreeOptions::default()).expect("a capture");
    let report = writer.end_target().expect("a target");
    assert_eq!(report.state(), crate::domain::job::TargetState::Failed);
    assert_eq!(only_warning(&report), (".", GapKind::Vanished));
}

#[test]
fn a_root_that_is_a_socket_is_skipped() {
    let bench = Bench::new();
    let socket = bench.source().join("docker.sock");
    drop(std::os::unix::net::UnixListener::bind(&socket).expect("a socket"));
    let mut writer = bench.writer();
    writer.add_tree(&socket, &TreeOptions::default()).expect("a capture");
    let report = writer.end_target().expect("a target");
    assert_eq!(report.state(), crate::domain::job::TargetState::Skipped);
    assert_eq!(report.to_result().message.as_deref(), Some("left out .: a socket cannot be archived"));
}

#[test]
fn cancelling_ends_the_capture_and_leaves_nothing() {
    let (bench, _) = bench_with_file();
    let meter = Arc::new(Meter::new());
    let mut writer = bench.writer_with(&meter);
    let inner = Arc::clone(&meter);
    writer.before_body = Some(Box::new(move |_| inner.cancel()));
    let outcome = writer.add_tree(&bench.source(), &TreeOptions::default());
    assert!(matches!(outcome, Err(ArchiveError::Cancelled)), "{outcome:?}");
    drop(writer);
    let left: Vec<_> = fs::read_dir(bench.dir.path()).expect("a directory").flatten().map(|e| e.file_name()).collect();
    assert_eq!(left, ["source"], "neither archive nor spool is left");
}

#[test]
fn a_full_disk_is_an_error_and_leaves_nothing() {
    let bench = Bench::new();
    let small = SmallDisk::mount(&bench.dir.path().join("small"));
    let mut noise = vec![0; 8 << 20];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);
    fs::write(bench.source().join("noise"), noise).expect("a file");
    let archive = small.0.join("archive.partial");
    let outcome = ArchiveWriter::create(&archive, TOP, &bench.options(), Arc::default()).and_then(|mut writer| {
        writer.begin_target(bench.target("v"))?;
        writer.add_tree(&bench.source(), &TreeOptions::default())?;
        writer.finish(about(), &archive)
    });
    let Err(ArchiveError::Write { source, .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
    assert_eq!(fs::read_dir(&small.0).expect("a directory").count(), 0);
}

/// A file system of 2 MiB, gone when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Self {
        fs::create_dir(at).expect("a directory");
        run("mount", &["-t", "tmpfs", "-o", "size=2m", "tmpfs", text(at)]);
        Self(at.to_owned())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a program that another test is just starting may hold a handle for a moment.
        run("umount", &["-l", text(&self.0)]);
    }
}

#[test]
fn directories_without_end_are_left_out_at_some_depth() {
    let bench = Bench::new();
    let mut path = bench.source();
    for _ in 0..450 {
        path.push("d");
    }
    fs::create_dir_all(&path).expect("directories");
    let report = capture_while(&bench, |_| {});
    assert_eq!(report.entry_count, 400);
    assert_eq!(only_warning(&report).1, GapKind::Unreadable);
}
