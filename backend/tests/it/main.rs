//! The integration tests: one binary, one file per subject.
//!
//! `support/` has the service under test, a client that knows the OpenAPI document, a real Docker Engine and the true
//! binary. No test depends on another or on the order; each has its own directories, store and names.

#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests run the true binary, and independent readers of what it writes")]
#![expect(clippy::needless_pass_by_value, reason = "tests read better with plain arguments")]

mod access;
mod backrest_api;
mod backrest_apply;
mod backrest_commands;
mod backrest_hooks;
mod backrest_killed;
mod backrest_storm;
mod backup;
mod backup_once;
mod browse;
mod cli;
mod compat;
mod compat_marina;
mod coverage;
mod custom_image;
mod databases;
mod discovery;
mod disk;
mod docker_engine;
mod docker_work;
mod drill;
mod events;
mod failures;
mod hung;
mod import;
mod instances;
mod jobs;
mod load;
mod logs;
mod marina;
mod new_host;
mod plans;
mod precopy;
mod quiesce;
mod quiesce_engine;
mod quiesce_modes;
mod recovery;
mod replay;
mod restore;
mod resume;
mod shutdown;
mod snapshots;
mod stacks;
mod staged;
mod status;
mod store_claim;
mod store_disk;
mod store_lock;
mod system;
mod ten_days;
mod verify;

mod support {
    pub(crate) mod backrest;
    pub(crate) mod backrest_rules;
    pub(crate) mod client;
    pub(crate) mod docker;
    pub(crate) mod engine;
    pub(crate) mod events;
    pub(crate) mod job;
    pub(crate) mod process;
    pub(crate) mod raw;
    pub(crate) mod restic;
    pub(crate) mod running;
    pub(crate) mod scene;
    pub(crate) mod service;
    pub(crate) mod socket_proxy;
    pub(crate) mod stack;
    pub(crate) mod store;
}
