//! Containers through which Mainstay reaches the Docker Engine: stopping one would cut the branch that it sits on.
//!
//! A container is one when its label `mainstay.socket-proxy` says so, or when the engine's address is `tcp://` and leads
//! to it: by its name, an alias or an address on a network of Mainstay's own container, or by a port that it publishes.
//! When the address leads to none that is known, every container that has the engine's socket and an image of a known
//! proxy is spared. An address that is a socket needs no proxy; one that a proxy serves from a shared volume needs the
//! label.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::docker::ContainerDetail;
use crate::domain::stack::labels;
use crate::domain::wishes::read_wishes;

/// What the images of well-known proxies have in their names.
const KNOWN_IMAGES: [&str; 3] = ["socket-proxy", "socketproxy", "dockerproxy"];
/// Names of this machine.
const OWN_HOST: [&str; 5] = ["localhost", "127.0.0.1", "[::1]", "host.docker.internal", "gateway.docker.internal"];

/// Ids of the containers that must not be touched, because the way to the engine leads through them.
pub(super) fn find_proxies(
    details: &BTreeMap<String, ContainerDetail>,
    own: Option<&ContainerDetail>,
    address: Option<&str>,
) -> Vec<String> {
    let is_labelled = |detail: &&ContainerDetail| read_wishes(&detail.container.labels).0.is_socket_proxy;
    let mut found: Vec<&ContainerDetail> = details.values().filter(is_labelled).collect();
    if let Some((host, port)) = address.and_then(host_and_port) {
        let led_to: Vec<&ContainerDetail> = details.values().filter(|d| leads_to(d, own, host, port)).collect();
        let known = || details.values().filter(|detail| has_socket(detail) && is_known_image(detail)).collect();
        found.extend(if led_to.is_empty() { known() } else { led_to });
    }
    let others = found.into_iter().map(|detail| &detail.container.id);
    others.filter(|id| own.is_none_or(|own| own.container.id != **id)).cloned().collect()
}

fn host_and_port(address: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = address.split_once("://")?;
    let is_net = ["tcp", "http", "https"].contains(&scheme);
    let place = rest.split('/').next().filter(|_| is_net)?;
    Some(place.rsplit_once(':').unwrap_or((place, "2375")))
}

fn leads_to(detail: &ContainerDetail, own: Option<&ContainerDetail>, host: &str, port: &str) -> bool {
    if OWN_HOST.contains(&host) {
        let is_beside_us = own.is_some_and(|own| {
            let owner = detail.container.shares_network_of.as_deref();
            owner == Some(&own.container.id) || own.container.shares_network_of.as_deref() == Some(&detail.container.id)
        });
        return is_beside_us || publishes(detail, port);
    }
    let is_shared = |network: &str| own.is_none_or(|own| own.networks.iter().any(|known| known == network));
    let networks = detail.redacted["NetworkSettings"]["Networks"].as_object();
    let mut shared = networks.into_iter().flatten().filter(|(name, _)| is_shared(name)).peekable();
    let service = detail.container.labels.get(labels::SERVICE).map(String::as_str);
    let is_named = detail.container.name == host || service == Some(host);
    (is_named && (shared.peek().is_some() || networks.is_none()))
        || shared.any(|(_, network)| is_known_as(network, host))
}

/// Whether a container answers to `host` on a network.
fn is_known_as(network: &Value, host: &str) -> bool {
    let lists = ["Aliases", "DNSNames"].iter().filter_map(|key| network[key].as_array());
    let is_alias = lists.flatten().any(|alias| alias == host);
    is_alias || ["IPAddress", "GlobalIPv6Address"].iter().any(|key| network[key] == host.trim_matches(['[', ']']))
}

fn publishes(detail: &ContainerDetail, port: &str) -> bool {
    let ports = detail.redacted["NetworkSettings"]["Ports"].as_object();
    let bound = ports.into_iter().flatten().filter_map(|(_, places)| places.as_array()).flatten();
    bound.into_iter().any(|place| place["HostPort"] == port)
}

fn has_socket(detail: &ContainerDetail) -> bool {
    detail.container.mounts.iter().any(|mount| mount.source.file_name().is_some_and(|name| name == "docker.sock"))
}

fn is_known_image(detail: &ContainerDetail) -> bool {
    KNOWN_IMAGES.iter().any(|part| detail.container.image.contains(part))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::docker::scripted::running_container;
    use crate::domain::stack::{Mount, MountKind};

    /// A container `proxy` of the service `sock` on the network `back`, known there as `engine`, publishing 2375.
    fn proxy() -> ContainerDetail {
        let mut detail = running_container("proxy", "shop-sock-1");
        detail.container.labels.insert(labels::SERVICE.to_owned(), "sock".to_owned());
        detail.redacted = json!({"NetworkSettings": {
            "Networks": {"back": {"Aliases": ["engine"], "IPAddress": "172.18.0.2"}},
            "Ports": {"2375/tcp": [{"HostIp": "127.0.0.1", "HostPort": "12375"}], "80/tcp": null},
        }});
        detail
    }

    fn own(network: &str) -> ContainerDetail {
        ContainerDetail { networks: vec![network.to_owned()], ..running_container("own", "mainstay") }
    }

    fn spared(all: Vec<ContainerDetail>, own: Option<&ContainerDetail>, address: &str) -> Vec<String> {
        find_proxies(&all.into_iter().map(|d| (d.container.id.clone(), d)).collect(), own, Some(address))
    }

    #[test]
    fn the_address_leads_to_the_proxy() {
        for (address, network, expected) in [
            ("tcp://sock:2375", Some("back"), true),
            ("tcp://shop-sock-1:2375", Some("back"), true),
            ("tcp://engine:2375", Some("back"), true),
            ("http://172.18.0.2:2375/", Some("back"), true),
            ("tcp://sock:2375", Some("front"), false),
            ("tcp://172.18.0.2:2375", None, true),
            ("tcp://127.0.0.1:12375", None, true),
            ("tcp://127.0.0.1:2375", None, false),
            ("tcp://nas:2376", Some("back"), false),
            ("unix:///var/run/docker.sock", Some("back"), false),
        ] {
            let own = network.map(own);
            assert_eq!(spared(vec![proxy()], own.as_ref(), address) == ["proxy"], expected, "{address} {network:?}");
        }
    }

    #[test]
    fn one_that_lives_in_our_own_network_is_met_at_the_loopback_address() {
        let mut beside = running_container("beside", "beside");
        beside.container.shares_network_of = Some("own".to_owned());
        let other = running_container("other", "other");
        assert_eq!(spared(vec![beside, other], Some(&own("back")), "tcp://127.0.0.1:2375"), ["beside"]);
    }

    #[test]
    fn a_label_or_a_known_image_with_the_socket_will_do() {
        let socket = Mount {
            kind: MountKind::Bind,
            volume: None,
            source: "/var/run/docker.sock".into(),
            destination: "/var/run/docker.sock".into(),
            is_writable: false,
        };
        let mut known = running_container("known", "known");
        known.container.image = "ghcr.io/tecnativa/docker-socket-proxy:0.3".to_owned();
        let without_socket = ContainerDetail { container: known.container.clone(), ..known.clone() };
        known.container.mounts = vec![socket];
        assert_eq!(spared(vec![known.clone()], None, "tcp://elsewhere:2375"), ["known"]);
        assert!(spared(vec![known.clone(), proxy()], None, "tcp://sock:1").contains(&"proxy".to_owned()));
        assert!(spared(vec![without_socket], None, "tcp://elsewhere:2375").is_empty());
        assert!(spared(vec![known.clone()], None, "unix:///var/run/docker.sock").is_empty(), "no proxy in between");
        known.container.labels.insert(labels::SOCKET_PROXY.to_owned(), "true".to_owned());
        assert_eq!(spared(vec![known], None, "unix:///run/proxied/docker.sock"), ["known"]);
    }
}
