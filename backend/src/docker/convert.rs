//! The client library's models as words of ours.
//!
//! Fields that an engine leaves out become empty: a list must not fail for one odd container.

use std::collections::{BTreeMap, HashMap};

use bollard::models::{
    ContainerInspectResponse, ContainerSummary, EventMessage, EventMessageTypeEnum, MountPoint, SystemVersion, Volume,
};
use chrono::{DateTime, Utc};

use super::redact::redact_inspect;
use super::{ContainerDetail, EngineEvent, EngineInfo, EngineVolume, HiddenWords, parse_health, parse_state};
use crate::domain::stack::{Container, ContainerState, Health, Mount, MountKind, labels};

/// A container of a list.
pub(super) fn container_of_summary(summary: ContainerSummary) -> Container {
    let labels = sorted(summary.labels);
    let told = summary.health.and_then(|health| health.status).and_then(|word| parse_health(word.as_ref()));
    Container {
        id: summary.id.unwrap_or_default(),
        name: own_name(&summary.names.unwrap_or_default()),
        state: summary.state.map_or(ContainerState::Unknown, |word| parse_state(word.as_ref())),
        health: told.or_else(|| health_of_status(summary.status.as_deref().unwrap_or_default())),
        image: summary.image.unwrap_or_default(),
        number: number_of(&labels),
        is_oneoff: is_oneoff(&labels),
        labels,
        mounts: summary.mounts.unwrap_or_default().into_iter().map(mount_of).collect(),
        shares_network_of: summary.host_config.and_then(|host| network_owner(host.network_mode.as_deref()?)),
    }
}

/// A container in detail.
pub(super) fn detail_of(answer: &ContainerInspectResponse) -> ContainerDetail {
    let config = answer.config.clone().unwrap_or_default();
    let state = answer.state.clone().unwrap_or_default();
    let host = answer.host_config.clone().unwrap_or_default();
    let labels = sorted(config.labels);
    let health = state.health.and_then(|health| health.status).and_then(|word| parse_health(word.as_ref()));
    let networks = answer.network_settings.clone().and_then(|settings| settings.networks).unwrap_or_default();
    ContainerDetail {
        container: Container {
            id: answer.id.clone().unwrap_or_default(),
            name: own_name(answer.name.as_slice()),
            state: state.status.map_or(ContainerState::Unknown, |word| parse_state(word.as_ref())),
            health,
            image: config.image.unwrap_or_default(),
            number: number_of(&labels),
            is_oneoff: is_oneoff(&labels),
            labels,
            mounts: answer.mounts.clone().unwrap_or_default().into_iter().map(mount_of).collect(),
            shares_network_of: host.network_mode.as_deref().and_then(network_owner),
        },
        started_at: state.started_at.as_deref().and_then(parse_time),
        exit_code: state.exit_code,
        stop_timeout_secs: config.stop_timeout.and_then(|seconds| seconds.try_into().ok()),
        image_id: answer.image.clone().unwrap_or_default(),
        network_mode: host.network_mode.unwrap_or_default(),
        networks: sorted(Some(networks)).into_keys().collect(),
        volumes_from: host.volumes_from.unwrap_or_default().iter().map(|entry| without_mode(entry)).collect(),
        arguments: HiddenWords::new(answer.args.clone().unwrap_or_default()),
        redacted: redacted(answer),
    }
}

/// A volume.
pub(super) fn volume_of(volume: Volume) -> EngineVolume {
    EngineVolume {
        name: volume.name,
        driver: volume.driver,
        mountpoint: volume.mountpoint.into(),
        options: sorted(Some(volume.options)),
        labels: sorted(Some(volume.labels)),
    }
}

/// What an engine says of itself. `host_name` is empty when it may not be asked.
pub(super) fn info_of(version: SystemVersion, host_name: String, address: &str) -> EngineInfo {
    let os = version.os.unwrap_or_else(|| "unknown".to_owned());
    let architecture = version.arch.unwrap_or_else(|| "unknown".to_owned());
    EngineInfo {
        version: version.version.unwrap_or_default(),
        api_version: version.api_version.unwrap_or_default(),
        platform: format!("{os}/{architecture}"),
        host_name,
        address: address.to_owned(),
    }
}

/// An event, or `None` for what changes nothing: commands run inside a container, and other kinds of things.
pub(super) fn event_of(message: EventMessage) -> Option<EngineEvent> {
    let action = message.action?;
    let actor = message.actor?;
    let id = actor.id?;
    let project = actor.attributes.and_then(|mut attributes| attributes.remove(labels::PROJECT));
    let at = message.time_nano.map(DateTime::from_timestamp_nanos);
    let at = at.or_else(|| message.time.and_then(|seconds| DateTime::from_timestamp(seconds, 0)));
    match message.typ? {
        EventMessageTypeEnum::CONTAINER if action.starts_with("exec_") || action == "top" => None,
        EventMessageTypeEnum::CONTAINER => {
            Some(EngineEvent::Container { id, action, project, at: at.unwrap_or(DateTime::UNIX_EPOCH) })
        }
        EventMessageTypeEnum::VOLUME => Some(EngineEvent::Volume { name: id, action }),
        _ => None,
    }
}

/// Reads an engine's time; the zero time, which means never, is none.
pub(super) fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    (time > DateTime::UNIX_EPOCH).then_some(time)
}

fn redacted(answer: &ContainerInspectResponse) -> serde_json::Value {
    let mut value = serde_json::to_value(answer).unwrap_or_default();
    redact_inspect(&mut value);
    value
}

/// A list gives health only inside a text for people: `Up 3 hours (healthy)`.
fn health_of_status(status: &str) -> Option<Health> {
    let inner = status.strip_suffix(')')?.rsplit_once('(')?.1;
    parse_health(inner.strip_prefix("health: ").unwrap_or(inner))
}

/// The container's own name: the others are links, `/other/alias`.
fn own_name(names: &[String]) -> String {
    let mut bare = names.iter().map(|name| name.trim_start_matches('/'));
    bare.find(|name| !name.contains('/')).unwrap_or_default().to_owned()
}

fn number_of(labels: &BTreeMap<String, String>) -> u32 {
    labels.get(labels::NUMBER).and_then(|text| text.parse().ok()).unwrap_or(1)
}

fn is_oneoff(labels: &BTreeMap<String, String>) -> bool {
    labels.get(labels::ONEOFF).is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

fn mount_of(mount: MountPoint) -> Mount {
    let kind = match mount.typ.as_deref() {
        Some("volume") => MountKind::Volume,
        Some("bind") => MountKind::Bind,
        Some("tmpfs") => MountKind::Tmpfs,
        _ => MountKind::Other,
    };
    Mount {
        kind,
        volume: mount.name.filter(|_| kind == MountKind::Volume),
        source: mount.source.unwrap_or_default().into(),
        destination: mount.destination.unwrap_or_default().into(),
        is_writable: mount.rw.unwrap_or(true),
    }
}

/// `container:<id>` names the container whose network is shared.
fn network_owner(mode: &str) -> Option<String> {
    mode.strip_prefix("container:").map(str::to_owned)
}

/// `web:ro` names the container `web`.
fn without_mode(entry: &str) -> String {
    entry.split_once(':').map_or(entry, |(name, _)| name).to_owned()
}

fn sorted<V>(map: Option<HashMap<String, V>>) -> BTreeMap<String, V> {
    map.unwrap_or_default().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn health_is_read_out_of_the_status_text() {
        let rows = [
            ("Up 3 hours (healthy)", Some(Health::Healthy)),
            ("Up 1 second (unhealthy)", Some(Health::Unhealthy)),
            ("Up Less than a second (health: starting)", Some(Health::Starting)),
            ("Up 2 days (Paused)", None),
            ("Up 2 days", None),
            ("Exited (0) 3 minutes ago", None),
            ("", None),
        ];
        for (status, expected) in rows {
            assert_eq!(health_of_status(status), expected, "{status}");
        }
    }

    #[test]
    fn links_are_not_the_name() {
        let names = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        assert_eq!(own_name(&names(&["/other/db", "/db"])), "db");
        assert_eq!(own_name(&[]), "");
    }

    #[test]
    fn a_list_entry_becomes_a_container() {
        let summary = serde_json::from_value(json!({
            "Id": "a1", "Names": ["/blog-db-2"], "Image": "pg:15", "State": "exited", "Status": "Exited (0) 1 hour ago",
            "Labels": {"com.docker.compose.container-number": "2", "com.docker.compose.oneoff": "True"},
            "HostConfig": {"NetworkMode": "container:b2"},
            "Mounts": [
                {"Type": "volume", "Name": "v", "Source": "/s", "Destination": "/d", "RW": true},
                {"Type": "bind", "Source": "/b", "Destination": "/e", "RW": false},
                {"Type": "npipe", "Destination": "/f"},
            ],
        }));
        let container = container_of_summary(summary.expect("a summary"));
        assert_eq!((container.name.as_str(), container.number, container.is_oneoff), ("blog-db-2", 2, true));
        assert_eq!(container.state, ContainerState::Exited);
        assert_eq!(container.shares_network_of.as_deref(), Some("b2"));
        let kinds: Vec<_> = container.mounts.iter().map(|mount| (mount.kind, mount.is_writable)).collect();
        assert_eq!(kinds, [(MountKind::Volume, true), (MountKind::Bind, false), (MountKind::Other, true)]);
        assert_eq!(container.mounts[0].volume.as_deref(), Some("v"));
    }

    #[test]
    fn a_container_that_never_ran_has_no_start_time() {
        assert_eq!(parse_time("0001-01-01T00:00:00Z"), None);
        assert!(parse_time("2026-11-21T04:59:12.64290816Z").is_some());
    }

    #[test]
    fn events_of_other_things_and_of_commands_are_left_out() {
        let event = |kind: &str, action: &str| {
            let actor = json!({"ID": "x", "Attributes": {"com.docker.compose.project": "blog"}});
            let message =
                json!({"Type": kind, "Action": action, "Actor": actor, "time": 5, "timeNano": 5_000_000_001_i64});
            event_of(serde_json::from_value(message).expect("an event"))
        };
        assert!(event("network", "connect").is_none());
        assert!(event("container", "exec_create: sh -c secret").is_none());
        let Some(EngineEvent::Container { project, at, .. }) = event("container", "die") else { panic!("an event") };
        assert_eq!((project.as_deref(), at.timestamp_subsec_nanos()), (Some("blog"), 1));
        assert!(matches!(event("volume", "create"), Some(EngineEvent::Volume { .. })));
    }

    #[test]
    fn the_mode_is_no_part_of_the_containers_name() {
        assert_eq!(without_mode("web:ro"), "web");
        assert_eq!(without_mode("web"), "web");
    }
}
