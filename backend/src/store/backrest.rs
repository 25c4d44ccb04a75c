//! Which plans of a Backrest were made from labels.

use std::collections::BTreeSet;

use super::{Store, StoreError};

/// The setting that holds their ids, as JSON.
const OWNED: &str = "backrest_plans";

impl Store {
    /// The ids of the plans that were made from labels.
    ///
    /// # Errors
    /// When the database refuses, or the record cannot be read.
    pub async fn owned_backrest_plans(&self) -> Result<BTreeSet<String>, StoreError> {
        let Some(text) = self.find_setting(OWNED).await? else { return Ok(BTreeSet::new()) };
        serde_json::from_str(&text).map_err(|error| StoreError::Row { what: "setting", reason: error.to_string() })
    }

    /// Records them.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn record_owned_backrest_plans(&self, ids: &BTreeSet<String>) -> Result<(), StoreError> {
        let text = serde_json::to_string(ids);
        let text = text.map_err(|error| StoreError::Row { what: "setting", reason: error.to_string() })?;
        self.put_setting(OWNED, &text).await
    }
}
