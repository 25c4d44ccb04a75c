//! Commands around a capture: a line, a mapping with more to say, or a list of either.

use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::SECOND;
use crate::config::decode_integrations::{name, required};
use crate::config::tree::Kind;
use crate::config::value::Field;
use crate::domain::plan::{Hook, Hooks};

/// Reads `{pre: …, post: …}`.
pub(super) fn read(field: &Field<'_>) -> Option<Hooks> {
    let mut section = field.section()?;
    let pre = section.get(&["pre"], read_some).unwrap_or_default();
    let post = section.get(&["post"], read_some).unwrap_or_default();
    section.finish();
    Some(Hooks { pre, post })
}

/// Reads the commands of one moment. An empty line is no command.
pub(super) fn read_some(field: &Field<'_>) -> Option<Vec<Hook>> {
    match &field.node.kind {
        Kind::List(_) => field.list(read_one).map(|hooks| hooks.into_iter().flatten().collect()),
        _ => read_one(field).map(|hook| hook.into_iter().collect()),
    }
}

/// Nothing after a mistake; within, nothing for an empty line.
fn read_one(field: &Field<'_>) -> Option<Option<Hook>> {
    if matches!(&field.node.kind, Kind::Map(_)) {
        return read_mapping(field).map(Some);
    }
    let command = field.secret()?;
    let is_empty = command.expose_secret().trim().is_empty();
    Some((!is_empty).then_some(Hook { command, container: None, timeout: None }))
}

fn read_mapping(field: &Field<'_>) -> Option<Hook> {
    let mut section = field.section()?;
    let command = section.get(&["command"], Field::secret);
    let command = required(field, "command", command);
    let container = section.get(&["container"], name);
    let timeout: Option<Duration> = section.get(&["timeout"], |field| field.duration(SECOND));
    section.finish();
    Some(Hook { command: command?, container, timeout })
}
