//! Rounds again and again: after events, and at an interval.
//!
//! Events come in bursts: a `compose up` makes dozens. A round begins when they have been quiet for a moment, or when they
//! have not been for a while. The stream of events connects again by itself; whatever it missed is found by the round
//! that its connection brings.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::Reconciler;
use super::run::is_busy;
use crate::backrest::apply::start_forgotten;
use crate::backrest::line::{Line, Tell};
use crate::docker::EngineEvent;
use crate::domain::log::Level;
use crate::engine::backup_once::bring_back_left;
use crate::engine::chain;

/// When rounds begin.
#[derive(Debug, Clone, Copy)]
pub struct Rhythm {
    /// The pause between two of them.
    pub interval: Duration,
    /// Whether events begin one.
    pub with_events: bool,
    /// How long events must be quiet before.
    pub quiet: Duration,
    /// How long they are waited for at most.
    pub longest: Duration,
}

impl Rhythm {
    /// The usual patience with events.
    #[must_use]
    pub const fn new(interval: Duration, with_events: bool) -> Self {
        Self { interval, with_events, quiet: Duration::from_secs(2), longest: Duration::from_secs(10) }
    }
}

impl Reconciler {
    /// Keeps Backrest in step until cancelled; a round that is under way ends first. What was told in the round before is
    /// not told again.
    pub async fn watch(
        &self,
        rhythm: Rhythm,
        cancel: &CancellationToken,
        tell: Tell<'_>,
        after_round: &(dyn Fn() + Send + Sync),
    ) {
        let mut events = rhythm.with_events.then(|| self.0.parts.docker.events());
        let mut told = BTreeSet::new();
        while !cancel.is_cancelled() {
            self.bring_back(tell).await;
            told = self.round_of_watch(&told, tell).await;
            after_round();
            let next = Instant::now() + rhythm.interval;
            tokio::select! {
                () = cancel.cancelled() => return,
                () = sleep_until(next) => {}
                () = wait_for_burst(&mut events, rhythm) => {}
            }
        }
    }

    /// A round whose lines are told when they are new, or when it changed something.
    async fn round_of_watch(&self, told: &BTreeSet<String>, tell: Tell<'_>) -> BTreeSet<String> {
        let lines: Mutex<Vec<Line>> = Mutex::default();
        let keep = |line: Line| lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(line);
        let round = self.reconcile(false, &keep).await;
        if let Ok(round) = &round {
            self.forget(round, &keep).await;
        }
        let is_changed = round.is_ok_and(|round| round.is_changed());
        let mut now = BTreeSet::new();
        for line in lines.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
            let text = line.to_string();
            let is_known = told.contains(&text);
            // A line that is told again is there for whoever wants to see that rounds go on.
            tell(if is_known && !is_changed { Line { level: Level::Debug, ..line } } else { line });
            now.insert(text);
        }
        now
    }

    /// Starts a Backrest that a former process stopped, what hooks of a killed Backrest left at rest, and what a killed
    /// `backup-once` did.
    pub async fn bring_back(&self, tell: Tell<'_>) {
        let parts = &self.0.parts;
        self.start_stopped(tell).await;
        self.start_forgotten(tell).await;
        if let Err(error) = bring_back_left(&parts.docker, &parts.clock, tell).await {
            tell(Line::warning("quiesce.replay").with("message", chain(&error)));
        }
    }

    /// Starts what hooks stopped before Backrest was killed.
    async fn start_forgotten(&self, tell: Tell<'_>) {
        let options = self.options();
        if let Some(api) = &options.api
            && is_busy(api, self).await
        {
            return;
        }
        // Mostly it means that there is no such container, or that it does not run; rounds tell of that.
        if let Err(error) = start_forgotten(self.0.parts.docker.as_ref(), &options.container, tell).await {
            tracing::debug!(error = chain(&error), "it is not known what hooks of Backrest left at rest");
        }
    }
}

/// Waits for an event that matters, and then until it is quiet. Never without events.
async fn wait_for_burst(events: &mut Option<BoxStream<'static, EngineEvent>>, rhythm: Rhythm) {
    let Some(events) = events else { return std::future::pending().await };
    wait_for_one(events).await;
    let longest = Instant::now() + rhythm.longest;
    loop {
        let quiet_at = (Instant::now() + rhythm.quiet).min(longest);
        if timeout_at(quiet_at, wait_for_one(events)).await.is_err() {
            return;
        }
        if Instant::now() >= longest {
            return;
        }
    }
}

async fn wait_for_one(events: &mut BoxStream<'static, EngineEvent>) {
    while let Some(event) = events.next().await {
        if matters(&event) {
            return;
        }
    }
    // It never ends.
    std::future::pending::<()>().await;
}

/// Whether labels or mounts may be others after it.
fn matters(event: &EngineEvent) -> bool {
    match event {
        EngineEvent::Connected => true,
        EngineEvent::Disconnected { .. } | EngineEvent::Volume { .. } => false,
        EngineEvent::Container { action, .. } => matches!(action.as_str(), "create" | "destroy" | "rename" | "start"),
    }
}
