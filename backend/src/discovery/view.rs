//! What discovery knows at one moment.

use chrono::{DateTime, Utc};

use crate::docker::EngineInfo;
use crate::domain::labels::Labelled;
use crate::domain::names::StackName;
use crate::domain::stack::Stack;

/// What was found, at one moment. It does not change; ask for a new one.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Every stack, sorted by name.
    pub stacks: Vec<Stack>,
    /// Volumes and containers with labels that may ask for a backup, sorted.
    pub labelled: Vec<Labelled>,
    /// What is wrong beyond a single stack, in sentences for people.
    pub warnings: Vec<String>,
    /// Whether the engine answers.
    pub engine: EngineState,
    /// When it was taken; absent before the first scan.
    pub taken_at: Option<DateTime<Utc>>,
}

/// Whether the engine answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineState {
    /// Whether containers could be asked for.
    pub reachable: bool,
    /// What it says of itself, as far as it is known.
    pub info: Option<EngineInfo>,
    /// Why it could not be asked.
    pub error: Option<String>,
    /// Since when it is so.
    pub since: DateTime<Utc>,
    /// Why the volumes could not be listed, although the engine answers: then a volume that is not seen may exist.
    pub volumes_error: Option<String>,
}

/// Something changed; the new [`View`] is already there when this is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Stacks that appeared, vanished, or are not what they were.
    Stacks(Vec<StackName>),
    /// The engine was lost or found.
    Engine {
        /// Whether it answers now.
        reachable: bool,
        /// Why not.
        error: Option<String>,
    },
    /// Labels that may ask for a backup came, went or changed.
    Labels,
    /// The warnings of the view are others.
    Warnings,
}

impl View {
    /// The view before anything was looked at.
    #[must_use]
    pub fn empty(now: DateTime<Utc>) -> Self {
        let error = Some("the engine has not been asked yet".to_owned());
        let engine = EngineState { reachable: false, info: None, error, since: now, volumes_error: None };
        Self { stacks: Vec::new(), labelled: Vec::new(), warnings: Vec::new(), engine, taken_at: None }
    }

    /// The stack called `name`; failing that, the one whose directory is called so, as seed configurations name stacks.
    #[must_use]
    pub fn find_stack(&self, name: &StackName) -> Option<&Stack> {
        let by_directory = |stack: &&Stack| stack.directory_name.as_deref() == Some(name.as_str());
        self.stacks.iter().find(|stack| stack.name == *name).or_else(|| self.stacks.iter().find(by_directory))
    }

    /// What became different since `before`.
    #[must_use]
    pub fn changes_since(&self, before: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.engine.reachable != before.engine.reachable || before.taken_at.is_none() {
            changes.push(Change::Engine { reachable: self.engine.reachable, error: self.engine.error.clone() });
        }
        let changed = |here: &Self, there: &Self| -> Vec<StackName> {
            let find = |name: &StackName| {
                there.stacks.binary_search_by(|other| other.name.cmp(name)).ok().map(|at| &there.stacks[at])
            };
            let differs = |stack: &&Stack| find(&stack.name) != Some(*stack);
            here.stacks.iter().filter(differs).map(|stack| stack.name.clone()).collect()
        };
        let mut names = changed(self, before);
        names.extend(changed(before, self));
        names.sort();
        names.dedup();
        if !names.is_empty() {
            changes.push(Change::Stacks(names));
        }
        if self.labelled != before.labelled {
            changes.push(Change::Labels);
        }
        if self.warnings != before.warnings {
            changes.push(Change::Warnings);
        }
        changes
    }
}
