//! What happens by the clock.
//!
//! The engine does not know of schedules: this module calls it. Its tick comes from `tokio-cron-scheduler` in UTC;
//! no time of day is computed by it, because it keeps a fixed offset across a change to or from summer time. What is due
//! is decided in `due`, and `runs` starts it. To add something that runs by a schedule, give it a kind of `due::Work`.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

use crate::domain::clock::SharedClock;
use crate::engine::JobEngine;
use crate::store::Store;

mod due;
mod runs;
#[cfg(test)]
mod tests;

use runs::Runs;

/// Every hour, at a minute of its own so that it does not meet the jobs that people put on the full hour.
const HOUSEKEEPING: &str = "0 17 * * * *";

/// How often is looked what is due.
const TICK: &str = "*/5 * * * * *";

/// Runs what is due.
pub struct Scheduler {
    source: JobScheduler,
    runs: Arc<Runs>,
}

impl std::fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scheduler")
    }
}

/// The scheduler could not be started or ended.
#[derive(Debug, thiserror::Error)]
#[error("the scheduler failed")]
pub struct SchedulerError(#[from] JobSchedulerError);

impl Scheduler {
    /// Starts the scheduler.
    ///
    /// # Errors
    /// When the scheduler cannot be set up.
    pub async fn start(engine: JobEngine, store: Store, clock: SharedClock) -> Result<Self, SchedulerError> {
        let source = JobScheduler::new().await?;
        let runs = Arc::new(Runs::new(engine.clone(), store.clone()));
        let due = runs.clone();
        let tick = Job::new_async(TICK, move |_, _| {
            let (runs, now) = (due.clone(), clock.now());
            Box::pin(async move { runs.tick(now).await })
        })?;
        let housekeeping = Job::new_async(HOUSEKEEPING, move |_, _| {
            let (engine, store) = (engine.clone(), store.clone());
            Box::pin(async move { keep_house(&engine, &store).await })
        })?;
        source.add(tick).await?;
        source.add(housekeeping).await?;
        source.start().await?;
        Ok(Self { source, runs })
    }

    /// Runs what is due at `now`, besides the ticks of its own.
    pub async fn tick(&self, now: DateTime<Utc>) {
        self.runs.tick(now).await;
    }

    /// Ends the scheduler; what it started goes on.
    pub async fn stop(mut self) {
        let stopped = tokio::time::timeout(Duration::from_secs(2), self.source.shutdown()).await;
        if !matches!(stopped, Ok(Ok(()))) {
            tracing::debug!("the scheduler did not end in time");
        }
    }
}

/// Drops old logs and expired tokens.
async fn keep_house(engine: &JobEngine, store: &Store) {
    match engine.drop_old_logs().await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "dropped old log files"),
        Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "old log files were not dropped"),
    }
    if let Err(error) = store.delete_expired_tokens().await {
        tracing::warn!(error = &error as &dyn std::error::Error, "expired tokens were not removed");
    }
}
