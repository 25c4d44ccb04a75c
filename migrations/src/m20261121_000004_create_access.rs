//! Tokens, sessions, and the settings that are not in the configuration file.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    boolean, string, string_uniq, text, timestamp_with_time_zone, timestamp_with_time_zone_null,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[derive(DeriveIden)]
enum Tokens {
    Table,
    Id,
    Name,
    SecretHash,
    Scope,
    IsSession,
    CreatedAt,
    ExpiresAt,
    LastUsedAt,
}

#[derive(DeriveIden)]
enum Settings {
    Table,
    Name,
    Value,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tokens = Table::create()
            .table(Tokens::Table)
            .col(string(Tokens::Id).primary_key())
            .col(string(Tokens::Name))
            .col(string_uniq(Tokens::SecretHash))
            .col(string(Tokens::Scope))
            .col(boolean(Tokens::IsSession))
            .col(timestamp_with_time_zone(Tokens::CreatedAt))
            .col(timestamp_with_time_zone_null(Tokens::ExpiresAt))
            .col(timestamp_with_time_zone_null(Tokens::LastUsedAt))
            .to_owned();
        manager.create_table(tokens).await?;
        let settings = Table::create()
            .table(Settings::Table)
            .col(string(Settings::Name).primary_key())
            .col(text(Settings::Value))
            .to_owned();
        manager.create_table(settings).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Settings::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(Tokens::Table).to_owned()).await
    }
}
