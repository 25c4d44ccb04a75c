//! The port, played: each call is written down, has its faults, then its effect.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use tokio::sync::mpsc;

use super::calls::Call;
use super::state::State;
use super::{ADDRESS, ScriptedEngine};
use crate::docker::{
    ByteStream, ContainerDetail, ContainerEngine, ContainerSpec, EngineError, EngineEvent, EngineInfo, EngineVolume,
    Exec, ExecSpec, ExecState, ImageDetail, OutputStream, RegistryAuth, TarStream, VolumeSpec, check_image,
    check_reference,
};
use crate::domain::stack::{Container, ContainerState};

#[async_trait]
impl ContainerEngine for ScriptedEngine {
    async fn info(&self) -> Result<EngineInfo, EngineError> {
        let info = EngineInfo {
            version: "20.10.24".to_owned(),
            api_version: "1.41".to_owned(),
            platform: "linux/amd64".to_owned(),
            host_name: "scripted".to_owned(),
            address: ADDRESS.to_owned(),
        };
        self.play(Call::Info, |_| Ok(info)).await
    }

    async fn list_containers(&self) -> Result<Vec<Container>, EngineError> {
        let list = |state: &mut State| {
            let mut list: Vec<_> = state.containers.values().map(|detail| detail.container.clone()).collect();
            list.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(list)
        };
        self.play(Call::ListContainers, list).await
    }

    async fn inspect_container(&self, id: &str) -> Result<ContainerDetail, EngineError> {
        check_reference(id)?;
        self.play(Call::Inspect(id.to_owned()), |state| state.get(id)).await
    }

    async fn list_volumes(&self) -> Result<Vec<EngineVolume>, EngineError> {
        self.play(Call::ListVolumes, |state| Ok(state.volumes.values().cloned().collect())).await
    }

    async fn list_networks(&self) -> Result<Vec<String>, EngineError> {
        self.play(Call::ListNetworks, |state| {
            let details = state.containers.values().flat_map(|detail| detail.networks.iter().cloned());
            let names: std::collections::BTreeSet<String> = details.collect();
            Ok(names.into_iter().collect())
        })
        .await
    }

    async fn stop_container(&self, id: &str, timeout: Option<Duration>) -> Result<(), EngineError> {
        check_reference(id)?;
        let call = Call::Stop(id.to_owned(), timeout);
        self.play(call, |state| state.bring(id, ContainerState::is_up, ContainerState::Exited)).await
    }

    async fn start_container(&self, id: &str) -> Result<(), EngineError> {
        check_reference(id)?;
        let call = Call::Start(id.to_owned());
        self.play(call, |state| state.bring(id, |now| !now.is_up(), ContainerState::Running)).await
    }

    async fn pause_container(&self, id: &str) -> Result<(), EngineError> {
        check_reference(id)?;
        let pause = |state: &mut State| {
            if !state.get(id)?.is_up() {
                return Err(Self::rejection("the container is not running"));
            }
            state.bring(id, |now| now == ContainerState::Running, ContainerState::Paused)
        };
        self.play(Call::Pause(id.to_owned()), pause).await
    }

    async fn unpause_container(&self, id: &str) -> Result<(), EngineError> {
        check_reference(id)?;
        let call = Call::Unpause(id.to_owned());
        self.play(call, |state| state.bring(id, |now| now == ContainerState::Paused, ContainerState::Running)).await
    }

    async fn stream_path(&self, container: &str, path: &Path) -> Result<TarStream, EngineError> {
        check_reference(container)?;
        let find = |state: &mut State| state.path_of(container, path);
        let pieces = self.play(Call::StreamPath(container.to_owned(), path.to_owned()), find).await?;
        Ok(stream::iter(pieces.into_iter().map(Ok)).boxed())
    }

    async fn exec(&self, container: &str, spec: &ExecSpec) -> Result<Exec, EngineError> {
        self.run(container, spec, Vec::new()).await
    }

    async fn exec_with_input(&self, container: &str, spec: &ExecSpec, input: ByteStream) -> Result<Exec, EngineError> {
        let (input, broken) = read_all(input).await;
        let exec = self.run(container, spec, input).await?;
        let Some(error) = broken else { return Ok(exec) };
        let error = Self::rejection(&format!("its input broke off: {error}"));
        Ok(Exec { output: stream::iter([Err(error)]).boxed(), ..exec })
    }

    async fn exec_state(&self, exec: &str) -> Result<ExecState, EngineError> {
        check_reference(exec)?;
        self.play(Call::ExecState(exec.to_owned()), |state| state.work.exec_state(exec)).await
    }

    async fn create_container(&self, spec: &ContainerSpec) -> Result<String, EngineError> {
        check_reference(&spec.name)?;
        check_image(&spec.image)?;
        self.play(Call::Create(spec.name.clone()), |state| state.create(spec)).await
    }

    async fn container_output(&self, id: &str) -> Result<OutputStream, EngineError> {
        check_reference(id)?;
        let (pieces, is_live) = self.play(Call::Output(id.to_owned()), |state| state.output_of(id)).await?;
        let printed = stream::iter(pieces.into_iter().map(Ok));
        if !is_live {
            return Ok(printed.boxed());
        }
        let ended = self.clone().ended(id.to_owned());
        Ok(printed.chain(stream::pending().take_until(ended)).boxed())
    }

    async fn wait_container(&self, id: &str) -> Result<i64, EngineError> {
        check_reference(id)?;
        self.play(Call::Wait(id.to_owned()), |state| state.end_by_itself(id)).await?;
        self.clone().ended(id.to_owned()).await;
        let detail = self.state().get(id)?;
        Ok(detail.exit_code.unwrap_or_default())
    }

    async fn remove_container(&self, id: &str) -> Result<(), EngineError> {
        check_reference(id)?;
        self.play(Call::Remove(id.to_owned()), |state| {
            state.remove(id);
            Ok(())
        })
        .await
    }

    async fn put_archive(&self, container: &str, path: &Path, tar: ByteStream) -> Result<(), EngineError> {
        check_reference(container)?;
        let (bytes, broken) = read_all(tar).await;
        let put = |state: &mut State| {
            let id = state.get(container)?.container.id;
            if let Some(error) = broken {
                return Err(Self::rejection(&format!("the archive broke off: {error}")));
            }
            state.work.unpacked.push((id, path.to_owned(), bytes));
            Ok(())
        };
        self.play(Call::PutArchive(container.to_owned(), path.to_owned()), put).await
    }

    async fn inspect_image(&self, reference: &str) -> Result<ImageDetail, EngineError> {
        check_image(reference)?;
        self.play(Call::InspectImage(reference.to_owned()), |state| state.work.image(reference)).await
    }

    async fn pull_image(
        &self,
        reference: &str,
        _: Option<&RegistryAuth>,
        progress: &(dyn Fn(String) + Send + Sync),
    ) -> Result<(), EngineError> {
        check_image(reference)?;
        self.play(Call::Pull(reference.to_owned()), |state| state.work.pull(reference)).await?;
        progress(format!("Status: Downloaded newer image for {reference}"));
        Ok(())
    }

    async fn create_volume(&self, spec: &VolumeSpec) -> Result<(), EngineError> {
        check_reference(&spec.name)?;
        self.play(Call::CreateVolume(spec.name.clone()), |state| {
            state.create_volume(spec);
            Ok(())
        })
        .await
    }

    async fn remove_volume(&self, name: &str) -> Result<(), EngineError> {
        check_reference(name)?;
        self.play(Call::RemoveVolume(name.to_owned()), |state| {
            state.volumes.remove(name);
            Ok(())
        })
        .await
    }

    fn events(&self) -> BoxStream<'static, EngineEvent> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut state = self.state();
        // The receiver is right here: this cannot fail.
        sender.send(state.greeting()).ok();
        state.listeners.push(sender);
        let told = stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
        told.chain(stream::pending()).boxed()
    }
}

impl ScriptedEngine {
    async fn run(&self, container: &str, spec: &ExecSpec, input: Vec<u8>) -> Result<Exec, EngineError> {
        check_reference(container)?;
        let call = Call::Exec(container.to_owned(), spec.command.clone());
        let begin = |state: &mut State| state.begin(container, spec, input);
        let (id, pieces) = self.play(call, begin).await?;
        Ok(Exec { id, output: stream::iter(pieces.into_iter().map(Ok)).boxed() })
    }

    /// Waits until a container does not run, or is gone.
    async fn ended(self, id: String) {
        let mut events = self.events();
        while self.state_of(&id).is_some_and(ContainerState::is_up) {
            if events.next().await.is_none() {
                return;
            }
        }
    }
}

/// Everything that a stream yields before its end or its first error, and that error.
async fn read_all(mut bytes: ByteStream) -> (Vec<u8>, Option<std::io::Error>) {
    let mut all = Vec::new();
    while let Some(piece) = bytes.next().await {
        match piece {
            Ok(piece) => all.extend_from_slice(&piece),
            Err(error) => return (all, Some(error)),
        }
    }
    (all, None)
}
