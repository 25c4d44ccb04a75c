//! Bind mounts that are never captured: those of [`crate::domain::exclusions`], and what only a look at the path shows.

use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use crate::domain::exclusions;

/// Why a bind mount is not captured. `source` is the host's path; `local` is where this process finds it, when it can.
#[must_use]
pub fn find_exclusion(source: &Path, local: Option<&Path>, is_writable: bool) -> Option<String> {
    if let Some(reason) = exclusions::find_exclusion(source, is_writable) {
        return Some(reason.to_owned());
    }
    find_special(local?).map(|kind| format!("it is a {kind}"))
}

fn find_special(local: &Path) -> Option<&'static str> {
    let kind = local.metadata().ok()?.file_type();
    if kind.is_socket() {
        return Some("socket");
    }
    if kind.is_fifo() {
        return Some("named pipe");
    }
    (kind.is_block_device() || kind.is_char_device()).then_some("device")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_and_devices_are_seen_where_the_path_is_readable() {
        let dir = tempfile::tempdir().expect("a directory");
        let socket = dir.path().join("api");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
        let find = |local: &Path| find_exclusion(Path::new("/srv/x"), Some(local), true);
        assert_eq!(find(&socket).as_deref(), Some("it is a socket"));
        assert_eq!(find(Path::new("/dev/null")).as_deref(), Some("it is a device"));
        assert_eq!(find(dir.path()), None);
        assert_eq!(find(&dir.path().join("none")), None);
    }
}
