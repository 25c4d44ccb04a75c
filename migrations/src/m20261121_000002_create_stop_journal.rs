//! The stop journal: what Mainstay brought to rest and has not brought back.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, integer, pk_auto, string, timestamp_with_time_zone, timestamp_with_time_zone_null,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[derive(DeriveIden)]
enum StopJournal {
    Table,
    Id,
    JobId,
    Stack,
    Service,
    Number,
    ContainerId,
    ContainerName,
    Action,
    Position,
    StartedAt,
    StopTimeoutSecs,
    WrittenAt,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table(StopJournal::Table)
            .col(pk_auto(StopJournal::Id))
            .col(string(StopJournal::JobId))
            .col(string(StopJournal::Stack))
            .col(string(StopJournal::Service))
            .col(integer(StopJournal::Number))
            .col(string(StopJournal::ContainerId))
            .col(string(StopJournal::ContainerName))
            .col(string(StopJournal::Action))
            .col(integer(StopJournal::Position))
            .col(timestamp_with_time_zone_null(StopJournal::StartedAt))
            .col(big_integer(StopJournal::StopTimeoutSecs))
            .col(timestamp_with_time_zone(StopJournal::WrittenAt))
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(StopJournal::Table).to_owned()).await
    }
}
