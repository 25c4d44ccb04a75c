//! A restore job, step by step.
//!
//! What takes time comes before the stop: the new data is unpacked beside the old one while everything runs (`unpack`).
//! At rest the two only change places (`replace`), which is recorded before it is done, so that a kill at any moment
//! leaves all of the old or all of the new (`settle`). What was there is kept unless nobody wants it. A directory and a
//! new stack are the same with nothing to replace. To add a destination: a variant in the domain, a line in [`look`].

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use crate::domain::job::{JobState, Trigger};
use crate::domain::restore::{Destination, RestoreOrder, TargetName};

use super::JobEngine;
use super::live::LiveJob;
use super::steps::{self, Stop};

mod request;

type Cx<'a> = steps::Cx<'a, RestoreRequest>;

/// A restore that someone wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreRequest {
    /// What is to be done.
    pub order: RestoreOrder,
    /// What set it off.
    pub trigger: Trigger,
}

impl RestoreRequest {
    /// What it is, in words.
    pub(super) fn describe(&self) -> String {
        match &self.order {
            RestoreOrder::Undo(job) => format!("taking back of the restore {job}"),
            RestoreOrder::Restore(wish) => {
                let to = match &wish.destination {
                    Destination::InPlace => "in place".to_owned(),
                    Destination::Directory(directory) => format!("to {}", directory.display()),
                    Destination::NewStack(name) => format!("as stack '{name}'"),
                };
                format!("restore of {} {to}", wish.snapshot)
            }
        }
    }
}

/// What a restore would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RestorePreview {
    /// What would be restored, or left out and why.
    pub targets: Vec<RestoreTarget>,
    /// Containers that would be brought to rest, in the order of the stop, each with how.
    pub stops: Vec<String>,
    /// Milliseconds for which they would rest, as far as earlier jobs tell.
    pub stopped_ms: Option<u64>,
    /// Room where the data goes; one for each file system.
    pub file_systems: Vec<RestoreSpace>,
    /// Networks that the stack had and that do not exist now.
    pub missing_networks: Vec<String>,
    /// Databases whose dumps would be loaded.
    pub databases: Vec<RestoreDatabase>,
    /// Why it would be refused, in sentences for people.
    pub problems: Vec<String>,
    /// What is doubtful, in sentences for people.
    pub warnings: Vec<String>,
}

/// A target of a restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreTarget {
    /// Which one.
    pub name: TargetName,
    /// Bytes of file content.
    pub size_bytes: u64,
    /// Where it goes, as the host calls it; absent when that is known only once it is made.
    pub place: Option<PathBuf>,
    /// Whether there is something now.
    pub exists: bool,
    /// Whether that would be replaced.
    pub will_be_replaced: bool,
    /// Why it would not be restored.
    pub skipped: Option<String>,
}

/// Room on a file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreSpace {
    /// A directory on it, as this process sees it.
    pub path: PathBuf,
    /// Bytes that the new data takes beside the old.
    pub needed_bytes: u64,
    /// Bytes that are free.
    pub free_bytes: u64,
}

/// A database whose dump would be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreDatabase {
    /// The target's name: that of the container.
    pub name: String,
    /// The version that the dump was made by, when it is known.
    pub dumped_by: Option<String>,
    /// The version that would load it, when it is known.
    pub loaded_by: Option<String>,
}

/// Runs the job to its end.
pub(super) async fn run(engine: &JobEngine, live: &Arc<LiveJob>, request: &RestoreRequest) {
    let cx = Cx { engine, live, request };
    live.begin().await;
    let began = Instant::now();
    let (state, reason) = match Box::pin(carry_out(cx)).await {
        Ok(()) => cx.judge(false),
        Err(Stop::Cancelled) => (engine.state_when_stopped(), Some("it was cancelled".to_owned())),
        Err(Stop::Failed(reason)) => (JobState::Failed, Some(reason)),
    };
    cx.report(&request.describe(), state, reason, began).await;
}

#[expect(clippy::unused_async, reason = "the steps follow")]
async fn carry_out(_cx: Cx<'_>) -> Result<(), Stop> {
    Err(Stop::failed("nothing is restored yet"))
}
