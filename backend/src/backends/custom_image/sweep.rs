//! Removes what a kill left behind.

use super::owner::{NODE, Owner};
use crate::backends::{BackendError, Work};
use crate::docker::{ContainerEngine, EngineError};
use crate::domain::log::Level;

/// Removes containers and volumes of this instance and this installation, running or not: the job that they belonged
/// to is over. Those of another installation stay; it may be at work.
pub(super) async fn sweep(
    engine: &dyn ContainerEngine,
    owner: &Owner,
    work: &Work,
) -> Result<Vec<String>, BackendError> {
    let failed = |error: EngineError| BackendError::because("what an earlier run left behind cannot be removed", error);
    let mut removed = Vec::new();
    for container in engine.list_containers().await.map_err(failed)? {
        if owner.made(&container.labels) {
            engine.remove_container(&container.id).await.map_err(failed)?;
            removed.push(format!("the container '{}' that an earlier run left behind was removed", container.name));
        } else if owner.is_of_instance(&container.labels) {
            let whose = container.labels.get(NODE).map_or("", String::as_str);
            let message = format!(
                "the container '{}' belongs to an instance of the same name on '{whose}' and is left alone",
                container.name
            );
            work.report.log(Level::Debug, None, message);
        }
    }
    for volume in engine.list_volumes().await.map_err(failed)? {
        if owner.made(&volume.labels) {
            engine.remove_volume(&volume.name).await.map_err(failed)?;
            removed.push(format!("the volume '{}' that an earlier run left behind was removed", volume.name));
        }
    }
    Ok(removed)
}
