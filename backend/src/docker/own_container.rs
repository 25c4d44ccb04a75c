//! Which container Mainstay itself runs in, if any.
//!
//! The kernel's view of this process leaves traces of a container's id: in the paths of its control groups, in the
//! files that the engine mounts over `/etc/hostname` and its like, and in the host name. Each trace may mislead: a
//! container that shares another's network shows the other's files. So a trace is only a candidate until the engine's
//! answer fits the mounts of this process. To read one more trace, add it to [`Traces::candidates`].

use std::path::{Path, PathBuf};

use super::{ContainerDetail, ContainerEngine, EngineError};
use crate::domain::path_map::{PathMap, PathMapping};
use crate::domain::stack::MountKind;

/// Digits in a container's id.
const ID_DIGITS: usize = 64;
/// Digits of the id that an engine takes for the host name.
const SHORT_ID_DIGITS: usize = 12;
/// Files that an engine mounts into each container from a directory named by the container's id.
const ENGINE_FILES: [&str; 3] = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];

/// What the kernel says of this process.
#[derive(Debug, Clone, Default)]
pub struct Traces {
    /// Text of `/proc/self/cgroup`.
    pub cgroup: String,
    /// Text of `/proc/self/mountinfo`.
    pub mountinfo: String,
    /// The host name.
    pub host_name: String,
}

impl Traces {
    /// Reads the traces of this process. What cannot be read is empty.
    #[must_use]
    pub fn read() -> Self {
        let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        Self {
            cgroup: text("/proc/self/cgroup"),
            mountinfo: text("/proc/self/mountinfo"),
            host_name: text("/proc/sys/kernel/hostname").trim().to_owned(),
        }
    }

    /// Ids that this process's container may have, the surest first; none on a plain host.
    #[must_use]
    pub fn candidates(&self) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let traces = [id_in_cgroup(&self.cgroup), id_in_mountinfo(&self.mountinfo), id_in_host_name(&self.host_name)];
        for id in traces.into_iter().flatten() {
            // A host name is the beginning of an id that may be there in full.
            if !found.iter().any(|known| known.starts_with(id)) {
                found.push(id.to_owned());
            }
        }
        found
    }

    /// Whether `detail` can be the container that this process runs in.
    fn fit(&self, detail: &ContainerDetail) -> bool {
        let told = detail.redacted.pointer("/GraphDriver/Data/UpperDir").and_then(|value| value.as_str());
        match (told, root_upper_dir(&self.mountinfo)) {
            (Some(told), Some(seen)) => told == seen,
            _ => {
                let points: Vec<PathBuf> = mounts(&self.mountinfo).map(|mount| unescape(mount.point).into()).collect();
                detail.is_up() && detail.container.mounts.iter().all(|mount| points.contains(&mount.destination))
            }
        }
    }
}

/// Finds the container that this process runs in. `None` on a plain host, and with an engine that does not run this
/// container.
///
/// # Errors
/// When the engine cannot tell, so that this process may run in one of its containers.
pub async fn find_own_container(engine: &dyn ContainerEngine) -> Result<Option<ContainerDetail>, EngineError> {
    find_container_of(engine, &Traces::read()).await
}

/// Finds the container that left `traces`.
///
/// # Errors
/// When the engine cannot tell.
pub async fn find_container_of(
    engine: &dyn ContainerEngine,
    traces: &Traces,
) -> Result<Option<ContainerDetail>, EngineError> {
    let mut failure = None;
    for id in traces.candidates() {
        match engine.inspect_container(&id).await {
            Ok(detail) if detail.container.id.starts_with(&id) && traces.fit(&detail) => return Ok(Some(detail)),
            Ok(_) | Err(EngineError::NotFound { .. }) => {}
            Err(error) => failure = Some(error),
        }
    }
    failure.map_or(Ok(None), Err)
}

/// How host paths translate inside the container that `own` is.
#[must_use]
pub fn path_map_of(own: &ContainerDetail) -> PathMap {
    let from_host = own
        .container
        .mounts
        .iter()
        .filter(|mount| matches!(mount.kind, MountKind::Bind | MountKind::Volume) && mount.source.is_absolute());
    let mapping = |host: &Path, local: &Path| PathMapping { host: host.to_owned(), local: local.to_owned() };
    PathMap::Container(from_host.map(|mount| mapping(&mount.source, &mount.destination)).collect())
}

/// The last component of a control group's path that is an id, bare or as `docker-<id>.scope`.
fn id_in_cgroup(cgroup: &str) -> Option<&str> {
    cgroup.lines().filter_map(|line| line.splitn(3, ':').nth(2)).find_map(id_in_path)
}

fn id_in_mountinfo(mountinfo: &str) -> Option<&str> {
    mounts(mountinfo).filter(|mount| ENGINE_FILES.contains(&mount.point)).find_map(|mount| id_in_path(mount.root))
}

fn id_in_host_name(host_name: &str) -> Option<&str> {
    let is_id = (SHORT_ID_DIGITS..=ID_DIGITS).contains(&host_name.len()) && host_name.bytes().all(is_id_digit);
    is_id.then_some(host_name)
}

fn id_in_path(path: &str) -> Option<&str> {
    path.rsplit('/').find_map(|component| {
        let bare = component.strip_suffix(".scope").unwrap_or(component);
        let id = bare.rsplit(['-', ':']).next().unwrap_or(bare);
        (id.len() == ID_DIGITS && id.bytes().all(is_id_digit)).then_some(id)
    })
}

fn is_id_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

struct MountLine<'a> {
    root: &'a str,
    point: &'a str,
    options: &'a str,
}

fn mounts(mountinfo: &str) -> impl Iterator<Item = MountLine<'_>> {
    mountinfo.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        Some(MountLine { root, point, options: line.rsplit(' ').next().unwrap_or_default() })
    })
}

/// Where the root file system keeps what this container wrote; no two containers share it.
fn root_upper_dir(mountinfo: &str) -> Option<&str> {
    let root = mounts(mountinfo).find(|mount| mount.point == "/")?;
    root.options.split(',').find_map(|option| option.strip_prefix("upperdir="))
}

/// The kernel writes blanks in a path as octal escapes.
fn unescape(path: &str) -> String {
    path.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::scripted::{ScriptedEngine, running_container};
    use crate::domain::stack::Mount;

    const ID: &str = "4c9a43810063edcf291ddc72c3b7e472299ae54ecb0659ea0a8b247e2739b60e";
    const OTHER: &str = "077f3ba7bc2249fb84ee0e1ebbbd2d5f43638ba7adc5e296bef8a6d259e22d05";

    #[test]
    fn the_id_is_found_in_control_groups() {
        let rows = [
            (format!("9:name=systemd:/docker/{ID}\n8:pids:/docker/{ID}\n0::/docker/{ID}"), Some(ID)),
            (format!("0::/system.slice/docker-{ID}.scope"), Some(ID)),
            (format!("0::/machine.slice/libpod-{ID}.scope/container"), Some(ID)),
            (format!("11:cpu:/kubepods/besteffort/pod1/{ID}"), Some(ID)),
            (format!("0::/system.slice/containerd.service/kubepods:cri-containerd:{ID}"), Some(ID)),
            ("0::/".to_owned(), None),
            ("0::/user.slice/user-1000.slice/session-2.scope".to_owned(), None),
            ("9:name=systemd:/\n8:pids:/".to_owned(), None),
            (String::new(), None),
        ];
        for (text, expected) in rows {
            assert_eq!(id_in_cgroup(&text), expected, "{text}");
        }
    }

    #[test]
    fn the_id_is_found_among_the_engines_own_mounts() {
        let line = |root: &str, point: &str| format!("95 72 254:0 {root} {point} rw,relatime - ext4 /dev/vda rw");
        let rows = [
            (line(&format!("/var/lib/docker/containers/{ID}/hostname"), "/etc/hostname"), Some(ID)),
            (line(&format!("/containers/{ID}/hosts"), "/etc/hosts"), Some(ID)),
            (line(&format!("/containers/overlay-containers/{ID}/userdata/resolv.conf"), "/etc/resolv.conf"), Some(ID)),
            // A host sees the mounts of its containers, and containers have volumes named by such digits.
            (line("/", &format!("/var/lib/docker/containers/{ID}/mounts/shm")), None),
            (line(&format!("/var/lib/docker/volumes/{OTHER}/_data"), "/anon"), None),
            ("garbage\n1 2".to_owned(), None),
        ];
        for (text, expected) in rows {
            assert_eq!(id_in_mountinfo(&text), expected, "{text}");
        }
    }

    #[test]
    fn a_host_name_counts_only_when_it_looks_like_an_id() {
        for (name, expected) in [("4c9a43810063", true), ("nas", false), ("deadbeef", false), ("My-Host.local", false)]
        {
            assert_eq!(id_in_host_name(name).is_some(), expected, "{name}");
        }
    }

    #[test]
    fn a_plain_host_leaves_no_traces() {
        let traces = Traces {
            cgroup: "0::/system.slice/mainstay.service".to_owned(),
            mountinfo: "25 1 254:0 / / rw,relatime - ext4 /dev/vda rw".to_owned(),
            host_name: "nas".to_owned(),
        };
        assert_eq!(traces.candidates(), Vec::<String>::new());
    }

    fn traces() -> Traces {
        Traces {
            cgroup: "0::/".to_owned(),
            mountinfo: format!(
                "72 48 0:39 / / rw - overlay overlay rw,upperdir=/o/{ID}/diff,workdir=/w\n\
                 89 72 254:0 /srv /data\\040dir rw - ext4 /dev/vda rw\n\
                 95 72 254:0 /c/{OTHER}/hostname /etc/hostname rw - ext4 /dev/vda rw"
            ),
            host_name: ID[..12].to_owned(),
        }
    }

    #[tokio::test]
    async fn a_trace_of_another_container_is_not_believed() {
        let engine = ScriptedEngine::new();
        let with_layer = |id: &str| {
            let mut detail = running_container(id, &id[..4]);
            detail.redacted = serde_json::json!({"GraphDriver": {"Data": {"UpperDir": format!("/o/{id}/diff")}}});
            detail
        };
        engine.add_container(with_layer(OTHER));
        assert_eq!(find_container_of(&engine, &traces()).await.expect("an answer"), None);
        engine.add_container(with_layer(ID));
        let found = find_container_of(&engine, &traces()).await.expect("an answer").expect("our own");
        assert_eq!(found.container.id, ID);
    }

    #[tokio::test]
    async fn without_a_known_layer_the_mounts_decide() {
        let mount = |destination: &str| Mount {
            kind: MountKind::Bind,
            volume: None,
            source: "/srv".into(),
            destination: destination.into(),
            is_writable: true,
        };
        let engine = ScriptedEngine::new();
        let mut other = running_container(OTHER, "vpn");
        other.container.mounts = vec![mount("/vpn")];
        let mut own = running_container(ID, "mainstay");
        own.container.mounts = vec![mount("/data dir")];
        engine.add_container(other);
        engine.add_container(own);
        let found = find_container_of(&engine, &traces()).await.expect("an answer").expect("our own");
        assert_eq!(found.container.name, "mainstay");
        let map = path_map_of(&found);
        assert_eq!(map.find_local(Path::new("/srv/blog")), Some("/data dir/blog".into()));
        assert_eq!(map.find_local(Path::new("/etc")), None);
    }

    #[tokio::test]
    async fn an_engine_that_cannot_be_asked_is_no_answer() {
        let engine = ScriptedEngine::new();
        engine.add_container(running_container(ID, "mainstay"));
        engine.set_reachable(false);
        assert!(find_container_of(&engine, &traces()).await.is_err(), "nobody may take this for a plain host");
        let plain_host = Traces { host_name: "nas".to_owned(), ..Traces::default() };
        assert_eq!(find_container_of(&engine, &plain_host).await.expect("an answer"), None);
    }
}
