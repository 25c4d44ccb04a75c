//! `backup-once`: from options to a request.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use tokio_util::sync::CancellationToken;

use super::{EngineAddress, Tell, until_signalled};
use crate::backrest::line::Line;
use crate::backrest::rcb::{RcbSettings, is_set, read_env_file};
use crate::docker::bollard_engine::BollardEngine;
use crate::docker::own_container::find_own_container;
use crate::docker::{ContainerEngine, MountSource, SharedEngine, SpecMount};
use crate::domain::clock::SystemClock;
use crate::engine::backup_once::{BackupOnce, Means, OnceParts, OnceReport};

/// The options of `backup-once`.
#[derive(Debug, Clone)]
pub struct OnceOptions {
    /// The Docker Engine.
    pub engine: EngineAddress,
    /// The image of rcb, or the one with restic for native runs.
    pub image: String,
    /// What is run in the image of rcb.
    pub command: Vec<String>,
    /// The file with the variables of restic and rcb.
    pub env_file: Option<PathBuf>,
    /// What else is mounted in the image: `SOURCE:PATH[:ro]`, where the source is a path of the engine's host or a volume.
    pub volumes: Vec<String>,
    /// Whether bind mounts are left out.
    pub exclude_bind_mounts: bool,
    /// Whether the project is part of the paths in a snapshot.
    pub include_project_name: bool,
    /// How long one run may take.
    pub time_limit: Duration,
    /// Whether snapshots are taken without rcb.
    pub is_native: bool,
    /// Whether a repository is made where there is none.
    pub may_init: bool,
    /// Labels `KEY=VALUE` of containers that are to rest meanwhile.
    pub quiesce_labels: Vec<String>,
    /// How long such a container may take to stop.
    pub quiesce_timeout: Option<Duration>,
    /// What the host is called in native snapshots; the engine's host name when absent.
    pub host_name: Option<String>,
}

/// Backs every labelled project up once.
///
/// # Errors
/// When an option cannot be used, the engine does not answer, or a second signal came.
pub async fn backup_once(options: OnceOptions, tell: Tell<'_>) -> anyhow::Result<OnceReport> {
    let docker: SharedEngine = Arc::new(BollardEngine::connect(Some(&options.engine.address)));
    let request = request_of(&options, docker.as_ref(), tell).await?;
    let parts = OnceParts { docker, clock: Arc::new(SystemClock), runtime: tokio::runtime::Handle::current() };
    let cancel = CancellationToken::new();
    let run = crate::engine::backup_once::backup_once(&parts, &request, &cancel, tell);
    until_signalled(&cancel, Box::pin(run)).await
}

async fn request_of(options: &OnceOptions, docker: &dyn ContainerEngine, tell: Tell<'_>) -> anyhow::Result<BackupOnce> {
    let env = match &options.env_file {
        Some(path) => {
            tell_of_readers(path, tell);
            read_env_file(path, |name| std::env::var(name).ok())?
        }
        None => Vec::new(),
    };
    let info = docker.info().await.context("backup-once needs the Docker Engine")?;
    let rcb = RcbSettings {
        image: options.image.clone(),
        command: options.command.clone(),
        exclude_bind_mounts: options.exclude_bind_mounts || is_set(&env, "EXCLUDE_BIND_MOUNTS"),
        include_project_name: options.include_project_name || is_set(&env, "INCLUDE_PROJECT_NAME"),
        socket: if options.is_native { PathBuf::new() } else { find_socket(&options.engine.address, docker).await? },
        mounts: options.volumes.iter().map(|text| read_volume(text)).collect::<Result<_, _>>()?,
        time_limit: options.time_limit,
        env,
    };
    for name in rcb.overruled() {
        let message = "the env file sets it; rcb is run for one project after another, so it is left out";
        tell(Line::warning("rcb.env").with("name", name).with("message", message));
    }
    Ok(BackupOnce {
        means: if options.is_native { Means::Native } else { Means::Rcb },
        rcb,
        quiesce_labels: options.quiesce_labels.iter().map(|text| read_label(text)).collect::<Result<_, _>>()?,
        quiesce_timeout: options.quiesce_timeout,
        host_name: options.host_name.clone().unwrap_or(info.host_name),
        may_init: options.may_init,
    })
}

/// The engine's socket as its host sees it: rcb gets it mounted.
async fn find_socket(address: &str, docker: &dyn ContainerEngine) -> anyhow::Result<PathBuf> {
    let path = address.strip_prefix("unix://").unwrap_or(address);
    if !path.starts_with('/') {
        bail!(
            "rcb needs the socket of the Docker Engine, which is reached at {address}; mount the socket, or use --native"
        );
    }
    let own = find_own_container(docker).await.context("it cannot be told which container is Mainstay's own")?;
    let Some(own) = own else { return Ok(path.into()) };
    // The longest mount that holds it.
    let mounts = own.container.mounts.iter().filter(|mount| Path::new(path).starts_with(&mount.destination));
    let mount = mounts.max_by_key(|mount| mount.destination.as_os_str().len());
    let mount = mount.ok_or_else(|| anyhow!("the socket {path} is not mounted in Mainstay's container"))?;
    match Path::new(path).strip_prefix(&mount.destination) {
        Ok(rest) if rest.as_os_str().is_empty() => Ok(mount.source.clone()),
        Ok(rest) => Ok(mount.source.join(rest)),
        Err(_) => Ok(mount.source.clone()),
    }
}

/// Reads `SOURCE:PATH[:ro]`.
fn read_volume(text: &str) -> anyhow::Result<SpecMount> {
    let wrong = || anyhow!("'{text}' is no volume: write SOURCE:/path or SOURCE:/path:ro");
    let (text_of_mount, is_read_only) = text.strip_suffix(":ro").map_or((text, false), |bare| (bare, true));
    let (source, destination) = text_of_mount.split_once(':').ok_or_else(wrong)?;
    if source.is_empty() || !destination.starts_with('/') || destination.contains(':') {
        return Err(wrong());
    }
    let source = if source.starts_with('/') {
        MountSource::HostPath(source.into())
    } else {
        MountSource::Volume(source.to_owned())
    };
    Ok(SpecMount { source, destination: destination.into(), is_read_only })
}

/// Reads `KEY=VALUE`.
fn read_label(text: &str) -> anyhow::Result<(String, String)> {
    let found = text.split_once('=').filter(|(key, _)| !key.trim().is_empty());
    let (key, value) = found.ok_or_else(|| anyhow!("'{text}' is no label: write KEY=VALUE"))?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

/// The file holds the password of the repository.
fn tell_of_readers(path: &Path, tell: Tell<'_>) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).map(|found| found.permissions().mode()).unwrap_or_default();
    if mode & 0o077 != 0 {
        let message = "others than its owner may read this file, which holds secrets; chmod 600 it";
        tell(Line::warning("rcb.env").with("file", path.display().to_string()).with("message", message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_and_labels_are_read() {
        let mount = read_volume("/srv/repo:/repo:ro").expect("a volume");
        assert_eq!((mount.source, mount.is_read_only), (MountSource::HostPath("/srv/repo".into()), true));
        assert_eq!(read_volume("cache:/cache").expect("a volume").source, MountSource::Volume("cache".to_owned()));
        for wrong in ["/srv/repo", "x:y", ":/a", "a:/b:rw", ""] {
            assert!(read_volume(wrong).is_err(), "{wrong}");
        }
        assert_eq!(read_label(" a.b = true ").expect("a label"), ("a.b".to_owned(), "true".to_owned()));
        assert!(read_label("a.b").is_err() && read_label("=true").is_err());
    }
}
