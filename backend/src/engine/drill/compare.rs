//! What lies on the disk is held against what the snapshot says of it.
//!
//! The unpacking did so already with what it wrote; this reads it back, as whoever needs it would.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::backends::archive::{ArchiveIndex, Entry, EntryKind, IndexError, Meter};
use crate::domain::job::{StepName, TargetKind};
use crate::domain::plan::BackendKind;

use super::super::steps::Stop;
use super::super::unpack::{Place, TargetContents};
use super::super::work::{Watch, watch};
use super::{Cx, Found, settle};

/// How many differences are told.
const SHOWN: usize = 5;

/// Compares every target; a difference fails the drill.
pub(super) async fn all(cx: Cx<'_>, found: &Found, places: &[Place]) -> Result<String, Stop> {
    let mut entries = 0;
    let mut wrong = Vec::new();
    for (place, target) in places.iter().zip(&found.contents.targets) {
        let compared = one(cx, found, place, target).await?;
        entries += compared.entries;
        let name = format!("{} {}", place.kind, place.name);
        if let Some(told) = compared.tell() {
            settle(cx.live, place.kind, &place.name, Err(told.clone()));
            wrong.push(format!("{name}: {told}"));
        } else if place.kind != TargetKind::Database {
            settle(
                cx.live,
                place.kind,
                &place.name,
                Ok(format!("{} entries are as they were stored", compared.entries)),
            );
        }
    }
    if wrong.is_empty() { Ok(format!("{entries} entries compared")) } else { Err(Stop::Failed(wrong.join("; "))) }
}

/// What a comparison found.
#[derive(Debug, Default)]
struct Compared {
    entries: u64,
    differences: Vec<String>,
    difference_count: u64,
}

impl Compared {
    fn differ(&mut self, path: &[u8], what: &str) {
        self.difference_count += 1;
        if self.differences.len() < SHOWN {
            self.differences.push(format!("{} {what}", String::from_utf8_lossy(path)));
        }
    }

    fn tell(&self) -> Option<String> {
        let more = self.difference_count.saturating_sub(self.differences.len() as u64);
        let more = if more == 0 { String::new() } else { format!("; and {more} more") };
        (self.difference_count > 0).then(|| format!("{}{more}", self.differences.join("; ")))
    }
}

async fn one(cx: Cx<'_>, found: &Found, place: &Place, target: &TargetContents) -> Result<Compared, Stop> {
    let meter = Arc::new(Meter::new());
    let patience = cx.engine.0.settings.stall_timeout;
    let how = Watch { phase: StepName::Verify, meter: &meter, bytes_total: Some(target.bytes), patience };
    let (root, target, thread_meter) = (place.to.clone(), target.clone(), Arc::clone(&meter));
    let archive = (found.snapshot.backend == BackendKind::Archive).then(|| PathBuf::from(&found.snapshot.reference));
    let work = move || compare(archive.as_deref(), &root, &target, &thread_meter);
    let compared = watch(cx, &how, work, || {}).await?;
    compared.map_err(|e| Stop::because(&format!("{} {} could not be compared", place.kind, place.name), &e))
}

/// An archive tells every entry; of other backends only the sums are known here, and their own restore compared the rest.
fn compare(archive: Option<&Path>, root: &Path, target: &TargetContents, meter: &Meter) -> io::Result<Compared> {
    let mut compared = Compared::default();
    let index = archive.map(ArchiveIndex::open);
    match index {
        Some(Ok(index)) => with_index(&index, root, target, meter, &mut compared)?,
        Some(Err(IndexError::Read(error))) => return Err(error),
        _ => with_sums(root, target, meter, &mut compared)?,
    }
    Ok(compared)
}

fn with_index(
    index: &ArchiveIndex,
    root: &Path,
    target: &TargetContents,
    meter: &Meter,
    compared: &mut Compared,
) -> io::Result<()> {
    let top = target.place.as_bytes();
    // A target that is one file has it at its root, whatever it is called within the archive.
    let is_one_file = !fs::symlink_metadata(root)?.is_dir();
    let mut failure = None;
    let read = index.each_below(top, &mut |path, entry| {
        let rest = path.strip_prefix(top).unwrap_or(path);
        let rest = rest.strip_prefix(b"/").unwrap_or(rest);
        if is_one_file && entry.kind == EntryKind::Directory {
            return true;
        }
        let place =
            if rest.is_empty() || is_one_file { root.to_owned() } else { root.join(std::ffi::OsStr::from_bytes(rest)) };
        let done = compare_entry(&place, path, entry, meter, compared);
        failure = done.err();
        failure.is_none()
    });
    read.map_err(io::Error::other)?;
    failure.map_or(Ok(()), Err)
}

fn compare_entry(place: &Path, path: &[u8], entry: &Entry, meter: &Meter, compared: &mut Compared) -> io::Result<()> {
    meter.begin_entry(path);
    compared.entries += 1;
    let meta = match fs::symlink_metadata(place) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            compared.differ(path, "is missing");
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let kind = meta.file_type();
    let is_same_kind = match entry.kind {
        EntryKind::File | EntryKind::HardLink => kind.is_file(),
        EntryKind::Directory => kind.is_dir(),
        EntryKind::Symlink => kind.is_symlink(),
        _ => !kind.is_file() && !kind.is_dir() && !kind.is_symlink(),
    };
    if !is_same_kind {
        compared.differ(path, "is of another kind");
        return Ok(());
    }
    let is_link = matches!(entry.kind, EntryKind::Symlink | EntryKind::HardLink);
    if !is_link && format!("{:04o}", meta.mode() & 0o7777) != entry.mode {
        compared.differ(path, "has another mode");
    }
    if entry.kind == EntryKind::File {
        if meta.len() != entry.size {
            compared.differ(path, "has another size");
        } else if !entry.sparse && entry.hash.is_some() && Some(hash(place, meter)?) != entry.hash {
            compared.differ(path, "has another content");
        }
    }
    meter.end_entry();
    Ok(())
}

fn hash(place: &Path, meter: &Meter) -> io::Result<String> {
    let (mut file, mut hasher, mut buf) = (fs::File::open(place)?, blake3::Hasher::new(), vec![0; 256 << 10]);
    loop {
        if meter.is_cancelled() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        match file.read(&mut buf)? {
            0 => return Ok(hasher.finalize().to_hex().to_string()),
            count => {
                hasher.update(&buf[..count]);
                meter.add_bytes(count as u64);
            }
        }
    }
}

fn with_sums(root: &Path, target: &TargetContents, meter: &Meter, compared: &mut Compared) -> io::Result<()> {
    let mut directories = vec![root.to_owned()];
    while let Some(path) = directories.pop() {
        let meta = fs::symlink_metadata(&path)?;
        compared.entries += 1;
        if meta.is_dir() {
            for entry in fs::read_dir(&path)? {
                directories.push(entry?.path());
            }
        } else if meta.is_file() {
            hash(&path, meter)?;
        }
    }
    if target.entries.is_some_and(|entries| entries != compared.entries) {
        let (is, was) = (compared.entries, target.entries.unwrap_or_default());
        compared.differ(target.name.as_bytes(), &format!("has {is} entries, and had {was}"));
    }
    Ok(())
}
