//! The settings of further hosts, Backrest and notifications.

use std::collections::BTreeSet;
use std::time::Duration;

use super::address::SecretUrl;
use super::integrations::{BackrestConfig, HostConfig, NotificationConfig, TlsConfig};
use super::model::Config;
use super::section::Section;
use super::tree::Kind;
use super::value::Field;
use crate::domain::names::check_name;

const SECOND: Duration = Duration::from_secs(1);

/// Reads the sections.
pub(super) fn decode(root: &mut Section<'_>, config: &mut Config) {
    root.set(&["hosts"], &mut config.hosts, |field| {
        let hosts = field.list(host);
        report_twice(field, "name");
        hosts
    });
    root.set(&["backrest"], &mut config.backrest, |field| backrest(field).map(Some));
    root.set(&["notifications"], &mut config.notifications, |field| field.list(notification));
}

/// Reports an entry whose name another one has already.
pub(super) fn report_twice(field: &Field<'_>, key: &str) {
    let Kind::List(items) = &field.node.kind else { return };
    let mut seen = BTreeSet::new();
    for (index, item) in items.iter().enumerate() {
        let Kind::Map(entries) = &item.kind else { continue };
        let Some(entry) = entries.iter().find(|entry| entry.key == key) else { continue };
        let Kind::Text(name) = &entry.value.kind else { continue };
        if !seen.insert(name) {
            let path = format!("{}[{index}].{key}", field.path);
            let message = format!("'{path}' must be unique, but '{name}' is used before");
            field.context.problem(&entry.value.place, &path, message);
        }
    }
}

/// A name in the manner of Docker: it becomes part of paths and of container names.
pub(super) fn name(field: &Field<'_>) -> Option<String> {
    let name = field.text()?;
    check_name(&name).map_or_else(|error| field.must_be(format!("a name ({error})")), |()| Some(name))
}

/// Reports that a key is missing.
pub(super) fn required<T>(field: &Field<'_>, key: &str, value: Option<T>) -> Option<T> {
    let has_key = matches!(&field.node.kind, Kind::Map(entries) if entries.iter().any(|entry| entry.key == key && entry.value.kind != Kind::Null));
    if value.is_none() && !has_key {
        field.context.problem(&field.node.place, &field.path, format!("'{}' needs the key '{key}'", field.path));
    }
    value
}

fn host(field: &Field<'_>) -> Option<HostConfig> {
    let mut section = field.section()?;
    field.warn_not_yet();
    let host_name = section.get(&["name"], name);
    let host_name = required(field, "name", host_name);
    let address = section.get(&["url"], super::decode::docker_host);
    let address = required(field, "url", address);
    let tls = section.get(&["tls"], tls);
    section.finish();
    Some(HostConfig { name: host_name?, address: SecretUrl::new(&address?), tls })
}

fn tls(field: &Field<'_>) -> Option<TlsConfig> {
    let mut section = field.section()?;
    let (ca, cert, key) =
        (section.get(&["ca"], Field::path), section.get(&["cert"], Field::path), section.get(&["key"], Field::path));
    let (ca, cert, key) = (required(field, "ca", ca), required(field, "cert", cert), required(field, "key", key));
    section.finish();
    Some(TlsConfig { ca: ca?, cert: cert?, key: key? })
}

fn backrest(field: &Field<'_>) -> Option<BackrestConfig> {
    let mut section = field.section()?;
    let mut backrest = BackrestConfig::default();
    section.set(&["config"], &mut backrest.config, Field::path);
    section.set(&["format"], &mut backrest.format, |field| one_of(field, &["auto", "native", "sidecar"]));
    section.set(&["url"], &mut backrest.url, |field| field.secret_url().map(Some));
    section.set(&["container"], &mut backrest.container, name);
    section.set(&["apply"], &mut backrest.apply, Field::flag);
    section.set(&["restart_timeout"], &mut backrest.restart_timeout, |field| field.duration(SECOND));
    section.set(&["default_repo"], &mut backrest.default_repo, Field::words);
    section.set(&["default_schedule"], &mut backrest.default_schedule, Field::words);
    section.set(&["default_retention"], &mut backrest.default_retention, Field::words);
    section.set(&["plan_id_prefix"], &mut backrest.plan_id_prefix, Field::words);
    section.set(&["docker_root"], &mut backrest.docker_root, Field::path);
    section.set(&["volume_prefix"], &mut backrest.volume_prefix, |field| field.path().map(Some));
    section.set(&["exclude_bind_mounts"], &mut backrest.exclude_bind_mounts, Field::flag);
    section.set(&["label_commands"], &mut backrest.label_commands, Field::flag);
    section.set(&["orphans"], &mut backrest.orphans, |field| one_of(field, &["keep", "disable", "delete"]));
    section.set(&["with_events"], &mut backrest.with_events, Field::flag);
    section.set(&["interval"], &mut backrest.interval, |field| field.duration(SECOND));
    section.finish();
    Some(backrest)
}

/// One of some words.
fn one_of(field: &Field<'_>, words: &[&str]) -> Option<String> {
    let known = |text: &str| words.iter().find(|word| **word == text).map(|word| (*word).to_owned());
    field
        .checked(|text| known(text).ok_or_else(|| format!("'{}' is none of {}", text.escape_debug(), words.join(", "))))
}

fn notification(field: &Field<'_>) -> Option<NotificationConfig> {
    let mut section = field.section()?;
    field.warn_not_yet();
    let url = section.get(&["url"], Field::secret_url);
    let url = required(field, "url", url);
    section.finish();
    url.map(|url| NotificationConfig { url })
}
