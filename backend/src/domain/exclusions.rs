//! Bind mounts that are never captured, each with its reason.
//!
//! They hold nothing of the stack's own: sockets, pseudo file systems, files of the host's system. To leave out one
//! more, add it here with a reason that a person understands; never leave anything out without one.

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

/// Why a bind mount of a path of the host is not captured, as far as the path alone tells it.
#[must_use]
pub fn find_exclusion(source: &Path, is_writable: bool) -> Option<&'static str> {
    if source.parent().is_none() {
        return Some("it is the whole file system of the host");
    }
    if source.extension().is_some_and(|extension| extension == "sock") {
        return Some("it is a socket");
    }
    if let Some((_, reason)) = TREES.iter().find(|(tree, _)| source.starts_with(tree)) {
        return Some(reason);
    }
    if !is_writable && SYSTEM_FILES.iter().any(|file| source.starts_with(file)) {
        return Some("it belongs to the host's system and is only read");
    }
    if ENGINE_DIRS.iter().any(|dir| Path::new(dir).starts_with(source) || is_engine_internal(source, dir)) {
        return Some("it holds the engine's own data, with everybody's volumes and images");
    }
    None
}

/// Whether `source` lies in the engine's directory without being the content of one volume.
fn is_engine_internal(source: &Path, dir: &str) -> bool {
    source.strip_prefix(dir).is_ok_and(|rest| {
        let parts: Vec<_> = rest.components().collect();
        parts.len() < 2 || parts.first().is_none_or(|first| first.as_os_str() != "volumes")
    })
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
            let found = find_exclusion(Path::new(source), is_writable);
            assert_eq!(found.is_some(), expected.is_some(), "{source}: {found:?}");
            assert!(
                expected.is_none_or(|part| found.as_ref().is_some_and(|f| f.contains(part))),
                "{source}: {found:?}"
            );
        }
    }
}
