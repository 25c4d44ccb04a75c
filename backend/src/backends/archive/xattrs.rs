//! Extended attributes of an open file: ACLs, capabilities, security labels, `user.*`.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;

use rustix::io::Errno;
use xattr::FileExt;

use super::node::Xattr;

/// The attributes of a file that is open for reading.
pub(super) fn of_file(file: &File) -> io::Result<Vec<Xattr>> {
    collect(file.list_xattr(), |name| file.get_xattr(name))
}

/// The attributes of what is open as a mere path: a link itself, a device, a pipe. The kernel answers for these
/// through `/proc` only.
pub(super) fn of_path(handle: &File) -> io::Result<Vec<Xattr>> {
    let path = format!("/proc/self/fd/{}", handle.as_raw_fd());
    collect(xattr::list_deref(&path), |name| xattr::get_deref(&path, name))
}

fn collect(
    names: io::Result<xattr::XAttrs>,
    get: impl Fn(&OsStr) -> io::Result<Option<Vec<u8>>>,
) -> io::Result<Vec<Xattr>> {
    let names = match names {
        Ok(names) => names,
        Err(error) if is_without_attributes(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let value = |name: std::ffi::OsString| match get(&name) {
        Ok(value) => value.map(|value| Ok((name.as_bytes().to_vec(), value))),
        Err(error) => Some(Err(error)),
    };
    names.filter_map(value).collect()
}

/// File systems that know no attributes, and kernels that allow none on links.
fn is_without_attributes(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::OPNOTSUPP | Errno::PERM))
}
