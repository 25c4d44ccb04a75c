//! What is at rest, and bringing it back because a person asks.
//!
//! Nothing is done here that the watch would not do: only what the stop journal names is started, and never under a
//! job that holds the stack at rest. A person's word only means that no pause is waited for.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::docker::{ContainerDetail, EngineError};
use crate::domain::names::StackName;
use crate::domain::stack::ContainerState;
use crate::engine::quiesce::{Case, Standing};
use crate::engine::{JobEngine, chain};
use crate::store::{JournalRow, StoreError};

/// How long one attempt may take before it answers with what is known by then; the rest goes on without it.
const ATTEMPT: Duration = Duration::from_secs(40);

/// How it stands with a container of the stop journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestState {
    /// A job holds its stack at rest and brings it back itself.
    Held,
    /// It is to be brought back; nobody has looked yet.
    Pending,
    /// It was just started, or a stop that was asked for may still end it: it is looked at again.
    Waiting,
    /// It could not be brought back; it is tried again.
    Failed,
    /// There is no such container, and none in its place.
    Gone,
    /// It is back.
    Back,
}

/// A container of the stop journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtRest {
    /// Its row.
    pub row: JournalRow,
    /// How it stands with it.
    pub state: RestState,
    /// More about it, in a sentence for people.
    pub message: Option<String>,
}

impl JobEngine {
    /// What the stop journal holds, in the order in which it comes back.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_at_rest(&self) -> Result<Vec<AtRest>, StoreError> {
        let rows = self.0.parts.store.list_journal().await?;
        Ok(rows.into_iter().map(|row| self.describe(row)).collect())
    }

    /// Brings back now what the stop journal holds of `stack`, or of all; returns what came of each container.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn resume_by_hand(&self, stack: Option<&StackName>) -> Result<Vec<AtRest>, StoreError> {
        let mut rows = self.0.parts.store.list_journal().await?;
        rows.retain(|row| stack.is_none_or(|stack| row.held.stack == *stack));
        let (engine, stack) = (self.clone(), stack.cloned());
        // On a task of its own: whoever asks may go away.
        let attempt = async move { engine.replay(stack.as_ref(), false).await };
        let attempt = tokio::time::timeout(ATTEMPT, self.0.parts.runtime.spawn(attempt)).await;
        let left = match attempt {
            Ok(Ok(replayed)) => Some(replayed?),
            Ok(Err(_)) | Err(_) => None,
        };
        let still: BTreeSet<i32> = self.0.parts.store.list_journal().await?.iter().map(|row| row.row).collect();
        let mut all: Vec<AtRest> = Vec::with_capacity(rows.len());
        for row in rows {
            all.push(if still.contains(&row.row) { self.describe(row) } else { AtRest::back(row) });
        }
        // While the engine is away nobody looks at single containers.
        let reasons = left.map(|left| left.failed).unwrap_or_default();
        for one in all.iter_mut().filter(|one| one.state == RestState::Pending) {
            if let Some(not_back) = reasons.iter().find(|n| n.name == one.row.held.name) {
                (one.state, one.message) = (RestState::Failed, Some(not_back.reason.clone()));
            }
        }
        Ok(all)
    }

    /// What [`Self::resume_by_hand`] would do.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn preview_resume(&self, stack: Option<&StackName>) -> Result<Vec<AtRest>, StoreError> {
        let mut all = self.list_at_rest().await?;
        all.retain(|one| stack.is_none_or(|stack| one.row.held.stack == *stack));
        for one in all.iter_mut().filter(|one| one.state != RestState::Held) {
            let found = self.0.parts.docker.inspect_container(&one.row.held.id).await;
            one.message = Some(what_would_be_done(found));
        }
        Ok(all)
    }

    /// What is known of a row, without asking the engine.
    fn describe(&self, row: JournalRow) -> AtRest {
        if self.is_at_rest(&row.held.stack) {
            let message =
                Some(format!("job {} holds it, and brings it back; cancel the job to have it sooner", row.job_id));
            return AtRest { row, state: RestState::Held, message };
        }
        let known = self.0.replay.of(&row.held.stack);
        let (state, message) = match known.try_lock() {
            Ok(rows) => rows.get(&row.row).map_or((RestState::Pending, None), |watched| state_of(&watched.case)),
            Err(_) => (RestState::Waiting, Some("it is being brought back right now".to_owned())),
        };
        AtRest { row, state, message }
    }
}

impl AtRest {
    const fn back(row: JournalRow) -> Self {
        Self { row, state: RestState::Back, message: None }
    }
}

fn state_of(case: &Case) -> (RestState, Option<String>) {
    let state = match &case.standing {
        Standing::Unknown => RestState::Pending,
        Standing::Back => RestState::Back,
        Standing::Failed(..) => RestState::Failed,
        Standing::Gone => {
            return (RestState::Gone, Some("it was removed by something else; nothing to start".to_owned()));
        }
        Standing::Started(_) | Standing::InDoubt => RestState::Waiting,
    };
    (state, case.reason().filter(|_| state != RestState::Pending))
}

fn what_would_be_done(found: Result<ContainerDetail, EngineError>) -> String {
    match found {
        Ok(detail) if detail.container.state == ContainerState::Paused => "it would be thawed".to_owned(),
        Ok(detail) if detail.is_up() => "it runs; it is watched until no stop can end it any more".to_owned(),
        Ok(_) => "it would be started".to_owned(),
        Err(EngineError::NotFound { .. }) => "it is gone; the one in its place, if any, would be started".to_owned(),
        Err(error) => format!("it cannot be looked at: {}", chain(&error)),
    }
}
