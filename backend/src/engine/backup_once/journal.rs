//! The stop journal of a run that has no store: a volume of the engine whose labels name what is at rest.
//!
//! It lies where the containers are, so that it outlives the process, its container and everything that is mounted
//! there, and whoever drives the engine next finds it. The engine commits a volume before it answers. One run has one
//! volume for each stack it holds.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::owner::Owner;
use crate::docker::{ContainerEngine, EngineError, EngineVolume, VolumeSpec};
use crate::domain::names::StackName;
use crate::engine::quiesce::Journal;
use crate::store::{HeldContainer, HoldAction};

/// Says that a container or a volume belongs to a run, and who runs it.
pub(super) const OWNER: &str = "mainstay.backup-once.owner";
/// Holds the containers that are at rest.
const HELD: &str = "mainstay.backup-once.at-rest";
/// Volumes are called so, with the run and the stack.
const NAME: &str = "mainstay-at-rest-";

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What the label holds.
#[derive(Debug, Serialize, Deserialize)]
struct Page {
    written_at: DateTime<Utc>,
    rows: Vec<Row>,
}

/// A container as the label holds it.
#[derive(Debug, Serialize, Deserialize)]
struct Row {
    stack: String,
    service: String,
    number: u32,
    id: String,
    name: String,
    is_paused: bool,
    started_at: Option<DateTime<Utc>>,
    stop_timeout_secs: u64,
}

/// The journal of one stack of one run.
pub(super) struct VolumeJournal<'a> {
    docker: &'a dyn ContainerEngine,
    owner: &'a Owner,
    /// The volume.
    name: String,
    now: DateTime<Utc>,
}

impl<'a> VolumeJournal<'a> {
    /// The journal of a run, written `now`.
    pub(super) fn new(docker: &'a dyn ContainerEngine, owner: &'a Owner, run: &str, now: DateTime<Utc>) -> Self {
        Self { docker, owner, name: format!("{NAME}{run}"), now }
    }

    /// Takes everything out of it.
    pub(super) async fn clear(&self) -> Result<(), EngineError> {
        self.docker.remove_volume(&self.name).await
    }
}

#[async_trait]
impl Journal for VolumeJournal<'_> {
    async fn write(&self, held: &[HeldContainer]) -> Result<(), Cause> {
        let page = Page { written_at: self.now, rows: held.iter().map(row_of).collect() };
        let labels =
            [(OWNER.to_owned(), serde_json::to_string(self.owner)?), (HELD.to_owned(), serde_json::to_string(&page)?)];
        let labels = BTreeMap::from(labels);
        self.docker.create_volume(&VolumeSpec::labelled(&self.name, labels.clone())).await?;
        // One that was there keeps its own labels, and the engine says nothing of it.
        let all = self.docker.list_volumes().await?;
        let is_ours = all.iter().any(|volume| volume.name == self.name && volume.labels == labels);
        if is_ours { Ok(()) } else { Err(format!("the volume '{}' says something else", self.name).into()) }
    }
}

/// What a run left behind.
#[derive(Debug)]
pub(super) struct Left {
    /// The volume.
    pub(super) volume: String,
    /// Whose run it was; absent when its label cannot be read.
    pub(super) owner: Option<Owner>,
    /// What is at rest, in start order.
    pub(super) held: Vec<HeldContainer>,
    /// When it was written; the stops were asked for after it.
    pub(super) written_at: Option<DateTime<Utc>>,
    /// Whether a row of it makes no sense: then it is kept for people to look at.
    pub(super) is_damaged: bool,
}

/// Every journal that lies at the engine.
///
/// # Errors
/// When the engine cannot list its volumes.
pub(super) async fn list(docker: &dyn ContainerEngine) -> Result<Vec<Left>, EngineError> {
    let volumes = docker.list_volumes().await?;
    Ok(volumes.iter().filter(|volume| volume.labels.contains_key(HELD)).map(read).collect())
}

fn read(volume: &EngineVolume) -> Left {
    let label = |key: &str| volume.labels.get(key).map(String::as_str).unwrap_or_default();
    let page: Option<Page> = serde_json::from_str(label(HELD)).ok();
    let (is_readable, written_at) = (page.is_some(), page.as_ref().map(|page| page.written_at));
    let rows = page.map(|page| page.rows).unwrap_or_default();
    let held: Vec<HeldContainer> = rows.iter().filter_map(held_of).collect();
    Left {
        volume: volume.name.clone(),
        owner: serde_json::from_str(label(OWNER)).ok(),
        is_damaged: !is_readable || held.len() < rows.len(),
        held,
        written_at,
    }
}

fn row_of(held: &HeldContainer) -> Row {
    Row {
        stack: held.stack.to_string(),
        service: held.service.clone(),
        number: held.number,
        id: held.id.clone(),
        name: held.name.clone(),
        is_paused: held.action == HoldAction::Pause,
        started_at: held.started_at,
        stop_timeout_secs: held.stop_timeout_secs,
    }
}

fn held_of(row: &Row) -> Option<HeldContainer> {
    Some(HeldContainer {
        stack: row.stack.parse::<StackName>().ok()?,
        service: row.service.clone(),
        number: row.number,
        id: row.id.clone(),
        name: row.name.clone(),
        action: if row.is_paused { HoldAction::Pause } else { HoldAction::Stop },
        started_at: row.started_at,
        stop_timeout_secs: row.stop_timeout_secs,
    })
}
