//! Jobs, with what is filtered by as columns and the rest as JSON.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, boolean, json, string, string_null, text_null, timestamp_with_time_zone};
use sea_orm_migration::schema::{big_integer_null, timestamp_with_time_zone_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[derive(DeriveIden)]
enum Jobs {
    Table,
    Id,
    Kind,
    State,
    Stack,
    Instance,
    Plan,
    TriggeredBy,
    Quiesce,
    IsDryRun,
    QueuedAt,
    StartedAt,
    FinishedAt,
    Progress,
    Steps,
    Targets,
    StoppedMs,
    BytesRead,
    BytesStored,
    SnapshotId,
    Error,
    LogFile,
    PartialFiles,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table(Jobs::Table)
            .col(string(Jobs::Id).primary_key())
            .col(string(Jobs::Kind))
            .col(string(Jobs::State))
            .col(string_null(Jobs::Stack))
            .col(string_null(Jobs::Instance))
            .col(string_null(Jobs::Plan))
            .col(string(Jobs::TriggeredBy))
            .col(string_null(Jobs::Quiesce))
            .col(boolean(Jobs::IsDryRun))
            .col(timestamp_with_time_zone(Jobs::QueuedAt))
            .col(timestamp_with_time_zone_null(Jobs::StartedAt))
            .col(timestamp_with_time_zone_null(Jobs::FinishedAt))
            .col(json(Jobs::Progress))
            .col(json(Jobs::Steps))
            .col(json(Jobs::Targets))
            .col(big_integer_null(Jobs::StoppedMs))
            .col(big_integer(Jobs::BytesRead))
            .col(big_integer(Jobs::BytesStored))
            .col(string_null(Jobs::SnapshotId))
            .col(text_null(Jobs::Error))
            .col(string(Jobs::LogFile))
            .col(json(Jobs::PartialFiles))
            .to_owned();
        manager.create_table(table).await?;
        for (name, column) in [("jobs_by_state", Jobs::State), ("jobs_by_stack", Jobs::Stack)] {
            let index = Index::create().name(name).table(Jobs::Table).col(column).col(Jobs::Id).to_owned();
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Jobs::Table).to_owned()).await
    }
}
