//! Containers for tests, out of compose files.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::plan::{Settings, Skipped, WantedPlan};
use super::wanted::wanted;
use crate::docker::scripted::running_container;
use crate::domain::stack::{Container, Mount, MountKind, labels};

#[derive(Deserialize)]
struct ComposeFile {
    name: String,
    services: BTreeMap<String, Service>,
}

#[derive(Deserialize)]
struct Service {
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    volumes: Vec<String>,
    #[serde(default)]
    tmpfs: Vec<String>,
    container_name: Option<String>,
    scale: Option<u32>,
}

/// The containers that Compose would make of a file, as an engine would list them.
pub(super) fn containers_of(compose: &str) -> Vec<Container> {
    let file: ComposeFile = serde_yaml::from_str(compose).expect("a compose file");
    let services = file.services.iter();
    services
        .flat_map(|(name, service)| {
            let numbers = 1..=service.scale.unwrap_or(1);
            numbers.map(|number| container_of(&file.name, name, service, number)).collect::<Vec<_>>()
        })
        .collect()
}

fn container_of(project: &str, name: &str, service: &Service, number: u32) -> Container {
    let own_name = service.container_name.clone().unwrap_or_else(|| format!("{project}-{name}-{number}"));
    let tmpfs = service.tmpfs.iter().map(|destination| mount(MountKind::Tmpfs, None, "", destination));
    let mut all = service.labels.clone();
    // Compose replaces a doubled sign by a single one.
    all.values_mut().for_each(|value| *value = value.replace("$$", "$"));
    all.insert(labels::PROJECT.to_owned(), project.to_owned());
    all.insert(labels::SERVICE.to_owned(), name.to_owned());
    Container {
        labels: all,
        number,
        mounts: service.volumes.iter().map(|volume| mount_of(project, volume)).chain(tmpfs).collect(),
        ..running_container(&own_name, &own_name).container
    }
}

fn mount_of(project: &str, text: &str) -> Mount {
    let mut parts = text.split(':');
    let (source, destination) = (parts.next().expect("a source"), parts.next().expect("a destination"));
    let mut mount = if source.starts_with(['/', '.']) {
        mount(MountKind::Bind, None, &source.replace("./", "/srv/stack/"), destination)
    } else {
        let name = format!("{project}_{source}");
        mount(MountKind::Volume, Some(&name), &format!("/var/lib/docker/volumes/{name}/_data"), destination)
    };
    mount.is_writable = parts.next() != Some("ro");
    mount
}

/// A mount.
pub(super) fn mount(kind: MountKind, volume: Option<&str>, source: &str, destination: &str) -> Mount {
    Mount {
        kind,
        volume: volume.map(str::to_owned),
        source: source.into(),
        destination: destination.into(),
        is_writable: true,
    }
}

/// A container without a service, with these labels and one volume at `/data`.
pub(super) fn container(name: &str, pairs: &[(&str, &str)]) -> Container {
    let source = format!("/var/lib/docker/volumes/{name}_data/_data");
    Container {
        labels: pairs.iter().map(|&(label, value)| (label.to_owned(), value.to_owned())).collect(),
        mounts: vec![mount(MountKind::Volume, Some(&format!("{name}_data")), &source, "/data")],
        ..running_container(name, name).container
    }
}

/// A container of a service.
pub(super) fn service(project: &str, service: &str, pairs: &[(&str, &str)]) -> Container {
    let of_compose = [(labels::PROJECT, project), (labels::SERVICE, service)];
    container(&format!("{project}-{service}-1"), &[pairs, &of_compose].concat())
}

/// The repository that every test has.
pub(super) fn repos() -> Vec<String> {
    vec!["default".to_owned()]
}

/// The one plan of a container that is enabled and has these labels besides.
pub(super) fn plan_with(settings: &Settings, pairs: &[(&str, &str)]) -> WantedPlan {
    let enabled = [&[("backrest.enable", "true")], pairs].concat();
    let (mut plans, skipped) = wanted(&[service("shop", "db", &enabled)], &repos(), None, settings);
    assert_eq!(skipped, []);
    plans.pop().expect("a plan")
}

/// Why a container with these labels gets no plan.
pub(super) fn skipped_with(settings: &Settings, pairs: &[(&str, &str)]) -> Skipped {
    let (plans, mut skipped) = wanted(&[service("shop", "db", pairs)], &repos(), None, settings);
    assert_eq!(plans, []);
    skipped.pop().expect("a reason")
}

/// What is doubtful about a plan, one line for each note.
pub(super) fn notes_of(plan: &WantedPlan) -> Vec<String> {
    plan.notes.iter().map(|note| format!("{}: {note}", note.level.as_str())).collect()
}
