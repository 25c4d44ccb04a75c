//! Docker Engines and the self-test.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Time, wire_list};
use crate::discovery::EngineState;
use crate::engine::doctor;

/// Whether a Docker Engine answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HostState {
    /// It answers.
    Reachable,
    /// It does not.
    Unreachable,
}

/// A machine whose Docker Engine Mainstay drives.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "name": "local", "state": "reachable", "address": "unix:///var/run/docker.sock", "engine_version": "28.5.1",
    "api_version": "1.51", "message": null
}))]
pub struct Host {
    /// Its name; `local` is the default one.
    pub name: String,
    /// Whether it answers.
    pub state: HostState,
    /// Where it is reached.
    #[schema(required = true)]
    pub address: Option<String>,
    /// Its version.
    #[schema(required = true)]
    pub engine_version: Option<String>,
    /// The newest API version that it speaks.
    #[schema(required = true)]
    pub api_version: Option<String>,
    /// Why it does not answer.
    #[schema(required = true)]
    pub message: Option<String>,
}

wire_list!(HostList of Host, "hosts");

impl Host {
    /// The host called `name` whose engine is in this state.
    #[must_use]
    pub fn new(name: &str, engine: &EngineState) -> Self {
        let info = engine.info.as_ref();
        Self {
            name: name.to_owned(),
            state: if engine.reachable { HostState::Reachable } else { HostState::Unreachable },
            address: info.map(|info| info.address.clone()),
            engine_version: info.map(|info| info.version.clone()),
            api_version: info.map(|info| info.api_version.clone()),
            message: engine.error.clone(),
        }
    }
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// As it should be.
    Ok,
    /// Works, and someone should look at it.
    Warning,
    /// Does not work.
    Failed,
}

impl From<doctor::CheckState> for CheckState {
    fn from(state: doctor::CheckState) -> Self {
        match state {
            doctor::CheckState::Ok => Self::Ok,
            doctor::CheckState::Warning => Self::Warning,
            doctor::CheckState::Failed => Self::Failed,
        }
    }
}

/// One check of the self-test.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Check {
    /// What was looked at.
    #[schema(example = "backup_dir.writable")]
    pub name: String,
    /// How it came out.
    pub state: CheckState,
    /// What was found.
    pub message: String,
    /// What to do about it.
    #[schema(required = true)]
    pub remedy: Option<String>,
}

impl From<doctor::Check> for Check {
    fn from(check: doctor::Check) -> Self {
        Self { name: check.name.to_owned(), state: check.state.into(), message: check.message, remedy: check.remedy }
    }
}

/// The self-test.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "state": "warning", "checked_at": "2026-11-21T03:00:00.000Z", "checks": [
        {"name": "docker.reachable", "state": "ok", "message": "Docker Engine 28.5.1 (API 1.51)", "remedy": null},
        {"name": "backup_dir.space", "state": "warning", "message": "800 MiB are free in /opt/backups",
            "remedy": "make room or move backup_dir"}]
}))]
pub struct Doctor {
    /// The worst of the checks.
    pub state: CheckState,
    /// When it was run.
    pub checked_at: Time,
    /// The checks.
    pub checks: Vec<Check>,
}

impl Doctor {
    /// The self-test made of `checks`.
    #[must_use]
    pub fn new(checked_at: Time, checks: Vec<Check>) -> Self {
        Self { state: checks.iter().map(|check| check.state).max().unwrap_or(CheckState::Ok), checked_at, checks }
    }
}
