//! What commands and images do on a scripted engine.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bytes::Bytes;
use secrecy::{ExposeSecret as _, SecretString};

use super::state::State;
use super::{ScriptedEngine, running_container};
use crate::docker::{
    ContainerSpec, EngineError, EngineVolume, ExecSpec, ExecState, ImageDetail, OutputPiece, VolumeSpec,
};
use crate::domain::stack::{Container, ContainerState};

/// What a shell returns for a program that is not there.
const MISSING_TOOL: i64 = 127;

/// What a command or the process of an image does.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// What it prints, at once.
    pub output: Vec<OutputPiece>,
    /// Its exit code.
    pub exit_code: i64,
    /// Whether it never ends by itself: a command then counts as running after its output ended, and a container runs
    /// until it is stopped.
    pub is_endless: bool,
}

impl Program {
    /// Prints a text on its standard output and succeeds.
    #[must_use]
    pub fn printing(text: &str) -> Self {
        Self::default().out(text)
    }

    /// Prints a text on its standard error and fails.
    #[must_use]
    pub fn failing(exit_code: i64, text: &str) -> Self {
        Self { exit_code, ..Self::default().err(text) }
    }

    /// Never ends by itself.
    #[must_use]
    pub fn endless() -> Self {
        Self { is_endless: true, ..Self::default() }
    }

    /// The same, with a further piece on its standard output.
    #[must_use]
    pub fn out(mut self, text: &str) -> Self {
        self.output.push(OutputPiece::Out(Bytes::copy_from_slice(text.as_bytes())));
        self
    }

    /// The same, with a further piece on its standard error.
    #[must_use]
    pub fn err(mut self, text: &str) -> Self {
        self.output.push(OutputPiece::Err(Bytes::copy_from_slice(text.as_bytes())));
        self
    }
}

/// A command that was run.
#[derive(Debug, Clone)]
pub struct RanCommand {
    /// In which container, by id.
    pub container: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Its variables.
    pub env: Vec<(String, SecretString)>,
    /// The user that was asked for.
    pub user: Option<String>,
    /// What it was fed.
    pub input: Vec<u8>,
}

struct ScriptedCommand {
    container: String,
    words: String,
    program: Program,
}

#[derive(Default)]
pub(super) struct Work {
    pub(super) unpacked: Vec<(String, PathBuf, Vec<u8>)>,
    commands: Vec<ScriptedCommand>,
    ran: Vec<RanCommand>,
    states: Vec<ExecState>,
    specs: Vec<ContainerSpec>,
    images: BTreeMap<String, ImageDetail>,
    pullable: BTreeMap<String, ImageDetail>,
    programs: BTreeMap<String, Program>,
    /// What containers of an image do whose command holds some words.
    image_commands: Vec<(String, String, Program)>,
}

/// What commands and images do.
impl ScriptedEngine {
    /// Says what commands do in the container with this id: all whose words and variables' values, joined by blanks, hold
    /// `words`. Of several that fit the last one scripted counts.
    pub fn add_command(&self, container: &str, words: &str, program: Program) {
        let (container, words) = (container.to_owned(), words.to_owned());
        self.state().work.commands.push(ScriptedCommand { container, words, program });
    }

    /// Every command that was run, in order.
    #[must_use]
    pub fn commands(&self) -> Vec<RanCommand> {
        self.state().work.ran.clone()
    }

    /// Gives the engine an image, and says what containers of it do.
    pub fn add_image(&self, reference: &str, program: Program) {
        let mut state = self.state();
        state.work.images.insert(reference.to_owned(), image_called(reference));
        state.work.programs.insert(reference.to_owned(), program);
    }

    /// Says what containers of an image do whose command, joined by blanks, holds `words`. Of several that fit the last one
    /// scripted counts.
    pub fn add_image_command(&self, reference: &str, words: &str, program: Program) {
        self.state().work.image_commands.push((reference.to_owned(), words.to_owned(), program));
    }

    /// Gives the registry an image, and says what containers of it do.
    pub fn add_pullable(&self, reference: &str, program: Program) {
        let mut state = self.state();
        state.work.pullable.insert(reference.to_owned(), image_called(reference));
        state.work.programs.insert(reference.to_owned(), program);
    }

    /// What containers were made of, in order; removed ones stay in the list.
    #[must_use]
    pub fn made(&self) -> Vec<ContainerSpec> {
        self.state().work.specs.clone()
    }

    /// What was unpacked: the container's id, the directory and the tar.
    #[must_use]
    pub fn unpacked(&self) -> Vec<(String, PathBuf, Vec<u8>)> {
        self.state().work.unpacked.clone()
    }

    /// Names of the volumes that there are.
    #[must_use]
    pub fn volume_names(&self) -> Vec<String> {
        self.state().volumes.keys().cloned().collect()
    }
}

fn image_called(reference: &str) -> ImageDetail {
    let id = format!("sha256:{:064x}", reference.len());
    ImageDetail { id, repo_digests: Vec::new(), entrypoint: Vec::new() }
}

fn not_found(what: &str, name: &str) -> EngineError {
    EngineError::NotFound { what: format!("{what} '{name}'") }
}

impl Work {
    pub(super) fn image(&self, reference: &str) -> Result<ImageDetail, EngineError> {
        self.images.get(reference).cloned().ok_or_else(|| not_found("image", reference))
    }

    pub(super) fn pull(&mut self, reference: &str) -> Result<(), EngineError> {
        let Some(image) = self.pullable.get(reference) else {
            return Err(ScriptedEngine::rejection(&format!("manifest for {reference} not found: manifest unknown")));
        };
        self.images.insert(reference.to_owned(), image.clone());
        Ok(())
    }

    pub(super) fn exec_state(&self, id: &str) -> Result<ExecState, EngineError> {
        let place = id.strip_prefix("exec-").and_then(|number| number.parse::<usize>().ok());
        place.and_then(|place| self.states.get(place).copied()).ok_or_else(|| not_found("command", id))
    }

    pub(super) fn exit_code_of(&self, container: &Container) -> i64 {
        self.program_of(container).map_or(0, |program| program.exit_code)
    }

    /// What a container of an image does.
    fn program_of(&self, container: &Container) -> Option<&Program> {
        let spec = self.specs.iter().rev().find(|spec| spec.name == container.name);
        let line = spec.map(|spec| spec.command.join(" ")).unwrap_or_default();
        let fits = |script: &&(String, String, Program)| script.0 == container.image && line.contains(&script.1);
        let scripted = self.image_commands.iter().rev().find(fits).map(|(_, _, program)| program);
        scripted.or_else(|| self.programs.get(&container.image))
    }

    fn program_for(&self, container: &str, spec: &ExecSpec) -> Program {
        let command = &spec.command;
        let values = spec.env.iter().map(|(_, value)| value.expose_secret());
        let line = command.iter().map(String::as_str).chain(values).collect::<Vec<_>>().join(" ");
        let fits = |script: &&ScriptedCommand| script.container == container && line.contains(&script.words);
        let scripted = self.commands.iter().rev().find(fits).map(|script| script.program.clone());
        scripted.unwrap_or_else(|| {
            let program = command.first().map_or("", String::as_str);
            Program::failing(MISSING_TOOL, &format!("sh: {program}: not found\n"))
        })
    }
}

impl State {
    /// Begins a command; its id and what it prints.
    pub(super) fn begin(
        &mut self,
        container: &str,
        spec: &ExecSpec,
        input: Vec<u8>,
    ) -> Result<(String, Vec<OutputPiece>), EngineError> {
        let detail = self.get(container)?;
        if !detail.is_up() {
            return Err(ScriptedEngine::rejection(&format!("Container {container} is not running")));
        }
        let container = detail.container.id;
        let program = self.work.program_for(&container, spec);
        let (command, env, user) = (spec.command.clone(), spec.env.clone(), spec.user.clone());
        self.work.ran.push(RanCommand { container, command, env, user, input });
        let exit_code = (!program.is_endless).then_some(program.exit_code);
        self.work.states.push(ExecState { is_running: program.is_endless, exit_code });
        Ok((format!("exec-{}", self.work.states.len() - 1), program.output))
    }

    pub(super) fn create(&mut self, spec: &ContainerSpec) -> Result<String, EngineError> {
        let image = self.work.image(&spec.image)?;
        if self.find(&spec.name).is_some() {
            return Err(ScriptedEngine::rejection(&format!("the name \"{}\" is already in use", spec.name)));
        }
        self.work.specs.push(spec.clone());
        let id = format!("{:064x}", 0xc000 + self.work.specs.len());
        let mut detail = running_container(&id, &spec.name);
        detail.container.state = ContainerState::Created;
        detail.container.image.clone_from(&spec.image);
        detail.container.labels.clone_from(&spec.labels);
        detail.started_at = None;
        detail.image_id = image.id;
        self.containers.insert(id.clone(), detail);
        Ok(id)
    }

    /// What a container prints; nothing before it was started.
    pub(super) fn output_of(&self, id: &str) -> Result<(Vec<OutputPiece>, bool), EngineError> {
        let detail = self.get(id)?;
        let program = self.work.program_of(&detail.container).cloned().unwrap_or_default();
        let pieces = if detail.started_at.is_some() { program.output } else { Vec::new() };
        Ok((pieces, program.is_endless && detail.is_up()))
    }

    /// Lets a container end, unless only a stop ends it.
    pub(super) fn end_by_itself(&mut self, id: &str) -> Result<(), EngineError> {
        let detail = self.get(id)?;
        let is_endless = self.work.program_of(&detail.container).is_some_and(|program| program.is_endless);
        if detail.is_up() && !is_endless {
            self.change(id, ContainerState::Exited);
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, id: &str) {
        let Ok(detail) = self.get(id) else { return };
        self.change(id, ContainerState::Removing);
        self.containers.remove(&detail.container.id);
    }

    pub(super) fn create_volume(&mut self, spec: &VolumeSpec) {
        let volume = EngineVolume {
            name: spec.name.clone(),
            driver: spec.driver.clone().unwrap_or_else(|| "local".to_owned()),
            mountpoint: format!("/var/lib/docker/volumes/{}/_data", spec.name).into(),
            options: spec.options.clone(),
            labels: spec.labels.clone(),
        };
        self.volumes.entry(spec.name.clone()).or_insert(volume);
    }
}
