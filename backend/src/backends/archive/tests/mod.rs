//! The archive as a whole: written, read by others, verified, broken on purpose. Runs as root, as the odd tree
//! needs devices, owners and attributes; a missing `tar` or `gzip` is a failure.

mod bare_restore;
mod clones;
mod folder;
mod gaps;
mod generations;
pub(crate) mod odd_tree;
mod seek;
mod soundness;
mod splice;
mod tar_stream;
mod truth;
mod unpack;
mod unpack_forged;
mod unpack_predecessor;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::DateTime;
use serde_json::{Map, Value};
use tempfile::TempDir;

use super::*;
use crate::domain::job::TargetKind;

/// The top directory of every archive here.
const TOP: &str = "shop_2026-01-01_00-00-00";

/// A scratch directory with a source tree and room for an archive.
struct Bench {
    dir: TempDir,
    codec: Codec,
}

impl Bench {
    fn new() -> Self {
        let bench = Self { dir: TempDir::new().expect("a scratch directory"), codec: Codec::default() };
        fs::create_dir(bench.source()).expect("a new directory");
        bench
    }

    fn source(&self) -> PathBuf {
        self.dir.path().join("source")
    }

    fn archive(&self) -> PathBuf {
        self.dir.path().join("archive.partial")
    }

    fn options(&self) -> ArchiveOptions {
        let created_at = DateTime::from_timestamp(1_767_225_600, 0).expect("a valid time");
        ArchiveOptions { workers: 2, ..ArchiveOptions::new(self.codec, created_at) }
    }

    /// A writer with an open volume target.
    fn writer(&self) -> ArchiveWriter {
        self.writer_with(&Arc::new(Meter::new()))
    }

    fn writer_with(&self, meter: &Arc<Meter>) -> ArchiveWriter {
        let mut writer =
            ArchiveWriter::create(&self.archive(), TOP, &self.options(), Arc::clone(meter)).expect("a new archive");
        writer.begin_target(self.target("app-data")).expect("a target");
        writer
    }

    fn target(&self, name: &str) -> TargetSpec {
        TargetSpec {
            kind: TargetKind::Volume,
            name: name.to_owned(),
            original_path: self.source(),
            archive_path: format!("volumes/{name}"),
        }
    }

    /// Archives the source tree as one volume.
    fn capture(&self) -> Finished {
        let mut writer = self.writer();
        writer.add_tree(&self.source(), &TreeOptions::default()).expect("a capture");
        writer.finish(about(), &self.archive()).expect("a complete archive")
    }

    fn verify(&self) -> VerifyReport {
        verify(&self.archive(), self.dir.path(), &Meter::new()).expect("a judgement")
    }

    /// The manifest, unpacked by GNU tar.
    fn manifest(&self) -> Value {
        let text = run("tar", &["-xOf", text(&self.archive()), &format!("{TOP}/manifest.json")]);
        serde_json::from_slice(&text).expect("a JSON manifest")
    }
}

fn about() -> Map<String, Value> {
    Map::from_iter([("stack".to_owned(), "shop".into()), ("host".to_owned(), "local".into())])
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

#[expect(clippy::disallowed_methods, reason = "other programs are the judges of our archives")]
fn run(program: &str, args: &[&str]) -> Vec<u8> {
    let output = std::process::Command::new(program).args(args).output().unwrap_or_else(|e| panic!("{program}: {e}"));
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn an_archive_without_targets_is_sound() {
    let bench = Bench::new();
    let writer = ArchiveWriter::create(&bench.archive(), TOP, &bench.options(), Arc::default()).expect("a new archive");
    writer.finish(about(), &bench.archive()).expect("a complete archive");
    assert_eq!(bench.verify().problems, []);
    assert_eq!(bench.manifest()["stack"], "shop");
}

#[test]
fn targets_are_told_apart_and_told_of() {
    let bench = Bench::new();
    fs::write(bench.source().join("a"), "one").expect("a file");
    let mut writer = bench.writer();
    writer.add_tree(&bench.source(), &TreeOptions::default()).expect("a capture");
    let first = writer.end_target().expect("an open target");
    assert_eq!((first.entry_count, first.size_bytes), (2, 3));
    assert!(matches!(writer.add_bytes("x", b""), Err(ArchiveError::NoTarget)));
    writer.begin_target(bench.target("second")).expect("a target");
    writer.add_bytes("dump.sql", b"select 1;").expect("an entry");
    let at = TreeOptions { at: "etc/a".to_owned(), ..TreeOptions::default() };
    writer.add_tree(&bench.source().join("a"), &at).expect("a capture of a single file");
    let finished = writer.finish(about(), &bench.archive()).expect("a complete archive");
    assert_eq!((finished.entry_count, finished.content_bytes), (4, 15));
    assert_eq!(bench.verify().problems, []);

    let manifest = bench.manifest();
    let second = &manifest["targets"][1];
    assert_eq!(second["archive_path"], "volumes/second");
    assert_eq!(second["state"], "succeeded");
    assert_eq!(second["entries"][0]["path"], "dump.sql");
    assert_eq!(second["entries"][0]["hash"], blake3::hash(b"select 1;").to_hex().to_string());
    assert_eq!(second["entries"][1]["path"], "etc/a");
}

#[test]
fn what_is_excluded_stands_in_the_manifest() {
    let bench = Bench::new();
    fs::create_dir(bench.source().join("backups")).expect("a directory");
    fs::write(bench.source().join("backups/old.tar.gz"), "x").expect("a file");
    let reason = "the backup directory itself".to_owned();
    let excludes = vec![Exclude { path: bench.source().join("backups"), reason }];
    let mut writer = bench.writer();
    writer.add_tree(&bench.source(), &TreeOptions { excludes, ..TreeOptions::default() }).expect("a capture");
    let finished = writer.finish(about(), &bench.archive()).expect("a complete archive");
    assert_eq!((finished.entry_count, finished.targets[0].warning_count), (1, 0));
    assert_eq!(bench.manifest()["excluded"][0]["reason"], "the backup directory itself");
}

#[test]
fn publishing_never_replaces() {
    let bench = Bench::new();
    let (from, to) = (bench.dir.path().join("a.partial"), bench.dir.path().join("a"));
    fs::write(&from, "new").expect("a file");
    fs::write(&to, "old").expect("a file");
    assert!(publish(&from, &to).is_err());
    assert_eq!(fs::read(&to).expect("a file"), b"old");
    fs::remove_file(&to).expect("a file");
    publish(&from, &to).expect("a free name");
    assert_eq!(fs::read(&to).expect("a file"), b"new");
    assert!(!from.exists());
}

#[test]
fn space_is_measured() {
    let bench = Bench::new();
    assert!(free_bytes(&bench.source()).expect("a directory") > 0);
    assert!(free_bytes(&bench.source().join("none")).is_err());
    fs::write(bench.source().join("a"), vec![1; 100_000]).expect("a file");
    fs::hard_link(bench.source().join("a"), bench.source().join("b")).expect("a link");
    let estimate = estimate(&bench.source(), &[], std::time::Duration::from_secs(60));
    assert_eq!((estimate.bytes, estimate.is_complete), (100_000, true));
}
