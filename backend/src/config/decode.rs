//! The settings of the service itself: which keys there are, by which names, and how each is read.
//!
//! The first name of a key is ours; the others are those of files that were written for other programs. A key that is
//! read and has no effect yet warns, so that nothing is ignored in silence.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::address::{DatabaseUrl, InvalidDatabaseUrl};
use super::decode_integrations as integrations;
use super::instances;
use super::model::{ArchiveConfig, Compression, Config};
use super::section::{Context, Section};
use super::tree::Node;
use super::value::Field;

/// The most days that a retention may have.
const MOST_DAYS: u32 = 36_500;
const SECOND: Duration = Duration::from_secs(1);

/// Reads a tree into a configuration; what the tree does not name keeps its value.
pub(super) fn decode<'a>(context: &'a Context<'a>, root: &'a Node, config: &mut Config) {
    let Some(mut root) = Section::open(context, "", root) else { return };
    directories(&mut root, config);
    service(&mut root, config);
    running(&mut root, config);
    defaults_of_instances(&mut root, config);
    access(&mut root, config);
    if let Some(section) = root.get(&["archive"], Field::section) {
        archive(section, &mut config.archive);
    }
    if let Some(mut section) = root.get(&["verify"], Field::section) {
        section.set(&["schedule"], &mut config.verify.schedule, |field| {
            if field.is_blank() { Some(None) } else { instances::schedule(field, "verify").map(Some) }
        });
        section.set(&["fraction"], &mut config.verify.fraction, |field| field.checked(str::parse));
        section.finish();
    }
    root.set(&["drill"], &mut config.drill, |field| super::drill::read(field, "drill"));
    if let Some(section) = root.get(&["log"], Field::section) {
        log(section, config);
    }
    // After the global settings that stand for what an instance leaves out.
    instances::decode(&mut root, config);
    integrations::decode(&mut root, config);
    root.finish();
}

fn directories(root: &mut Section<'_>, config: &mut Config) {
    root.set(&["stacks_dir"], &mut config.stacks_dir, Field::path);
    root.set(&["backup_dir"], &mut config.backup_dir, Field::path);
    root.set(&["log_dir"], &mut config.log_dir, Field::path);
    root.set(&["staging_dir"], &mut config.staging_dir, Field::path);
    root.set(&["include_data"], &mut config.include_data, Field::flag);
    root.set(&["skip_stop"], &mut config.skip_stop, |field| field.list(stack_name));
    root.set(&["retention_days"], &mut config.retention_days, |field| field.number(0..=MOST_DAYS, " of days"));
    root.set(&["log_retention_days"], &mut config.log_retention_days, |field| field.number(0..=MOST_DAYS, " of days"));
}

/// A name that no stack can have is kept: it does no harm, and the file may be shared with another program.
fn stack_name(field: &Field<'_>) -> Option<String> {
    let name = field.words()?;
    if let Err(error) = name.parse::<crate::domain::names::StackName>() {
        field.warn(format!("'{}' names no stack: {error}", field.path));
    }
    Some(name)
}

fn service(root: &mut Section<'_>, config: &mut Config) {
    root.set(&["listen"], &mut config.listen, |field| field.parsed("an address and port such as '127.0.0.1:8080'"));
    // Marina's own file is left alone: the store is made beside it.
    root.set(&["db_path", "dbPath"], &mut config.database_url, |field| {
        let path = super::value::absolute(field.expanded_text()?);
        let Some(path) = path else { return field.must_be("an absolute path") };
        let url = DatabaseUrl::sqlite(&path.with_file_name("mainstay.db"));
        field.warn(format!(
            "'{}' names the store of another program; it is left alone, and '{url}' is used",
            field.path
        ));
        Some(url)
    });
    root.set(&["database_url"], &mut config.database_url, |field| {
        let text = field.expanded_text()?;
        text.parse().map_or_else(|error: InvalidDatabaseUrl| field.must_be(error.expected()), Some)
    });
    root.set(&["secret_key"], &mut config.secret_key, |field| secret_key(field).map(Some));
    root.set(&["secret_key_file"], &mut config.secret_key_file, |field| field.path().map(Some));
    if let Some(field) = root.take(&["api_port", "apiPort"]) {
        field.warn(format!("'{}' has no effect; the port is part of 'listen'", field.path));
    }
    if let Some(mut mesh) = root.get(&["mesh"], Field::section) {
        node(&mut mesh, config);
        mesh.finish();
    }
    node(root, config);
    root.set(&["timezone"], &mut config.timezone, Field::zone);
    root.set(&["docker_host"], &mut config.docker_host, |field| docker_host(field).map(Some));
}

/// What a node says of itself and of others; older files have it in a section of its own.
fn node(section: &mut Section<'_>, config: &mut Config) {
    section.set(&["node_name", "nodeName"], &mut config.node_name, |field| {
        field.expanded_text().filter(|name| !name.trim().is_empty())
    });
    section.set(&["peers"], &mut config.peers, |field| {
        let peers = field.list(|item| item.secret_url())?;
        if !peers.is_empty() {
            field.warn_not_yet();
        }
        Some(peers)
    });
    if let Some(field) = section.take(&["auth_password", "authPassword"]) {
        password(&field, &mut config.auth.password);
    }
}

/// An address of a Docker Engine.
pub(super) fn docker_host(field: &Field<'_>) -> Option<String> {
    const SCHEMES: [&str; 5] = ["unix://", "tcp://", "http://", "https://", "ssh://"];
    let address = field.expanded_text()?;
    let is_known = SCHEMES.iter().any(|scheme| address.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
    if is_known {
        Some(address)
    } else {
        field.must_be("the address of a Docker Engine such as 'unix:///var/run/docker.sock'")
    }
}

fn running(root: &mut Section<'_>, config: &mut Config) {
    root.set(&["max_concurrent_jobs"], &mut config.max_concurrent_jobs, |field| field.number(1..=64, ""));
    root.set(&["stop_timeout"], &mut config.stop_timeout, |field| field.duration(Duration::ZERO).map(Some));
    root.set(&["health_timeout"], &mut config.health_timeout, |field| field.duration(Duration::ZERO));
    root.set(&["stall_timeout"], &mut config.stall_timeout, |field| field.duration(SECOND));
    root.set(&["discovery_interval"], &mut config.discovery_interval, |field| field.duration(SECOND));
    root.set(&["shutdown_timeout"], &mut config.shutdown_timeout, |field| field.duration(SECOND));
}

fn defaults_of_instances(root: &mut Section<'_>, config: &mut Config) {
    root.set(&["retention"], &mut config.retention, |field| instances::retention(field).map(Some));
    root.set(&["stop_attached", "stopAttached"], &mut config.stop_attached, Field::flag);
    root.set(&["restic_timeout", "resticTimeout"], &mut config.restic_timeout, |field| {
        field.duration(SECOND).map(Some)
    });
    root.set(&["cors_origins", "corsOrigins"], &mut config.cors_origins, |field| {
        let origins = field.list(|item| item.expanded_text())?;
        if !origins.is_empty() {
            field.warn_not_yet();
        }
        Some(origins)
    });
}

fn access(root: &mut Section<'_>, config: &mut Config) {
    let Some(mut auth) = root.get(&["auth"], Field::section) else { return };
    if let Some(field) = auth.take(&["password"]) {
        password(&field, &mut config.auth.password);
    }
    auth.set(&["disabled"], &mut config.auth.disabled, Field::flag);
    auth.set(&["session_ttl"], &mut config.auth.session_ttl, |field| field.duration(SECOND));
    auth.finish();
}

/// The key of stored secrets. One with an unset variable in it would be another key.
fn secret_key(field: &Field<'_>) -> Option<SecretString> {
    let (text, _) = field.expanded()?;
    let is_key = text.trim().len() == 64 && text.trim().bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_key {
        Some(SecretString::from(text.trim()))
    } else {
        field.must_be_hidden("64 hexadecimal digits, as 'openssl rand -hex 32' prints them")
    }
}

/// A password with an unset variable in it is none: what is left of it would be easy to guess.
fn password(field: &Field<'_>, slot: &mut Option<SecretString>) {
    let Some((text, is_complete)) = field.expanded() else { return };
    let password = SecretString::from(text);
    *slot = (is_complete && !password.expose_secret().is_empty()).then_some(password);
}

fn archive(mut section: Section<'_>, archive: &mut ArchiveConfig) {
    section.set(&["compression"], &mut archive.compression, Field::word::<Compression>);
    let codec = archive.compression;
    archive.level = codec.default_level();
    section.set(&["level"], &mut archive.level, |field| field.level(codec));
    section.set(&["workers"], &mut archive.workers, |field| field.number(1..=256, "").map(Some));
    section.set(&["quiesce"], &mut archive.quiesce, Field::word);
    section.set(&["precopy"], &mut archive.precopy, Field::word);
    section.set(&["encrypt_to"], &mut archive.encrypt_to, |field| {
        let recipients = field.list(|item| item.words())?;
        if !recipients.is_empty() {
            // A warning would leave unencrypted archives where someone relies on encrypted ones.
            return field
                .must_be("empty: this version cannot encrypt, and does not write unencrypted what is to be encrypted");
        }
        Some(recipients)
    });
    section.set(&["low_priority"], &mut archive.low_priority, Field::flag);
    section.finish();
}

fn log(mut section: Section<'_>, config: &mut Config) {
    section.set(&["level"], &mut config.log.level, Field::word);
    section.set(&["format"], &mut config.log.format, Field::word);
    section.finish();
}
