//! How a plan is drilled.

use serde::{Deserialize, Serialize};

use super::{StoreError, read_schedule};
use crate::domain::drill::{DrillCommand, DrillSettings};

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store) struct WrittenDrill {
    schedule: Option<String>,
    query: Option<String>,
    command: Option<(String, Vec<String>)>,
    memory_bytes: Option<u64>,
    milli_cpus: Option<u32>,
}

impl WrittenDrill {
    pub(super) fn of(drill: &DrillSettings) -> Self {
        Self {
            schedule: drill.schedule.as_ref().map(|schedule| schedule.as_str().to_owned()),
            query: drill.query.clone(),
            command: drill.command.clone().map(|command| (command.image, command.words)),
            memory_bytes: drill.memory_bytes,
            milli_cpus: drill.milli_cpus,
        }
    }

    pub(super) fn open(self, seed: &str) -> Result<DrillSettings, StoreError> {
        Ok(DrillSettings {
            schedule: read_schedule(self.schedule.as_deref(), seed)?,
            query: self.query,
            command: self.command.map(|(image, words)| DrillCommand { image, words }),
            memory_bytes: self.memory_bytes,
            milli_cpus: self.milli_cpus,
        })
    }
}
