//! Rows as the database keeps them. They never leave `store`.

pub(super) mod idempotency_key;
pub(super) mod instance;
pub(super) mod job;
pub(super) mod journal;
pub(super) mod plan;
pub(super) mod plan_run;
pub(super) mod restore;
pub(super) mod setting;
pub(super) mod snapshot;
pub(super) mod stored_targets;
pub(super) mod token;
