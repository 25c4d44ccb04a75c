//! What a stack looks like to the engine at one moment, and whether a later moment is as good.

use std::collections::BTreeMap;

/// One container, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) id: String,
    /// Whether its process runs, and is not frozen.
    pub(crate) is_up: bool,
    /// The engine's word for its state.
    pub(crate) status: String,
    /// When its process was last started.
    pub(crate) started_at: String,
}

/// Every container of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Picture(pub(crate) BTreeMap<String, Seen>);

impl Picture {
    /// Whether a container runs.
    pub(crate) fn is_up(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|seen| seen.is_up)
    }

    /// What is wrong now, when this is how it was before.
    pub(crate) fn complaints(&self, now: &Self) -> Vec<String> {
        let mut complaints = Vec::new();
        for (name, before) in &self.0 {
            match now.0.get(name) {
                None => complaints.push(format!("{name} is gone")),
                Some(seen) if before.is_up && !seen.is_up => {
                    complaints.push(format!("{name} ran before and is {} now", seen.status));
                }
                Some(seen) if !before.is_up && seen.started_at != before.started_at => {
                    complaints.push(format!("{name} did not run before and was started at {}", seen.started_at));
                }
                Some(_) => {}
            }
        }
        let newcomers = now.0.keys().filter(|name| !self.0.contains_key(*name));
        complaints.extend(newcomers.map(|name| format!("{name} is new")));
        complaints
    }
}
