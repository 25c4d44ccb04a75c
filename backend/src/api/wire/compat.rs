//! What the routes of the tools that Mainstay replaces answer. Their clients know these names; none may change.

use serde::Serialize;
use utoipa::ToSchema;

use super::Time;

/// A stack as the list of the former dashboard shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CompatStack {
    /// Its name.
    pub name: String,
    /// Whether at least one of its containers runs.
    pub running: bool,
    /// Whether it is captured without a stop.
    pub skip_stop: bool,
}

/// What is going on.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "backup_in_progress": false, "stacks": [{"name": "blog", "running": true, "skip_stop": false}],
    "timestamp": "2026-11-21T03:00:00.000Z"
}))]
pub struct CompatStatus {
    /// Whether a job is queued or at work.
    pub backup_in_progress: bool,
    /// Every stack, sorted by name.
    pub stacks: Vec<CompatStack>,
    /// Now.
    pub timestamp: Time,
}

/// The last lines of the log.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "count": 1, "logs": ["2026-11-21 03:00:02 [INFO] blog: stack 'blog' is being stopped"],
    "timestamp": "2026-11-21T03:00:05.000Z"
}))]
pub struct CompatLog {
    /// How many lines there are.
    pub count: usize,
    /// The lines, oldest first, with the time in the zone of the service.
    pub logs: Vec<String>,
    /// Now.
    pub timestamp: Time,
}

/// What was started.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "status": "started", "jobs": [{"id": "job_019aa3f1c2d47c3e9f00112233445566", "stack": "blog"}]
}))]
pub struct CompatBackup {
    /// Always `started`.
    pub status: &'static str,
    /// One job per stack.
    pub jobs: Vec<CompatJob>,
}

/// A job that was started.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CompatJob {
    /// Its id; look at it at `/api/v1/jobs/{id}`.
    pub id: String,
    /// The stack it backs up.
    pub stack: String,
}
