//! One at a time: instances of this process that share a repository never fight over its lock.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::program::Restic;
use super::{BackendError, Work};
use crate::domain::log::Level;

/// The turn at a repository; it ends when this is dropped.
pub(super) type Turn = OwnedMutexGuard<()>;

/// By the hash of the address.
static TURNS: LazyLock<Mutex<HashMap<String, Arc<AsyncMutex<()>>>>> = LazyLock::new(Mutex::default);

impl Restic {
    /// Waits until nobody else in this process is at work on the repository.
    pub(super) async fn take_turn(&self, work: &Work) -> Result<Turn, BackendError> {
        let turns =
            Arc::clone(TURNS.lock().unwrap_or_else(PoisonError::into_inner).entry(self.repository_hash()).or_default());
        if let Ok(turn) = Arc::clone(&turns).try_lock_owned() {
            return Ok(turn);
        }
        work.report.log(Level::Info, None, "waiting until other work on the same repository is done".to_owned());
        tokio::select! {
            turn = turns.lock_owned() => Ok(turn),
            () = work.cancel.cancelled() => Err(BackendError::Cancelled),
        }
    }
}
