//! What is at rest.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Time, wire_enum, wire_list};
use crate::domain::names::StackName;
use crate::engine;
use crate::engine::backrest;
use crate::store;

wire_enum!(
    /// How a container was brought to rest.
    HoldAction from store::HoldAction { Stop => "stop", Pause => "pause" }
);

wire_enum!(
    /// How it stands with a container that was brought to rest: a job holds it (`held`), it is to be brought back
    /// (`pending`), it was just started or a stop may still end it (`waiting`), it could not be brought back and is
    /// tried again (`failed`), there is no such container any more (`gone`), it is back (`back`).
    RestState from engine::RestState {
        Held => "held", Pending => "pending", Waiting => "waiting", Failed => "failed", Gone => "gone", Back => "back",
    }
);

/// A container that Mainstay brought to rest.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "stack": "blog", "service": "db", "number": 1, "container": "blog-db-1", "container_id": "4f5c1a9e0b7d",
    "action": "stop", "job_id": "job_019aa3f1c2d47c3e9f00112233445566", "written_at": "2026-11-21T03:00:02.000Z",
    "state": "failed", "message": "the Docker Engine could not start container 'blog-db-1': port is already allocated"
}))]
pub struct AtRest {
    /// The stack it belongs to.
    pub stack: String,
    /// Its service.
    pub service: String,
    /// Its number within the service.
    pub number: u32,
    /// Its name.
    pub container: String,
    /// The engine's id.
    pub container_id: String,
    /// How it was brought to rest.
    pub action: HoldAction,
    /// The job that did it; null for a Backrest that was stopped for its configuration.
    #[schema(required = true)]
    pub job_id: Option<String>,
    /// When that was written down, right before it was done.
    pub written_at: Time,
    /// How it stands with it.
    pub state: RestState,
    /// More about it, for people.
    #[schema(required = true)]
    pub message: Option<String>,
}

wire_list!(JournalList of AtRest, "containers at rest, in the order in which they come back");

impl From<engine::AtRest> for AtRest {
    fn from(one: engine::AtRest) -> Self {
        let held = one.row.held;
        Self {
            stack: held.stack.into(),
            service: held.service,
            number: held.number,
            container: held.name,
            container_id: held.id,
            action: held.action.into(),
            job_id: Some(one.row.job_id.into()),
            written_at: one.row.written_at.into(),
            state: one.state.into(),
            message: one.message,
        }
    }
}

impl From<backrest::BackrestAtRest> for AtRest {
    fn from(one: backrest::BackrestAtRest) -> Self {
        Self {
            stack: one.stack,
            service: one.service,
            number: 1,
            container: one.container,
            container_id: one.container_id,
            action: HoldAction::Stop,
            job_id: None,
            written_at: one.asked_at.into(),
            state: one.state.into(),
            message: one.message,
        }
    }
}

/// What is to be brought back. Everything may be left out.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"stack": "blog", "dry_run": false}))]
pub struct ResumeOptions {
    /// Only this stack.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub stack: Option<StackName>,
    /// Whether only to show what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// What came of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "all_back": true, "dry_run": false, "items": [{
        "stack": "blog", "service": "db", "number": 1, "container": "blog-db-1", "container_id": "4f5c1a9e0b7d",
        "action": "stop", "job_id": "job_019aa3f1c2d47c3e9f00112233445566", "written_at": "2026-11-21T03:00:02.000Z",
        "state": "back", "message": null}]
}))]
pub struct ResumeReport {
    /// Whether every container is back, or gone for good.
    pub all_back: bool,
    /// Whether nothing was done.
    pub dry_run: bool,
    /// Every container that was at rest.
    pub items: Vec<AtRest>,
}

impl ResumeReport {
    /// The report on `all`.
    #[must_use]
    pub fn new(all: Vec<engine::AtRest>, backrest: Option<backrest::BackrestAtRest>, dry_run: bool) -> Self {
        let items: Vec<AtRest> = all.into_iter().map(AtRest::from).chain(backrest.map(AtRest::from)).collect();
        let all_back = items.iter().all(|one| matches!(one.state, RestState::Back | RestState::Gone));
        Self { all_back, dry_run, items }
    }
}
