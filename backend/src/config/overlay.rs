//! Lays environment variables and flags over the tree of the file.
//!
//! `MAINSTAY_ARCHIVE__LEVEL` sets `archive.level`; `MAINSTAY_AUTH__PASSWORD_FILE` names a file with the value. Every
//! variable that begins with `MAINSTAY_` must be a setting or stand in [`RESERVED`]: a misspelt one is an error.

use std::path::Path;

use super::ReadFile;
use super::decode::decode;
use super::model::Config;
use super::section::Context;
use super::tree::{Entry, Kind, Node, Place};

/// What the names of our variables begin with.
const PREFIX: &str = "MAINSTAY_";

/// Variables that begin like ours, but are read elsewhere. A `*` at the end stands for anything.
pub(super) const RESERVED: &[&str] = &[
    "MAINSTAY_CONFIG",   // the configuration file
    "MAINSTAY_LOG",      // filter of the service's own log
    "MAINSTAY_URL",      // the command line: where the service is
    "MAINSTAY_TOKEN",    // the command line: who asks
    "MAINSTAY_PAUSE_AT", // fault tests
    "MAINSTAY_TEST_*",   // tests
    "MAINSTAY_DEMO_*",   // the demo
];

/// Variables of others that stand for a setting where neither the file nor a variable of ours has it.
const FOREIGN: &[(&str, &[&str])] = &[
    ("NODE_NAME", &["node_name"]),
    ("MARINA_AUTH_PASSWORD", &["auth", "password"]),
    ("CORS_ORIGINS", &["cors_origins"]),
    ("DOCKER_HOST", &["docker_host"]),
    ("DB_PATH", &["db_path"]),
    ("DISCOVERY_INTERVAL", &["discovery_interval"]),
];

/// The variable that sets a key.
pub(super) fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_uppercase())
}

/// Lays the variables of the process over the file's tree.
pub(super) fn apply_env(root: &mut Node, context: &Context<'_>, read_file: &ReadFile<'_>) {
    let env = context.env;
    for (name, value) in env.iter().filter(|(name, _)| name.starts_with(PREFIX) && !is_reserved(name)) {
        // Compose hands on unset variables as empty ones.
        if value.is_empty() {
            continue;
        }
        let place = Place::Outside(name.clone());
        let (key, value) = match name.strip_suffix("_FILE") {
            None => (name.as_str(), value.clone()),
            Some(key) if env.get(key).is_some_and(|direct| !direct.is_empty()) => {
                context.problem(&place, name, format!("'{key}' is set too; keep one of them"));
                continue;
            }
            Some(key) => match read_file(Path::new(value)) {
                Ok(text) => (key, text.trim_end_matches(['\r', '\n']).to_owned()),
                Err(error) => {
                    context.problem(&place, name, format!("the file '{value}' cannot be read: {error}"));
                    continue;
                }
            },
        };
        let path: Vec<_> = key[PREFIX.len()..].split("__").map(str::to_lowercase).collect();
        if !insert(root, &path, &place, value) {
            context.problem(&place, name, format!("there is no setting '{}'", path.join(".")));
        }
    }
}

fn is_reserved(name: &str) -> bool {
    RESERVED.iter().any(|reserved| match reserved.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == *reserved,
    })
}

/// Reads the settings that the variables of others give. What cannot be read is ignored with a warning, since a
/// variable with a name such as `DB_PATH` may be meant for anything; only a wrong Docker Engine is an error, since
/// going on would mean another one.
pub(super) fn decode_foreign(context: &Context<'_>, config: &mut Config) {
    let mut root = Node::empty(Place::Outside("environment".to_owned()));
    for (name, path) in FOREIGN {
        if let Some(value) = context.env.get(*name).filter(|value| !value.is_empty()) {
            let path: Vec<_> = path.iter().map(|&part| part.to_owned()).collect();
            insert(&mut root, &path, &Place::Outside((*name).to_owned()), value.clone());
        }
    }
    let own = Context::new(context.env);
    decode(&own, &root, config);
    let (problems, warnings, _) = own.finish();
    for finding in problems {
        if finding.key == "docker_host" {
            context.problem(&finding.place, &finding.key, finding.message);
        } else {
            context.warn(&finding.place, &finding.key, format!("{}; it is ignored", finding.message));
        }
    }
    warnings.into_iter().for_each(|finding| context.warn(&finding.place, &finding.key, finding.message));
}

/// Sets one value. False when a key on the way holds a value where a mapping is needed.
pub(super) fn insert(node: &mut Node, path: &[String], place: &Place, value: String) -> bool {
    let Kind::Map(entries) = &mut node.kind else { return false };
    let Some((key, rest)) = path.split_first() else { return false };
    if rest.is_empty() {
        let value = Node { place: place.clone(), kind: Kind::Text(value) };
        entries.push(Entry { key: key.clone(), place: place.clone(), value });
        return true;
    }
    if !entries.iter().any(|entry| entry.key == *key && entry.value.kind != Kind::Null) {
        entries.push(Entry { key: key.clone(), place: place.clone(), value: Node::empty(place.clone()) });
    }
    entries
        .iter_mut()
        .rfind(|entry| entry.key == *key)
        .is_some_and(|entry| insert(&mut entry.value, rest, place, value))
}
