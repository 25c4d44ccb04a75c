//! What containers have to do with each other, as the engine knows it and labels may not say: shared namespaces, volumes
//! taken over, links.

use std::collections::BTreeMap;

use crate::docker::ContainerDetail;
use crate::domain::dependency::Dependency;
use crate::domain::stack::{Container, Stack};

/// Details of containers, by id.
type Details = BTreeMap<String, ContainerDetail>;

/// What the services of a stack need of each other because of how their containers were made.
pub(super) fn implied_needs(stack: &Stack, details: &Details) -> BTreeMap<String, Vec<Dependency>> {
    let mut needs: BTreeMap<String, Vec<Dependency>> = BTreeMap::new();
    for (service, container) in stack.containers() {
        let Some(detail) = details.get(&container.id) else { continue };
        let named =
            namespace_owners(detail).into_iter().chain(detail.volumes_from.iter().cloned()).chain(links(detail));
        let others = named.filter_map(|name| find_service(stack, &name)).filter(|other| *other != service.name);
        needs.entry(service.name.clone()).or_default().extend(others.map(Dependency::started));
    }
    needs
}

/// The containers, by id or name, whose network, process or message namespace a container lives in.
pub(super) fn namespace_owners(detail: &ContainerDetail) -> Vec<String> {
    let mode = |key: &str| detail.redacted["HostConfig"][key].as_str()?.strip_prefix("container:").map(str::to_owned);
    let network = detail.container.shares_network_of.clone();
    network.into_iter().chain(["PidMode", "IpcMode"].iter().filter_map(|key| mode(key))).collect()
}

/// Links as the default network keeps them, `/db:/app/alias`, and as others do, `db:alias`.
fn links(detail: &ContainerDetail) -> Vec<String> {
    let host = &detail.redacted["HostConfig"]["Links"];
    let networks = detail.redacted["NetworkSettings"]["Networks"].as_object().into_iter().flatten();
    let lists = networks.map(|(_, network)| &network["Links"]).chain([host]).filter_map(|list| list.as_array());
    let names = lists.flatten().filter_map(|link| link.as_str()?.split(':').next());
    names.map(|name| name.trim_start_matches('/').to_owned()).collect()
}

/// Whether `reference`, an id, the beginning of one, or a name, means this container.
pub(super) fn is_meant(reference: &str, container: &Container) -> bool {
    let is_short_id = reference.len() >= 12 && container.id.starts_with(reference);
    !reference.is_empty() && (is_short_id || container.id == reference || container.name == reference)
}

fn find_service(stack: &Stack, reference: &str) -> Option<String> {
    let mut containers = stack.containers();
    containers.find(|(_, container)| is_meant(reference, container)).map(|(service, _)| service.name.clone())
}
