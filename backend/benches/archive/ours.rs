//! What the benchmark does in processes of its own: our writer, our verification, the bare reading.

use std::env;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use mainstay::backends::archive::{ArchiveOptions, ArchiveWriter, Codec, Meter, TargetSpec, TreeOptions, verify};
use mainstay::domain::clock::{Clock as _, SystemClock};
use mainstay::domain::job::TargetKind;
use serde_json::Map;

use super::measure::process::{is_on_path, own_peak_kib, shell};

/// The directory at the top of an archive.
const TOP: &str = "bench";

/// Every codec that is measured, and how its stream is tested by the tool it comes from.
const GATE: [(&str, &str); 5] = [
    ("gzip1", "gzip -t < \"$OUT\""),
    ("gzip4", "gzip -t < \"$OUT\""),
    ("gzip6", "gzip -t < \"$OUT\""),
    ("gzip7", "gzip -t < \"$OUT\""),
    ("zstd3", "zstd -qt < \"$OUT\""),
];

/// Ours must be restored by GNU tar as it was, in every codec, before any clock runs; a gzip archive is kept.
pub(crate) fn gate(scratch: &Path, source: &Path) -> Result<PathBuf> {
    for (codec, test) in GATE {
        let path = scratch.join(codec);
        write(parse_codec(codec)?, source, &path)?;
        verify_archive(&path)?;
        let filter = &codec[..4];
        if is_on_path(filter) {
            let restore = format!(
                "set -e; {test}; mkdir \"$OUT.d\"; tar --{filter} -C \"$OUT.d\" -xpf \"$OUT\"; \
                 diff -r --no-dereference \"$SRC\" \"$OUT.d/{TOP}/data\"; rm -r \"$OUT.d\""
            );
            shell(&restore, source, &path, &[])?;
        }
    }
    Ok(scratch.join(GATE[0].0))
}

/// Writes an archive and prints the peak memory.
#[expect(clippy::print_stdout, reason = "the caller reads it")]
pub(crate) fn archive(codec: &str, source: &Path, path: &Path) -> Result<()> {
    write(parse_codec(codec)?, source, path)?;
    println!("{}", own_peak_kib()?);
    Ok(())
}

/// Writes an archive in the usual codec, with the index beside it.
pub(crate) fn write_default(source: &Path, path: &Path) -> Result<()> {
    write(Codec::default(), source, path)
}

fn write(codec: Codec, source: &Path, path: &Path) -> Result<()> {
    let options = ArchiveOptions::new(codec, SystemClock.now());
    let mut writer = ArchiveWriter::create(path, TOP, &options, Arc::new(Meter::new()))?;
    writer.begin_target(TargetSpec {
        kind: TargetKind::Data,
        name: TOP.to_owned(),
        original_path: source.to_owned(),
        archive_path: "data".to_owned(),
    })?;
    writer.add_tree(source, &TreeOptions::default())?;
    let finished = writer.finish(Map::new(), path)?;
    ensure!(finished.targets[0].warning_count == 0, "{:?}", finished.targets[0].warnings);
    Ok(())
}

/// Reads an archive back as a job does.
pub(crate) fn verify_archive(path: &Path) -> Result<()> {
    let report = verify(path, &env::temp_dir(), &Meter::new())?;
    ensure!(report.is_sound(), "{:?}", report.problems);
    Ok(())
}

/// Reads every file of a tree and does nothing with it: the floor of every archive.
pub(crate) fn read_all(root: &Path) -> Result<()> {
    let mut buffer = vec![0; 1 << 20];
    let mut todo = vec![root.to_owned()];
    while let Some(directory) = todo.pop() {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                todo.push(entry.path());
                continue;
            }
            let mut file = File::open(entry.path())?;
            while file.read(&mut buffer)? > 0 {}
        }
    }
    Ok(())
}

fn parse_codec(word: &str) -> Result<Codec> {
    Ok(match (word.get(..4), word.get(4..)) {
        (Some("gzip"), Some(level)) => Codec::Gzip { level: level.parse()? },
        (Some("zstd"), Some(level)) => Codec::Zstd { level: level.parse()? },
        _ => bail!("unknown codec {word}"),
    })
}
