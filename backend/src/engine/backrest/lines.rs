//! What a round prints, in the words of backrest-sidecar.

use serde_json::{Map, Value, json};

use super::{Outcome, PlanSeen, ReconcileError, Reconciler, Round};
use crate::backrest::NoteLevel;
use crate::backrest::line::{Line, Tell};
use crate::domain::log::Level;
use crate::engine::chain;

impl Round {
    /// Tells of everything that the round came to.
    pub(super) fn tell(&self, reconciler: &Reconciler, tell: Tell<'_>) {
        for plan in &self.plans {
            tell(self.rendered(plan));
            for note in &plan.wanted.notes {
                let level = if note.level == NoteLevel::Warning { Level::Warning } else { Level::Debug };
                let line = Line::new(level, "plan.note").with("plan_id", &plan.change.id);
                let line = if let Some(label) = &note.label { line.with("label", label) } else { line };
                tell(line.with("message", &note.message));
            }
        }
        for orphan in self.orphans.iter().filter(|change| change.kind.is_change()) {
            let line = Line::warning("plan.orphaned").with("plan_id", &orphan.id).with("changed", true);
            tell(line.with("message", format!("its workload is gone, so it is {}", orphan.kind.as_str())));
        }
        for skipped in &self.skipped {
            tell(Line::warning("plan.skipped").with("container", &skipped.container).with("message", &skipped.why));
        }
        for plan in &self.plans {
            if let Some(why) = plan.refusal() {
                tell(Line::error("plan.refused").with("plan_id", &plan.change.id).with("message", why));
            }
        }
        for note in &self.notes {
            tell(Line::warning("reconcile.note").with("message", note));
        }
        self.tell_outcome(reconciler, tell);
    }

    /// A plan as its labels want it.
    fn rendered(&self, plan: &PlanSeen) -> Line {
        let wanted = &plan.wanted;
        let mut hooks = Map::new();
        for (name, commands) in [("pre", &wanted.pre), ("post", &wanted.post)] {
            if !commands.is_empty() {
                hooks.insert(name.to_owned(), json!(commands));
            }
        }
        let line = Line::info("plan.rendered")
            .with("plan_id", &plan.change.id)
            .with("sources", &wanted.paths)
            .with("hooks", Value::Object(hooks))
            .with("retention", json!({"spec": wanted.keep.spec}));
        if self.is_dry_run { line } else { line.with("changed", plan.change.kind.is_change()) }
    }

    fn tell_outcome(&self, reconciler: &Reconciler, tell: Tell<'_>) {
        let place = reconciler.place();
        let changed = self.changed();
        if self.is_dry_run {
            let line =
                Line::info("dry-run.complete").with("plans_seen", self.plans.len()).with("plans_changed", changed);
            return tell(line.with("config", place));
        }
        match &self.outcome {
            Outcome::Unchanged => {}
            Outcome::Sent => tell(Line::info("config.send").with("config", &place).with("changed", true)),
            Outcome::Written => tell(Line::info("config.write").with("config", &place).with("changed", true)),
            Outcome::Reloaded => {
                tell(Line::info("config.write").with("config", &place).with("changed", true));
                tell(Line::info("backrest.reload"));
            }
            Outcome::Restarted { stopped_ms } => {
                tell(Line::info("config.write").with("config", &place).with("changed", true));
                let line = Line::info("backrest.restart").with("container", &reconciler.options().container);
                tell(line.with("stopped_ms", stopped_ms));
            }
            Outcome::Deferred { why } => {
                tell(Line::warning("config.deferred").with("config", &place).with("message", why));
            }
        }
        let is_changed = self.is_changed();
        tell(
            Line::info("reconcile.complete")
                .with("plans_seen", self.plans.len())
                .with("plans_changed", changed)
                .with("plans_skipped", self.skipped.len())
                .with("errors", self.refused())
                .with("changed", is_changed)
                .with("config", place),
        );
    }
}

impl Reconciler {
    /// The file, or the address.
    pub(super) fn place(&self) -> String {
        let options = self.options();
        match (&options.api, &options.config) {
            (Some(api), _) => api.address().to_string(),
            (None, Some(path)) => path.display().to_string(),
            (None, None) => String::new(),
        }
    }
}

/// Tells why a round failed.
pub(super) fn tell_failure(error: &ReconcileError, tell: Tell<'_>) {
    tell(Line::error("reconcile.failed").with("message", chain(error)));
}

impl crate::engine::JobEngine {
    /// Writes what a reconciler tells into the service's own log.
    pub fn tell_of_backrest(&self, line: &Line) {
        if line.level != Level::Debug {
            self.system_log().write(line.level, Some("backrest".to_owned()), line.message());
        }
    }
}
