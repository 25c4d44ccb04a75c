//! Snapshots of every backend: what is stored need be no archive, and what it holds need be no stack.
//!
//! SQLite cannot make a column optional, so a new table takes the place of the old one.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, boolean, json, string, string_null, text};
use sea_orm_migration::schema::{timestamp_with_time_zone, timestamp_with_time_zone_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[derive(DeriveIden, Clone, Copy)]
enum Snapshots {
    Table,
    Id,
    JobId,
    Backend,
    Reference,
    Stack,
    Host,
    Instance,
    Plan,
    CreatedAt,
    SizeBytes,
    ContentBytes,
    EntryCount,
    Blake3,
    IsComplete,
    VerifiedAt,
    RemovedAt,
    Targets,
    /// What `reference` was called.
    Archive,
}

#[derive(DeriveIden, Clone, Copy)]
enum NewSnapshots {
    Table,
}

/// Those that were there before, without the table's own keys.
const INDEXES: [(&str, &[Snapshots]); 2] =
    [("snapshots_by_stack", &[Snapshots::Stack, Snapshots::Id]), ("snapshots_by_job", &[Snapshots::JobId])];

/// These know only what is there.
const PRESENT: [(&str, &[Snapshots]); 5] = [
    ("snapshots_present", &[Snapshots::Id]),
    ("snapshots_present_by_instance", &[Snapshots::Instance, Snapshots::Id]),
    ("snapshots_present_by_plan", &[Snapshots::Plan, Snapshots::Id]),
    ("snapshots_present_by_completeness", &[Snapshots::IsComplete, Snapshots::Id]),
    (
        "snapshots_present_by_stack",
        &[Snapshots::IsComplete, Snapshots::Stack, Snapshots::SizeBytes, Snapshots::RemovedAt],
    ),
];

/// What both tables have.
const KEPT: [Snapshots; 13] = [
    Snapshots::Id,
    Snapshots::JobId,
    Snapshots::Stack,
    Snapshots::Host,
    Snapshots::Instance,
    Snapshots::CreatedAt,
    Snapshots::SizeBytes,
    Snapshots::ContentBytes,
    Snapshots::EntryCount,
    Snapshots::Blake3,
    Snapshots::IsComplete,
    Snapshots::VerifiedAt,
    Snapshots::RemovedAt,
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// Half of it would lose the record, and another connection would not see the first half at once.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut columns = columns();
        let table = columns
            .col(text(Snapshots::Reference))
            .col(string(Snapshots::Backend))
            .col(string_null(Snapshots::Stack))
            .col(string_null(Snapshots::Plan))
            .col(string_null(Snapshots::Blake3));
        manager.create_table(table.to_owned()).await?;
        let mut rows = Query::select();
        rows.columns(KEPT)
            .columns([Snapshots::Targets, Snapshots::Archive])
            .expr(Expr::val("archive"))
            .from(Snapshots::Table);
        let into = KEPT.into_iter().chain([Snapshots::Targets, Snapshots::Reference, Snapshots::Backend]);
        replace(manager, into, rows).await?;
        create_indexes(manager, &PRESENT).await
    }

    /// What is no archive of a stack is not known to the older version.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut columns = columns();
        let table = columns.col(text(Snapshots::Archive)).col(string(Snapshots::Stack)).col(string(Snapshots::Blake3));
        manager.create_table(table.to_owned()).await?;
        let mut rows = Query::select();
        rows.columns(KEPT)
            .columns([Snapshots::Targets, Snapshots::Reference])
            .from(Snapshots::Table)
            .and_where(Expr::col(Snapshots::Backend).eq("archive"))
            .and_where(Expr::col(Snapshots::Stack).is_not_null())
            .and_where(Expr::col(Snapshots::Blake3).is_not_null());
        replace(manager, KEPT.into_iter().chain([Snapshots::Targets, Snapshots::Archive]), rows).await?;
        let before: Vec<_> = PRESENT.into_iter().filter(|(name, _)| *name != "snapshots_present_by_plan").collect();
        create_indexes(manager, &before).await
    }
}

/// The new table with the columns that are the same in both.
fn columns() -> TableCreateStatement {
    Table::create()
        .table(NewSnapshots::Table)
        .col(string(Snapshots::Id).primary_key())
        .col(string(Snapshots::JobId))
        .col(string(Snapshots::Host))
        .col(string_null(Snapshots::Instance))
        .col(timestamp_with_time_zone(Snapshots::CreatedAt))
        .col(big_integer(Snapshots::SizeBytes))
        .col(big_integer(Snapshots::ContentBytes))
        .col(big_integer(Snapshots::EntryCount))
        .col(boolean(Snapshots::IsComplete))
        .col(timestamp_with_time_zone_null(Snapshots::VerifiedAt))
        .col(timestamp_with_time_zone_null(Snapshots::RemovedAt))
        .col(json(Snapshots::Targets))
        .to_owned()
}

/// Moves `rows` into the columns `into` of the new table, which then takes the old one's place.
async fn replace(
    manager: &SchemaManager<'_>,
    into: impl IntoIterator<Item = Snapshots>,
    rows: SelectStatement,
) -> Result<(), DbErr> {
    let mut insert = Query::insert();
    insert.into_table(NewSnapshots::Table).columns(into);
    insert.select_from(rows).map_err(|error| DbErr::Custom(error.to_string()))?;
    manager.exec_stmt(insert).await?;
    manager.drop_table(Table::drop().table(Snapshots::Table).to_owned()).await?;
    manager.rename_table(Table::rename().table(NewSnapshots::Table, Snapshots::Table).to_owned()).await
}

async fn create_indexes(manager: &SchemaManager<'_>, present: &[(&str, &[Snapshots])]) -> Result<(), DbErr> {
    for (name, columns) in INDEXES {
        manager.create_index(index_of(name, columns)).await?;
    }
    for (name, columns) in present {
        let mut index = index_of(name, columns);
        index.and_where(Expr::col(Snapshots::RemovedAt).is_null());
        manager.create_index(index).await?;
    }
    Ok(())
}

fn index_of(name: &str, columns: &[Snapshots]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(name).table(Snapshots::Table);
    for column in columns {
        index.col(*column);
    }
    index.to_owned()
}
