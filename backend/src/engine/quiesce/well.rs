//! Whether what was brought back is well again.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::docker::{ContainerDetail, ContainerEngine, EngineError};
use crate::domain::stack::Health;
use crate::engine::chain;
use crate::store::HeldContainer;

use super::case::NotBack;

/// The pause between two looks at one that is not well yet.
const PAUSE: Duration = Duration::from_millis(250);

/// Waits until the containers run and those that were healthy are healthy again, at most for `limit`, and not at all
/// once `hurry` is cancelled. Returns those that are not.
pub(in crate::engine) async fn wait_until_well(
    docker: &dyn ContainerEngine,
    held: &[HeldContainer],
    before: &BTreeMap<String, ContainerDetail>,
    limit: Duration,
    hurry: &CancellationToken,
) -> Vec<NotBack> {
    let deadline = Instant::now() + limit;
    let mut not_well = Vec::new();
    for container in held {
        let was_healthy = before.get(&container.id).is_some_and(|d| d.container.health == Some(Health::Healthy));
        let wait = wait_for_one(docker, &container.id, was_healthy, deadline);
        // What it was brought back for is done once it runs.
        let outcome = hurry.run_until_cancelled(wait).await.unwrap_or(Ok(()));
        if let Err(reason) = outcome {
            not_well.push(NotBack { name: container.name.clone(), reason });
        }
    }
    not_well
}

async fn wait_for_one(
    docker: &dyn ContainerEngine,
    id: &str,
    was_healthy: bool,
    deadline: Instant,
) -> Result<(), String> {
    loop {
        match docker.inspect_container(id).await {
            // Removed or replaced by something else: there is nothing to wait for.
            Err(EngineError::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(chain(&error)),
            // A container that does its work and ends well is not missing.
            Ok(detail) if !detail.is_up() && detail.exit_code == Some(0) => return Ok(()),
            Ok(detail) if !detail.is_up() => {
                return Err(format!("it ended again with exit code {}", detail.exit_code.unwrap_or(-1)));
            }
            Ok(detail) if !was_healthy || detail.container.health == Some(Health::Healthy) => return Ok(()),
            Ok(_) if Instant::now() >= deadline => return Err("it was healthy before and is not healthy again".into()),
            Ok(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}
