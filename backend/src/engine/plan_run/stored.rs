//! What is recorded of where a snapshot has each target, so that it can be brought back: a path in a repository does not
//! tell which target it is of.

use std::path::{Path, PathBuf};

use crate::backends::Source;
use crate::domain::snapshot::{StoredPart, StoredTarget};

use super::piece::{Piece, Way};
use super::resolve::Resolved;
use super::scene::{Mounted, Scene};

/// Where each source lies, by its paths.
pub(super) fn describe(scene: &Scene, resolved: &Resolved, sources: &[Source]) -> Vec<StoredTarget> {
    sources.iter().map(|source| describe_one(scene, resolved, source)).collect()
}

fn describe_one(scene: &Scene, resolved: &Resolved, source: &Source) -> StoredTarget {
    let piece = resolved.pieces.iter().find(|piece| piece.key() == (source.kind, &source.name));
    let at = |number: usize| piece.and_then(|piece| piece.parts.get(number)).map(|part| part.at.clone());
    let part =
        |(number, stored): (usize, &PathBuf)| StoredPart { at: at(number).unwrap_or_default(), stored: stored.clone() };
    let volume = match piece.and_then(|piece| piece.mounted.as_ref()) {
        Some(Mounted::Volume(name, _)) => scene.describe_volume(name),
        _ => None,
    };
    StoredTarget {
        kind: source.kind,
        name: source.name.clone(),
        host_path: piece.and_then(|piece| host_path(scene, piece)),
        parts: source.paths.iter().enumerate().map(part).collect(),
        volume,
    }
}

/// What the host calls the piece. Files from all over have no place of their own but that of those which belong together.
fn host_path(scene: &Scene, piece: &Piece) -> Option<PathBuf> {
    if let Some(path) = piece.mounted.as_ref().and_then(Mounted::host_path) {
        return Some(path.to_owned());
    }
    let root = piece.parts.iter().find_map(|part| match &part.way {
        Way::Here { path, .. } if path.ends_with(&part.at) => {
            let above = path.ancestors().nth(part.at.components().count());
            above.filter(|_| !part.at.starts_with("outside")).map(Path::to_owned)
        }
        _ => None,
    })?;
    scene.paths.find_host(&root)
}
