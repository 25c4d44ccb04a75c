//! Commands around a capture.

use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::{Sealed, Sealer, SecretsError};
use crate::domain::plan::{Hook, Hooks};

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct WrittenHooks {
    pre: Vec<WrittenHook>,
    post: Vec<WrittenHook>,
}

#[derive(Debug, Serialize, Deserialize)]
struct WrittenHook {
    command: Sealed,
    container: Option<String>,
    timeout: Option<Duration>,
}

impl WrittenHooks {
    pub(super) fn seal(sealer: &Sealer, field: &str, hooks: &Hooks) -> Result<Self, SecretsError> {
        Ok(Self {
            pre: seal(sealer, &format!("{field}.pre"), &hooks.pre)?,
            post: seal(sealer, &format!("{field}.post"), &hooks.post)?,
        })
    }

    pub(super) fn open(self, sealer: &Sealer, field: &str) -> Result<Hooks, SecretsError> {
        Ok(Hooks {
            pre: open(sealer, &format!("{field}.pre"), self.pre)?,
            post: open(sealer, &format!("{field}.post"), self.post)?,
        })
    }
}

fn seal(sealer: &Sealer, field: &str, hooks: &[Hook]) -> Result<Vec<WrittenHook>, SecretsError> {
    let one = |(n, hook): (usize, &Hook)| {
        let command = sealer.seal(&format!("{field}.{n}"), hook.command.expose_secret())?;
        Ok(WrittenHook { command, container: hook.container.clone(), timeout: hook.timeout })
    };
    hooks.iter().enumerate().map(one).collect()
}

fn open(sealer: &Sealer, field: &str, hooks: Vec<WrittenHook>) -> Result<Vec<Hook>, SecretsError> {
    let one = |(n, hook): (usize, WrittenHook)| {
        let command = sealer.open(&format!("{field}.{n}"), &hook.command)?;
        Ok(Hook { command, container: hook.container, timeout: hook.timeout })
    };
    hooks.into_iter().enumerate().map(one).collect()
}
