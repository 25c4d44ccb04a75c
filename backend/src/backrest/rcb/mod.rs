//! restic-compose-backup ("rcb") and its fork stack-back, run once.
//!
//! Facts about rcb 0.7.1 that the rules here come from: it ends with 0 although the backup failed, so [`verdict`] reads
//! its log; it backs up what belongs to the Compose project of its own container only, so [`spec`] gives it that label; it
//! looks for containers that run, so none may be stopped before it has begun its worker; it makes one snapshot of
//! `/volumes` without a name for the host. What it needs from its env file is read by [`env_file`] and handed on through
//! the engine's API, never in an argument.

pub mod env_file;
pub mod spec;
pub mod verdict;
pub mod workloads;

pub use env_file::{EnvFileError, read_env_file};
pub use spec::{RcbSettings, is_set, worker_label_prefixes};
pub use verdict::{Milestone, Transcript};
pub use workloads::{Workload, is_dumped, is_selected, workloads};
