//! The schema of the store, one file per change.
//!
//! A file that has been released is never edited: a new change gets a new file, named by its date, and a line in
//! [`Migrator`]. Nothing of the service is imported here, so that an old change keeps compiling whatever the service
//! becomes.

#![expect(elided_lifetimes_in_paths, reason = "the trait that every change implements is declared without them")]

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

mod m20261121_000001_create_jobs;
mod m20261121_000002_create_stop_journal;
mod m20261121_000003_create_snapshots;
mod m20261121_000004_create_access;
mod m20261121_000005_create_idempotency_keys;
mod m20261121_000006_add_job_strategy;
mod m20261121_000007_index_lists;
mod m20261127_000008_create_plan_runs;
mod m20261127_000009_create_instances_and_plans;
mod m20261127_000010_generalise_snapshots;
mod m20261128_000011_create_restores;
mod m20261128_000012_add_snapshot_damage;
mod m20261128_000013_create_stored_targets;
mod m20261128_000014_import_snapshots;

/// Every change, in order.
#[derive(Debug, Clone, Copy)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261121_000001_create_jobs::Migration),
            Box::new(m20261121_000002_create_stop_journal::Migration),
            Box::new(m20261121_000003_create_snapshots::Migration),
            Box::new(m20261121_000004_create_access::Migration),
            Box::new(m20261121_000005_create_idempotency_keys::Migration),
            Box::new(m20261121_000006_add_job_strategy::Migration),
            Box::new(m20261121_000007_index_lists::Migration),
            Box::new(m20261127_000008_create_plan_runs::Migration),
            Box::new(m20261127_000009_create_instances_and_plans::Migration),
            Box::new(m20261127_000010_generalise_snapshots::Migration),
            Box::new(m20261128_000011_create_restores::Migration),
            Box::new(m20261128_000012_add_snapshot_damage::Migration),
            Box::new(m20261128_000013_create_stored_targets::Migration),
            Box::new(m20261128_000014_import_snapshots::Migration),
        ]
    }
}
