//! An archive is held against its manifest, its record, and the index beside it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::backends::archive::{self, IndexError, Meter, VerifyReport};
use crate::domain::job::StepName;
use crate::domain::log::Level;
use crate::domain::size::human_bytes;
use crate::domain::snapshot::Snapshot;

use super::super::chain;
use super::super::steps::Stop;
use super::super::work::{Watch, watch};
use super::{Cx, Judged};

/// How many problems are told.
const SHOWN: usize = 5;
/// Retention removes an archive a moment before it records that.
const REMOVAL_IS_RECORDED_WITHIN: Duration = Duration::from_secs(2);

pub(super) async fn judge(cx: Cx<'_>, snapshot: &Snapshot) -> Result<Judged, Stop> {
    let path = PathBuf::from(&snapshot.reference);
    let looked = path.clone();
    let looked = tokio::task::spawn_blocking(move || look(&looked)).await;
    let size_bytes = match looked.unwrap_or_else(|e| Err(io::Error::other(e))) {
        Ok(Look::File(size_bytes)) => size_bytes,
        Ok(Look::Other) => return Ok(Err("it is not a plain file any more".to_owned())),
        Ok(Look::Gone) => return gone(cx, snapshot).await,
        Err(error) => return Err(Stop::because("the archive cannot be looked at", &error)),
    };
    let report = read_again(cx, &path, size_bytes).await?;
    let flaws = find_flaws(snapshot, size_bytes, &report);
    if !flaws.is_empty() {
        return Ok(Err(flaws.join("; ")));
    }
    let read = format!("{} read again", human_bytes(report.content_bytes));
    Ok(Ok(match judge_index(cx, &path, report).await? {
        Some(told) => format!("{read}; {told}"),
        None => read,
    }))
}

/// What lies at a path.
enum Look {
    File(u64),
    Other,
    Gone,
}

/// An empty directory may be that of a disk that is not mounted: then nothing is known.
fn look(path: &Path) -> io::Result<Look> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() => Ok(Look::File(meta.len())),
        Ok(_) => Ok(Look::Other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let directory = path.parent().unwrap_or(Path::new("/"));
            let is_empty = fs::read_dir(directory)?.next().is_none();
            let unmounted = || format!("{} is empty: is its disk mounted?", directory.display());
            if is_empty { Err(io::Error::other(unmounted())) } else { Ok(Look::Gone) }
        }
        Err(error) => Err(error),
    }
}

/// Retention may have been here meanwhile.
async fn gone(cx: Cx<'_>, snapshot: &Snapshot) -> Result<Judged, Stop> {
    tokio::time::sleep(REMOVAL_IS_RECORDED_WITHIN).await;
    let found = cx.engine.0.parts.store.find_snapshot(&snapshot.id).await;
    let found = found.map_err(|e| Stop::because("the record of the snapshots cannot be read", &e))?;
    if found.is_none_or(|snapshot| snapshot.removed_at.is_some()) {
        return Err(Stop::failed("it was removed meanwhile"));
    }
    Ok(Err(format!("{} is not there", snapshot.reference)))
}

async fn read_again(cx: Cx<'_>, path: &Path, size_bytes: u64) -> Result<VerifyReport, Stop> {
    let (meter, archive) = (Arc::new(Meter::default()), path.to_owned());
    let scratch = path.parent().unwrap_or(Path::new("/")).to_owned();
    let thread_meter = Arc::clone(&meter);
    let how = watching(cx, &meter, size_bytes);
    let report = watch(cx, &how, move || archive::verify(&archive, &scratch, &thread_meter), || {}).await?;
    report.map_err(|error| Stop::because("the archive could not be read again", &error))
}

fn watching<'a>(cx: Cx<'a>, meter: &'a Arc<Meter>, size_bytes: u64) -> Watch<'a> {
    let patience = cx.engine.0.settings.stall_timeout;
    Watch { phase: StepName::Verify, meter, bytes_total: Some(size_bytes), patience }
}

fn find_flaws(snapshot: &Snapshot, size_bytes: u64, report: &VerifyReport) -> Vec<String> {
    let mut flaws: Vec<String> = report.problems.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = report.problem_count.saturating_sub(flaws.len() as u64);
    if more > 0 {
        flaws.push(format!("and {more} more"));
    }
    if size_bytes != snapshot.size_bytes {
        flaws.push(format!("it has {size_bytes} bytes, and had {}", snapshot.size_bytes));
    } else if flaws.is_empty() && report.blake3_hex != snapshot.blake3 && snapshot.blake3.is_some() {
        flaws.push("it is another archive than the one that was recorded: its hash is not the same".to_owned());
    }
    flaws
}

/// The index is a cache: a wrong one is told and made anew, and the archive is none the worse for it.
async fn judge_index(cx: Cx<'_>, path: &Path, report: VerifyReport) -> Result<Option<String>, Stop> {
    let (meter, archive) = (Arc::new(Meter::default()), path.to_owned());
    let thread_meter = Arc::clone(&meter);
    let how = watching(cx, &meter, report.size_bytes);
    let find = move || archive::find_index_flaw(&archive, &report, &thread_meter);
    let flaw = match watch(cx, &how, find, || {}).await? {
        Ok(None) => return Ok(None),
        Ok(Some(flaw)) => flaw,
        Err(error) => chain(&error),
    };
    cx.live.log.write(Level::Warning, format!("the index of {} is wrong: {flaw}", path.display()));
    let (archive, thread_meter) = (path.to_owned(), Arc::clone(&meter));
    match watch(cx, &how, move || archive::rebuild_index(&archive, &thread_meter), || {}).await? {
        Ok(()) => {
            let told = format!("its index was wrong ({flaw}) and was made anew");
            cx.live.log.write(Level::Success, format!("{}: {told}", path.display()));
            Ok(Some(told))
        }
        Err(IndexError::Unusable(why)) => Ok(Some(format!("it has no index: {why}"))),
        Err(error) => Ok(Some(format!("its index is wrong ({flaw}) and could not be made anew: {}", chain(&error)))),
    }
}
