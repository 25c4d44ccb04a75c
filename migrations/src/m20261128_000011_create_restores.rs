//! Restores: what was asked for, and what has changed places, so that a kill leaves all of the old or all of the new.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{boolean, json, string, string_null, timestamp_with_time_zone};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[derive(DeriveIden)]
enum Restores {
    Table,
    JobId,
    Orders,
    Phase,
    Outcome,
    KeepsOld,
    Made,
    Swaps,
    UpdatedAt,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table(Restores::Table)
            .col(string(Restores::JobId).primary_key())
            .col(json(Restores::Orders))
            .col(string(Restores::Phase))
            .col(string_null(Restores::Outcome))
            .col(boolean(Restores::KeepsOld))
            .col(json(Restores::Made))
            .col(json(Restores::Swaps))
            .col(timestamp_with_time_zone(Restores::UpdatedAt))
            .to_owned();
        manager.create_table(table).await?;
        let mut index = Index::create();
        index.name("restores_by_phase").table(Restores::Table).col(Restores::Phase);
        manager.create_index(index.to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Restores::Table).to_owned()).await
    }
}
