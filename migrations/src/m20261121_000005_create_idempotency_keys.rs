//! Requests that were answered, so that a repeated one gets the same jobs.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{json, string, timestamp_with_time_zone};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[derive(DeriveIden)]
enum IdempotencyKeys {
    Table,
    Key,
    Fingerprint,
    JobIds,
    CreatedAt,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table(IdempotencyKeys::Table)
            .col(string(IdempotencyKeys::Key).primary_key())
            .col(string(IdempotencyKeys::Fingerprint))
            .col(json(IdempotencyKeys::JobIds))
            .col(timestamp_with_time_zone(IdempotencyKeys::CreatedAt))
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(IdempotencyKeys::Table).to_owned()).await
    }
}
