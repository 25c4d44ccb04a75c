//! What an archive holds, as its manifest tells it.

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::super::index::ArchiveIndex;
use super::super::manifest::{Entry, FILE_NAME, Item, TargetHead, read_manifest};
use super::super::meter::Meter;
use super::super::node::{EntryKind, join};
use super::super::tar_reader::{TarError, TarReader};
use super::super::verify::{Decoder, Source};
use super::error::UnpackError;
use crate::domain::job::TargetKind;

/// What an archive holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contents {
    /// Its targets, in the order in which they lie there.
    pub targets: Vec<Held>,
    /// What the manifest says before them; empty without a manifest.
    pub about: Map<String, Value>,
    /// Whether there is a manifest that what comes out is compared with.
    pub has_manifest: bool,
}

/// A target in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// What kind of thing it is.
    pub kind: TargetKind,
    /// Its name.
    pub name: String,
    /// Where it was on the host; empty when that is not recorded.
    pub original_path: PathBuf,
    /// Where it lies below the archive's top directory.
    pub archive_path: String,
    /// Bytes of content, holes included.
    pub bytes: u64,
    /// Entries, directories included.
    pub entries: u64,
    /// The name of the file, where the target is a single file.
    pub file_name: Option<String>,
}

impl Held {
    pub(super) fn new(head: TargetHead) -> Result<Self, UnpackError> {
        let unknown = |_| UnpackError::BadManifest(format!("'{}' is no kind of target", head.kind));
        Ok(Self {
            kind: head.kind.parse().map_err(unknown)?,
            name: head.name,
            original_path: head.path.into(),
            archive_path: head.archive_path,
            bytes: 0,
            entries: 0,
            file_name: None,
        })
    }

    fn add(&mut self, entry: &Entry) {
        self.file_name = if self.entries == 0 { self.find_single_file(entry) } else { None };
        self.entries += 1;
        self.bytes += entry.size;
    }

    /// The file that the target is, if `entry` is all of it: a dump, or what a single file was mounted from. A directory of
    /// which only one file was wanted looks alike and is none.
    fn find_single_file(&self, entry: &Entry) -> Option<String> {
        if entry.kind != EntryKind::File || entry.path.contains('/') {
            return None;
        }
        let is_path = matches!(self.kind, TargetKind::Bind | TargetKind::Path);
        let name = Path::new(&self.name);
        if entry.path == "." {
            return name.file_name().map(|name| name.to_string_lossy().into_owned());
        }
        let is_itself = is_path && self.original_path.join(&entry.path) == name;
        (self.kind == TargetKind::Database || is_itself).then(|| entry.path.clone())
    }
}

impl Contents {
    /// Takes what comes next in the manifest.
    pub(super) fn take(&mut self, item: &Item) -> Result<(), UnpackError> {
        match item {
            Item::Field(key, value) => drop(self.about.insert(key.clone(), value.clone())),
            Item::Target(head) => self.targets.push(Held::new(head.clone())?),
            Item::Entry(entry) => self.targets.iter_mut().last().into_iter().for_each(|target| target.add(entry)),
            Item::Piece(_) => {}
        }
        Ok(())
    }
}

/// Hands the text of the manifest to `read`: by the index at once, without one by reading the archive until it comes.
pub(super) fn with_manifest<T>(
    archive: &Path,
    index: Option<&ArchiveIndex>,
    meter: &Meter,
    read: impl FnOnce(&mut dyn Read) -> Result<T, UnpackError>,
) -> Result<T, UnpackError> {
    if let Some(index) = index {
        let mut text = index.open_manifest().map_err(|error| UnpackError::indexed(archive, meter, error))?;
        return read(&mut text);
    }
    let failed = |error| UnpackError::reading(archive, meter, error);
    let decoder = Source::open(archive, meter).and_then(Decoder::of_any).map_err(|error| failed(error.into()))?;
    let mut tar = TarReader::new(decoder);
    let mut place = None;
    while let Some(node) = tar.next_entry().map_err(failed)? {
        meter.begin_entry(&node.path);
        let place = &*place.get_or_insert_with(|| join(first_component(&node.path), FILE_NAME.as_bytes()));
        if node.path == *place && node.kind == EntryKind::File {
            return read(&mut tar);
        }
        meter.end_entry();
    }
    Err(UnpackError::NoManifest)
}

/// Reads a manifest item by item.
pub(super) fn scan(
    archive: &Path,
    meter: &Meter,
    text: &mut dyn Read,
    on_item: &mut dyn FnMut(Item) -> Result<(), UnpackError>,
) -> Result<(), UnpackError> {
    let mut stopped = None;
    let read = read_manifest(BufReader::with_capacity(64 << 10, text), &mut |item| {
        let taken = meter.check().map_err(UnpackError::from).and_then(|()| on_item(item));
        taken.map_err(|error| {
            stopped = Some(error);
            String::new()
        })
    });
    match (stopped, read) {
        (Some(error), _) => Err(error),
        (None, Err(error)) if error.is_io() => Err(UnpackError::reading(archive, meter, TarError::Io(error.into()))),
        (None, Err(error)) => Err(UnpackError::BadManifest(error.to_string())),
        (None, Ok(())) => Ok(()),
    }
}

pub(super) fn first_component(path: &[u8]) -> &[u8] {
    path.split(|&byte| byte == b'/').next().unwrap_or(path)
}
