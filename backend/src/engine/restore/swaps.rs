//! What has to change places so that new data is where it belongs, and doing it: all of it or nothing.
//!
//! All of it blocks on the file system.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::domain::restore::{Exchange, RootStamp, SCRATCH_PREFIX, Side, Stamp, Swaps, TargetName};

use super::exchange::{ExchangeError, bring, inode_of, is_at, sync};

/// New data that lies beside the place where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placement {
    /// Which target it is.
    pub(super) target: TargetName,
    /// The place, with no link in its path.
    pub(super) root: PathBuf,
    /// The directory of the restore, on the same file system.
    pub(super) scratch: PathBuf,
    /// Where in it the new data lies.
    pub(super) new: PathBuf,
    pub(super) how: How,
}

/// What of a place changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum How {
    /// All of it, in one step.
    Whole,
    /// All that is in it, because the place itself cannot be moved.
    Children,
    /// What is new comes into it, and there is nothing else.
    Fill,
    /// These paths in it.
    Paths(Vec<PathBuf>),
}

/// Why it cannot be told what changes places.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlanError {
    #[error("{0} is a link, and nothing is restored through a link")]
    Link(PathBuf),
    #[error("{0} was to take its place, and is not there")]
    Missing(PathBuf),
    #[error("{path} could not be looked at")]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// What changes places for these.
pub(super) fn plan(placements: &[Placement]) -> Result<Swaps, PlanError> {
    let mut swaps = Swaps::default();
    for placement in placements {
        match &placement.how {
            How::Whole => {
                let exchange = placement.exchange(PathBuf::new())?;
                if exchange.new.is_none() {
                    return Err(PlanError::Missing(exchange.other_place()));
                }
                swaps.exchanges.push(exchange);
            }
            How::Children => {
                placement.plan_children(&mut swaps)?;
                swaps.stamps.extend(placement.find_stamp()?);
            }
            How::Fill => placement.plan_children(&mut swaps)?,
            How::Paths(paths) => placement.plan_paths(paths, &mut swaps)?,
        }
    }
    Ok(swaps)
}

impl Placement {
    fn exchange(&self, at: PathBuf) -> Result<Exchange, PlanError> {
        let aside = if at.as_os_str().is_empty() { self.new.clone() } else { self.new.join(&at) };
        let mut exchange = Exchange {
            target: self.target.clone(),
            root: self.root.clone(),
            at,
            scratch: self.scratch.clone(),
            aside,
            new: None,
            old: None,
        };
        exchange.new = look(&exchange.other_place())?;
        exchange.old = look(&exchange.place())?;
        Ok(exchange)
    }

    /// Everything that is in the place or is to be in it.
    fn plan_children(&self, swaps: &mut Swaps) -> Result<(), PlanError> {
        let new = self.scratch.join(&self.new);
        let mut names = names_in(&self.root)?;
        names.extend(names_in(&new)?);
        for name in names {
            swaps.exchanges.push(self.exchange(name.into())?);
        }
        Ok(())
    }

    /// Owner and mode of a place that stays where it is.
    fn find_stamp(&self) -> Result<Option<RootStamp>, PlanError> {
        let (old, new) = (stamp_of(&self.root)?, stamp_of(&self.scratch.join(&self.new))?);
        Ok((old != new).then(|| RootStamp { root: self.root.clone(), old, new }))
    }

    /// Each path; where the way to it is missing, the outermost directory that is missing.
    fn plan_paths(&self, paths: &[PathBuf], swaps: &mut Swaps) -> Result<(), PlanError> {
        let mut units: Vec<PathBuf> = paths.iter().map(|path| self.find_unit(path)).collect::<Result<_, _>>()?;
        units.sort();
        units.dedup();
        let all = units.clone();
        units.retain(|unit| !all.iter().any(|other| other != unit && unit.starts_with(other)));
        for unit in units {
            let exchange = self.exchange(unit)?;
            if exchange.new.is_none() {
                return Err(PlanError::Missing(exchange.at));
            }
            swaps.exchanges.push(exchange);
        }
        Ok(())
    }

    fn find_unit(&self, path: &Path) -> Result<PathBuf, PlanError> {
        let mut unit = PathBuf::new();
        for component in path.components() {
            unit.push(component);
            let at = self.root.join(&unit);
            match fs::symlink_metadata(&at) {
                Ok(meta) if meta.is_dir() || unit == path => {}
                Ok(meta) if meta.is_symlink() => return Err(PlanError::Link(at)),
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                Err(source) => return Err(PlanError::Io { path: at, source }),
            }
        }
        Ok(unit)
    }
}

fn look(path: &Path) -> Result<Option<u64>, PlanError> {
    match inode_of(path) {
        // The directory around it is missing, and so is it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        looked => looked.map_err(|source| PlanError::Io { path: path.to_owned(), source }),
    }
}

/// What is in a directory, without the directories of restores.
fn names_in(directory: &Path) -> Result<BTreeSet<OsString>, PlanError> {
    let failed = |source| PlanError::Io { path: directory.to_owned(), source };
    let entries = fs::read_dir(directory).map_err(failed)?;
    let names: io::Result<BTreeSet<OsString>> = entries.map(|entry| Ok(entry?.file_name())).collect();
    let mut names = names.map_err(failed)?;
    names.retain(|name| !name.as_encoded_bytes().starts_with(SCRATCH_PREFIX.as_bytes()));
    Ok(names)
}

fn stamp_of(path: &Path) -> Result<Stamp, PlanError> {
    let meta = fs::symlink_metadata(path).map_err(|source| PlanError::Io { path: path.to_owned(), source })?;
    Ok(Stamp { uid: meta.uid(), gid: meta.gid(), mode: meta.mode() & 0o7777 })
}

/// Brings `side` into every place. On the way back the last goes first, and one that fails keeps no other back.
///
/// # Errors
/// The first that was met.
pub(super) fn bring_all(swaps: &Swaps, side: Side) -> Result<(), ExchangeError> {
    match side {
        Side::New => swaps.exchanges.iter().try_for_each(|exchange| bring(exchange, side))?,
        Side::Old => {
            let failed = swaps.exchanges.iter().rev().filter_map(|exchange| bring(exchange, side).err());
            if let Some(first) = failed.collect::<Vec<_>>().into_iter().next() {
                return Err(first);
            }
        }
    }
    for stamp in &swaps.stamps {
        put(stamp, side).map_err(|source| ExchangeError::Io {
            path: stamp.root.clone(),
            other: stamp.root.clone(),
            source,
        })?;
    }
    if let Err(error) = sync(&swaps.exchanges) {
        // The names are right; only a power cut within the next seconds could still turn them back.
        tracing::warn!(%error, "the directories of a restore could not be synced");
    }
    Ok(())
}

/// Decides after a kill: what was wholly done stays done, everything else is taken back. Returns which data is in place.
///
/// # Errors
/// When it cannot be told, or not be done now.
pub(super) fn settle(swaps: &Swaps) -> Result<Side, ExchangeError> {
    let mut is_done = true;
    for exchange in &swaps.exchanges {
        is_done &= is_at(exchange, Side::New)?;
    }
    let side = if is_done && !swaps.exchanges.is_empty() { Side::New } else { Side::Old };
    bring_all(swaps, side)?;
    Ok(side)
}

fn put(stamp: &RootStamp, side: Side) -> io::Result<()> {
    let Stamp { uid, gid, mode } = if side == Side::New { stamp.new } else { stamp.old };
    std::os::unix::fs::lchown(&stamp.root, Some(uid), Some(gid))?;
    fs::set_permissions(&stamp.root, fs::Permissions::from_mode(mode))
}

#[cfg(test)]
#[path = "swaps_tests.rs"]
mod tests;
