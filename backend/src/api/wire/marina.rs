//! What Marina's routes answer. Its dashboard and its other nodes know these names; none may change.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Time;
use crate::domain::job::{Job, JobState, TargetState};
use crate::domain::log::{Level, LogLine};

/// The password of the service.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"password": "correct horse battery staple"}))]
pub struct MarinaLogin {
    /// The password.
    #[schema(value_type = String, format = Password)]
    pub password: SecretString,
}

/// What came of a sign-in.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"success": true, "token": "mst_5f0c…"}))]
pub struct MarinaLoginAnswer {
    /// Always true.
    pub success: bool,
    /// The token; missing where nobody signs in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// That nobody signs in here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<&'static str>,
}

/// What came of signing out.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"success": true}))]
pub struct MarinaLogout {
    /// Always true.
    pub success: bool,
}

/// Whether one has to sign in, and did.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"authRequired": true, "authenticated": false}))]
pub struct MarinaAuth {
    /// Whether one has to.
    pub auth_required: bool,
    /// Whether one did, or need not.
    pub authenticated: bool,
}

/// Whether the service answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"status": "ok", "time": "2026-11-21T03:00:00.000Z"}))]
pub struct MarinaHealth {
    /// Always `ok`.
    pub status: &'static str,
    /// Now.
    pub time: Time,
}

/// What this node is.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"nodeName": "nas", "version": "0.1.0"}))]
pub struct MarinaInfo {
    /// What it is called.
    pub node_name: String,
    /// The release of Mainstay.
    pub version: String,
}

/// An instance that runs by the clock.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "instanceId": "nas", "nodeName": "nas", "scheduleCron": "0 2 * * *", "nextRunAt": "2026-11-22T01:00:00.000Z",
    "targetIds": ["vol:blog_uploads", "dbs:blog-db-1:4f6c…"],
    "retention": {"keepDaily": 7, "keepWeekly": 4, "keepMonthly": 6}, "createdAt": "2026-11-21T02:00:00.000Z",
    "updatedAt": "2026-11-21T02:00:00.000Z", "latestJobStatus": "success",
    "latestJobCompletedAt": "2026-11-21T01:04:10.000Z"
}))]
pub struct MarinaSchedule {
    /// The instance.
    pub instance_id: String,
    /// This node.
    pub node_name: String,
    /// When it runs.
    pub schedule_cron: String,
    /// When it runs next.
    #[schema(required = true)]
    pub next_run_at: Option<Time>,
    /// What it captures: `vol:<volume>`, `dbs:<container>:<container id>`, `db:<container>` for one that is not there,
    /// `stack:<stack>`, `path:<path>`.
    pub target_ids: Vec<String>,
    /// What it keeps.
    pub retention: MarinaRetention,
    /// When the service was started, which read it.
    pub created_at: Time,
    /// The same.
    pub updated_at: Time,
    /// How its newest job came out; missing when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest_job_status: Option<&'static str>,
    /// When that one ended; missing while it has not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest_job_completed_at: Option<Time>,
}

/// What is kept, as far as Marina can say it.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarinaRetention {
    /// One for each of so many days.
    pub keep_daily: u32,
    /// One for each of so many weeks.
    pub keep_weekly: u32,
    /// One for each of so many months.
    pub keep_monthly: u32,
}

/// A backup.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": 3686400000251651_u64, "iid": 12, "instanceId": "nas", "nodeName": "nas", "isActive": true, "status": "success",
    "lastStartedAt": "2026-11-21T01:00:00.120Z", "lastCompletedAt": "2026-11-21T01:04:10.000Z",
    "lastTargetsSuccessful": 2, "lastTargetsTotal": 2, "createdAt": "2026-11-21T01:00:00.000Z",
    "updatedAt": "2026-11-21T01:04:10.000Z"
}))]
pub struct MarinaJob {
    /// Its id as a number, made of the one that `/api/v1/jobs` knows.
    pub id: u64,
    /// The number of the job among those of its instance.
    pub iid: u64,
    /// The instance.
    pub instance_id: String,
    /// This node.
    pub node_name: String,
    /// Whether the instance is still there.
    pub is_active: bool,
    /// `scheduled`, `in_progress`, `success`, `partial_success`, `failed` or `aborted`.
    pub status: &'static str,
    /// When its turn came.
    #[schema(required = true)]
    pub last_started_at: Option<Time>,
    /// When it ended.
    #[schema(required = true)]
    pub last_completed_at: Option<Time>,
    /// How many targets were captured whole.
    pub last_targets_successful: usize,
    /// How many were wanted.
    pub last_targets_total: usize,
    /// When it was asked for.
    pub created_at: Time,
    /// When it last changed its state.
    pub updated_at: Time,
}

impl MarinaJob {
    /// A job of `instance_id`, the `iid`th one.
    #[must_use]
    pub fn new(job: &Job, instance_id: &str, iid: u64, node_name: &str, is_active: bool) -> Self {
        let count = |is_wanted: fn(TargetState) -> bool| job.targets.iter().filter(|t| is_wanted(t.state)).count();
        Self {
            id: job.id.to_number(),
            iid,
            instance_id: instance_id.to_owned(),
            node_name: node_name.to_owned(),
            is_active,
            status: status_of(job.state),
            last_started_at: job.started_at.map(Into::into),
            last_completed_at: job.finished_at.map(Into::into),
            last_targets_successful: count(|state| state == TargetState::Succeeded),
            last_targets_total: count(|state| state != TargetState::Skipped),
            created_at: job.queued_at.into(),
            updated_at: job.finished_at.or(job.started_at).unwrap_or(job.queued_at).into(),
        }
    }
}

/// Marina's word for where a job stands.
#[must_use]
pub const fn status_of(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "scheduled",
        JobState::Running => "in_progress",
        JobState::Succeeded => "success",
        JobState::Partial => "partial_success",
        JobState::Failed => "failed",
        JobState::Cancelled | JobState::Interrupted => "aborted",
    }
}

/// A line of a log.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": 17, "timestamp": "2026-11-21T01:00:02.000Z", "level": "INFO", "message": "volume 'blog_uploads' is read",
    "instanceId": "nas", "targetId": "blog_uploads", "jobStatusId": 3686400000251651_u64, "jobStatusIid": 12
}))]
pub struct MarinaLogEntry {
    /// Its number in its log.
    pub id: u64,
    /// When it was written.
    pub timestamp: Time,
    /// `DEBUG`, `INFO`, `WARN` or `ERROR`.
    pub level: &'static str,
    /// What it says.
    pub message: String,
    /// The instance; empty for a line of the service.
    pub instance_id: String,
    /// The target; empty when it is about none.
    pub target_id: String,
    /// The job's id; null for a line of the service.
    #[schema(required = true)]
    pub job_status_id: Option<u64>,
    /// The number of the job among those of its instance.
    #[schema(required = true)]
    pub job_status_iid: Option<u64>,
}

impl MarinaLogEntry {
    /// A line of the log of `job`.
    #[must_use]
    pub fn of_job(line: LogLine, job: &MarinaJob) -> Self {
        let entry = Self::of_service(line);
        let instance_id = job.instance_id.clone();
        Self { instance_id, job_status_id: Some(job.id), job_status_iid: Some(job.iid), ..entry }
    }

    /// A line of the service's own log.
    #[must_use]
    pub fn of_service(line: LogLine) -> Self {
        Self {
            id: line.n,
            timestamp: line.at.into(),
            level: level_of(line.level),
            message: line.message,
            instance_id: String::new(),
            target_id: line.target.unwrap_or_default(),
            job_status_id: None,
            job_status_iid: None,
        }
    }
}

/// Marina's word for how much a line matters.
#[must_use]
pub const fn level_of(level: Level) -> &'static str {
    match level {
        Level::Debug => "DEBUG",
        Level::Info | Level::Success => "INFO",
        Level::Warning => "WARN",
        Level::Error => "ERROR",
    }
}

/// A line of the service's log, as a dashboard gets it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "nas:17", "timestamp": "2026-11-21T01:00:02.000Z", "level": "INFO", "message": "the service is up",
    "nodeName": "nas"
}))]
pub struct MarinaSystemLogEntry {
    /// The node and the number of the line.
    pub id: String,
    /// When it was written.
    pub timestamp: Time,
    /// `DEBUG`, `INFO`, `WARN` or `ERROR`.
    pub level: &'static str,
    /// What it says.
    pub message: String,
    /// This node.
    pub node_name: String,
}

impl MarinaSystemLogEntry {
    /// A line of the log of `node_name`.
    #[must_use]
    pub fn new(line: LogLine, node_name: &str) -> Self {
        Self {
            id: format!("{node_name}:{}", line.n),
            timestamp: line.at.into(),
            level: level_of(line.level),
            message: line.message,
            node_name: node_name.to_owned(),
        }
    }
}
