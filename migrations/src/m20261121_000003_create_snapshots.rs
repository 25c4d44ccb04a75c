//! Snapshots: what can be restored, and what once could.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, boolean, json, string, string_null, text};
use sea_orm_migration::schema::{timestamp_with_time_zone, timestamp_with_time_zone_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[derive(DeriveIden)]
enum Snapshots {
    Table,
    Id,
    JobId,
    Stack,
    Host,
    Instance,
    CreatedAt,
    Archive,
    SizeBytes,
    ContentBytes,
    EntryCount,
    Blake3,
    IsComplete,
    VerifiedAt,
    RemovedAt,
    Targets,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table(Snapshots::Table)
            .col(string(Snapshots::Id).primary_key())
            .col(string(Snapshots::JobId))
            .col(string(Snapshots::Stack))
            .col(string(Snapshots::Host))
            .col(string_null(Snapshots::Instance))
            .col(timestamp_with_time_zone(Snapshots::CreatedAt))
            .col(text(Snapshots::Archive))
            .col(big_integer(Snapshots::SizeBytes))
            .col(big_integer(Snapshots::ContentBytes))
            .col(big_integer(Snapshots::EntryCount))
            .col(string(Snapshots::Blake3))
            .col(boolean(Snapshots::IsComplete))
            .col(timestamp_with_time_zone_null(Snapshots::VerifiedAt))
            .col(timestamp_with_time_zone_null(Snapshots::RemovedAt))
            .col(json(Snapshots::Targets))
            .to_owned();
        manager.create_table(table).await?;
        let index = Index::create()
            .name("snapshots_by_stack")
            .table(Snapshots::Table)
            .col(Snapshots::Stack)
            .col(Snapshots::Id)
            .to_owned();
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Snapshots::Table).to_owned()).await
    }
}
