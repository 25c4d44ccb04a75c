//! Looks after the room that is kept for the store on its disk.
//!
//! The store gives that room up by itself when its disk is full. Here it is made again once the disk has room to spare,
//! and what changed is told.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::domain::log::Level;
use crate::domain::size::human_bytes;
use crate::store::ReserveState;

use super::JobEngine;
use super::doctor::Check;

/// How often the room is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(30);
const NAME: &str = "store.reserve";

impl JobEngine {
    /// Keeps room for the store, from now until `cancel`.
    pub async fn watch_reserve(&self, cancel: CancellationToken) {
        let mut told = None;
        // A first start makes it without a word.
        let mut is_first = true;
        loop {
            let state = self.keep_reserve().await;
            match &state {
                ReserveState::MadeAgain(bytes) if !is_first => {
                    self.say(Level::Info, None, format!("{} are kept for the store again", human_bytes(*bytes)));
                }
                ReserveState::GivenUp(reason) if told.as_ref() != Some(&state) => {
                    self.say(Level::Warning, None, format!("no room is kept for the store: {reason}"));
                }
                _ => {}
            }
            is_first = false;
            told = Some(state);
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// On a thread that may block: a disk may hang.
    async fn keep_reserve(&self) -> ReserveState {
        let store = self.0.parts.store.clone();
        let kept = tokio::task::spawn_blocking(move || store.keep_reserve()).await;
        kept.unwrap_or_else(|_| ReserveState::GivenUp("the look at the disk broke off".to_owned()))
    }

    pub(super) async fn check_reserve(&self) -> Check {
        match self.keep_reserve().await {
            ReserveState::NotOurs => Check::ok(NAME, "the database looks after its own disk; nothing is kept for it"),
            ReserveState::Kept(bytes) | ReserveState::MadeAgain(bytes) => {
                Check::ok(NAME, format!("{} are kept on the disk of the store for bad times", human_bytes(bytes)))
            }
            ReserveState::GivenUp(reason) => Check::warning(
                NAME,
                format!("no room is kept for the store: {reason}"),
                "free space on the disk of the database: without it nothing can be recorded, and no stack is stopped",
            ),
        }
    }
}
