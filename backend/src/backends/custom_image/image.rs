//! Sees to it that the image is there and has something to run, before anything else is done.

use super::{Parts, SCRIPT, container};
use crate::backends::{BackendError, Readiness, Work};
use crate::docker::{EngineError, ImageDetail, RegistryAuth};
use crate::domain::ids::JobId;
use crate::domain::log::Level;
use crate::domain::plan::PullPolicy;

use super::removal::Removal;

/// Gets the image as the settings say, and looks whether a container of it could begin.
pub(super) async fn prepare(parts: &Parts, work: &Work) -> Result<Readiness, BackendError> {
    let mut readiness = Readiness::default();
    let image = find(parts, work, &mut readiness).await?;
    readiness.notes.push(format!("the image '{}' is {}", parts.settings.image, digest_of(&image)));
    if image.entrypoint.is_empty() {
        look_for_script(parts, work).await?;
    }
    Ok(readiness)
}

/// How the image is told from another of the same name: as the registry calls it, else as the engine does.
pub(super) fn digest_of(image: &ImageDetail) -> &str {
    let told = image.repo_digests.first().and_then(|name| name.split_once('@'));
    told.map_or(image.id.as_str(), |(_, digest)| digest)
}

async fn find(parts: &Parts, work: &Work, readiness: &mut Readiness) -> Result<ImageDetail, BackendError> {
    let name = &parts.settings.image;
    let there = match parts.docker.inspect_image(name).await {
        Ok(image) => Some(image),
        Err(EngineError::NotFound { .. }) => None,
        Err(error @ EngineError::InvalidName(_)) => return Err(BackendError::NotReady(error.to_string())),
        Err(error) => return Err(BackendError::because(format!("the image '{name}' cannot be looked at"), error)),
    };
    match (parts.settings.pull, there) {
        (PullPolicy::Never | PullPolicy::IfMissing, Some(image)) => Ok(image),
        (PullPolicy::Never, None) => Err(BackendError::NotReady(format!(
            "the image '{name}' is not there, and is never pulled; load it, or choose another pull policy"
        ))),
        (_, there) => match (pull(parts, work).await, there) {
            (Ok(()), _) => parts
                .docker
                .inspect_image(name)
                .await
                .map_err(|error| BackendError::because(format!("the image '{name}' cannot be looked at"), error)),
            (Err(BackendError::Cancelled), _) => Err(BackendError::Cancelled),
            (Err(error), Some(image)) => {
                readiness.warnings.push(format!("{error}; the one that is there is used"));
                Ok(image)
            }
            (Err(error), None) => Err(error),
        },
    }
}

async fn pull(parts: &Parts, work: &Work) -> Result<(), BackendError> {
    let name = &parts.settings.image;
    let credentials = parts.settings.credentials.as_ref();
    let auth =
        credentials.map(|known| RegistryAuth { username: known.username.clone(), password: known.password.clone() });
    work.report.log(Level::Info, None, format!("pulling the image '{name}'"));
    let progress = |sentence: String| work.report.log(Level::Debug, None, sentence);
    let pulled = parts.docker.pull_image(name, auth.as_ref(), &progress);
    tokio::select! {
        outcome = pulled => outcome.map_err(|error| not_pulled(name, &error)),
        () = work.cancel.cancelled() => Err(BackendError::Cancelled),
    }
}

/// The engine's own words say whether it is the name, the password or the network.
fn not_pulled(name: &str, error: &EngineError) -> BackendError {
    let why = match error {
        EngineError::Rejected { message, .. } => message.clone(),
        other => other.to_string(),
    };
    BackendError::NotReady(format!("the image '{name}' cannot be pulled: {why}"))
}

/// Without an entry point, the script is all that could run. A container that is never started tells whether it is there.
async fn look_for_script(parts: &Parts, work: &Work) -> Result<(), BackendError> {
    let job = JobId::new(parts.clock.now());
    let spec = container::bare(parts, &job);
    let removal = Removal::new(&parts.docker, &work.report, spec.name.clone());
    let found = match parts.docker.create_container(&spec).await {
        Ok(id) => parts.docker.stream_path(&id, SCRIPT.as_ref()).await.map(drop),
        Err(error) => Err(error),
    };
    removal.run().await;
    match found {
        Ok(()) => Ok(()),
        Err(EngineError::NotFound { what }) if what.contains(SCRIPT) => Err(no_script(&parts.settings.image)),
        Err(error) => {
            Err(BackendError::because(format!("the image '{}' cannot be looked into", parts.settings.image), error))
        }
    }
}

pub(super) fn no_script(image: &str) -> BackendError {
    BackendError::NotReady(format!(
        "the image '{image}' has no {SCRIPT} and no entry point, so that there is nothing to run; put the script into it"
    ))
}
