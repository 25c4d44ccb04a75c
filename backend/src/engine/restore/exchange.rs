//! One exchange, whichever way it goes and however far it has come.
//!
//! Where the file system can, two names change places in one step. Elsewhere it takes three renames with a place in the
//! middle, and a kill may leave any of the states in between. The inodes tell which: from each of them [`bring`] goes on
//! to the side that is wanted. No link is followed below the root, nor in the directory of the restore. All of it blocks
//! on the file system.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags, fsync, openat, renameat, renameat_with, statat};
use rustix::io::Errno;

use crate::domain::restore::{Exchange, Side};

/// What lies between two places while they are exchanged by renames; in the directory of the restore.
const MIDDLE: &str = "moving";
/// From anywhere it takes no more renames than this.
const MOVES: usize = 4;

/// Why an exchange was not made.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExchangeError {
    /// The file system refused.
    #[error("{path} and {other} could not change places")]
    Io {
        path: PathBuf,
        other: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Somebody else has been at it.
    #[error("{0} is neither what was there before nor what was restored: something else has put it there")]
    Strange(PathBuf),
    /// What belongs into the place is nowhere.
    #[error("what belongs to {0} is not where it was put")]
    Lost(PathBuf),
}

/// A rename that brings an exchange closer to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    /// What is in the place and what is aside change places in one step.
    Swap,
    /// What is in the place goes to the middle.
    PlaceToMiddle,
    /// What is in the place goes aside.
    PlaceToAside,
    /// What is aside goes to the place.
    AsideToPlace,
    /// What is in the middle goes to the place.
    MiddleToPlace,
    /// What is in the middle goes aside.
    MiddleToAside,
}

/// The inodes that are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Found {
    place: Option<u64>,
    middle: Option<u64>,
    aside: Option<u64>,
}

/// Brings `side` into the place, from wherever the exchange has come. Doing it again changes nothing.
pub(super) fn bring(exchange: &Exchange, side: Side) -> Result<(), ExchangeError> {
    bring_by(exchange, side, true)
}

fn bring_by(exchange: &Exchange, side: Side, mut may_swap: bool) -> Result<(), ExchangeError> {
    let failed = |source| ExchangeError::Io { path: exchange.place(), other: exchange.other_place(), source };
    let ends = Ends::open(exchange).map_err(failed)?;
    let (wanted, other) = (exchange.inode_of(side), exchange.inode_of(side.other()));
    for _ in 0..=MOVES {
        let found = ends.look(wanted, other).map_err(failed)?;
        let Some(next) = next_move(found, wanted, other, may_swap).map_err(|wrong| wrong.at(exchange.place()))? else {
            return Ok(());
        };
        match ends.make(next) {
            Err(error) if next == Move::Swap && is_unsupported(&error) => may_swap = false,
            made => made.map_err(failed)?,
        }
    }
    Err(ExchangeError::Strange(exchange.place()))
}

/// Whether `side` is in the place, and nothing is on its way.
pub(super) fn is_at(exchange: &Exchange, side: Side) -> Result<bool, ExchangeError> {
    let failed = |source| ExchangeError::Io { path: exchange.place(), other: exchange.other_place(), source };
    let ends = Ends::open(exchange).map_err(failed)?;
    let found = ends.look(exchange.new, exchange.old).map_err(failed)?;
    Ok(found.place == exchange.inode_of(side))
}

/// Has the disk know where everything lies now.
pub(super) fn sync(exchanges: &[Exchange]) -> io::Result<()> {
    let mut directories = BTreeMap::new();
    for exchange in exchanges {
        for (base, below) in [(&exchange.root, &exchange.at), (&exchange.scratch, &exchange.aside)] {
            let parent = parent_of(base, below);
            if let std::collections::btree_map::Entry::Vacant(free) = directories.entry(parent) {
                let directory = open_directory(free.key())?;
                fsync(&directory)?;
                free.insert(());
            }
        }
    }
    Ok(())
}

/// What is wrong, before it is said of which place.
#[derive(Debug, PartialEq, Eq)]
enum Wrong {
    Strange,
    Lost,
}

impl Wrong {
    fn at(self, place: PathBuf) -> ExchangeError {
        match self {
            Self::Strange => ExchangeError::Strange(place),
            Self::Lost => ExchangeError::Lost(place),
        }
    }
}

/// The next rename on the way to `wanted` in the place and `other` aside; nothing when it is reached.
fn next_move(found: Found, wanted: Option<u64>, other: Option<u64>, may_swap: bool) -> Result<Option<Move>, Wrong> {
    let Found { place, middle, aside } = found;
    if place == wanted {
        // What is not aside any more was removed by somebody, which is nobody's harm.
        return Ok((middle.is_some() && middle == other && aside.is_none()).then_some(Move::MiddleToAside));
    }
    match place {
        Some(_) if place != other => Err(Wrong::Strange),
        Some(_) if aside.is_none() => Ok(Some(Move::PlaceToAside)),
        Some(_) if aside == wanted => Ok(Some(if may_swap { Move::Swap } else { Move::PlaceToMiddle })),
        Some(_) => Err(Wrong::Strange),
        None if middle == wanted => Ok(Some(Move::MiddleToPlace)),
        None if aside == wanted => Ok(Some(Move::AsideToPlace)),
        None => Err(Wrong::Lost),
    }
}

/// The three places, each as a name in an open directory.
struct Ends {
    place: (OwnedFd, OsString),
    aside: (OwnedFd, OsString),
    middle: (OwnedFd, OsString),
}

impl Ends {
    fn open(exchange: &Exchange) -> io::Result<Self> {
        Ok(Self {
            place: open_end(&exchange.root, &exchange.at)?,
            aside: open_end(&exchange.scratch, &exchange.aside)?,
            middle: open_end(&exchange.scratch, Path::new(MIDDLE))?,
        })
    }

    /// What lies in the middle counts only when it belongs to this exchange.
    fn look(&self, one: Option<u64>, two: Option<u64>) -> io::Result<Found> {
        let middle = inode_at(&self.middle)?.filter(|inode| Some(*inode) == one || Some(*inode) == two);
        Ok(Found { place: inode_at(&self.place)?, middle, aside: inode_at(&self.aside)? })
    }

    fn make(&self, next: Move) -> io::Result<()> {
        let (from, to) = match next {
            Move::Swap => {
                let ((place, name), (aside, other)) = (&self.place, &self.aside);
                return Ok(renameat_with(place, name, aside, other, RenameFlags::EXCHANGE)?);
            }
            Move::PlaceToMiddle => (&self.place, &self.middle),
            Move::PlaceToAside => (&self.place, &self.aside),
            Move::AsideToPlace => (&self.aside, &self.place),
            Move::MiddleToPlace => (&self.middle, &self.place),
            Move::MiddleToAside => (&self.middle, &self.aside),
        };
        rename_to_nothing(from, to)
    }
}

/// Renames to a name that nothing has.
fn rename_to_nothing(from: &(OwnedFd, OsString), to: &(OwnedFd, OsString)) -> io::Result<()> {
    match renameat_with(&from.0, &from.1, &to.0, &to.1, RenameFlags::NOREPLACE) {
        Err(error) if is_unsupported(&error.into()) => {
            // Nobody else is at work here: what writes to the place rests.
            if inode_at(to)?.is_some() {
                Err(Errno::EXIST.into())
            } else {
                Ok(renameat(&from.0, &from.1, &to.0, &to.1)?)
            }
        }
        renamed => Ok(renamed?),
    }
}

fn is_unsupported(error: &io::Error) -> bool {
    let number = Errno::from_io_error(error);
    number.is_some_and(|number| matches!(number, Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP))
}

fn inode_at((directory, name): &(OwnedFd, OsString)) -> io::Result<Option<u64>> {
    match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat.st_ino)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The inode of what is at `path`, itself if it is a link; nothing when there is nothing.
pub(super) fn inode_of(path: &Path) -> io::Result<Option<u64>> {
    inode_at(&open_end(path, Path::new(""))?)
}

fn parent_of(base: &Path, below: &Path) -> PathBuf {
    let whole = if below.as_os_str().is_empty() { base.to_owned() } else { base.join(below) };
    whole.parent().map(Path::to_owned).unwrap_or(whole)
}

/// The directory that an end is in, and its name there.
fn open_end(base: &Path, below: &Path) -> io::Result<(OwnedFd, OsString)> {
    let whole = if below.as_os_str().is_empty() { base } else { below };
    let name = whole.file_name().map(OsStr::to_owned).ok_or(io::ErrorKind::InvalidInput)?;
    Ok((open_directory(&parent_of(base, below))?, name))
}

/// Opens a directory by an absolute path in which no component is a link.
pub(super) fn open_directory(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut at = openat(rustix::fs::CWD, "/", flags, Mode::empty())?;
    for component in path.components() {
        match component {
            Component::RootDir | Component::CurDir => {}
            Component::Normal(name) => at = openat(&at, name, flags, Mode::empty())?,
            Component::ParentDir | Component::Prefix(_) => return Err(io::ErrorKind::InvalidInput.into()),
        }
    }
    Ok(at)
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;
