//! Commands around a capture: lines that a container's shell runs.

use tokio_util::sync::CancellationToken;

use crate::docker::ContainerEngine;
use crate::domain::log::Level;
use crate::domain::plan::Hook;

/// Why a hook failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum HookError {
    /// It cannot be run.
    #[error("the hook in container {container} cannot be run")]
    NotRun {
        /// The container.
        container: String,
    },
}

/// Runs a hook.
pub(super) async fn run_hook(
    _engine: &dyn ContainerEngine,
    container: &str,
    _hook: &Hook,
    _cancel: &CancellationToken,
    _say: &(dyn Fn(Level, String) + Send + Sync),
) -> Result<(), HookError> {
    Err(HookError::NotRun { container: container.to_owned() })
}
