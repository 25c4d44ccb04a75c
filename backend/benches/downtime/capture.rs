//! Our own ways to capture a tree, each timed from the stop to the start.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use std::{env, fs};

use anyhow::{Result, ensure};
use mainstay::backends::archive::{
    ArchiveOptions, ArchiveWriter, Codec, Meter, TargetSpec, TreeOptions, take_trust, verify,
};
use mainstay::domain::clock::{Clock as _, SystemClock};
use mainstay::domain::job::TargetKind;
use serde_json::Map;

use super::Round;
use super::measure::process::shell;

/// The directory at the top of an archive.
const TOP: &str = "bench";
/// As fast as the disk takes it.
pub(crate) const STORED: Codec = Codec::Gzip { level: 0 };

/// What is captured, where to work, and what comes out.
pub(crate) struct Capture<'a> {
    pub(crate) source: &'a Path,
    pub(crate) scratch: &'a Path,
    pub(crate) archive: &'a Path,
}

impl Capture<'_> {
    /// Everything within the stop; compressed with `draft` there, if not in the archive's own way.
    pub(crate) fn direct(&self, draft_codec: Option<Codec>) -> Result<Round> {
        let options = ArchiveOptions { draft_codec, ..options() };
        let stopped = Instant::now();
        let writer = self.pass("cold.partial", &options)?;
        let stopped_secs = stopped.elapsed().as_secs_f64();
        let compressed_bytes = writer.window().compressed_bytes;
        let extra_bytes = if draft_codec.is_some() { self.len("cold.partial") } else { 0 };
        let beside_secs = self.finish(writer)?;
        Ok(Round { stopped_secs, beside_secs, extra_bytes, compressed_bytes })
    }

    /// A hot pass, then what `change` does, then the stop.
    pub(crate) fn spliced(&self, change: impl FnOnce() -> Result<()>) -> Result<Round> {
        let hot = Instant::now();
        let trust = take_trust(&[self.source.to_owned()]);
        let options = ArchiveOptions { trusted_before: Some(trust), ..options() };
        let writer = self.pass("hot.partial", &options)?;
        let hot_bytes = self.len("hot.partial");
        let base = Arc::new(writer.into_base()?);
        let hot_secs = hot.elapsed().as_secs_f64();
        change()?;
        let options = ArchiveOptions { reuse: vec![base], ..options };
        let stopped = Instant::now();
        let writer = self.pass("cold.partial", &options)?;
        let stopped_secs = stopped.elapsed().as_secs_f64();
        let stats = writer.window();
        let notes = writer.notes();
        ensure!(stats.reused_by_identity_bytes > stats.read_bytes, "nothing was reused: {stats:?}, {notes:?}");
        let extra_bytes = hot_bytes + self.len("cold.partial");
        let beside_secs = hot_secs + self.finish(writer)?;
        Ok(Round { stopped_secs, beside_secs, extra_bytes, compressed_bytes: stats.compressed_bytes })
    }

    /// GNU tar must restore the archive as the tree is, and our own verification must agree.
    pub(crate) fn check(&self) -> Result<()> {
        let restore = format!(
            "set -e; gzip -t < \"$OUT\"; mkdir \"$OUT.d\"; tar -C \"$OUT.d\" -xzpf \"$OUT\"; \
             diff -r --no-dereference \"$SRC\" \"$OUT.d/{TOP}/data\"; rm -r \"$OUT.d\""
        );
        shell(&restore, self.source, self.archive, &[])?;
        let report = verify(self.archive, &env::temp_dir(), &Meter::new())?;
        ensure!(report.is_sound(), "{:?}", report.problems);
        Ok(())
    }

    fn pass(&self, name: &str, options: &ArchiveOptions) -> Result<ArchiveWriter> {
        let mut writer = ArchiveWriter::create(&self.scratch.join(name), TOP, options, Arc::new(Meter::new()))?;
        writer.begin_target(TargetSpec {
            kind: TargetKind::Data,
            name: TOP.to_owned(),
            original_path: self.source.to_owned(),
            archive_path: "data".to_owned(),
        })?;
        writer.add_tree(self.source, &TreeOptions::default())?;
        writer.end_target()?;
        Ok(writer)
    }

    /// Seconds until the archive is complete.
    fn finish(&self, writer: ArchiveWriter) -> Result<f64> {
        let started = Instant::now();
        let finished = writer.finish(Map::new(), self.archive)?;
        ensure!(finished.targets[0].warning_count == 0, "{:?}", finished.targets[0].warnings);
        Ok(started.elapsed().as_secs_f64())
    }

    fn len(&self, name: &str) -> u64 {
        fs::metadata(self.scratch.join(name)).map_or(0, |metadata| metadata.len())
    }
}

/// The usual codec, on every core.
fn options() -> ArchiveOptions {
    ArchiveOptions::new(Codec::default(), SystemClock.now())
}
