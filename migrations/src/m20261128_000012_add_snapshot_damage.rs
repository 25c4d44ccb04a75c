//! What a later look at a snapshot found: since when it is damaged and how, and when it was last looked at.
//!
//! The index of what protects a stack learns of it, so that the summary still reads no rows.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{text_null, timestamp_with_time_zone_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[derive(DeriveIden, Clone, Copy)]
enum Snapshots {
    Table,
    Stack,
    SizeBytes,
    IsComplete,
    RemovedAt,
    DamagedAt,
    Damage,
    TriedAt,
}

const INDEX: &str = "snapshots_present_by_stack";
const BEFORE: [Snapshots; 4] = [Snapshots::IsComplete, Snapshots::Stack, Snapshots::SizeBytes, Snapshots::RemovedAt];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// Another connection would not see the first half at once.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time.
        for column in [
            timestamp_with_time_zone_null(Snapshots::DamagedAt),
            text_null(Snapshots::Damage),
            timestamp_with_time_zone_null(Snapshots::TriedAt),
        ] {
            manager.alter_table(Table::alter().table(Snapshots::Table).add_column(column).to_owned()).await?;
        }
        replace_index(manager, &[&BEFORE[..], &[Snapshots::DamagedAt]].concat()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        replace_index(manager, &BEFORE).await?;
        for column in [Snapshots::DamagedAt, Snapshots::Damage, Snapshots::TriedAt] {
            manager.alter_table(Table::alter().table(Snapshots::Table).drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}

async fn replace_index(manager: &SchemaManager<'_>, columns: &[Snapshots]) -> Result<(), DbErr> {
    manager.drop_index(Index::drop().name(INDEX).table(Snapshots::Table).to_owned()).await?;
    let mut index = Index::create();
    index.name(INDEX).table(Snapshots::Table).and_where(Expr::col(Snapshots::RemovedAt).is_null());
    for column in columns {
        index.col(*column);
    }
    manager.create_index(index).await
}
