//! The settings of instances, further hosts, Backrest and notifications.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use secrecy::SecretString;

use super::address::SecretUrl;
use super::integrations::{
    BackrestConfig, HostConfig, InstanceBackend, InstanceConfig, NotificationConfig, TargetConfig, TargetKind,
    TlsConfig,
};
use super::model::{Config, Words};
use super::section::Section;
use super::tree::Kind;
use super::value::Field;
use crate::domain::names::check_name;

const SECOND: Duration = Duration::from_secs(1);

/// Reads the sections.
pub(super) fn decode(root: &mut Section<'_>, config: &mut Config) {
    root.set(&["instances"], &mut config.instances, |field| {
        let instances = field.list(instance);
        report_twice(field, "id");
        instances
    });
    root.set(&["hosts"], &mut config.hosts, |field| {
        let hosts = field.list(host);
        report_twice(field, "name");
        hosts
    });
    root.set(&["backrest"], &mut config.backrest, |field| backrest(field).map(Some));
    root.set(&["notifications"], &mut config.notifications, |field| field.list(notification));
}

/// Reports an entry whose name another one has already.
fn report_twice(field: &Field<'_>, key: &str) {
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
fn name(field: &Field<'_>) -> Option<String> {
    let name = field.text()?;
    check_name(&name).map_or_else(|error| field.must_be(format!("a name ({error})")), |()| Some(name))
}

fn required<T>(field: &Field<'_>, key: &str, value: Option<T>) -> Option<T> {
    let has_key = matches!(&field.node.kind, Kind::Map(entries) if entries.iter().any(|entry| entry.key == key && entry.value.kind != Kind::Null));
    if value.is_none() && !has_key {
        field.context.problem(&field.node.place, &field.path, format!("'{}' needs the key '{key}'", field.path));
    }
    value
}

fn instance(field: &Field<'_>) -> Option<InstanceConfig> {
    let mut section = field.section()?;
    field.warn_not_yet();
    let id = section.get(&["id"], name);
    let id = required(field, "id", id);
    let backend = backend(field, &mut section);
    let mut instance = InstanceConfig {
        id: String::new(),
        backend: InstanceBackend::Archive,
        schedule: section.get(&["schedule"], schedule).filter(|text| !text.is_empty()),
        timezone: section.get(&["timezone"], Field::zone),
        retention: section.get(&["retention"], Field::expanded_text).filter(|text| !text.is_empty()),
        restic_timeout: section.get(&["restic_timeout", "resticTimeout"], |field| field.duration(SECOND)),
        stop_attached: section.get(&["stop_attached", "stopAttached"], Field::flag),
        quiesce: section.get(&["quiesce"], Field::word),
        env: section.get(&["env"], env).unwrap_or_default(),
        targets: section.get(&["targets"], |field| field.list(target)).unwrap_or_default(),
    };
    // Stands in examples of older files, where nothing read it.
    let _ = section.get(&["timeout"], |field| field.duration(SECOND));
    section.finish();
    instance.id = id?;
    instance.backend = backend?;
    Some(instance)
}

/// The word for how an instance stores data; most files leave it out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BackendWord {
    Archive,
    Restic,
    CustomImage,
}

impl Words for BackendWord {
    const WORDS: &'static [(&'static str, Self)] =
        &[("archive", Self::Archive), ("restic", Self::Restic), ("custom_image", Self::CustomImage)];
}

/// Which backend an instance has; an image wins over a repository.
fn backend(field: &Field<'_>, section: &mut Section<'_>) -> Option<InstanceBackend> {
    let word = section.take(&["backend"]);
    let image = section.take(&["custom_image", "customImage"]);
    let repository = section.take(&["repository"]);
    if let (Some(image), Some(repository)) = (&image, &repository) {
        repository.warn(format!("'{}' has no effect beside '{}'", repository.path, image.path));
    }
    let chosen = match &word {
        Some(word) => word.word()?,
        None if image.is_some() => BackendWord::CustomImage,
        None => BackendWord::Restic,
    };
    let missing = |key: &str| {
        field.context.problem(&field.node.place, &field.path, format!("'{}' needs the key {key}", field.path));
        None
    };
    match (chosen, image, repository) {
        (BackendWord::Archive, _, _) => Some(InstanceBackend::Archive),
        (BackendWord::CustomImage, Some(image), _) => match image.expanded_text()? {
            text if text.trim().is_empty() => image.must_be("the reference of an image"),
            image => Some(InstanceBackend::CustomImage { image }),
        },
        (BackendWord::CustomImage, None, _) => missing("'custom_image'"),
        (BackendWord::Restic, _, Some(repository)) => {
            repository.secret_url().map(|repository| InstanceBackend::Restic { repository })
        }
        (BackendWord::Restic, _, None) => missing("'repository' or 'custom_image'"),
    }
}

/// Five cron fields, with the zone before them if the user wishes; the meaning is checked where schedules are read.
fn schedule(field: &Field<'_>) -> Option<String> {
    let text = field.expanded_text()?;
    let mut fields: Vec<_> = text.split_whitespace().collect();
    if fields.first().is_some_and(|first| first.starts_with("CRON_TZ=") || first.starts_with("TZ=")) {
        fields.remove(0);
    }
    if fields.is_empty() || fields.len() == 5 {
        Some(text)
    } else {
        field.must_be("five cron fields such as '0 2 * * *'")
    }
}

fn env(field: &Field<'_>) -> Option<BTreeMap<String, SecretString>> {
    let Kind::Map(entries) = &field.node.kind else { return field.must_be("a mapping of names to values") };
    let mut env = BTreeMap::new();
    for entry in entries {
        let path = format!("{}.{}", field.path, entry.key);
        let value = Field { context: field.context, path, place: &entry.place, node: &entry.value };
        let value = if entry.value.kind == Kind::Null { Some(SecretString::default()) } else { value.secret() };
        if let Some(value) = value {
            env.insert(entry.key.clone(), value);
        }
    }
    Some(env)
}

fn target(field: &Field<'_>) -> Option<TargetConfig> {
    let mut section = field.section()?;
    let volume = section.get(&["volume"], Field::expanded_text).map(TargetKind::Volume);
    let database = section.get(&["db"], Field::expanded_text).map(TargetKind::Database);
    let stack = section.get(&["stack"], Field::expanded_text).map(TargetKind::Stack);
    let mut named: Vec<_> = [volume, database, stack].into_iter().flatten().collect();
    let mut target = TargetConfig {
        what: TargetKind::Stack(String::new()),
        paths: section.get(&["paths"], |field| field.list(volume_path)).unwrap_or_else(|| vec!["/".to_owned()]),
        stop_attached: section.get(&["stop_attached", "stopAttached"], Field::flag),
        pre_hook: section.get(&["pre_hook", "preHook"], Field::secret),
        post_hook: section.get(&["post_hook", "postHook"], Field::secret),
        db_kind: section.get(&["db_kind", "dbKind"], Field::word),
        dump_args: section
            .get(&["dump_args", "dumpArgs"], |field| field.list(|item| item.secret()))
            .unwrap_or_default(),
    };
    section.finish();
    match named.pop() {
        Some(what) if named.is_empty() => target.what = what,
        _ => return field.must_be("exactly one of 'volume', 'db' and 'stack'"),
    }
    Some(target)
}

/// A path below a volume's root that cannot leave it.
fn volume_path(field: &Field<'_>) -> Option<String> {
    let path = field.expanded_text()?;
    if path.split('/').any(|part| part == "..") || path.contains('\0') {
        field.must_be("a path without '..'")
    } else {
        Some(path)
    }
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
    field.warn_not_yet();
    let mut backrest = BackrestConfig::default();
    section.set(&["config"], &mut backrest.config, Field::path);
    section.set(&["format"], &mut backrest.format, Field::words);
    section.set(&["container"], &mut backrest.container, name);
    section.set(&["apply"], &mut backrest.apply, Field::flag);
    section.set(&["with_events"], &mut backrest.with_events, Field::flag);
    section.set(&["interval"], &mut backrest.interval, |field| field.duration(SECOND));
    section.finish();
    Some(backrest)
}

fn notification(field: &Field<'_>) -> Option<NotificationConfig> {
    let mut section = field.section()?;
    field.warn_not_yet();
    let url = section.get(&["url"], Field::secret_url);
    let url = required(field, "url", url);
    section.finish();
    url.map(|url| NotificationConfig { url })
}
