//! Which entries of an archive are wanted, and where each goes: decided by the manifest before anything is written.
//!
//! The list is spooled, so that memory does not grow with the archive. Its lines come in the order of the archive.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::super::manifest::{Entry, Item, lossless, raw};
use super::super::meter::Meter;
use super::super::node::EntryKind;
use super::super::spool::{Part, Spool};
use super::error::UnpackError;
use super::survey::{Contents, scan};
use crate::domain::entry::EntryPath;
use crate::domain::job::TargetKind;

/// A target that is wanted, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnpackPlace {
    /// What kind of thing it is.
    pub kind: TargetKind,
    /// Its name.
    pub name: String,
    /// What of it is wanted, below the target; empty for all. The directories above come along.
    pub paths: Vec<EntryPath>,
    /// What it becomes: the target's root itself. Must not be there; its parent must.
    pub to: PathBuf,
}

/// What a path is to someone who wants parts of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pick {
    /// It is wanted; by which of the wishes.
    Wanted(usize),
    /// Something below it is.
    Above,
    /// It is not.
    Unwanted,
}

/// Whether `path` below a target is wanted.
pub(super) fn pick(wishes: &[EntryPath], path: &[u8]) -> Pick {
    let is_below = |path: &[u8], above: &[u8]| {
        above.is_empty() || path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
    };
    if wishes.is_empty() {
        return Pick::Wanted(0);
    }
    match wishes.iter().position(|wish| is_below(path, wish.as_bytes())) {
        Some(number) => Pick::Wanted(number),
        None if wishes.iter().any(|wish| is_below(wish.as_bytes(), path)) => Pick::Above,
        None => Pick::Unwanted,
    }
}

/// An entry that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wanted {
    /// Its number among the entries of the archive.
    pub(super) number: u64,
    /// Bytes of content between the wanted entry before it and this one.
    pub(super) passed_bytes: u64,
    /// Which of the places it goes to.
    pub(super) place: usize,
    /// Where it goes below the place, where that is not its own path.
    path: Option<(String, Option<String>)>,
    /// The name within the place that a hard link names, where that is not its own target.
    link: Option<(String, Option<String>)>,
    pub(super) entry: Entry,
}

impl Wanted {
    /// Where it goes below the place; empty for the place itself.
    pub(super) fn path(&self) -> Vec<u8> {
        self.path.as_ref().map_or_else(|| below_target(&self.entry), |(text, hex)| raw(text, hex.as_deref()))
    }

    /// What a hard link names within the place.
    pub(super) fn link(&self) -> Vec<u8> {
        let own = || self.entry.raw_link_target().unwrap_or_default();
        self.link.as_ref().map_or_else(own, |(text, hex)| raw(text, hex.as_deref()))
    }
}

/// The path of an entry below its target; empty for the root.
fn below_target(entry: &Entry) -> Vec<u8> {
    if entry.path == "." { Vec::new() } else { entry.raw_path() }
}

/// Every entry that is wanted.
#[derive(Debug)]
pub(super) struct WantedList {
    file: File,
    len: u64,
    /// The archive path of each place's target.
    pub(super) archive_paths: Vec<String>,
    /// Bytes of content that each place takes, holes not counted, and how many entries.
    pub(super) sizes: Vec<(u64, u64)>,
}

impl WantedList {
    /// The entries in the order of the archive.
    pub(super) fn read(&self) -> std::io::Result<impl Iterator<Item = serde_json::Result<Wanted>>> {
        let part = Part { file: self.file.try_clone()?, range: 0..self.len };
        let lines = BufReader::with_capacity(64 << 10, part);
        Ok(serde_json::Deserializer::from_reader(lines).into_iter())
    }
}

/// What is done for one place while the manifest is read.
#[derive(Debug, Default)]
struct Wish {
    archive_path: Option<String>,
    /// The name of the only file, which becomes the place itself.
    single_file: Option<Vec<u8>>,
    /// Files that are not wanted, with the wanted further name under which their content goes to the place.
    adopted: HashMap<Vec<u8>, Vec<u8>>,
    is_met: Vec<bool>,
    bytes: u64,
    entries: u64,
}

/// Makes the list out of the manifest, which is read twice; `scratch` is a neighbour for the spool.
pub(super) fn choose(
    archive: &Path,
    meter: &Meter,
    mut manifest: Spool,
    places: &[UnpackPlace],
    scratch: &Path,
) -> Result<WantedList, UnpackError> {
    let above = scratch.parent().unwrap_or(scratch);
    let failed = UnpackError::scratch(above);
    let mut wishes: Vec<Wish> = places.iter().map(Wish::of).collect();
    survey(archive, meter, &mut manifest.reader().map_err(&failed)?, places, &mut wishes)?;
    let mut chooser = Chooser { places, wishes, present: None, number: 0, passed_bytes: 0 };
    let mut spool = Spool::beside(scratch).map_err(&failed)?;
    scan(archive, meter, &mut manifest.reader().map_err(&failed)?, &mut |item| {
        let Some(wanted) = chooser.take(item) else { return Ok(()) };
        serde_json::to_writer(&mut spool, &wanted).map_err(|error| failed(error.into()))?;
        spool.write_all(b"\n").map_err(&failed)
    })?;
    chooser.check()?;
    let file = spool.share().map_err(&failed)?;
    let sizes = chooser.wishes.iter().map(|wish| (wish.bytes, wish.entries)).collect();
    let archive_paths = chooser.wishes.into_iter().map(|wish| wish.archive_path.unwrap_or_default()).collect();
    Ok(WantedList { file, len: spool.len(), archive_paths, sizes })
}

/// The first reading: which target is a single file, and whose content is wanted under another name only.
fn survey(
    archive: &Path,
    meter: &Meter,
    text: &mut dyn std::io::Read,
    places: &[UnpackPlace],
    wishes: &mut [Wish],
) -> Result<(), UnpackError> {
    let (mut contents, mut present) = (Contents::default(), None);
    scan(archive, meter, text, &mut |item| {
        contents.take(&item)?;
        match item {
            Item::Target(head) => present = find_place(places, &head.kind, &head.name),
            Item::Entry(entry) => {
                if let Some(number) = present {
                    let (place, wish): (&UnpackPlace, &mut Wish) = (&places[number], &mut wishes[number]);
                    wish.adopt(place, &entry);
                }
            }
            Item::Field(..) | Item::Piece(_) => {}
        }
        Ok(())
    })?;
    for held in contents.targets {
        if let Some(number) = find_place(places, held.kind.as_str(), &held.name) {
            wishes[number].single_file = held.file_name.map(String::into_bytes);
            wishes[number].archive_path = Some(held.archive_path);
        }
    }
    for (place, wish) in places.iter().zip(wishes) {
        if wish.archive_path.is_none() {
            return Err(UnpackError::UnknownTarget { kind: place.kind, name: place.name.clone() });
        }
    }
    Ok(())
}

fn find_place(places: &[UnpackPlace], kind: &str, name: &str) -> Option<usize> {
    places.iter().position(|place| place.kind.as_str() == kind && place.name == name)
}

impl Wish {
    fn of(place: &UnpackPlace) -> Self {
        Self { is_met: vec![false; place.paths.len()], ..Self::default() }
    }

    /// Notes a wanted further name of a file that is not wanted itself.
    fn adopt(&mut self, place: &UnpackPlace, entry: &Entry) {
        let path = below_target(entry);
        let Some(first) = entry.raw_link_target().filter(|_| entry.kind == EntryKind::HardLink) else { return };
        let is_wanted = |path: &[u8]| matches!(pick(&place.paths, path), Pick::Wanted(_));
        if is_wanted(&path) && !is_wanted(&first) {
            self.adopted.entry(first).or_insert(path);
        }
    }
}

/// The second reading.
struct Chooser<'a> {
    places: &'a [UnpackPlace],
    wishes: Vec<Wish>,
    /// The place of the present target.
    present: Option<usize>,
    number: u64,
    passed_bytes: u64,
}

impl Chooser<'_> {
    fn take(&mut self, item: Item) -> Option<Wanted> {
        match item {
            Item::Target(head) => self.present = find_place(self.places, &head.kind, &head.name),
            Item::Entry(entry) => {
                let (number, bytes) = (self.number, entry.size);
                self.number += 1;
                let wanted = self.choose(number, *entry);
                self.passed_bytes = if wanted.is_some() { 0 } else { self.passed_bytes.saturating_add(bytes) };
                return wanted;
            }
            Item::Field(..) | Item::Piece(_) => {}
        }
        None
    }

    fn choose(&mut self, number: u64, entry: Entry) -> Option<Wanted> {
        let place = self.present?;
        let (wish, paths) = (&mut self.wishes[place], &self.places[place].paths);
        let own = below_target(&entry);
        let adopter = wish.adopted.get(&own).filter(|_| entry.kind == EntryKind::File);
        let path = match pick(paths, &own) {
            Pick::Wanted(which) => {
                if let Some(is_met) = wish.is_met.get_mut(which) {
                    *is_met = true;
                }
                None
            }
            Pick::Above if entry.kind == EntryKind::Directory => None,
            _ => Some(adopter?.clone()),
        };
        let path = if wish.single_file.as_ref() == Some(&own) { Some(Vec::new()) } else { path };
        let adopted = entry.raw_link_target().filter(|_| entry.kind == EntryKind::HardLink);
        let link = adopted.and_then(|first| wish.adopted.get(&first)).cloned();
        if link.as_ref() == Some(&own) {
            // Its content was put under this very name.
            return None;
        }
        wish.bytes += if entry.sparse { 0 } else { entry.size };
        wish.entries += 1;
        let [path, link] = [path, link].map(|bytes| bytes.as_deref().map(lossless));
        Some(Wanted { number, passed_bytes: self.passed_bytes, place, path, link, entry })
    }

    /// Whether everything that is wanted was met.
    fn check(&self) -> Result<(), UnpackError> {
        for (place, wish) in self.places.iter().zip(&self.wishes) {
            if let Some(missing) = wish.is_met.iter().position(|is_met| !is_met) {
                let path = place.paths[missing].to_string();
                return Err(UnpackError::UnknownPath { kind: place.kind, name: place.name.clone(), path });
            }
        }
        Ok(())
    }
}
