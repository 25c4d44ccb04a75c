//! Whether a file is mounted by itself. Such a file has no directory entry that could be replaced.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// The mounts of this process, as `proc_pid_mountinfo(5)` describes them.
const MOUNTS: &str = "/proc/self/mountinfo";

/// Whether something is mounted at exactly this path. Where the system does not tell, the rename will.
pub(super) fn is_mount_point(path: &Path) -> bool {
    fs::read(MOUNTS).is_ok_and(|mounts| is_listed(&mounts, path))
}

fn is_listed(mounts: &[u8], path: &Path) -> bool {
    let points = mounts.split(|byte| *byte == b'\n').filter_map(|line| line.split(|byte| *byte == b' ').nth(4));
    points.into_iter().any(|point| OsStr::from_bytes(&unescape(point)) == path.as_os_str())
}

/// Undoes `\040` and the like.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()).filter(|_| *first == b'\\') {
            Some(byte) => {
                plain.push(byte);
                rest = &after[3..];
            }
            None => {
                plain.push(*first);
                rest = after;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_mounted_is_found_also_with_a_space_in_its_name() {
        let mounts = b"36 35 98:0 / / rw - ext4 /dev/root rw\n\
            90 36 98:0 /srv/a\\040b.json /config/a\\040b.json rw - ext4 /dev/root rw\n";
        assert!(is_listed(mounts, Path::new("/config/a b.json")));
        assert!(!is_listed(mounts, Path::new("/config")));
        assert!(is_mount_point(Path::new("/proc")), "the list of this process is read");
    }
}
