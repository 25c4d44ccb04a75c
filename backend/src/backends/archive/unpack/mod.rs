//! The way out: targets of an archive, as they were, at places of the disk.
//!
//! ```text
//! manifest (by the index, or by reading the archive)  →  survey  →  wanted  (what goes where; is there room?)
//!                                                                     └→ tape  →  compare  →  tree
//! ```
//!
//! The manifest is read first, whatever the order of the file: what it announces is what is written, not a byte more, and
//! everything that it announces of a wanted target must come, entry by entry, with the same metadata and the same hash.
//! The index beside the archive makes it fast and is never trusted: what fails with it is tried again without it.
//! Nothing is put in the place of anything, and what had been begun is removed when it does not come to its end.
//! [`predecessor`] reads the archives of Docker Backup Manager, which have no manifest.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::index::ArchiveIndex;
use super::manifest::Entry;
use super::meter::Meter;
use super::node::{EntryKind, Node};
use super::space::free_bytes;
use super::spool::Spool;

use body::{Copier, Torn};
use error::making;
use survey::{first_component, scan, with_manifest};
use tape::Tape;
use tree::Tree;
use wanted::{Wanted, WantedList, choose};

mod backwards;
mod body;
mod error;
mod predecessor;
mod survey;
mod tape;
mod tree;
mod wanted;

pub use error::UnpackError;
pub(super) use predecessor::visit as visit_predecessor;
pub use survey::{Contents, Held};
pub use tree::{Unpacked, remove_unpacked, sync_unpacked};
pub use wanted::UnpackPlace;

/// What an entry takes of a disk beside its content, in bytes: an inode and a part of a block.
const ENTRY_COST: u64 = 4096;

/// What the archive holds, without unpacking it.
///
/// # Errors
/// [`UnpackError`].
pub fn read_contents(archive: &Path, meter: &Meter) -> Result<Contents, UnpackError> {
    let read = |index: Option<&ArchiveIndex>| {
        let mut contents = Contents { has_manifest: true, ..Contents::default() };
        with_manifest(archive, index, meter, |text| scan(archive, meter, text, &mut |item| contents.take(&item)))?;
        Ok(contents)
    };
    match with_or_without_index(archive, read) {
        Err(UnpackError::NoManifest) => predecessor::contents(archive, meter),
        read => read,
    }
}

/// Tries it with the index, and again without one when the index may be to blame.
fn with_or_without_index<T>(
    archive: &Path,
    mut attempt: impl FnMut(Option<&ArchiveIndex>) -> Result<T, UnpackError>,
) -> Result<T, UnpackError> {
    let Ok(index) = ArchiveIndex::open(archive) else { return attempt(None) };
    match attempt(Some(&index)) {
        Err(error) if error.may_be_of_the_index() => attempt(None),
        done => done,
    }
}

/// What is to be unpacked, found to be possible as far as that can be told beforehand.
#[derive(Debug)]
pub struct UnpackPlan {
    archive: PathBuf,
    places: Vec<UnpackPlace>,
    /// Absent where there is no manifest.
    wanted: Option<WantedList>,
    /// Bytes of content and number of entries of each place.
    sizes: Vec<(u64, u64)>,
}

impl UnpackPlan {
    /// Finds out what goes where, and whether there is room. Writes nothing but unlinked scratch beside the first place.
    ///
    /// # Errors
    /// [`UnpackError`].
    pub fn make(archive: &Path, places: &[UnpackPlace], meter: &Meter) -> Result<Self, UnpackError> {
        check_places(places)?;
        let plan = match with_or_without_index(archive, |index| choose_wanted(archive, index, places, meter)) {
            Err(UnpackError::NoManifest) => Self::without_manifest(archive, places, meter)?,
            Err(error) => return Err(error),
            Ok(wanted) => Self {
                archive: archive.to_owned(),
                places: places.to_vec(),
                sizes: wanted.sizes.clone(),
                wanted: Some(wanted),
            },
        };
        plan.check_room()?;
        Ok(plan)
    }

    fn without_manifest(archive: &Path, places: &[UnpackPlace], meter: &Meter) -> Result<Self, UnpackError> {
        let contents = predecessor::contents(archive, meter)?;
        let size = |place: &UnpackPlace| {
            let held = contents.targets.iter().find(|held| held.kind == place.kind && held.name == place.name);
            let unknown = || UnpackError::UnknownTarget { kind: place.kind, name: place.name.clone() };
            held.map(|held| (held.bytes, held.entries)).ok_or_else(unknown)
        };
        let sizes = places.iter().map(size).collect::<Result<_, _>>()?;
        Ok(Self { archive: archive.to_owned(), places: places.to_vec(), wanted: None, sizes })
    }

    /// Bytes of content that will be written, holes not counted where the manifest tells of them.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.sizes.iter().map(|(bytes, _)| bytes).sum()
    }

    /// What the meter will count up to: bytes of content with an index, else those of the archive.
    #[must_use]
    pub fn progress_total(&self) -> Option<u64> {
        match ArchiveIndex::open(&self.archive) {
            Ok(_) if self.wanted.is_some() => Some(self.bytes()),
            _ => self.archive.metadata().ok().map(|found| found.len()),
        }
    }

    /// Whether there is a manifest that everything is compared with.
    #[must_use]
    pub fn has_manifest(&self) -> bool {
        self.wanted.is_some()
    }

    /// Unpacks. It has not reached the disk before [`Self::sync`].
    ///
    /// # Errors
    /// [`UnpackError`]; what had been begun is gone then.
    pub fn run(&self, meter: &Meter) -> Result<Vec<Unpacked>, UnpackError> {
        match &self.wanted {
            Some(wanted) => with_or_without_index(&self.archive, |index| {
                self.fill(|trees| self.unpack_wanted(wanted, index, trees, meter))
            }),
            None => self.fill(|trees| predecessor::unpack(&self.archive, &self.places, trees, meter)),
        }
    }

    /// Has everything reach the disk. May take as long as the disk takes, and cannot be interrupted.
    ///
    /// # Errors
    /// [`UnpackError::Write`] when the disk has lost something.
    pub fn sync(&self) -> Result<(), UnpackError> {
        self.places.iter().try_for_each(|place| sync_unpacked(&place.to))
    }

    /// Removes what lies at the places: after [`Self::run`] was given up, or is not wanted.
    pub fn remove(&self) {
        for place in &self.places {
            if let Err(error) = remove_unpacked(&place.to) {
                tracing::warn!(%error, "what was unpacked to {} could not be removed again", place.to.display());
            }
        }
    }

    fn fill(&self, unpack: impl FnOnce(&mut [Tree]) -> Result<(), UnpackError>) -> Result<Vec<Unpacked>, UnpackError> {
        let mut trees = self.places.iter().map(|place| Tree::begin(&place.to)).collect::<Result<Vec<_>, _>>()?;
        let filled = unpack(&mut trees).and_then(|()| trees.iter_mut().map(Tree::finish).collect());
        if filled.is_err() {
            trees.iter().for_each(Tree::remove);
        }
        filled
    }

    fn unpack_wanted(
        &self,
        list: &WantedList,
        index: Option<&ArchiveIndex>,
        trees: &mut [Tree],
        meter: &Meter,
    ) -> Result<(), UnpackError> {
        let scratch = |error: io::Error| UnpackError::scratch(&self.archive)(error);
        let mut tape = Tape::open(&self.archive, index, meter)?;
        let mut copier = Copier::new(meter, index.is_some());
        for wanted in list.read().map_err(scratch)? {
            let wanted = wanted.map_err(|error| scratch(error.into()))?;
            let expected = Entry { hash: None, ..wanted.entry.clone() }.below(&list.archive_paths[wanted.place]);
            meter.begin_entry(expected.path.as_bytes());
            let found = tape.go_to(wanted.number, &expected.raw_path(), wanted.passed_bytes)?;
            let node = compare(expected, found)?;
            put(&mut tape, &mut trees[wanted.place], &mut copier, &wanted, node)?;
            meter.end_entry();
        }
        tape.finish()
    }

    /// Whether what is announced fits where it goes.
    fn check_room(&self) -> Result<(), UnpackError> {
        let mut needed: BTreeMap<u64, (&Path, u64)> = BTreeMap::new();
        for (place, (bytes, entries)) in self.places.iter().zip(&self.sizes) {
            let above = above(&place.to);
            let device = above.metadata().map_or(0, |found| found.dev());
            let sum = &mut needed.entry(device).or_insert((above, 0)).1;
            *sum = sum.saturating_add(*bytes).saturating_add(entries.saturating_mul(ENTRY_COST));
        }
        for (directory, needed) in needed.into_values() {
            // A disk that does not tell is found out by writing.
            let free = free_bytes(directory).unwrap_or(u64::MAX);
            if needed > free {
                return Err(UnpackError::NoRoom { directory: directory.to_owned(), needed, free });
            }
        }
        Ok(())
    }
}

/// The directory that `to` is to be made in.
fn above(to: &Path) -> &Path {
    to.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Every place is free and wanted once.
fn check_places(places: &[UnpackPlace]) -> Result<(), UnpackError> {
    for (number, place) in places.iter().enumerate() {
        let before = &places[..number];
        if before.iter().any(|other| other.kind == place.kind && other.name == place.name) {
            return Err(UnpackError::Twice(place.kind, place.name.clone()));
        }
        if before.iter().any(|other| other.to == place.to) || place.to.symlink_metadata().is_ok() {
            return Err(UnpackError::Taken(place.to.clone()));
        }
    }
    Ok(())
}

fn choose_wanted(
    archive: &Path,
    index: Option<&ArchiveIndex>,
    places: &[UnpackPlace],
    meter: &Meter,
) -> Result<WantedList, UnpackError> {
    let neighbour = places.first().map_or(archive, |place| &place.to);
    let failed = UnpackError::scratch(above(neighbour));
    let mut manifest = Spool::beside(neighbour).map_err(&failed)?;
    with_manifest(archive, index, meter, |text| copy_text(archive, meter, text, &mut manifest, &failed))?;
    choose(archive, meter, manifest, places, neighbour)
}

fn copy_text(
    archive: &Path,
    meter: &Meter,
    text: &mut dyn io::Read,
    to: &mut Spool,
    failed: impl Fn(io::Error) -> UnpackError,
) -> Result<(), UnpackError> {
    use io::Write as _;
    let mut buffer = vec![0; 64 << 10];
    loop {
        meter.check()?;
        match text.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => to.write_all(&buffer[..count]).map_err(&failed)?,
            Err(error) => return Err(UnpackError::reading(archive, meter, error.into())),
        }
    }
}

/// The entry that was found, if it is the one that the manifest tells of, content apart.
fn compare(expected: Entry, found: Option<Node>) -> Result<Node, UnpackError> {
    let Some(node) = found else { return Err(UnpackError::Missing(expected.path)) };
    let seen = Entry::new(&node, first_component(&node.path), None);
    if seen == expected {
        return Ok(node);
    }
    let is_same_path = seen.path == expected.path && seen.path_bytes == expected.path_bytes;
    let what = if is_same_path { "its metadata differs" } else { "another entry is in its place" };
    Err(UnpackError::Differs { path: expected.path, what })
}

fn put(
    tape: &mut Tape<'_>,
    tree: &mut Tree,
    copier: &mut Copier<'_>,
    wanted: &Wanted,
    mut node: Node,
) -> Result<(), UnpackError> {
    let path = wanted.path();
    if node.kind == EntryKind::HardLink {
        node.link = wanted.link();
    }
    if node.kind != EntryKind::File {
        return tree.put(&path, &node);
    }
    let file = tree.begin_file(&path)?;
    let copied = copier.copy(tape.body(), &node, &file).map_err(|torn| match torn {
        Torn::Cancelled => UnpackError::Cancelled,
        Torn::Read(error) => tape.failed(error.into()),
        Torn::Write(error) => making(tree.place(), &path, "its content could not be written", error),
    });
    let (hash, bytes) = copied?;
    if wanted.entry.hash.as_deref() != Some(hash.to_hex().as_str()) {
        let path = String::from_utf8_lossy(&node.path).into_owned();
        return Err(UnpackError::Differs { path, what: "its content differs" });
    }
    tree.unpacked.bytes += bytes;
    tree.finish_file(&path, &file, &node)
}
