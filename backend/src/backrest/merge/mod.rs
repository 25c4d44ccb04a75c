//! Plans as labels want them, joined with a configuration.
//!
//! Only plans of ours are touched: those that the caller knows as such, and those that an earlier tool wrote for the
//! same workload. Everything else stays as it is, to the byte. A plan that means the same already is not written anew,
//! so that a second run changes nothing. Within a plan of ours, what labels cannot say stays (`plan.rs`).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::document::{Document, Plan, canonical};
use super::{Format, RenderedPlan};

mod diff;
mod plan;
#[cfg(test)]
mod tests;

/// What becomes of a plan of ours whose workload is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Orphans {
    /// It stays as it is.
    Keep,
    /// It stays and runs no more by the clock. The sidecar's format cannot say that, so it stays there.
    Disable,
    /// It goes. Its snapshots stay in the repository.
    Delete,
}

/// What happens to a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// These members of it are other than before.
    Changed {
        /// Their names.
        fields: Vec<String>,
    },
    /// An earlier tool wrote it under this id, which it keeps: snapshots carry it.
    Adopted {
        /// The id that it would have had.
        wanted: String,
        /// The members that are other than before.
        fields: Vec<String>,
    },
    /// Its workload is gone, so it runs no more.
    Disabled,
    /// Its workload is gone, and so is it.
    Removed,
    /// Its workload is gone, and it stays as it was.
    Left,
    /// It means what it meant.
    Unchanged,
    /// It was not written, because another plan has its id.
    Refused {
        /// Why, as a sentence for people.
        why: String,
    },
}

impl ChangeKind {
    /// Whether the configuration is another one for it.
    #[must_use]
    pub const fn is_change(&self) -> bool {
        !matches!(self, Self::Left | Self::Unchanged | Self::Refused { .. })
    }

    /// Its word in logs and answers.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed { .. } => "changed",
            Self::Adopted { .. } => "adopted",
            Self::Disabled => "disabled",
            Self::Removed => "removed",
            Self::Left => "left",
            Self::Unchanged => "unchanged",
            Self::Refused { .. } => "refused",
        }
    }
}

/// A plan and what happens to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The id that the plan has in the configuration.
    pub id: String,
    /// What happens.
    pub kind: ChangeKind,
    /// The difference for people: lines that begin with `+`, what comes, or `-`, what goes.
    pub lines: Vec<String>,
}

/// What a merge came to.
#[derive(Debug, Clone)]
pub struct Merge {
    /// The configuration with all changes.
    pub document: Document,
    /// What happens to each plan: those that are wanted in their order, then those whose workload is gone.
    pub changes: Vec<Change>,
}

impl Merge {
    /// Whether the configuration is another one than before.
    #[must_use]
    pub fn is_change(&self) -> bool {
        self.changes.iter().any(|change| change.kind.is_change())
    }

    /// The ids of all plans that are ours in the merged configuration; what is recorded as `owned` for the next time.
    #[must_use]
    pub fn owned(&self) -> BTreeSet<String> {
        let is_ours = |kind: &ChangeKind| !matches!(kind, ChangeKind::Refused { .. } | ChangeKind::Removed);
        self.changes.iter().filter(|change| is_ours(&change.kind)).map(|change| change.id.clone()).collect()
    }

    /// The ids of plans that are wanted and run by the clock.
    #[must_use]
    pub fn scheduled(&self) -> Vec<String> {
        let is_wanted = |kind: &ChangeKind| {
            !matches!(kind, ChangeKind::Refused { .. } | ChangeKind::Removed | ChangeKind::Disabled | ChangeKind::Left)
        };
        let wanted = self.changes.iter().filter(|change| is_wanted(&change.kind)).map(|change| &change.id);
        wanted.filter(|id| self.document.find_plan(id).is_some_and(plan::is_scheduled)).cloned().collect()
    }
}

/// Joins wanted plans with a configuration. `owned` are the ids of plans that were made from labels before.
#[must_use]
pub fn merge(current: &Document, wanted: &[RenderedPlan], owned: &BTreeSet<String>, orphans: Orphans) -> Merge {
    let mut join = Join { format: current.format(), plans: current.plans().to_vec(), changes: Vec::new(), owned };
    for plan in wanted {
        join.put(plan, wanted);
    }
    join.settle_orphans(orphans);
    let changes = join.changes;
    let is_change = changes.iter().any(|change| change.kind.is_change());
    let document = if is_change { current.with_plans(join.plans) } else { current.clone() };
    Merge { document, changes }
}

/// A merge at work.
struct Join<'a> {
    format: Format,
    plans: Vec<Plan>,
    changes: Vec<Change>,
    owned: &'a BTreeSet<String>,
}

impl Join<'_> {
    fn position(&self, id: &str) -> Option<usize> {
        self.plans.iter().position(|plan| plan.id() == id)
    }

    fn is_settled(&self, id: &str) -> bool {
        self.changes.iter().any(|change| change.id == id)
    }

    /// Puts one wanted plan in.
    fn put(&mut self, wanted: &RenderedPlan, all: &[RenderedPlan]) {
        if self.is_settled(&wanted.id) {
            return self.refuse(&wanted.id, "two workloads want a plan with this id");
        }
        if let Some(at) = self.position(&wanted.id) {
            return self.replace(at, wanted);
        }
        let is_free = |id: &&String| !self.is_settled(id) && !all.iter().any(|other| other.id == **id);
        let places = wanted.aliases.iter().filter(is_free).filter_map(|alias| self.position(alias));
        let found = places.into_iter().find(|at| shares_data(&self.plans[*at].value, &wanted.value));
        match found {
            Some(at) => self.replace(at, wanted),
            None => self.add(wanted),
        }
    }

    fn refuse(&mut self, id: &str, why: &str) {
        let kind = ChangeKind::Refused { why: why.to_owned() };
        self.changes.push(Change { id: id.to_owned(), kind, lines: Vec::new() });
    }

    /// Plans stand by their ids, as Backrest itself sorts them.
    fn add(&mut self, wanted: &RenderedPlan) {
        let lines = diff::of_new(&wanted.value);
        let at = self.plans.iter().position(|plan| plan.id() > wanted.id.as_str()).unwrap_or(self.plans.len());
        self.plans.insert(at, Plan::new(wanted.value.clone()));
        self.changes.push(Change { id: wanted.id.clone(), kind: ChangeKind::Added, lines });
    }

    /// Replaces the plan at a place by the wanted one, under the id that it has.
    fn replace(&mut self, at: usize, wanted: &RenderedPlan) {
        let before = &self.plans[at].value;
        let id = self.plans[at].id().to_owned();
        let after = plan::join(before, &wanted.value, &id, self.format);
        let fields = diff::fields(&canonical::value(before, self.format), &canonical::value(&after, self.format));
        if fields.is_empty() {
            self.changes.push(Change { id, kind: ChangeKind::Unchanged, lines: Vec::new() });
            return;
        }
        if !self.owned.contains(&id) && !wanted.aliases.contains(&id) {
            return self.refuse(&id, "a plan with this id is there that was not made from labels; it stays as it is");
        }
        let lines = diff::of_changed(before, &after, &fields);
        let kind = if self.owned.contains(&id) {
            ChangeKind::Changed { fields }
        } else {
            ChangeKind::Adopted { wanted: wanted.id.clone(), fields }
        };
        self.plans[at] = Plan::new(after);
        self.changes.push(Change { id, kind, lines });
    }

    /// Does with the plans of ours that nothing wants any more what was asked for.
    fn settle_orphans(&mut self, orphans: Orphans) {
        let owned = self.owned;
        for id in owned.iter().filter(|id| !id.is_empty()) {
            if self.is_settled(id) {
                continue;
            }
            let Some(at) = self.position(id) else { continue };
            let (kind, lines) = match orphans {
                Orphans::Delete => (ChangeKind::Removed, diff::of_gone(&self.plans.remove(at).value)),
                Orphans::Disable if self.format == Format::Native => self.disable(at),
                Orphans::Keep | Orphans::Disable => (ChangeKind::Left, Vec::new()),
            };
            self.changes.push(Change { id: id.clone(), kind, lines });
        }
    }

    fn disable(&mut self, at: usize) -> (ChangeKind, Vec<String>) {
        let before = &self.plans[at].value;
        if !plan::is_scheduled(before) {
            return (ChangeKind::Left, Vec::new());
        }
        let mut after = before.clone();
        after["schedule"] = json!({"disabled": true});
        let lines = diff::of_changed(before, &after, &["schedule".to_owned()]);
        self.plans[at] = Plan::new(after);
        (ChangeKind::Disabled, lines)
    }
}

/// Whether two plans back up some of the same data. An older id may be that of a service of the same name in another
/// stack, whose plan must stay that one's. An earlier tool wrote the paths of the host where ours are those that Backrest
/// sees, so the ends of the paths count.
fn shares_data(one: &Value, other: &Value) -> bool {
    let ours = ends(other);
    ends(one).any(|end| ours.clone().any(|our| our == end))
}

/// The last two components of each path.
fn ends(plan: &Value) -> impl Iterator<Item = &str> + Clone {
    let lists = ["paths", "sources"].into_iter().filter_map(|name| member(plan, name).as_array());
    let paths = lists.flatten().filter_map(Value::as_str).map(|path| path.trim_end_matches('/'));
    paths.map(|path| path.rmatch_indices('/').nth(1).map_or(path, |(at, _)| &path[at..]))
}

/// The member of a plan, or `null`.
fn member<'a>(plan: &'a Value, name: &str) -> &'a Value {
    plan.get(name).unwrap_or(&Value::Null)
}
