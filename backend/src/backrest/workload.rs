//! What gets one plan: the containers of a service, or a container that belongs to no service.

use std::collections::BTreeMap;

use super::labels::say_the_same;
use super::notes::Notes;
use crate::domain::labels::is_ours;
use crate::domain::stack::{Container, ContainerState, Mount, labels};

/// Containers that get one plan. There is at least one.
#[derive(Debug)]
pub(super) struct Workload<'a> {
    /// The Compose project, when they belong to a service.
    pub(super) project: Option<&'a str>,
    /// The service within the project.
    pub(super) service: Option<&'a str>,
    /// The container whose labels count: one that is up rather than one that is not, the first of those.
    pub(super) leader: &'a Container,
    /// All of them, by number and name.
    pub(super) containers: Vec<&'a Container>,
}

/// Groups containers, in the order of project and service or name. What Mainstay itself made is left out, and so are
/// containers of `compose run`, which carry the labels of their service, and those that are being removed.
pub(super) fn group(containers: &[Container]) -> Vec<Workload<'_>> {
    let is_lasting = |container: &&Container| {
        let is_going = matches!(container.state, ContainerState::Removing | ContainerState::Dead);
        !container.is_oneoff && !is_going && !is_ours(&container.labels)
    };
    let mut groups: BTreeMap<(Option<&str>, &str), Vec<&Container>> = BTreeMap::new();
    for container in containers.iter().filter(is_lasting) {
        let key = match service_of(container) {
            Some((project, service)) => (Some(project), service),
            None => (None, container.name.as_str()),
        };
        groups.entry(key).or_default().push(container);
    }
    groups.into_values().filter_map(workload_of).collect()
}

fn service_of(container: &Container) -> Option<(&str, &str)> {
    let get = |label: &str| container.labels.get(label).map(String::as_str).filter(|text| !text.is_empty());
    Some((get(labels::PROJECT)?, get(labels::SERVICE)?))
}

fn workload_of(mut containers: Vec<&Container>) -> Option<Workload<'_>> {
    containers.sort_by_key(|container| (container.number, &container.name));
    let leader = *containers.iter().min_by_key(|container| !container.state.is_up())?;
    let service = service_of(leader);
    Some(Workload {
        project: service.map(|(project, _)| project),
        service: service.map(|(_, service)| service),
        leader,
        containers,
    })
}

impl<'a> Workload<'a> {
    /// The mounts of all of its containers.
    pub(super) fn mounts(&self) -> Vec<&'a Mount> {
        let mut mounts: Vec<&Mount> = Vec::new();
        for mount in self.containers.iter().flat_map(|container| &container.mounts) {
            if !mounts.contains(&mount) {
                mounts.push(mount);
            }
        }
        mounts
    }

    /// Names of its containers.
    pub(super) fn names(&self) -> Vec<String> {
        self.containers.iter().map(|container| container.name.clone()).collect()
    }

    /// Says which of the containers is not heard.
    pub(super) fn doubt_replicas(&self, notes: &mut Notes) {
        let others = self.containers.iter().filter(|other| !say_the_same(&other.labels, &self.leader.labels));
        for other in others {
            let message = format!("the labels of '{}' differ; those of '{}' count", other.name, self.leader.name);
            notes.warn(None, message);
        }
    }
}
