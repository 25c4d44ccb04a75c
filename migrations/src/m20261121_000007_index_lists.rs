//! Indexes for what lists are filtered by and for the summary of the host: with many jobs none may read them all.
//!
//! A filter's index ends with the id, which lists are sorted by. Snapshots are asked for while their archive is there,
//! which after a year is a small part of them, so these indexes know only those.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[derive(DeriveIden, Clone, Copy)]
enum Jobs {
    Table,
    Id,
    Kind,
    State,
    Stack,
    Instance,
    Plan,
    IsDryRun,
}

#[derive(DeriveIden, Clone, Copy)]
enum Snapshots {
    Table,
    Id,
    JobId,
    Stack,
    Instance,
    SizeBytes,
    IsComplete,
    RemovedAt,
}

const JOBS: [(&str, &[Jobs]); 4] = [
    ("jobs_by_kind", &[Jobs::Kind, Jobs::Id]),
    ("jobs_by_instance", &[Jobs::Instance, Jobs::Id]),
    ("jobs_by_plan", &[Jobs::Plan, Jobs::Id]),
    // The newest backup of a stack, and its newest in a state, without a look at the rows.
    ("jobs_by_last_backup", &[Jobs::Kind, Jobs::IsDryRun, Jobs::Stack, Jobs::Id, Jobs::State]),
];

const PRESENT_SNAPSHOTS: [(&str, &[Snapshots]); 4] = [
    ("snapshots_present", &[Snapshots::Id]),
    ("snapshots_present_by_instance", &[Snapshots::Instance, Snapshots::Id]),
    ("snapshots_present_by_completeness", &[Snapshots::IsComplete, Snapshots::Id]),
    // Which stacks are protected and how much is stored, without a look at the rows; SQLite looks for `removed_at` even
    // where it can only be null.
    (
        "snapshots_present_by_stack",
        &[Snapshots::IsComplete, Snapshots::Stack, Snapshots::SizeBytes, Snapshots::RemovedAt],
    ),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, columns) in JOBS {
            manager.create_index(index_of(name, Jobs::Table, columns)).await?;
        }
        manager.create_index(index_of("snapshots_by_job", Snapshots::Table, &[Snapshots::JobId])).await?;
        for (name, columns) in PRESENT_SNAPSHOTS {
            let mut index = index_of(name, Snapshots::Table, columns);
            index.and_where(Expr::col(Snapshots::RemovedAt).is_null());
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let jobs = JOBS.map(|(name, _)| Index::drop().name(name).table(Jobs::Table).to_owned());
        let present = PRESENT_SNAPSHOTS.map(|(name, _)| Index::drop().name(name).table(Snapshots::Table).to_owned());
        let by_job = Index::drop().name("snapshots_by_job").table(Snapshots::Table).to_owned();
        for index in jobs.into_iter().chain(present).chain([by_job]) {
            manager.drop_index(index).await?;
        }
        Ok(())
    }
}

fn index_of<T: Iden + Copy + 'static>(name: &str, table: T, columns: &[T]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(name).table(table);
    for column in columns {
        index.col(*column);
    }
    index.to_owned()
}
