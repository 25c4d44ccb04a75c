//! What rcb and its fork take of a host, by their labels.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::docker::{MountSource, SpecMount};
use crate::domain::keep::KeepPolicy;
use crate::domain::stack::{Container, Mount, MountKind, labels};

/// The two families of labels, of which the later one is read by the fork alone.
const FAMILIES: [&str; 2] = ["restic-compose-backup.", "stack-back."];
/// Kinds of databases that a label asks to dump.
const DUMPS: [&str; 3] = ["mysql", "mariadb", "postgres"];

/// One service of a project, whose data is one snapshot in the native mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// The Compose project.
    pub project: String,
    /// The service in it.
    pub service: String,
    /// What is to be kept, as its label `backrest.keep` says it; the text stands beside what was wrong with it.
    pub keep: Option<Result<KeepPolicy, String>>,
    /// Its mounts, where they lie for a worker: read-only below [`Self::path`].
    pub mounts: Vec<SpecMount>,
}

impl Workload {
    /// Where its data lies in a snapshot: `/volumes/<project>/<service>`, or without the project.
    #[must_use]
    pub fn path(&self, include_project_name: bool) -> PathBuf {
        let mut path = PathBuf::from("/volumes");
        if include_project_name {
            path.push(&self.project);
        }
        path.join(&self.service)
    }
}

/// Whether the label asks for the volumes of a container, as rcb reads it: `1`, `true` and `True` are true.
#[must_use]
pub fn is_selected(container: &Container) -> bool {
    !container.is_oneoff && find_label(container, "volumes").is_some_and(is_true)
}

/// Whether rcb dumps the database of a container, for which it must run.
#[must_use]
pub fn is_dumped(container: &Container) -> bool {
    DUMPS.iter().any(|kind| find_label(container, kind).is_some_and(is_true))
}

/// The workloads of a host, by project and service. `include_project_name` says where their data is to lie.
#[must_use]
pub fn workloads(containers: &[Container], exclude_binds: bool, include_project_name: bool) -> Vec<Workload> {
    let mut all: BTreeMap<(String, String), Workload> = BTreeMap::new();
    for container in containers.iter().filter(|container| is_selected(container)) {
        let label = |key: &str| container.labels.get(key).filter(|text| !text.is_empty()).cloned();
        let (Some(project), Some(service)) = (label(labels::PROJECT), label(labels::SERVICE)) else { continue };
        let workload = all.entry((project.clone(), service.clone())).or_insert_with(|| Workload {
            project,
            service,
            keep: None,
            mounts: Vec::new(),
        });
        if workload.keep.is_none() {
            let text = label("backrest.keep").map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
            workload.keep = text.map(|text| read_keep(&text));
        }
        let base = workload.path(include_project_name);
        for mount in chosen_mounts(container, exclude_binds) {
            let below = mount.destination.strip_prefix("/").unwrap_or(&mount.destination);
            let destination = base.join(below);
            if workload.mounts.iter().all(|known| known.destination != destination) {
                let source = source_of(mount);
                workload.mounts.push(SpecMount { source, destination, is_read_only: true });
            }
        }
    }
    all.into_values().collect()
}

/// Reads a retention. restic's own short keys stand for the periods that we write out.
fn read_keep(text: &str) -> Result<KeepPolicy, String> {
    const SHORT: [(&str, &str); 5] =
        [("h", "hourly"), ("d", "daily"), ("w", "weekly"), ("m", "monthly"), ("y", "yearly")];
    let item = |item: &str| {
        let Some((key, value)) = item.split_once('=') else { return item.to_owned() };
        let short = key.trim().strip_prefix("within-").and_then(|key| SHORT.iter().find(|(short, _)| *short == key));
        short.map_or_else(|| item.to_owned(), |(_, long)| format!("within-{long}={value}"))
    };
    let written_out = text.split(',').map(item).collect::<Vec<_>>().join(",");
    written_out.parse().map_err(|error| format!("{error}"))
}

/// The mounts that rcb takes: patterns are parts of the path on the host, `include` goes before `exclude`, and items are
/// not trimmed.
fn chosen_mounts(container: &Container, exclude_binds: bool) -> impl Iterator<Item = &Mount> {
    let patterns = |key: &str| {
        let text = find_label(container, key).map(str::trim).filter(|text| !text.is_empty());
        text.map(|text| text.split(',').map(str::to_owned).collect::<Vec<String>>())
    };
    let (include, exclude) = (patterns("volumes.include"), patterns("volumes.exclude"));
    let fits = |mount: &Mount, patterns: &[String]| {
        let source = mount.source.to_string_lossy();
        patterns.iter().any(|pattern| source.contains(pattern.as_str()))
    };
    container.mounts.iter().filter(move |mount| match mount.kind {
        MountKind::Volume => is_chosen(mount, include.as_deref(), exclude.as_deref(), &fits),
        MountKind::Bind => !exclude_binds && is_chosen(mount, include.as_deref(), exclude.as_deref(), &fits),
        MountKind::Tmpfs | MountKind::Other => false,
    })
}

fn is_chosen(
    mount: &Mount,
    include: Option<&[String]>,
    exclude: Option<&[String]>,
    fits: &impl Fn(&Mount, &[String]) -> bool,
) -> bool {
    match (include, exclude) {
        (Some(include), _) => fits(mount, include),
        (None, Some(exclude)) => !fits(mount, exclude),
        (None, None) => true,
    }
}

fn source_of(mount: &Mount) -> MountSource {
    match &mount.volume {
        Some(name) if mount.kind == MountKind::Volume => MountSource::Volume(name.clone()),
        _ => MountSource::HostPath(mount.source.clone()),
    }
}

fn find_label<'a>(container: &'a Container, key: &str) -> Option<&'a str> {
    FAMILIES.iter().find_map(|family| container.labels.get(&format!("{family}{key}"))).map(String::as_str)
}

fn is_true(text: &str) -> bool {
    matches!(text, "1" | "true" | "True")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::scripted::running_container;

    fn container(name: &str, pairs: &[(&str, &str)]) -> Container {
        let mut found = running_container(name, name).container;
        found.labels = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        found.labels.insert(labels::PROJECT.to_owned(), "web".to_owned());
        found.labels.insert(labels::SERVICE.to_owned(), name.to_owned());
        let mount = |volume: &str, destination: &str| Mount {
            kind: MountKind::Volume,
            volume: Some(volume.to_owned()),
            source: format!("/var/lib/docker/volumes/{volume}/_data").into(),
            destination: destination.into(),
            is_writable: true,
        };
        found.mounts = vec![mount("web_media", "/srv/media"), mount("web_cache", "/cache")];
        let bind = Mount { kind: MountKind::Bind, volume: None, source: "/opt/files".into(), ..mount("x", "/files") };
        found.mounts.push(bind);
        found
    }

    fn destinations(pairs: &[(&str, &str)], exclude_binds: bool) -> Vec<String> {
        let found = workloads(&[container("app", pairs)], exclude_binds, true);
        let mounts = found.first().map(|workload| workload.mounts.clone()).unwrap_or_default();
        mounts.iter().map(|mount| mount.destination.display().to_string()).collect()
    }

    #[test]
    fn mounts_are_chosen_as_rcb_chooses_them() {
        const ON: (&str, &str) = ("restic-compose-backup.volumes", "true");
        let all = ["/volumes/web/app/srv/media", "/volumes/web/app/cache", "/volumes/web/app/files"];
        assert_eq!(destinations(&[ON], false), all);
        assert_eq!(destinations(&[ON], true), all[..2], "without binds");
        assert_eq!(
            destinations(&[ON, ("restic-compose-backup.volumes.include", "media, files")], false),
            all[..1],
            "not trimmed"
        );
        assert_eq!(destinations(&[ON, ("restic-compose-backup.volumes.exclude", "cache")], false), [all[0], all[2]]);
        let both = [
            ON,
            ("restic-compose-backup.volumes.include", "cache"),
            ("restic-compose-backup.volumes.exclude", "cache"),
        ];
        assert_eq!(destinations(&both, false), all[1..2], "an include makes an exclude mean nothing");
        assert_eq!(destinations(&[("restic-compose-backup.volumes", "TRUE")], false), Vec::<String>::new());
        assert_eq!(destinations(&[("stack-back.volumes", "1")], false), all);
    }

    #[test]
    fn what_is_to_be_kept_is_read_and_what_is_wrong_with_it_is_told() {
        let keep = |text: &str| {
            let pairs = [("restic-compose-backup.volumes", "true"), ("backrest.keep", text)];
            workloads(&[container("app", &pairs)], false, false).remove(0).keep
        };
        let policy = keep("daily=7,within=90d,within-w=1y").expect("set").expect("readable");
        assert!(policy.daily == 7 && policy.within.is_some() && policy.within_weekly.is_some());
        assert!(keep("dayly=7").expect("set").expect_err("no such key").contains("dayly"));
        assert_eq!(keep(" "), None);
    }
}
