//! The words of a run from labels to plans.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use serde_json::Value;

use crate::domain::keep::KeepPolicy;

/// Which of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The configuration of Backrest itself, as it reads and writes it.
    Native,
    /// The file of backrest-sidecar, whose plans have `sources`, `exclude`, `hooks.pre` and `retention.spec`.
    Sidecar,
}

impl Format {
    /// Its word in the configuration and at the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Sidecar => "sidecar",
        }
    }
}

/// The directory of the engine's data where nothing else is said.
pub const DEFAULT_DOCKER_ROOT: &str = "/var/lib/docker";

/// What the making of plans needs to know beside the containers: the flags of backrest-sidecar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The repository of a plan whose labels name none.
    pub default_repo: String,
    /// The schedule of a plan whose labels name none.
    pub default_schedule: String,
    /// The retention of a plan whose labels name none.
    pub default_retention: String,
    /// What the id of every plan begins with.
    pub plan_id_prefix: String,
    /// Whether bind mounts are left out where no label names the paths.
    pub exclude_bind_mounts: bool,
    /// The engine's data directory; volumes lie in `volumes/<name>/_data` below it. Other than [`DEFAULT_DOCKER_ROOT`] it
    /// counts more than what the engine says of a volume.
    pub docker_root: PathBuf,
    /// Where Backrest sees the engine's `volumes` directory; absent when that is not said.
    pub volume_prefix: Option<PathBuf>,
    /// Whether commands in labels become hooks: whoever may run them is root on the host.
    pub allow_commands: bool,
    /// Names of containers that no hook may stop: Backrest's own, and Mainstay's.
    pub never_stopped: BTreeSet<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            default_repo: "default".to_owned(),
            default_schedule: "0 2 * * *".to_owned(),
            default_retention: "daily=7,weekly=4".to_owned(),
            plan_id_prefix: "backrest_sidecar_".to_owned(),
            exclude_bind_mounts: false,
            docker_root: PathBuf::from(DEFAULT_DOCKER_ROOT),
            volume_prefix: None,
            allow_commands: true,
            never_stopped: BTreeSet::new(),
        }
    }
}

/// A plan as labels ask for it, in no format yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedPlan {
    /// Its id: no other plan of the same run has it.
    pub id: String,
    /// Ids under which earlier tools, or an earlier run, may have written the plan of the same workload. No other plan
    /// of the run has one of them, as its id or as its alias. A plan that is found under one keeps that id: the
    /// snapshots in the repository are tagged with it.
    pub aliases: Vec<String>,
    /// The Compose project.
    pub project: Option<String>,
    /// The service within the project.
    pub service: Option<String>,
    /// Names of its containers, by number.
    pub containers: Vec<String>,
    /// The repository, one of those that are declared.
    pub repo: String,
    /// When it runs.
    pub schedule: WantedSchedule,
    /// What is backed up, sorted, as Backrest sees it. Never empty.
    pub paths: Vec<String>,
    /// What is left out of it, in the order of the label.
    pub excludes: Vec<String>,
    /// Commands before the snapshot, as the labels have them.
    pub pre: Vec<String>,
    /// Commands after it.
    pub post: Vec<String>,
    /// Whether its containers are stopped before the snapshot and started after it by a pair of hooks of ours, which
    /// replaces [`Self::pre`] and [`Self::post`] where the format can say so.
    pub quiesce: bool,
    /// What is kept.
    pub keep: Keep,
    /// What is doubtful, and how labels were understood.
    pub notes: Vec<Note>,
}

/// When a plan runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WantedSchedule {
    /// Only when someone asks for it.
    Manual,
    /// By the clock of Backrest's container.
    Cron {
        /// Five fields that Backrest understands.
        fields: String,
        /// Whether a run that was missed is made up for when Backrest starts.
        is_caught_up: bool,
    },
}

/// What is kept of a plan's snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keep {
    /// As the label or the default says it.
    pub spec: String,
    /// What that means. A text that cannot be read keeps everything.
    pub policy: KeepPolicy,
}

/// How much a note matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoteLevel {
    /// Something is done otherwise than the labels say, or is doubtful.
    Warning,
    /// How something was understood.
    Info,
}

impl NoteLevel {
    /// The word in logs and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// Something to know about a plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// How much it matters.
    pub level: NoteLevel,
    /// The label that it is about, if it is about one.
    pub label: Option<String>,
    /// A sentence for people, without the label.
    pub message: String,
}

/// In one line: `backrest.keep: …`.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.label {
            Some(label) => write!(f, "{label}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// A workload whose labels ask for a plan that cannot be made now. A plan that is there already under one of its ids
/// stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The name of its first container.
    pub container: String,
    /// The Compose project.
    pub project: Option<String>,
    /// The service within the project.
    pub service: Option<String>,
    /// The id that the plan would have, and its aliases. Empty where no plan was asked for.
    pub ids: Vec<String>,
    /// Why, as a sentence for people.
    pub why: String,
}

/// A plan in the JSON of a format; what a merge takes.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderedPlan {
    /// Its id.
    pub id: String,
    /// See [`WantedPlan::aliases`].
    pub aliases: Vec<String>,
    /// The whole plan, with its id.
    pub value: Value,
    /// What Backrest cannot say: it keeps everything then, and whoever reconciles forgets by this.
    pub own_retention: Option<Keep>,
}
