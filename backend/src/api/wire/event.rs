//! What streams tell besides whole jobs and lines.

use serde::Serialize;
use utoipa::ToSchema;

use super::{JobState, Progress};
use crate::domain::job as domain;

/// The data of an event `progress` of all jobs: a job came further.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct JobProgress {
    /// Which job.
    pub job_id: String,
    /// How far it is.
    pub progress: Progress,
}

/// The data of an event `stack`: something about a stack is not what it was.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"name": "blog"}))]
pub struct StackChange {
    /// Which stack.
    pub name: String,
}

/// The data of an event `engine`: a Docker Engine came or went.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"reachable": true}))]
pub struct EngineChange {
    /// Whether it answers now.
    pub reachable: bool,
}

/// The data of the event `end` of a job's log.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"state": "succeeded"}))]
pub struct JobEnd {
    /// How the job ended.
    pub state: JobState,
}

impl From<domain::JobState> for JobEnd {
    fn from(state: domain::JobState) -> Self {
        Self { state: state.into() }
    }
}
