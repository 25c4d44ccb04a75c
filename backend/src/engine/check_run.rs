//! A check of what an instance has stored, as a job.

use std::sync::Arc;
use std::time::Instant;

use crate::backends::BackendError;
use crate::domain::job::{JobState, StepName};
use crate::domain::log::Level;
use crate::domain::names::InstanceId;

use super::JobEngine;
use super::backend_work::to_stop;
use super::live::LiveJob;
use super::steps::{self, Stop};

type Cx<'a> = steps::Cx<'a, InstanceId>;

/// Runs the job to its end.
pub(super) async fn run(engine: &JobEngine, live: &Arc<LiveJob>, instance: &InstanceId) {
    let cx = Cx { engine, live, request: instance };
    live.begin().await;
    let began = Instant::now();
    let checked = Box::pin(cx.step(StepName::Verify, check(cx))).await;
    let (state, error) = match checked {
        Ok(_) => (JobState::Succeeded, None),
        Err(Stop::Cancelled) => (engine.state_when_stopped(), Some("it was cancelled".to_owned())),
        Err(Stop::Failed(why)) => (JobState::Failed, Some(why)),
    };
    cx.report(&format!("check of instance '{instance}'"), state, error, began).await;
}

async fn check(cx: Cx<'_>) -> Result<String, Stop> {
    let instance = cx.engine.0.parts.registry.find_instance(cx.request);
    let instance = instance.ok_or_else(|| Stop::failed(format!("there is no instance '{}'", cx.request)))?;
    let (backend, work) = (cx.engine.backend_of(&instance), cx.engine.work_of(cx.live));
    let findings = match backend.check(&work).await {
        Ok(findings) => findings,
        Err(BackendError::NotSupported(why)) => return Err(Stop::failed(why)),
        Err(error) => return Err(to_stop("the check could not be made", &error)),
    };
    for finding in &findings {
        cx.live.log.write(Level::Error, finding.clone());
    }
    if findings.is_empty() {
        Ok("nothing wrong was found".to_owned())
    } else {
        Err(Stop::Failed(format!("found: {}", findings.join("; "))))
    }
}
