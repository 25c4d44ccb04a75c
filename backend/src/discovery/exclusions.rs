//! Bind mounts that are never captured, each with its reason.
//!
//! They hold nothing of the stack's own: sockets, pseudo file systems, files of the host's system. To leave out one
//! more, add it here with a reason that a person understands; never leave anything out without one.

use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// Directories with nothing to capture, and what they are.
const TREES: [(&str, &str); 8] = [
    ("/proc", "it is a pseudo file system"),
    ("/sys", "it is a pseudo file system"),
    ("/dev", "it holds devices"),
    ("/run", "it holds run-time state in memory"),
    ("/var/run", "it holds run-time state in memory"),
    ("/tmp/.X11-unix", "it holds sockets"),
    ("/lib/modules", "it belongs to the host's system"),
    ("/usr/share/zoneinfo", "it belongs to the host's system"),
];

/// Files of the host's system that containers read.
const SYSTEM_FILES: [&str; 12] = [
    "/etc/localtime",
    "/etc/timezone",
    "/etc/hosts",
    "/etc/hostname",
    "/etc/resolv.conf",
    "/etc/passwd",
    "/etc/group",
    "/etc/machine-id",
    "/etc/os-release",
    "/etc/nsswitch.conf",
    "/etc/ssl/certs",
    "/etc/ca-certificates",
];

/// Where engines keep their own data.
const ENGINE_DIRS: [&str; 3] = ["/var/lib/docker", "/var/lib/containerd", "/var/lib/containers"];

/// Why a bind mount is not captured. `source` is the host's path; `local` is where this process finds it, when it can.
#[must_use]
pub fn find_exclusion(source: &Path, local: Option<&Path>, is_writable: bool) -> Option<String> {
    if source.parent().is_none() {
        return Some("it is the whole file system of the host".to_owned());
    }
    if source.extension().is_some_and(|extension| extension == "sock") {
        return Some("it is a socket".to_owned());
    }
    if let Some((_, reason)) = TREES.iter().find(|(tree, _)| source.starts_with(tree)) {
        return Some((*reason).to_owned());
    }
    if !is_writable && SYSTEM_FILES.iter().any(|file| source.starts_with(file)) {
        return Some("it belongs to the host's system and is only read".to_owned());
    }
    if ENGINE_DIRS.iter().any(|dir| Path::new(dir).starts_with(source) || is_engine_internal(source, dir)) {
        return Some("it holds the engine's own data, with everybody's volumes and images".to_owned());
    }
    find_special(local?).map(|kind| format!("it is a {kind}"))
}

/// Whether `source` lies in the engine's directory without being the content of one volume.
fn is_engine_internal(source: &Path, dir: &str) -> bool {
    source.strip_prefix(dir).is_ok_and(|rest| {
        let parts: Vec<_> = rest.components().collect();
        parts.len() < 2 || parts.first().is_none_or(|first| first.as_os_str() != "volumes")
    })
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
    fn what_is_never_captured() {
        for (source, is_writable, expected) in [
            ("/", false, Some("whole file system")),
            ("/var/run/docker.sock", true, Some("a socket")),
            ("/srv/app/mysql.sock", true, Some("a socket")),
            ("/proc", false, Some("pseudo")),
            ("/sys/fs/cgroup", true, Some("pseudo")),
            ("/dev/ttyUSB0", true, Some("devices")),
            ("/run/dbus", false, Some("run-time")),
            ("/etc/localtime", false, Some("only read")),
            ("/etc/hosts", true, None),
            ("/etc/nginx", false, None),
            ("/var/lib/docker", false, Some("engine's own")),
            ("/var/lib", false, Some("engine's own")),
            ("/var/lib/docker/containers", false, Some("engine's own")),
            ("/var/lib/docker/volumes", false, Some("engine's own")),
            ("/var/lib/docker/volumes/x/_data", true, None),
            ("/var/lib/mysql", true, None),
            ("/running", true, None),
            ("/srv/media", true, None),
        ] {
            let found = find_exclusion(Path::new(source), None, is_writable);
            assert_eq!(found.is_some(), expected.is_some(), "{source}: {found:?}");
            assert!(
                expected.is_none_or(|part| found.as_ref().is_some_and(|f| f.contains(part))),
                "{source}: {found:?}"
            );
        }
    }

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
