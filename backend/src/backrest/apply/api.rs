//! By the API of a running Backrest.
//!
//! The whole configuration goes back with nothing but plans changed. Its counter tells Backrest whether someone else
//! saved one meanwhile; then everything begins anew. Backrest may lose the news of a save that follows another one
//! closely, so it is looked whether the plans are there and wait for their time, and if not it is saved once more.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::busy::wait_until_idle;
use super::client::{ApiClient, ApiError};
use super::{Applied, ApplyError, Join, Outcome, check_running};
use crate::backrest::Format;
use crate::backrest::document::{Document, canonical};
use crate::backrest::merge::{ChangeKind, Merge};
use crate::domain::clock::Clock;

/// How often it is begun anew when others save meanwhile.
const ATTEMPTS: usize = 5;

/// The pause before the second attempt; it grows from one to the next.
const PAUSE: Duration = Duration::from_millis(200);

/// How long Backrest may take to plan a run.
const SCHEDULED_WITHIN: Duration = Duration::from_secs(5);

/// How many of the newest operations are looked at: a save has all that are planned made anew.
const LOOKED_AT: u32 = 2_000;

/// How often it is looked whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A Backrest to bring to what labels want.
#[derive(Clone, Copy)]
pub struct ApiApply<'a> {
    /// The client.
    pub client: &'a ApiClient,
    /// How long it is waited for Backrest to be idle.
    pub patience: Duration,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// Reads the configuration of a running Backrest.
///
/// # Errors
/// When it does not answer, or not with one.
pub async fn read_by_api(client: &ApiClient) -> Result<Document, ApplyError> {
    Ok(Document::parse(&client.config().await?, Some(Format::Native))?)
}

/// Brings a running Backrest to what labels want. With no difference nothing is sent.
///
/// # Errors
/// When Backrest has another configuration than what labels want afterwards; it is a whole one in any case.
pub async fn by_api(apply: &ApiApply<'_>, join: Join<'_>) -> Result<Applied, ApplyError> {
    for attempt in 0..ATTEMPTS {
        let document = read_by_api(apply.client).await?;
        let merge = join(&document);
        if !merge.is_change() {
            return Ok(Applied { merge, outcome: Outcome::Unchanged, notes: Vec::new() });
        }
        check_running(&document, &merge)?;
        let work = wait_until_idle(apply.client, &document.instance(), apply.patience, apply.clock).await?;
        if let Some(why) = work {
            return Ok(Applied { merge, outcome: Outcome::Deferred { why }, notes: Vec::new() });
        }
        match apply.client.save(merge.document.to_text()).await {
            Ok(()) => return apply.verify(merge).await,
            Err(ApiError::Conflict) => sleep(pause(attempt)).await,
            // Whether it was saved is not known: the next look tells.
            Err(ApiError::TimedOut { .. }) if attempt == 0 => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApplyError::Contended(ATTEMPTS))
}

/// A pause that two processes do not make alike.
fn pause(attempt: usize) -> Duration {
    let own = Duration::from_millis(u64::from(std::process::id() % 100));
    PAUSE * u32::try_from(attempt + 1).unwrap_or(1) + own
}

impl ApiApply<'_> {
    /// Looks whether it arrived, and has Backrest plan anew when it did not do so by itself.
    async fn verify(&self, merge: Merge) -> Result<Applied, ApplyError> {
        let there = read_by_api(self.client).await?;
        let others = differing(&merge, &there);
        if !others.is_empty() {
            return Err(ApplyError::NotTaken(others));
        }
        let mut unplanned = self.wait_until_planned(&merge).await?;
        if !unplanned.is_empty() {
            let again = String::from_utf8_lossy(&self.client.config().await?).into_owned();
            match self.client.save(again).await {
                Ok(()) | Err(ApiError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
            unplanned = self.wait_until_planned(&merge).await?;
        }
        let notes = unplanned.iter().map(|id| format!("Backrest has not planned a run of '{id}' yet"));
        Ok(Applied { notes: notes.collect(), merge, outcome: Outcome::Sent })
    }

    /// The plans of ours that Backrest does not plan a run of within some seconds.
    async fn wait_until_planned(&self, merge: &Merge) -> Result<Vec<String>, ApplyError> {
        let instance = merge.document.instance();
        let mut missing = merge.scheduled();
        let begun = Instant::now();
        // An installation without a name can run nothing, and a selector without one is refused.
        while !missing.is_empty() && !instance.is_empty() {
            let operations = self.client.operations(&json!({"instanceId": instance}), LOOKED_AT).await?;
            let is_ahead = |operation: &Value| {
                matches!(operation["status"].as_str(), Some("STATUS_PENDING" | "STATUS_INPROGRESS"))
            };
            missing.retain(|id| !operations.iter().any(|one| one["planId"] == id.as_str() && is_ahead(one)));
            if begun.elapsed() >= SCHEDULED_WITHIN {
                break;
            }
            if !missing.is_empty() {
                sleep(LOOK_EVERY).await;
            }
        }
        Ok(missing)
    }
}

/// The plans of ours that a configuration has in another form than the merged one.
fn differing(merge: &Merge, there: &Document) -> Vec<String> {
    let form =
        |document: &Document, id: &str| document.find_plan(id).map(|plan| canonical::value(plan, Format::Native));
    let is_ours = |kind: &ChangeKind| !matches!(kind, ChangeKind::Refused { .. } | ChangeKind::Left);
    let ours = merge.changes.iter().filter(|change| is_ours(&change.kind)).map(|change| &change.id);
    ours.filter(|id| form(&merge.document, id) != form(there, id)).cloned().collect()
}
