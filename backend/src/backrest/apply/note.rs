//! The note of a stop: what has to run again, written down before it is stopped.
//!
//! It lies beside the configuration, so that it needs no database and is where the next run looks anyway. Where it
//! cannot be written nothing is stopped.

use std::fs;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::file::{FileError, read};
use super::place::Place;

/// A stop of Backrest's container by us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StopNote {
    /// The container's id.
    pub(super) container: String,
    /// Its name; empty in notes of earlier releases, as are the two that follow.
    #[serde(default)]
    pub(super) name: String,
    /// Its Compose project.
    #[serde(default)]
    pub(super) project: Option<String>,
    /// Its service there.
    #[serde(default)]
    pub(super) service: Option<String>,
    /// Which run of it was stopped.
    pub(super) started_at: Option<DateTime<Utc>>,
    /// When the stop was asked for.
    pub(super) asked_at: DateTime<Utc>,
    /// How long the engine lets it end by itself, in seconds.
    pub(super) stop_timeout_secs: u64,
    /// The hash of the configuration before.
    pub(super) before: String,
    /// The hash of the one that is to be written.
    pub(super) after: String,
}

/// What stands for a configuration in a note, which must not hold its secrets.
pub(super) fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

impl Place {
    /// Writes the note, over one that is there.
    pub(super) fn put_note(&self, note: &StopNote) -> Result<(), FileError> {
        let text = serde_json::to_vec(note).unwrap_or_default();
        self.put(&self.note(), &text)
    }

    /// The note that is there. One that is no note says nothing about what was stopped; it is left to a person.
    pub(super) fn find_note(&self) -> Result<Option<StopNote>, FileError> {
        let Some(content) = read(&self.note())? else { return Ok(None) };
        let failed = |error: serde_json::Error| FileError::Failed {
            action: "understood; start Backrest's container if it stands still, and remove the file",
            path: self.note(),
            source: error.into(),
        };
        serde_json::from_slice(&content.bytes).map(Some).map_err(failed)
    }

    /// Takes the note away.
    pub(super) fn clear_note(&self) -> Result<(), FileError> {
        match fs::remove_file(self.note()) {
            Ok(()) => self.sync(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(FileError::Failed { action: "removed", path: self.note(), source }),
        }
    }
}
