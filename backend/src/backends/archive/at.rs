//! Going through open directories, so that nobody can lead astray what is made: no link is followed, no name climbs.

use std::ffi::CString;
use std::fs::File;
use std::io;

use rustix::fs::{Gid, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, Uid, mkdirat, openat};
use rustix::io::Errno;

use super::node::Node;

/// How a directory is made until it gets the mode that it is to have.
pub(super) const PRIVATE_DIRECTORY: Mode = Mode::RWXU;
/// How a file is made until then.
pub(super) const PRIVATE_FILE: Mode = Mode::RUSR.union(Mode::WUSR);

/// The open directory that `place` below `top` lies in, and its name there. Directories that no entry made are made.
pub(super) fn parent_of(top: &File, place: &[u8]) -> io::Result<(File, CString)> {
    let mut components: Vec<&[u8]> = place.split(|&b| b == b'/').filter(|part| !part.is_empty()).collect();
    let name = components.pop().ok_or_else(leads_out)?;
    let mut directory = top.try_clone()?;
    for component in components {
        directory = enter(&directory, &checked(component)?)?;
    }
    Ok((directory, checked(name)?))
}

/// Opens a directory, which is made when it is not there.
pub(super) fn enter(parent: &File, name: &CString) -> io::Result<File> {
    match mkdirat(parent, name, PRIVATE_DIRECTORY) {
        Ok(()) | Err(Errno::EXIST) => open_directory(parent, name),
        Err(error) => Err(error.into()),
    }
}

/// Opens a directory that is there and no link.
pub(super) fn open_directory(parent: &File, name: &CString) -> io::Result<File> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(File::from(openat(parent, name, flags, Mode::empty())?))
}

/// Makes an empty file that was not there.
pub(super) fn create_file(parent: &File, name: &CString) -> io::Result<File> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(File::from(openat(parent, name, flags, PRIVATE_FILE)?))
}

/// A component of a path as the name of a file.
pub(super) fn checked(component: &[u8]) -> io::Result<CString> {
    if matches!(component, b"" | b"." | b"..") || component.contains(&b'/') {
        return Err(leads_out());
    }
    to_c(component)
}

pub(super) fn to_c(bytes: &[u8]) -> io::Result<CString> {
    Ok(CString::new(bytes)?)
}

fn leads_out() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "the path leads out of its directory")
}

/// The owner of an entry.
pub(super) fn owner_of(node: &Node) -> (Uid, Gid) {
    let raw = |id: u64| u32::try_from(id).unwrap_or(u32::MAX - 1);
    (Uid::from_raw(raw(node.uid)), Gid::from_raw(raw(node.gid)))
}

/// The time of an entry, with the time of the last access left as it is.
pub(super) fn times_of(node: &Node) -> Timestamps {
    let omit = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
    let modified = Timespec { tv_sec: node.mtime.secs, tv_nsec: node.mtime.nanos.into() };
    Timestamps { last_access: omit, last_modification: modified }
}
