//! What was asked of a scripted engine, and how one request is held up.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

#[cfg(doc)]
use crate::docker::ContainerEngine;

/// A request that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// [`ContainerEngine::info`].
    Info,
    /// [`ContainerEngine::list_containers`].
    ListContainers,
    /// [`ContainerEngine::inspect_container`], with the id as given.
    Inspect(String),
    /// [`ContainerEngine::list_volumes`].
    ListVolumes,
    /// [`ContainerEngine::list_networks`].
    ListNetworks,
    /// [`ContainerEngine::stop_container`], with the id and the timeout as given.
    Stop(String, Option<Duration>),
    /// [`ContainerEngine::start_container`].
    Start(String),
    /// [`ContainerEngine::pause_container`].
    Pause(String),
    /// [`ContainerEngine::unpause_container`].
    Unpause(String),
    /// [`ContainerEngine::stream_path`], with container and path.
    StreamPath(String, PathBuf),
    /// [`ContainerEngine::exec`] or [`ContainerEngine::exec_with_input`], with container and command.
    Exec(String, Vec<String>),
    /// [`ContainerEngine::exec_state`], with the command's id.
    ExecState(String),
    /// [`ContainerEngine::create_container`], with the name.
    Create(String),
    /// [`ContainerEngine::container_output`].
    Output(String),
    /// [`ContainerEngine::wait_container`].
    Wait(String),
    /// [`ContainerEngine::remove_container`].
    Remove(String),
    /// [`ContainerEngine::put_archive`], with container and path.
    PutArchive(String, PathBuf),
    /// [`ContainerEngine::inspect_image`].
    InspectImage(String),
    /// [`ContainerEngine::pull_image`].
    Pull(String),
    /// [`ContainerEngine::create_volume`].
    CreateVolume(String),
    /// [`ContainerEngine::remove_volume`].
    RemoveVolume(String),
}

/// The kind of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallKind {
    /// [`Call::Info`].
    Info,
    /// [`Call::ListContainers`].
    ListContainers,
    /// [`Call::Inspect`].
    Inspect,
    /// [`Call::ListVolumes`].
    ListVolumes,
    /// [`Call::ListNetworks`].
    ListNetworks,
    /// [`Call::Stop`].
    Stop,
    /// [`Call::Start`].
    Start,
    /// [`Call::Pause`].
    Pause,
    /// [`Call::Unpause`].
    Unpause,
    /// [`Call::StreamPath`].
    StreamPath,
    /// [`Call::Exec`].
    Exec,
    /// [`Call::ExecState`].
    ExecState,
    /// [`Call::Create`].
    Create,
    /// [`Call::Output`].
    Output,
    /// [`Call::Wait`].
    Wait,
    /// [`Call::Remove`].
    Remove,
    /// [`Call::PutArchive`].
    PutArchive,
    /// [`Call::InspectImage`].
    InspectImage,
    /// [`Call::Pull`].
    Pull,
    /// [`Call::CreateVolume`].
    CreateVolume,
    /// [`Call::RemoveVolume`].
    RemoveVolume,
}

impl Call {
    /// What kind it is of.
    #[must_use]
    pub const fn kind(&self) -> CallKind {
        match self {
            Self::Info => CallKind::Info,
            Self::ListContainers => CallKind::ListContainers,
            Self::Inspect(_) => CallKind::Inspect,
            Self::ListVolumes => CallKind::ListVolumes,
            Self::ListNetworks => CallKind::ListNetworks,
            Self::Stop(..) => CallKind::Stop,
            Self::Start(_) => CallKind::Start,
            Self::Pause(_) => CallKind::Pause,
            Self::Unpause(_) => CallKind::Unpause,
            Self::StreamPath(..) => CallKind::StreamPath,
            Self::Exec(..) => CallKind::Exec,
            Self::ExecState(_) => CallKind::ExecState,
            Self::Create(_) => CallKind::Create,
            Self::Output(_) => CallKind::Output,
            Self::Wait(_) => CallKind::Wait,
            Self::Remove(_) => CallKind::Remove,
            Self::PutArchive(..) => CallKind::PutArchive,
            Self::InspectImage(_) => CallKind::InspectImage,
            Self::Pull(_) => CallKind::Pull,
            Self::CreateVolume(_) => CallKind::CreateVolume,
            Self::RemoveVolume(_) => CallKind::RemoveVolume,
        }
    }

    /// The container that it is about, as given.
    #[must_use]
    pub fn container(&self) -> Option<&str> {
        match self {
            Self::Info | Self::ListContainers | Self::ListVolumes | Self::ListNetworks | Self::ExecState(_) => None,
            Self::InspectImage(_) | Self::Pull(_) | Self::CreateVolume(_) | Self::RemoveVolume(_) => None,
            Self::Inspect(id) | Self::Stop(id, _) | Self::Start(id) | Self::Exec(id, _) => Some(id),
            Self::Pause(id) | Self::Unpause(id) | Self::StreamPath(id, _) | Self::PutArchive(id, _) => Some(id),
            Self::Create(id) | Self::Output(id) | Self::Wait(id) | Self::Remove(id) => Some(id),
        }
    }

    /// Whether it changes a container's state.
    #[must_use]
    pub const fn is_change(&self) -> bool {
        matches!(self, Self::Stop(..) | Self::Start(_) | Self::Pause(_) | Self::Unpause(_))
    }
}

/// Holds a blocked call. Dropping it lets the call go, so that a failed test does not hang.
#[derive(Debug)]
pub struct Gate(pub(super) Arc<GateState>);

/// Both sides of a gate; each signal waits for its receiver.
#[derive(Debug, Default)]
pub(super) struct GateState {
    pub(super) reached: Notify,
    pub(super) released: Notify,
}

impl Gate {
    /// Waits until the call has been made and stands still, before it had any effect.
    pub async fn reached(&self) {
        self.0.reached.notified().await;
    }

    /// Lets the call go on.
    pub fn release(self) {
        drop(self);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.0.released.notify_one();
    }
}
