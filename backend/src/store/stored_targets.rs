//! Where the targets of snapshots lie in their repositories.

use sea_orm::ActiveValue::Set;
use sea_orm::EntityTrait;

use super::entity::stored_targets::{ActiveModel, Entity};
use super::rows::{from_json, to_json};
use super::{Doing, Store, StoreError};
use crate::domain::ids::SnapshotId;
use crate::domain::snapshot::StoredTarget;

impl Store {
    /// Records where the targets of a snapshot lie. Comes before the snapshot itself.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_stored_targets(&self, id: &SnapshotId, targets: &[StoredTarget]) -> Result<(), StoreError> {
        let row = ActiveModel { snapshot_id: Set(id.to_string()), targets: Set(to_json("stored targets", &targets)?) };
        let insert = async || {
            let query = Entity::insert(row.clone());
            query.exec_without_returning(&self.db).await.doing("record where a snapshot has its targets")
        };
        self.with_room(insert).await?;
        Ok(())
    }

    /// Where the targets of a snapshot lie; `None` for those of earlier versions.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn find_stored_targets(&self, id: &SnapshotId) -> Result<Option<Vec<StoredTarget>>, StoreError> {
        let row = Entity::find_by_id(id.as_str()).one(&self.db).await.doing("find where a snapshot has its targets")?;
        row.map(|row| from_json("stored targets", row.targets)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;

    use super::*;
    use crate::domain::clock::SystemClock;
    use crate::domain::job::TargetKind;
    use crate::domain::snapshot::{StoredPart, StoredVolume};

    #[tokio::test]
    async fn what_was_recorded_is_found() {
        let store = Store::connect("sqlite::memory:", Arc::new(SystemClock)).await.expect("a store");
        let id = SnapshotId::new(DateTime::UNIX_EPOCH);
        assert_eq!(store.find_stored_targets(&id).await.expect("read"), None);
        let target = StoredTarget {
            kind: TargetKind::Volume,
            name: "data".to_owned(),
            host_path: Some("/v/data/_data".into()),
            parts: vec![StoredPart { at: "a".into(), stored: "/v/data/_data/a".into() }],
            volume: Some(StoredVolume { driver: "local".to_owned(), ..StoredVolume::default() }),
        };
        store.insert_stored_targets(&id, std::slice::from_ref(&target)).await.expect("recorded");
        assert_eq!(store.find_stored_targets(&id).await.expect("read"), Some(vec![target]));
    }
}
