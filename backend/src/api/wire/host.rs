//! Docker Engines and the self-test.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Time, wire_list};

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
