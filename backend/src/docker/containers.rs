//! Containers of our own: made, followed, filled and removed.

use std::path::Path;
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::{
    ContainerCreateBody, HostConfig, HostConfigLogConfig, Mount, MountType, MountVolumeOptions, NetworkConnectRequest,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, LogsOptionsBuilder, RemoveContainerOptionsBuilder, UploadToContainerOptionsBuilder,
    WaitContainerOptions,
};
use futures_util::StreamExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::watch;

use super::failure::{Asked, Failure, classify};
use super::link::{EngineLink, Repeat, timed_out};
use super::{
    ByteStream, ContainerSpec, EngineError, MountSource, OutputStream, SpecMount, check_image, check_reference, exec,
};

/// Deadline of making a container: its image may have to be unpacked.
const CREATE_LIMIT: Duration = Duration::from_secs(120);
/// Deadline of removing one: a process that does not end takes the engine some 15 s.
const REMOVE_LIMIT: Duration = Duration::from_secs(60);
/// Processors are given in billionths.
const NANOS_PER_MILLI_CPU: i64 = 1_000_000;
/// What the engine keeps of an image's output, so that an image that prints without end fills no disk.
const KEPT_OUTPUT: [(&str, &str); 2] = [("max-size", "64m"), ("max-file", "2")];

/// Makes a container.
pub(super) async fn create(link: &EngineLink, spec: &ContainerSpec) -> Result<String, EngineError> {
    check_reference(&spec.name)?;
    check_image(&spec.image)?;
    let asked = Asked {
        action: format!("make container '{}'", spec.name),
        // The name is not there yet: a "not found" is about what it is made of.
        what: format!("image '{}'", spec.image),
    };
    let body = body_of(spec, &asked)?;
    let options = CreateContainerOptionsBuilder::default().name(&spec.name).build();
    let request = link.ask_again(&asked, CREATE_LIMIT, Repeat::IfNotSent, |client| {
        let (options, body) = (options.clone(), body.clone());
        async move { client.create_container(Some(options), body).await }
    });
    let id = request.await?.id;
    // The engine of some years ago takes one network with the request; the others are joined before the start.
    for network in spec.networks.iter().skip(1) {
        if let Err(error) = connect(link, &id, network).await {
            // Best effort: whoever asked for it learns of the failure, and its name tells it apart.
            remove(link, &id).await.ok();
            return Err(error);
        }
    }
    Ok(id)
}

async fn connect(link: &EngineLink, id: &str, network: &str) -> Result<(), EngineError> {
    let asked = Asked {
        action: format!("connect container '{id}' with network '{network}'"),
        what: format!("network '{network}'"),
    };
    let body = NetworkConnectRequest { container: id.to_owned(), ..NetworkConnectRequest::default() };
    let request = link.ask_again(&asked, CREATE_LIMIT, Repeat::IfNotSent, |client| {
        let body = body.clone();
        async move { client.connect_network(network, body).await }
    });
    Ok(request.await?)
}

fn body_of(spec: &ContainerSpec, asked: &Asked) -> Result<ContainerCreateBody, EngineError> {
    spec.networks.iter().try_for_each(|network| check_reference(network))?;
    let mounts = spec.mounts.iter().map(|mount| mount_of(mount, asked)).collect::<Result<_, _>>()?;
    // A log of its own, whatever the engine's default: one that cannot be read back would hide what an image says.
    let log_config = HostConfigLogConfig {
        typ: Some("json-file".to_owned()),
        config: Some(KEPT_OUTPUT.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()),
    };
    Ok(ContainerCreateBody {
        image: Some(spec.image.clone()),
        cmd: Some(spec.command.clone()),
        env: Some(env_of(&spec.env, asked)?),
        labels: Some(spec.labels.clone().into_iter().collect()),
        host_config: Some(HostConfig {
            mounts: Some(mounts),
            network_mode: spec.networks.first().cloned(),
            memory: spec.memory_bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
            nano_cpus: spec.milli_cpus.map(|milli| i64::from(milli) * NANOS_PER_MILLI_CPU),
            log_config: Some(log_config),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    })
}

/// As `NAME=value`. A name that the engine would refuse is refused here: it would repeat the value.
pub(super) fn env_of(env: &[(String, SecretString)], asked: &Asked) -> Result<Vec<String>, EngineError> {
    let pair = |(name, value): &(String, SecretString)| {
        if name.is_empty() || name.contains(['=', '\0']) || value.expose_secret().contains('\0') {
            let message = format!("'{}' cannot be a variable", name.escape_default());
            return Err(EngineError::Rejected { action: asked.action.clone(), message });
        }
        Ok(format!("{name}={}", value.expose_secret()))
    };
    env.iter().map(pair).collect()
}

/// A bind that is given this way must be there: the short form would make an empty directory of a typing mistake.
fn mount_of(mount: &SpecMount, asked: &Asked) -> Result<Mount, EngineError> {
    let (typ, source) = match &mount.source {
        MountSource::HostPath(path) => (MountType::BIND, text_of(path, asked)?),
        MountSource::Volume(name) => {
            check_reference(name)?;
            (MountType::VOLUME, name.clone())
        }
    };
    // What the image has at that path stays out of the volume, as it does with a bind.
    let without_copy = MountVolumeOptions { no_copy: Some(true), ..MountVolumeOptions::default() };
    let volume_options = (typ == MountType::VOLUME).then_some(without_copy);
    Ok(Mount {
        typ: Some(typ),
        source: Some(source),
        target: Some(text_of(&mount.destination, asked)?),
        read_only: Some(mount.is_read_only),
        volume_options,
        ..Mount::default()
    })
}

fn text_of(path: &Path, asked: &Asked) -> Result<String, EngineError> {
    let text = path.to_str().filter(|_| path.is_absolute());
    text.map(str::to_owned).ok_or_else(|| EngineError::Rejected {
        action: asked.action.clone(),
        message: format!("the path '{}' is not absolute, or not UTF-8", path.display()),
    })
}

/// What a container prints. A container that was not started yet has printed nothing, and is not waited for.
pub(super) fn output(link: &EngineLink, id: &str) -> Result<OutputStream, EngineError> {
    check_reference(id)?;
    let asked = Asked::of_container("read the output of", id);
    let options = LogsOptionsBuilder::default().follow(true).stdout(true).stderr(true).build();
    let client = link.client(&asked)?;
    let name = id.to_owned();
    // The stream borrows neither the client nor the name: both live inside it.
    let output = client.logs(&name, Some(options)).boxed();
    Ok(exec::pieces(output, link.address().to_owned(), asked))
}

/// Waits for a container's end. When the connection breaks meanwhile, `None`: its state has to tell.
pub(super) async fn wait(link: &EngineLink, id: &str) -> Result<Option<i64>, EngineError> {
    check_reference(id)?;
    let asked = Asked::of_container("wait for", id);
    let client = link.client(&asked)?;
    let answer = client.wait_container(id, None::<WaitContainerOptions>).next().await;
    match answer {
        Some(Ok(told)) => Ok(Some(told.status_code)),
        Some(Err(Error::DockerContainerWaitError { code, .. })) => Ok(Some(code)),
        Some(Err(error)) => match classify(link.address(), &asked, error) {
            failure if failure.is_reply_lost => Ok(None),
            failure => Err(failure.error),
        },
        None => Ok(None),
    }
}

/// Ends and removes a container.
pub(super) async fn remove(link: &EngineLink, id: &str) -> Result<(), EngineError> {
    check_reference(id)?;
    let asked = Asked::of_container("remove", id);
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    let request = link.ask_again(&asked, REMOVE_LIMIT, Repeat::Always, |client| {
        let options = options.clone();
        async move { client.remove_container(id, Some(options)).await }
    });
    gone(request.await)
}

/// What is gone already, or on its way, was removed.
pub(super) fn gone(answer: Result<(), Failure>) -> Result<(), EngineError> {
    match answer.map_err(EngineError::from) {
        Err(EngineError::NotFound { .. }) => Ok(()),
        Err(EngineError::Rejected { message, .. }) if message.contains("is already in progress") => Ok(()),
        other => other,
    }
}

/// Unpacks a tar. It may take as long as it takes, as long as the engine accepts another piece within `stall`.
pub(super) async fn put_archive(
    link: &EngineLink,
    container: &str,
    path: &Path,
    tar: ByteStream,
    stall: Duration,
) -> Result<(), EngineError> {
    check_reference(container)?;
    let asked = Asked::of_container(&format!("unpack into '{}' of", path.display()), container);
    let options = UploadToContainerOptionsBuilder::default().path(&text_of(path, &asked)?).build();
    let client = link.client(&asked)?;
    let (moved, mut moves) = watch::channel(());
    let counted = tar.inspect(move |_| {
        moved.send(()).ok();
    });
    let request = client.upload_to_container(container, Some(options), bollard::body_try_stream(counted));
    let mut request = std::pin::pin!(request);
    let mut is_sent = false;
    loop {
        tokio::select! {
            answer = &mut request => {
                return answer.map_err(|error| classify(link.address(), &asked, error).error);
            }
            change = moves.changed(), if !is_sent => is_sent = change.is_err(),
            () = tokio::time::sleep(stall) => return Err(timed_out(&asked, stall).error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Asked {
        Asked::general("make a container")
    }

    #[test]
    fn a_variable_that_the_engine_would_refuse_is_refused_without_its_value() {
        for name in ["", "A=B", "A\0"] {
            let error = env_of(&[(name.to_owned(), "hunter2".into())], &asked()).expect_err(name);
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        let pairs = env_of(&[("A".to_owned(), "b=c".into())], &asked()).expect("a variable");
        assert_eq!(pairs, ["A=b=c"]);
    }

    #[test]
    fn limits_and_mounts_become_what_the_engine_counts_in() {
        let spec = ContainerSpec {
            name: "c".to_owned(),
            image: "i".to_owned(),
            mounts: vec![SpecMount {
                source: MountSource::HostPath("/srv".into()),
                destination: "/backup".into(),
                is_read_only: true,
            }],
            memory_bytes: Some(64 << 20),
            milli_cpus: Some(1_500),
            ..ContainerSpec::default()
        };
        let host = body_of(&spec, &asked()).expect("a body").host_config.expect("a host");
        assert_eq!((host.memory, host.nano_cpus), (Some(64 << 20), Some(1_500_000_000)));
        let mounts = host.mounts.expect("mounts");
        assert_eq!((mounts[0].typ, mounts[0].read_only), (Some(MountType::BIND), Some(true)));
    }

    #[test]
    fn a_mount_of_a_relative_path_or_an_odd_volume_is_refused() {
        let sources = [MountSource::HostPath("srv".into()), MountSource::Volume("../x".to_owned())];
        for source in sources {
            let mount = SpecMount { source, destination: "/backup".into(), is_read_only: false };
            assert!(mount_of(&mount, &asked()).is_err(), "{mount:?}");
        }
    }
}
