//! Archives of Docker Backup Manager, which have no manifest.
//!
//! ```text
//! <stack>_<YYYY-MM-DD_HH-MM-SS>/compose.yaml  .env  …     the compose files
//!                               data.tar.gz               the rest of the stack directory, as data/…
//! ```
//!
//! What they hold can be listed and unpacked; whether it is whole nobody can tell.

use std::io::{self, Read};
use std::path::Path;

use chrono::NaiveDateTime;
use flate2::read::GzDecoder;

use super::super::meter::Meter;
use super::super::node::{EntryKind, Node, join};
use super::super::tar_reader::{TarError, TarReader};
use super::super::verify::{Decoder, Source};
use super::body::{Copier, Torn};
use super::error::{UnpackError, making};
use super::survey::{Contents, Held, first_component};
use super::tree::Tree;
use super::wanted::{Pick, UnpackPlace, pick};
use crate::domain::entry::EntryPath;
use crate::domain::job::TargetKind;

const TIME: &str = "%Y-%m-%d_%H-%M-%S";
const TIME_LEN: usize = 19;
const DATA: &[u8] = b"data.tar.gz";

/// Takes each entry: the kind of its target, its path below that, itself and its content.
type OnEntry<'a> = dyn FnMut(TargetKind, &[u8], &Node, &mut dyn Read) -> Result<(), UnpackError> + 'a;

/// What such an archive holds.
pub(super) fn contents(archive: &Path, meter: &Meter) -> Result<Contents, UnpackError> {
    let mut found: Vec<Held> = Vec::new();
    let stack = walk(archive, meter, &mut |kind, _, node, _| {
        if !found.iter().any(|held| held.kind == kind) {
            let archive_path = if kind == TargetKind::Compose { "" } else { "data.tar.gz" };
            let (name, original_path) = (String::new(), std::path::PathBuf::new());
            let (archive_path, file_name) = (archive_path.to_owned(), None);
            found.push(Held { kind, name, original_path, archive_path, bytes: 0, entries: 0, file_name });
        }
        for held in found.iter_mut().filter(|held| held.kind == kind) {
            held.entries += 1;
            held.bytes += node.size;
        }
        Ok(())
    })?;
    found.iter_mut().for_each(|held| held.name.clone_from(&stack));
    Ok(Contents { targets: found, ..Contents::default() })
}

/// Takes each entry: its path, itself and its content.
type OnVisit<'a> = dyn FnMut(&[u8], &Node, &mut dyn Read) -> Result<(), UnpackError> + 'a;

/// Goes through such an archive from its beginning to its end. Its entries are called `compose/…` and `data/…`.
///
/// # Errors
/// [`UnpackError`], and what `visit` returns.
pub(in super::super) fn visit(archive: &Path, meter: &Meter, visit: &mut OnVisit<'_>) -> Result<(), UnpackError> {
    let visited = walk(archive, meter, &mut |kind, path, node, body| {
        let top: &[u8] = if kind == TargetKind::Compose { b"compose" } else { b"data" };
        visit(&join(top, path), node, body)
    });
    visited.map(drop)
}

/// Unpacks the wanted targets into their trees; tells which wishes were met.
pub(super) fn unpack(
    archive: &Path,
    places: &[UnpackPlace],
    trees: &mut [Tree],
    meter: &Meter,
) -> Result<(), UnpackError> {
    let mut copier = Copier::new(meter, false);
    let mut is_met: Vec<Vec<bool>> = places.iter().map(|place| vec![false; place.paths.len()]).collect();
    walk(archive, meter, &mut |kind, path, node, body| {
        let Some(number) = places.iter().position(|place| place.kind == kind) else { return Ok(()) };
        match pick(&places[number].paths, path) {
            Pick::Wanted(which) => is_met[number].get_mut(which).into_iter().for_each(|is_met| *is_met = true),
            Pick::Above if node.kind == EntryKind::Directory => {}
            _ => return Ok(()),
        }
        put(archive, meter, &mut trees[number], &mut copier, path, node, body)
    })?;
    for (place, is_met) in places.iter().zip(is_met) {
        if let Some(missing) = is_met.iter().position(|is_met| !is_met) {
            let path = place.paths[missing].to_string();
            return Err(UnpackError::UnknownPath { kind: place.kind, name: place.name.clone(), path });
        }
    }
    Ok(())
}

fn put(
    archive: &Path,
    meter: &Meter,
    tree: &mut Tree,
    copier: &mut Copier<'_>,
    path: &[u8],
    node: &Node,
    body: &mut dyn Read,
) -> Result<(), UnpackError> {
    match node.kind {
        EntryKind::CharDevice | EntryKind::BlockDevice => {
            let path = String::from_utf8_lossy(path).into_owned();
            return Err(UnpackError::Refused { path, why: "is a device that no manifest tells of" });
        }
        EntryKind::File => {}
        _ => return tree.put(path, node),
    }
    let file = tree.begin_file(path)?;
    let copied = copier.copy(body, node, &file).map_err(|torn| match torn {
        Torn::Cancelled => UnpackError::Cancelled,
        Torn::Read(error) => UnpackError::reading(archive, meter, error.into()),
        Torn::Write(error) => making(tree.place(), path, "its content could not be written", error),
    });
    tree.unpacked.bytes += copied?.1;
    tree.finish_file(path, &file, node)
}

/// Goes through such an archive once; returns the name of the stack.
fn walk(archive: &Path, meter: &Meter, on_entry: &mut OnEntry<'_>) -> Result<String, UnpackError> {
    let failed = |error| UnpackError::reading(archive, meter, error);
    let decoder = Source::open(archive, meter).and_then(Decoder::of_any).map_err(|error| failed(error.into()))?;
    let mut tar = TarReader::new(decoder);
    let (mut stack, mut has_files) = (None, false);
    while let Some(node) = tar.next_entry().map_err(failed)? {
        meter.begin_entry(&node.path);
        let top = first_component(&node.path);
        let known = stack.get_or_insert_with(|| (top.to_vec(), find_stack(top)));
        let name = node.path.get(top.len() + 1..).unwrap_or_default().to_vec();
        if known.0 != top || known.1.is_none() || name.contains(&b'/') {
            return Err(UnpackError::NoManifest);
        }
        match (node.kind, name.as_slice()) {
            (EntryKind::Directory, b"") => {}
            (EntryKind::File, DATA) => walk_data(archive, meter, &mut tar, on_entry)?,
            (EntryKind::File | EntryKind::Symlink, name) => on_entry(TargetKind::Compose, name, &node, &mut tar)?,
            _ => return Err(UnpackError::NoManifest),
        }
        has_files |= node.kind == EntryKind::File;
        meter.end_entry();
    }
    io::copy(&mut tar.into_inner(), &mut io::sink()).map_err(|error| failed(error.into()))?;
    stack.and_then(|(_, name)| name).filter(|_| has_files).ok_or(UnpackError::NoManifest)
}

fn walk_data(
    archive: &Path,
    meter: &Meter,
    body: &mut dyn Read,
    on_entry: &mut OnEntry<'_>,
) -> Result<(), UnpackError> {
    let failed = |error| UnpackError::reading(archive, meter, error);
    let mut tar = TarReader::new(GzDecoder::new(body));
    while let Some(mut node) = tar.next_entry().map_err(failed)? {
        meter.check()?;
        meter.begin_entry(&node.path);
        let path = below_data(&node.path)?;
        if node.kind == EntryKind::HardLink {
            node.link = below_data(&node.link)?;
        }
        on_entry(TargetKind::Data, &path, &node, &mut tar)?;
        meter.end_entry();
    }
    // Its checksum stands at its end.
    io::copy(&mut tar.into_inner(), &mut io::sink()).map(drop).map_err(|error| failed(TarError::Io(error)))
}

/// `data/a/b` is `a/b` of the target.
fn below_data(path: &[u8]) -> Result<Vec<u8>, UnpackError> {
    let refused =
        || UnpackError::Refused { path: String::from_utf8_lossy(path).into_owned(), why: "leads out of its target" };
    if path.starts_with(b"/") {
        return Err(refused());
    }
    let path = EntryPath::new(path).map_err(|_| refused())?;
    match path.as_bytes().strip_prefix(b"data") {
        Some(b"") => Ok(Vec::new()),
        Some([b'/', rest @ ..]) => Ok(rest.to_vec()),
        _ => Err(refused()),
    }
}

/// The stack in `<stack>_<time>`.
fn find_stack(top: &[u8]) -> Option<String> {
    let top = std::str::from_utf8(top).ok()?;
    let (stack, time) = top.split_at_checked(top.len().checked_sub(TIME_LEN + 1)?)?;
    NaiveDateTime::parse_from_str(time.strip_prefix('_')?, TIME).ok()?;
    (!stack.is_empty()).then(|| stack.to_owned())
}
