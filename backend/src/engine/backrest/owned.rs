//! Which plans of a configuration were made from labels. Backrest has no place for that in a plan.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::engine::chain;
use crate::store::Store;

/// The record.
#[derive(Clone)]
pub enum OwnedPlans {
    /// A file, for a daemon that has no store.
    File(PathBuf),
    /// The service's store.
    Store(Store),
    /// Nowhere: only plans whose id begins as ours do are known again, and none is ever taken for an orphan.
    Nowhere,
}

impl OwnedPlans {
    /// The file beside a configuration.
    #[must_use]
    pub fn beside(config: &Path) -> Self {
        let mut path = config.as_os_str().to_owned();
        path.push(".mainstay-plans");
        Self::File(path.into())
    }

    /// Their ids. What cannot be read is no plan of ours, and told.
    pub(super) async fn load(&self) -> (BTreeSet<String>, Option<String>) {
        let read = match self {
            Self::Nowhere => return (BTreeSet::new(), None),
            Self::Store(store) => store.owned_backrest_plans().await.map_err(|error| chain(&error)),
            Self::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || read(&path)).await;
                read.unwrap_or_else(|error| Err(error.to_string()))
            }
        };
        match read {
            Ok(ids) => (ids, None),
            Err(why) => (BTreeSet::new(), Some(format!("it cannot be read which plans were made from labels: {why}"))),
        }
    }

    /// Records their ids.
    pub(super) async fn save(&self, ids: &BTreeSet<String>) -> Result<(), String> {
        match self {
            Self::Nowhere => Ok(()),
            Self::Store(store) => store.record_owned_backrest_plans(ids).await.map_err(|error| chain(&error)),
            Self::File(path) => {
                let (path, ids) = (path.clone(), ids.clone());
                let written = tokio::task::spawn_blocking(move || write(&path, &ids)).await;
                written.map_err(|error| error.to_string())?.map_err(|error| format!("{error}"))
            }
        }
    }
}

fn read(path: &Path) -> Result<BTreeSet<String>, String> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| format!("{}: {error}", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn write(path: &Path, ids: &BTreeSet<String>) -> std::io::Result<()> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".new");
    let aside = PathBuf::from(aside);
    let mut file = std::fs::File::create(&aside)?;
    file.write_all(&serde_json::to_vec_pretty(ids)?)?;
    file.sync_all()?;
    std::fs::rename(&aside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ids_are_known_again_and_a_damaged_record_is_told() {
        let directory = tempfile::tempdir().expect("a directory");
        let config = directory.path().join("config.json");
        let owned = OwnedPlans::beside(&config);
        assert_eq!(owned.load().await, (BTreeSet::new(), None));
        let ids = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
        owned.save(&ids).await.expect("saved");
        assert_eq!(owned.load().await, (ids, None));
        std::fs::write(directory.path().join("config.json.mainstay-plans"), "[").expect("written");
        assert!(owned.load().await.1.expect("told").contains("cannot be read"));
    }
}
