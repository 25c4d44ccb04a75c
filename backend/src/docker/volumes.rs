//! Making and removing volumes.

use std::time::Duration;

use bollard::models::VolumeCreateRequest;
use bollard::query_parameters::RemoveVolumeOptions;

use super::containers::gone;
use super::failure::Asked;
use super::link::{EngineLink, Repeat};
use super::{EngineError, VolumeSpec, check_reference};

/// Deadline of making and of removing one: removing deletes what is in it.
const LIMIT: Duration = Duration::from_secs(120);

/// Makes a volume. The engine takes one that is there for the same.
pub(super) async fn create(link: &EngineLink, spec: &VolumeSpec) -> Result<(), EngineError> {
    check_reference(&spec.name)?;
    let asked = Asked::of("make", "volume", &spec.name);
    let wanted = VolumeCreateRequest {
        name: Some(spec.name.clone()),
        driver: spec.driver.clone(),
        driver_opts: Some(spec.options.clone().into_iter().collect()),
        labels: Some(spec.labels.clone().into_iter().collect()),
        ..VolumeCreateRequest::default()
    };
    let request = link.ask_again(&asked, LIMIT, Repeat::Always, |client| {
        let wanted = wanted.clone();
        async move { client.create_volume(wanted).await }
    });
    request.await?;
    Ok(())
}

/// Removes a volume that no container has.
pub(super) async fn remove(link: &EngineLink, name: &str) -> Result<(), EngineError> {
    check_reference(name)?;
    let asked = Asked::of("remove", "volume", name);
    let request = link.ask_again(&asked, LIMIT, Repeat::Always, |client| async move {
        client.remove_volume(name, None::<RemoveVolumeOptions>).await
    });
    gone(request.await)
}
