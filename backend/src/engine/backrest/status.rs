//! How it stands with a reconciler: the last round, and what all of them came to.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{Outcome, ReconcileError, Reconciler, Round};
use crate::engine::chain;

/// What was counted since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rounds.
    pub rounds: u64,
    /// Configurations that were written or sent.
    pub writes: u64,
    /// Stops of Backrest for a configuration.
    pub restarts: u64,
    /// Plans that became other than before.
    pub plans_changed: u64,
    /// Rounds that failed, and plans that were refused.
    pub errors: u64,
}

/// How it stands.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// The last round that came to its end.
    pub last: Option<Round>,
    /// When that was.
    pub last_at: Option<DateTime<Utc>>,
    /// Why the last round failed, if it did.
    pub error: Option<String>,
    /// How many plans are other in Backrest than labels want, as far as is known.
    pub drift: usize,
    /// Why a Backrest that a former process stopped is not back, if it is not.
    pub not_back: Option<String>,
    /// When Backrest runs each plan next; only its API tells.
    pub next_runs: BTreeMap<String, DateTime<Utc>>,
    /// What was counted.
    pub counts: Counts,
}

impl Reconciler {
    /// Notes how a round went. One that was only to be shown counts as no round.
    pub(super) fn note(&self, round: &Result<Round, ReconcileError>) {
        let mut status = self.lock_status();
        let round = match round {
            Ok(round) => round,
            Err(error) => {
                status.counts.errors += 1;
                status.error = Some(chain(error));
                return;
            }
        };
        status.error = None;
        status.drift = if round.is_pending() { round.changed() } else { 0 };
        status.last_at = Some(self.0.parts.clock.now());
        if !round.is_dry_run {
            status.counts.rounds += 1;
            status.counts.errors += round.refused() as u64;
            if !round.is_pending() {
                status.counts.plans_changed += round.changed() as u64;
                status.counts.writes += u64::from(round.outcome != Outcome::Unchanged);
                status.counts.restarts += u64::from(matches!(round.outcome, Outcome::Restarted { .. }));
            }
        }
        status.last = Some(round.clone());
    }
}

impl Status {
    /// The numbers as Prometheus reads them, each with what it means.
    #[must_use]
    pub fn metrics(&self) -> String {
        let (seen, skipped) = self.last.as_ref().map_or((0, 0), |last| (last.plans.len(), last.skipped.len()));
        let last_at = self.last_at.map_or(0, |at| at.timestamp());
        let all: [(&str, &str, &str, u64); 9] = [
            ("plans", "gauge", "Plans that labels want", seen as u64),
            ("plans_skipped", "gauge", "Workloads whose labels want a plan that cannot be made", skipped as u64),
            ("drift", "gauge", "Plans that are other in Backrest than labels want", self.drift as u64),
            ("plans_changed_total", "counter", "Plans that became other than before", self.counts.plans_changed),
            ("reconciles_total", "counter", "Rounds", self.counts.rounds),
            ("writes_total", "counter", "Configurations that were written or sent", self.counts.writes),
            ("restarts_total", "counter", "Stops of Backrest for a configuration", self.counts.restarts),
            ("errors_total", "counter", "Rounds that failed, and plans that were refused", self.counts.errors),
            (
                "last_reconcile_timestamp_seconds",
                "gauge",
                "When the last round came to its end",
                u64::try_from(last_at).unwrap_or(0),
            ),
        ];
        let text = |(name, kind, help, value): (&str, &str, &str, u64)| {
            let name = format!("mainstay_backrest_{name}");
            format!("# HELP {name} {help}.\n# TYPE {name} {kind}\n{name} {value}\n")
        };
        all.map(text).concat()
    }
}
