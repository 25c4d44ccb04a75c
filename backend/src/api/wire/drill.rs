//! Drills.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{JobState, Time, time};
use crate::domain::drill as domain;
use crate::domain::job::Job;
use crate::domain::schedule::Schedule;

/// How the last drill came out.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "job": "job_019aa3f1c2d47c3e9f00112233445566", "state": "succeeded", "at": "2026-11-22T05:00:09.500Z",
    "took_ms": 8120, "message": null
}))]
pub struct LastDrill {
    /// Its job.
    pub job: String,
    /// How it came out.
    pub state: JobState,
    /// When it ended.
    pub at: Time,
    /// Milliseconds that it took.
    pub took_ms: u64,
    /// Why it did not succeed.
    #[schema(required = true)]
    pub message: Option<String>,
}

impl From<&Job> for LastDrill {
    fn from(job: &Job) -> Self {
        let at = job.finished_at.unwrap_or(job.queued_at);
        let took = job.started_at.map_or(TimeDelta::zero(), |started| at - started);
        Self {
            job: job.id.to_string(),
            state: job.state.into(),
            at: time(at),
            took_ms: u64::try_from(took.num_milliseconds()).unwrap_or_default(),
            message: job.error.clone(),
        }
    }
}

/// How the snapshots of a plan are drilled.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"schedule": "0 5 * * sun", "query": null, "image": null, "command": [], "memory_bytes": 536870912, "milli_cpus": null}))]
pub struct DrillSettings {
    /// When: five cron fields, `@daily` and the like; only on demand when left out.
    #[serde(default)]
    pub schedule: Option<String>,
    /// What every database that was brought back is asked; how many databases or keys it has when left out. An answer that
    /// is empty or 0 fails the drill.
    #[serde(default)]
    pub query: Option<String>,
    /// The image of a command that looks at the files below `/restored`; none when left out.
    #[serde(default)]
    pub image: Option<String>,
    /// The command and its arguments; what the image runs by itself when empty.
    #[serde(default)]
    pub command: Vec<String>,
    /// Bytes of memory that a throw-away container may have.
    #[serde(default)]
    #[schema(minimum = 6_291_456, maximum = 1_125_899_906_842_624_u64)]
    pub memory_bytes: Option<u64>,
    /// Processors that it may use, in thousandths.
    #[serde(default)]
    #[schema(minimum = 10, maximum = 4_096_000)]
    pub milli_cpus: Option<u32>,
}

impl From<&domain::DrillSettings> for DrillSettings {
    fn from(drill: &domain::DrillSettings) -> Self {
        Self {
            schedule: drill.schedule.as_ref().map(|schedule| schedule.as_str().to_owned()),
            query: drill.query.clone(),
            image: drill.command.as_ref().map(|command| command.image.clone()),
            command: drill.command.as_ref().map(|command| command.words.clone()).unwrap_or_default(),
            memory_bytes: drill.memory_bytes,
            milli_cpus: drill.milli_cpus,
        }
    }
}

impl DrillSettings {
    /// In the domain, with a schedule that was read already.
    pub(crate) fn into_domain(self, schedule: Option<Schedule>) -> domain::DrillSettings {
        let Self { query, image, command, memory_bytes, milli_cpus, .. } = self;
        let command = image.map(|image| domain::DrillCommand { image, words: command });
        domain::DrillSettings { schedule, query, command, memory_bytes, milli_cpus }
    }
}
