//! Images: what the engine has, and what it can get.

use std::time::Duration;

use bollard::auth::DockerCredentials;
use bollard::errors::Error;
use bollard::models::{CreateImageInfo, ImageInspect};
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::StreamExt as _;
use secrecy::ExposeSecret as _;

use super::failure::{Asked, Failure, classify};
use super::link::{EngineLink, Repeat, timed_out};
use super::{EngineError, ImageDetail, RegistryAuth, check_image};

/// Deadline of looking at an image.
const LOOK_LIMIT: Duration = Duration::from_secs(30);
/// The tag of a reference that names none; without one the engine would pull all that there are.
const DEFAULT_TAG: &str = "latest";
/// Where images without a registry in their reference come from.
const DEFAULT_REGISTRY: &str = "https://index.docker.io/v1/";
/// The beginnings of what an engine tells all the time while it pulls.
const CHATTER: [&str; 7] =
    ["Downloading", "Extracting", "Waiting", "Verifying", "Download complete", "Pulling fs layer", "Preparing"];

/// What the engine knows of an image.
pub(super) async fn inspect(link: &EngineLink, reference: &str) -> Result<ImageDetail, EngineError> {
    check_image(reference)?;
    let asked = Asked::of("look at", "image", reference);
    let request = link
        .ask_again(&asked, LOOK_LIMIT, Repeat::Always, |client| async move { client.inspect_image(reference).await });
    Ok(detail_of(request.await?))
}

fn detail_of(image: ImageInspect) -> ImageDetail {
    ImageDetail {
        id: image.id.unwrap_or_default(),
        repo_digests: image.repo_digests.unwrap_or_default(),
        entrypoint: image.config.and_then(|config| config.entrypoint).unwrap_or_default(),
    }
}

/// Pulls an image. It may take as long as it takes, as long as the engine tells of something within `stall`.
pub(super) async fn pull(
    link: &EngineLink,
    reference: &str,
    auth: Option<&RegistryAuth>,
    progress: &(dyn Fn(String) + Send + Sync),
    stall: Duration,
) -> Result<(), EngineError> {
    check_image(reference)?;
    let asked = Asked::of("pull", "image", reference);
    let (name, tag) = split(reference);
    let options = CreateImageOptionsBuilder::default().from_image(name).tag(tag).build();
    let client = link.client(&asked)?;
    let mut told = client.create_image(Some(options), None, auth.map(|auth| credentials(auth, name))).boxed();
    loop {
        match tokio::time::timeout(stall, told.next()).await {
            Err(_) => return Err(timed_out(&asked, stall).error),
            Ok(None) => return Ok(()),
            Ok(Some(Ok(info))) => sentence_of(&info).into_iter().for_each(progress),
            Ok(Some(Err(error))) => return Err(not_pulled(link.address(), &asked, error).error),
        }
    }
}

/// A registry says "not found" and "denied" of the image; the engine itself refuses nobody that way.
fn not_pulled(address: &str, asked: &Asked, error: Error) -> Failure {
    match error {
        Error::DockerResponseServerError { status_code: 401 | 404, message } if !message.trim().starts_with('<') => {
            let error = EngineError::Rejected { action: asked.action.clone(), message: message.trim().to_owned() };
            Failure { error, is_reply_lost: false }
        }
        other => classify(address, asked, other),
    }
}

fn sentence_of(info: &CreateImageInfo) -> Option<String> {
    let status = info.status.as_deref().filter(|text| !CHATTER.iter().any(|word| text.starts_with(word)))?;
    Some(info.id.as_ref().map_or_else(|| status.to_owned(), |id| format!("{id}: {status}")))
}

/// The name and the tag or digest of a reference.
fn split(reference: &str) -> (&str, &str) {
    if let Some((name, digest)) = reference.split_once('@') {
        return (name, digest);
    }
    let after_slash = reference.rfind('/').map_or(0, |at| at + 1);
    match reference[after_slash..].find(':') {
        Some(at) => (&reference[..after_slash + at], &reference[after_slash + at + 1..]),
        None => (reference, DEFAULT_TAG),
    }
}

fn credentials(auth: &RegistryAuth, name: &str) -> DockerCredentials {
    DockerCredentials {
        username: Some(auth.username.clone()),
        password: Some(auth.password.expose_secret().to_owned()),
        serveraddress: Some(registry_of(name).to_owned()),
        ..DockerCredentials::default()
    }
}

/// The first component is a registry when it looks like a host; Docker's own rule.
fn registry_of(name: &str) -> &str {
    let first = name.split_once('/').map_or("", |(first, _)| first);
    if first.contains(['.', ':']) || first == "localhost" { first } else { DEFAULT_REGISTRY }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_has_a_name_and_a_tag() {
        let rows = [
            ("alpine", ("alpine", "latest")),
            ("alpine:3.20", ("alpine", "3.20")),
            ("host:5000/team/tool", ("host:5000/team/tool", "latest")),
            ("host:5000/team/tool:v1", ("host:5000/team/tool", "v1")),
            ("tool@sha256:00ff", ("tool", "sha256:00ff")),
            ("host:5000/tool:v1@sha256:00ff", ("host:5000/tool:v1", "sha256:00ff")),
        ];
        for (reference, expected) in rows {
            assert_eq!(split(reference), expected, "{reference}");
        }
    }

    #[test]
    fn the_registry_is_the_first_component_that_looks_like_a_host() {
        let rows = [
            ("alpine", DEFAULT_REGISTRY),
            ("polarfoxdev/tool", DEFAULT_REGISTRY),
            ("ghcr.io/a/b", "ghcr.io"),
            ("localhost/a", "localhost"),
            ("host:5000/a", "host:5000"),
        ];
        for (name, expected) in rows {
            assert_eq!(registry_of(name), expected, "{name}");
        }
    }

    #[test]
    fn only_what_matters_of_a_pull_is_told() {
        let info = |status: &str, id: Option<&str>| CreateImageInfo {
            status: Some(status.to_owned()),
            id: id.map(str::to_owned),
            ..CreateImageInfo::default()
        };
        assert_eq!(sentence_of(&info("Downloading", Some("a1"))), None);
        assert_eq!(sentence_of(&info("Pull complete", Some("a1"))).as_deref(), Some("a1: Pull complete"));
        assert_eq!(sentence_of(&info("Digest: sha256:00", None)).as_deref(), Some("Digest: sha256:00"));
    }

    #[test]
    fn what_a_registry_says_is_told() {
        let asked = Asked::of("pull", "image", "x");
        let message = "pull access denied for x, repository does not exist or may require 'docker login'".to_owned();
        let error = Error::DockerResponseServerError { status_code: 404, message };
        let text = not_pulled("a", &asked, error).error.to_string();
        assert!(text.starts_with("the Docker Engine could not pull image 'x': pull access denied"), "{text}");
    }
}
