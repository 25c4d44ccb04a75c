//! Instances and plans in the form that is written down: JSON, with every secret sealed.
//!
//! These types are the file format of the columns `settings`: a new member needs `#[serde(default)]`, so that older rows
//! stay readable; none may be renamed. A secret is a [`Sealed`], never a text; the name of its field is part of the seal,
//! so it must be the same when it is opened.

use secrecy::{ExposeSecret as _, SecretString};

use super::StoreError;
use super::rows::parse;
use super::secrets::{Sealed, Sealer, SecretsError};
use crate::domain::schedule::Schedule;

mod destination;
mod drill;
mod hooks;
mod instance;
mod plan;
mod target;

pub(super) use instance::WrittenInstance;
pub(super) use plan::WrittenPlan;

/// Seals a list of secrets under the names `<field>.0`, `<field>.1` and so on.
fn seal_all(sealer: &Sealer, field: &str, secrets: &[SecretString]) -> Result<Vec<Sealed>, SecretsError> {
    let numbered = secrets.iter().enumerate();
    numbered.map(|(n, secret)| sealer.seal(&format!("{field}.{n}"), secret.expose_secret())).collect()
}

fn open_all(sealer: &Sealer, field: &str, sealed: &[Sealed]) -> Result<Vec<SecretString>, SecretsError> {
    sealed.iter().enumerate().map(|(n, sealed)| sealer.open(&format!("{field}.{n}"), sealed)).collect()
}

/// A schedule again; `seed` is the id of the plan, as when it was made.
fn read_schedule(text: Option<&str>, seed: &str) -> Result<Option<Schedule>, StoreError> {
    let read = |text| {
        Schedule::parse(text, seed).map_err(|error| StoreError::Row { what: "schedule", reason: error.to_string() })
    };
    text.map(read).transpose()
}

/// A time zone again.
fn read_zone(name: &str) -> Result<chrono_tz::Tz, StoreError> {
    parse("timezone", name)
}

#[cfg(test)]
mod tests;
