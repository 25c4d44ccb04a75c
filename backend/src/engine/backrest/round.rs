//! One round: list, make plans, join, apply, record.

use std::collections::BTreeSet;

use super::guard::fingerprint;
use super::lines::tell_failure;
use super::{Change, ChangeKind, Outcome, ReconcileError, Reconciler};
use crate::backrest::apply::{
    After, ApiApply, Applied, FileApply, by_api, by_file, find_next_runs, read_by_api, read_file,
};
use crate::backrest::document::Document;
use crate::backrest::line::Tell;
use crate::backrest::merge::{Merge, merge};
use crate::backrest::{Format, Keep, RenderedPlan, Settings, Skipped, WantedPlan, render, wanted};
use crate::docker::EngineError;
use crate::docker::own_container::find_own_container;
use crate::domain::stack::{Container, Mount};
use crate::engine::{chain, pause_point};

/// A plan that labels want, and what became of it.
#[derive(Debug, Clone)]
pub struct PlanSeen {
    /// As labels want it.
    pub wanted: WantedPlan,
    /// What Backrest cannot say of its retention.
    pub own_retention: Option<Keep>,
    /// What it means for the configuration; its id is the one that the plan has there.
    pub change: Change,
}

impl PlanSeen {
    /// Why it was not written.
    #[must_use]
    pub fn refusal(&self) -> Option<&str> {
        match &self.change.kind {
            ChangeKind::Refused { why } => Some(why),
            _ => None,
        }
    }
}

/// What a round came to.
#[derive(Debug, Clone)]
pub struct Round {
    /// What labels want.
    pub plans: Vec<PlanSeen>,
    /// Plans of ours whose workload is gone.
    pub orphans: Vec<Change>,
    /// Workloads whose labels want a plan that cannot be made.
    pub skipped: Vec<Skipped>,
    /// What came of the configuration.
    pub outcome: Outcome,
    /// What a person should know, as sentences.
    pub notes: Vec<String>,
    /// Whether it was only to be shown.
    pub is_dry_run: bool,
    /// The format of the configuration.
    pub format: Format,
    /// The name that Backrest has in it.
    pub instance: String,
}

impl Round {
    /// How many plans are other than before, or would be.
    #[must_use]
    pub fn changed(&self) -> usize {
        let plans = self.plans.iter().map(|plan| &plan.change);
        plans.chain(&self.orphans).filter(|change| change.kind.is_change()).count()
    }

    /// How many plans were refused.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.plans.iter().filter(|plan| plan.refusal().is_some()).count()
    }

    /// Whether the configuration was changed.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        !self.is_dry_run && !matches!(self.outcome, Outcome::Unchanged | Outcome::Deferred { .. })
    }

    /// Whether Backrest has a plan as labels want it, as far as this round knows.
    #[must_use]
    pub fn is_in_step(&self, plan: &PlanSeen) -> bool {
        plan.refusal().is_none() && !(self.is_pending() && plan.change.kind.is_change())
    }

    /// Whether there is a difference that was not applied.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.changed() > 0 && !self.is_changed()
    }

    /// Whether something was not done that labels want.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        let is_deferred = matches!(self.outcome, Outcome::Deferred { .. });
        is_deferred || self.refused() > 0 || !self.skipped.is_empty()
    }
}

/// What the host runs, and which plans are ours.
struct Scene {
    containers: Vec<Container>,
    mounts: Option<Vec<Mount>>,
    owned: BTreeSet<String>,
    settings: Settings,
    notes: Vec<String>,
}

/// What labels want of a configuration.
struct Wish {
    plans: Vec<WantedPlan>,
    skipped: Vec<Skipped>,
    rendered: Vec<RenderedPlan>,
}

impl Scene {
    fn wish(&self, format: Format, repos: &[String]) -> Wish {
        let mounts = self.mounts.as_deref().filter(|_| format == Format::Native);
        let (plans, skipped) = wanted(&self.containers, repos, mounts, &self.settings);
        let rendered = plans.iter().map(|plan| render(plan, format)).collect();
        Wish { plans, skipped, rendered }
    }

    /// Ours are the recorded ones, and those of the wanted ids that begin as ours do. The plan of an alias may be another
    /// workload's: the merge adopts it, or leaves it. One that is doubtful for a moment is
    /// nobody's: it stays as it is.
    fn owned(&self, wish: &Wish) -> BTreeSet<String> {
        let prefix = &self.settings.plan_id_prefix;
        let ids = wish.rendered.iter().map(|plan| &plan.id);
        let by_prefix = ids.filter(|id| !prefix.is_empty() && id.starts_with(prefix)).cloned();
        let mut owned: BTreeSet<String> = self.owned.iter().cloned().chain(by_prefix).collect();
        for id in wish.skipped.iter().flat_map(|skipped| &skipped.ids) {
            owned.remove(id);
        }
        owned
    }
}

impl Reconciler {
    /// One round, told of line by line. With `is_dry_run` nothing is changed.
    ///
    /// # Errors
    /// When nothing could be read or applied; that is told of as well.
    pub async fn reconcile(&self, is_dry_run: bool, tell: Tell<'_>) -> Result<Round, ReconcileError> {
        let round = self.round(is_dry_run).await;
        self.note(&round);
        if let (Ok(round), Some(api)) = (&round, &self.0.options.api) {
            // Who cannot be asked now has told why already, or does so at the next round.
            let next_runs = find_next_runs(api, &round.instance).await.unwrap_or_default();
            self.lock_status().next_runs = next_runs;
        }
        match &round {
            Ok(round) => round.tell(self, tell),
            Err(error) => tell_failure(error, tell),
        }
        round
    }

    async fn round(&self, is_dry_run: bool) -> Result<Round, ReconcileError> {
        let mut guard = self.0.turn.lock().await;
        let scene = self.look().await?;
        let document = self.read().await?;
        let seen = self.join(&scene, &document);
        if is_dry_run || !seen.is_change() {
            return Ok(self.sum_up(&scene, &seen, Outcome::Unchanged, is_dry_run, Vec::new()));
        }
        let what = fingerprint(&seen.document.to_text());
        if let Some(why) = guard.hold(what, self.would_restart()) {
            return Ok(self.sum_up(&scene, &seen, Outcome::Deferred { why }, false, Vec::new()));
        }
        // Before it is written: after a kill in between it would be somebody else's plan.
        let intended: BTreeSet<String> = scene.owned.union(&seen.owned()).cloned().collect();
        let mut early = self.save_owned(&intended).await;
        let applied = match self.apply(&scene, &document).await {
            Ok(applied) => applied,
            Err(error) => {
                guard.note_failure(what);
                self.save_owned(&scene.owned).await;
                return Err(error);
            }
        };
        let Applied { merge, outcome, mut notes } = applied;
        pause_point::reach("apply.ended").await;
        if !matches!(outcome, Outcome::Deferred { .. }) {
            guard.note_success(matches!(outcome, Outcome::Restarted { .. }));
            early = self.record(&scene, &merge).await;
        }
        notes.extend(early);
        Ok(self.sum_up(&scene, &merge, outcome, false, notes))
    }

    async fn look(&self) -> Result<Scene, ReconcileError> {
        let docker = self.0.parts.docker.as_ref();
        let options = &self.0.options;
        let containers = docker.list_containers().await?;
        let mut notes = Vec::new();
        let backrest = match docker.inspect_container(&options.container).await {
            Ok(found) => Some(found),
            Err(EngineError::NotFound { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let own = find_own_container(docker).await?;
        let (owned, trouble) = self.0.parts.owned.load().await;
        notes.extend(trouble);
        let mut settings = options.settings.clone();
        settings.never_stopped.insert(options.container.clone());
        settings.never_stopped.extend(own.map(|own| own.container.name));
        let mounts = backrest.map(|found| found.container.mounts);
        Ok(Scene { containers, mounts, owned, settings, notes })
    }

    pub(super) async fn read(&self) -> Result<Document, ReconcileError> {
        let options = &self.0.options;
        if let Some(api) = &options.api {
            return Ok(read_by_api(api).await?);
        }
        let path = options.config.as_deref().ok_or(ReconcileError::NoTarget)?;
        match (read_file(path, options.format).await?, self.if_missing()) {
            (Some(document), _) | (None, Some(document)) => Ok(document),
            (None, None) => Err(crate::backrest::apply::ApplyError::Missing(path.to_owned()).into()),
        }
    }

    /// backrest-sidecar makes its own file when there is none. Backrest makes its own, with what only it knows.
    fn if_missing(&self) -> Option<Document> {
        (self.0.options.format == Some(Format::Sidecar)).then(|| Document::empty(Format::Sidecar, ""))
    }

    fn join(&self, scene: &Scene, document: &Document) -> Merge {
        let wish = scene.wish(document.format(), &document.repo_ids());
        merge(document, &wish.rendered, &scene.owned(&wish), self.0.options.orphans)
    }

    fn would_restart(&self) -> bool {
        self.0.options.api.is_none() && self.0.options.apply && self.0.options.reload_command.is_none()
    }

    async fn apply(&self, scene: &Scene, _seen: &Document) -> Result<Applied, ReconcileError> {
        let options = &self.0.options;
        let (clock, patience) = (self.0.parts.clock.as_ref(), options.patience);
        let join = |document: &Document| self.join(scene, document);
        if let Some(client) = &options.api {
            return Ok(by_api(&ApiApply { client, patience, clock }, &join).await?);
        }
        let path = options.config.as_deref().ok_or(ReconcileError::NoTarget)?;
        let if_missing = self.if_missing();
        let after = match &options.reload_command {
            Some(command) => After::Command(command),
            None if options.apply => After::Container(self.container()),
            None => After::Nothing,
        };
        let apply = FileApply { path, format: options.format, if_missing: if_missing.as_ref(), after, patience, clock };
        Ok(by_file(&apply, &join).await?)
    }

    /// Records which plans are ours now. Those that are doubtful for a moment stay ours.
    async fn record(&self, scene: &Scene, merge: &Merge) -> Option<String> {
        let wish = scene.wish(merge.document.format(), &merge.document.repo_ids());
        let mut ours = merge.owned();
        let doubtful = wish.skipped.iter().flat_map(|skipped| &skipped.ids);
        ours.extend(doubtful.filter(|id| scene.owned.contains(*id)).cloned());
        self.save_owned(&ours).await
    }

    /// Says why it could not be done.
    async fn save_owned(&self, ours: &BTreeSet<String>) -> Option<String> {
        let saved = self.0.parts.owned.save(ours).await;
        saved.err().map(|why| format!("it could not be recorded which plans were made from labels: {why}"))
    }

    fn sum_up(&self, scene: &Scene, merge: &Merge, outcome: Outcome, is_dry_run: bool, notes: Vec<String>) -> Round {
        let format = merge.document.format();
        let wish = scene.wish(format, &merge.document.repo_ids());
        // What is wanted comes first, in its order.
        let (mine, orphans) = merge.changes.split_at(wish.plans.len().min(merge.changes.len()));
        let seen = |((wanted, rendered), change): ((WantedPlan, RenderedPlan), &Change)| PlanSeen {
            wanted,
            own_retention: rendered.own_retention,
            change: change.clone(),
        };
        let plans = wish.plans.into_iter().zip(wish.rendered).zip(mine).map(seen);
        let doubts = merge.document.doubts().into_iter().filter(|_| is_dry_run || outcome != Outcome::Unchanged);
        Round {
            plans: plans.collect(),
            orphans: orphans.to_vec(),
            skipped: wish.skipped,
            notes: scene.notes.iter().cloned().chain(notes).chain(doubts).collect(),
            outcome,
            is_dry_run,
            format,
            instance: merge.document.instance(),
        }
    }
}

/// An error with its causes, for those who only print it.
#[must_use]
pub fn describe(error: &ReconcileError) -> String {
    chain(error)
}
