//! One service or volume of a compose file, out of its tree.

use std::path::Path;

use serde_yaml::Value;

use crate::domain::dependency::{Condition, Dependency, join};

use super::dotenv::{self, Env};
use super::mounts::{ComposeMount, parse_mount};
use super::yaml;
use super::{ComposeService, ComposeVolume};

/// Reads a service, without what it extends. What is not understood is told through `warn`.
pub(crate) fn parse_service(value: &Value, base: &Path, env: &Env, mut warn: impl FnMut(String)) -> ComposeService {
    let mut mounts = Vec::new();
    for item in yaml::items(yaml::find(value, "volumes")) {
        match parse_mount(item, base, env) {
            Ok(Some(mount)) => add_mount(&mut mounts, mount),
            Ok(None) => {}
            Err(message) => warn(message),
        }
    }
    let image = yaml::find(value, "image").and_then(yaml::find_text).map(|text| dotenv::interpolate(&text, env));
    ComposeService { image, depends_on: parse_needs(value), mounts }
}

/// Adds a mount; one for the same path in the container takes the other's place, as an override does.
fn add_mount(mounts: &mut Vec<ComposeMount>, mount: ComposeMount) {
    mounts.retain(|other| other.target != mount.target);
    mounts.push(mount);
}

/// Lays a service over the one that it extends.
pub(crate) fn extend(parent: ComposeService, child: ComposeService) -> ComposeService {
    let mut whole = parent;
    whole.image = child.image.or(whole.image);
    for mount in child.mounts {
        add_mount(&mut whole.mounts, mount);
    }
    whole.depends_on = join(whole.depends_on.into_iter().chain(child.depends_on));
    whole
}

fn parse_needs(service: &Value) -> Vec<Dependency> {
    let mut needs: Vec<Dependency> = match yaml::find(service, "depends_on") {
        Some(value @ Value::Mapping(_)) => yaml::entries(Some(value)).map(|(name, v)| parse_need(name, v)).collect(),
        other => yaml::items(other).into_iter().filter_map(yaml::find_text).map(Dependency::started).collect(),
    };
    for (key, is_namespace) in
        [("links", false), ("volumes_from", false), ("network_mode", true), ("ipc", true), ("pid", true)]
    {
        let texts = yaml::items(yaml::find(service, key)).into_iter().filter_map(yaml::find_text);
        needs.extend(texts.filter_map(|text| find_service(&text, is_namespace)).map(Dependency::started));
    }
    join(needs)
}

/// The long form of a dependency.
fn parse_need(service: String, value: &Value) -> Dependency {
    let flag = |key: &str| yaml::find(value, key).and_then(Value::as_bool);
    Dependency {
        service,
        condition: yaml::find(value, "condition")
            .and_then(yaml::find_text)
            .map_or(Condition::Started, |word| Condition::read(&word)),
        restart: flag("restart").unwrap_or(false),
        is_required: flag("required").unwrap_or(true),
    }
}

/// The service named by `db`, `db:alias`, or, for a shared namespace, by `service:db` only.
fn find_service(text: &str, is_namespace: bool) -> Option<String> {
    let name = match text.strip_prefix("service:") {
        Some(name) => name,
        None if is_namespace || text.starts_with("container:") => return None,
        None => text,
    };
    name.split(':').next().filter(|name| !name.is_empty()).map(str::to_owned)
}

/// Reads a volume.
pub(crate) fn parse_volume(value: &Value, env: &Env) -> ComposeVolume {
    let text = |value: &Value| yaml::find_text(value).map(|text| dotenv::interpolate(&text, env));
    let external = yaml::find(value, "external");
    let external_name = external.and_then(|external| yaml::find(external, "name")).and_then(text);
    ComposeVolume {
        name: yaml::find(value, "name").and_then(text).or(external_name),
        is_external: external.is_some_and(|external| external.as_bool() != Some(false)),
        driver: yaml::find(value, "driver").and_then(text),
        options: yaml::entries(yaml::find(value, "driver_opts")).filter_map(|(key, v)| Some((key, text(v)?))).collect(),
    }
}

/// The paths of a service's `env_file`, and whether each must exist.
pub(crate) fn parse_env_files(service: &Value, env: &Env) -> Vec<(String, bool)> {
    let read = |item: &Value| {
        let path = yaml::find_text(item).or_else(|| yaml::find(item, "path").and_then(yaml::find_text))?;
        let is_required = yaml::find(item, "required").and_then(Value::as_bool).unwrap_or(true);
        Some((dotenv::interpolate(&path, env), is_required))
    };
    yaml::items(yaml::find(service, "env_file")).into_iter().filter_map(read).collect()
}
