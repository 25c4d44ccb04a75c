//! Who is brought to rest for what: the containers that may write to a piece, or all of a stack, grouped into parties.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::docker::EngineError;
use crate::domain::job::{Quiesce, TargetKind};
use crate::domain::log::Level;
use crate::domain::names::StackName;
use crate::domain::stack::{Container, Service, Stack, StackSource, StackState};

use super::super::JobEngine;
use super::super::logbook::JobLog;
use super::super::quiesce::{NOT_ATTACHED, Question, choose};
use super::super::rest::{Details, Party};
use super::Stop;
use super::piece::{Piece, Rest};
use super::resolve::Resolved;
use super::scene::Scene;

/// What a container without a stack is called where it would be taken for a stack.
const ALONE: &str = "container";

/// The parties of a run.
#[derive(Debug, Default)]
pub(super) struct Parties {
    pub(super) all: Vec<Party>,
    /// Which of them rest for a piece.
    rests_for: HashMap<(TargetKind, String), BTreeSet<StackName>>,
}

/// Containers that are brought to rest together, before it is decided how.
pub(in crate::engine) struct Group {
    pub(in crate::engine) stack: Stack,
    /// The only ones; absent means all.
    pub(in crate::engine) only: Option<BTreeSet<String>>,
    pub(in crate::engine) mode: Quiesce,
}

impl Parties {
    /// Decides who is brought to rest.
    pub(super) async fn choose(engine: &JobEngine, scene: &Scene, resolved: &Resolved) -> Result<Self, Stop> {
        let mut parties = Self::default();
        let mut groups: BTreeMap<StackName, Group> = BTreeMap::new();
        for piece in &resolved.pieces {
            let names = join_groups(&mut groups, scene, resolved, piece)?;
            parties.rests_for.insert((piece.kind, piece.name.clone()), names);
        }
        for (name, group) in groups {
            parties.all.push(choose_in(engine, scene, resolved.requested, name, group).await?);
        }
        Ok(parties)
    }

    /// The parties that rest for a piece.
    pub(super) fn of(&self, piece: &Piece) -> impl Iterator<Item = &Party> {
        let names = self.rests_for.get(&(piece.kind, piece.name.clone()));
        self.all.iter().filter(move |party| names.is_some_and(|names| names.contains(&party.name)))
    }

    /// Writes down who is brought to rest, who is not, and why.
    pub(super) fn tell(&self, log: &JobLog) {
        for party in &self.all {
            for note in &party.choice.notes {
                log.write(Level::Warning, note.clone());
            }
            for left in party.choice.left.iter().filter(|left| left.reason != NOT_ATTACHED) {
                let level = if left.is_meant { Level::Info } else { Level::Warning };
                log.write(level, format!("container {} keeps running: {}", left.name, left.reason));
            }
            for line in party.choice.describe() {
                log.write(Level::Info, format!("{}: {line}", party.name));
            }
        }
    }
}

/// What is locked while a run brings something to rest: every stack, or container outside of all, that the pieces
/// concern or that something is done in.
pub(super) fn names_concerned(scene: &Scene, resolved: &Resolved) -> Result<BTreeSet<StackName>, Stop> {
    let mut groups = BTreeMap::new();
    for piece in &resolved.pieces {
        join_groups(&mut groups, scene, resolved, piece)?;
    }
    let mut names: BTreeSet<StackName> = groups.into_keys().collect();
    for database in &resolved.databases {
        names.insert(name_of(scene, &database.container)?);
    }
    Ok(names)
}

/// Adds the containers that are brought to rest for a piece; returns the groups that they are in.
fn join_groups(
    groups: &mut BTreeMap<StackName, Group>,
    scene: &Scene,
    resolved: &Resolved,
    piece: &Piece,
) -> Result<BTreeSet<StackName>, Stop> {
    let mut names = BTreeSet::new();
    match &piece.rest {
        Rest::Nobody => {}
        Rest::Stack(name) => {
            if let Some(stack) = scene.view.find_stack(name) {
                let mode = mode_of(resolved, stack, false);
                groups.insert(stack.name.clone(), Group { stack: stack.clone(), only: None, mode });
                names.insert(stack.name.clone());
            }
        }
        Rest::Writers { is_wished } => {
            for container in piece.mounted.iter().flat_map(|mounted| scene.writers_of(mounted)) {
                let name = name_of(scene, container)?;
                let make = || match scene.find_stack_of(&container.id) {
                    Some(stack) => Group {
                        stack: stack.clone(),
                        only: Some(BTreeSet::new()),
                        mode: mode_of(resolved, stack, *is_wished),
                    },
                    None => Group {
                        stack: stack_of_one(&name, container),
                        only: Some(BTreeSet::new()),
                        mode: resolved.mode(),
                    },
                };
                let group = groups.entry(name.clone()).or_insert_with(make);
                if let Some(only) = &mut group.only {
                    only.insert(container.id.clone());
                }
                names.insert(name);
            }
        }
    }
    Ok(names)
}

/// The request goes before the stack, the stack before the plan. That a target itself wishes its writers to rest goes
/// before the list of stacks that are captured without a stop.
fn mode_of(resolved: &Resolved, stack: &Stack, is_wished: bool) -> Quiesce {
    let of_the_stack = if stack.skip_stop && !is_wished { Some(Quiesce::None) } else { stack.quiesce };
    resolved.requested.or(of_the_stack).unwrap_or(resolved.plan.quiesce)
}

/// What stop journal and locks know a container by: its stack, or itself.
pub(in crate::engine) fn name_of(scene: &Scene, container: &Container) -> Result<StackName, Stop> {
    if let Some(stack) = scene.find_stack_of(&container.id) {
        return Ok(stack.name.clone());
    }
    let is_taken = scene.view.stacks.iter().any(|stack| stack.name.as_str() == container.name);
    let name = if is_taken { format!("{}.{ALONE}", container.name) } else { container.name.clone() };
    name.parse().map_err(|e| Stop::because("a container has a name that cannot be recorded", &e))
}

/// One container alone, for work that needs it at rest whatever its labels say.
pub(in crate::engine) async fn party_of(engine: &JobEngine, id: &str, mode: Quiesce) -> Result<Party, Stop> {
    let scene = Scene::look(engine).await?;
    let container = scene.containers.iter().find(|container| container.id == id);
    let container = container.ok_or_else(|| Stop::failed(format!("container {id} is not there any more")))?;
    let name = name_of(&scene, container)?;
    let stack = scene.find_stack_of(id).cloned().unwrap_or_else(|| stack_of_one(&name, container));
    let group = Group { stack, only: Some(BTreeSet::from([id.to_owned()])), mode };
    choose_in(engine, &scene, Some(mode), name, group).await
}

/// A container that is in no stack, as if it were one.
pub(in crate::engine) fn stack_of_one(name: &StackName, container: &Container) -> Stack {
    let service = Service {
        name: container.name.clone(),
        image: None,
        depends_on: Vec::new(),
        containers: vec![container.clone()],
    };
    Stack {
        name: name.clone(),
        host: String::new(),
        state: StackState::Unknown,
        source: StackSource::Labels,
        directory: None,
        directory_name: None,
        compose_files: Vec::new(),
        services: vec![service],
        volumes: Vec::new(),
        binds: Vec::new(),
        skip_stop: false,
        quiesce: None,
        warnings: Vec::new(),
    }
}

pub(in crate::engine) async fn choose_in(
    engine: &JobEngine,
    scene: &Scene,
    requested: Option<Quiesce>,
    name: StackName,
    group: Group,
) -> Result<Party, Stop> {
    let Group { stack, only, mode } = group;
    let details = inspect(engine, &stack).await?;
    let ours: BTreeSet<&str> = stack.containers().map(|(_, container)| container.id.as_str()).collect();
    let strangers: Vec<Container> =
        scene.containers.iter().filter(|container| !ours.contains(container.id.as_str())).cloned().collect();
    let choice = choose(&Question {
        stack: &stack,
        details: &details,
        requested,
        otherwise: mode,
        stop_timeout: engine.0.settings.stop_timeout,
        own: scene.own.as_ref(),
        address: scene.view.engine.info.as_ref().map(|info| info.address.as_str()),
        strangers: &strangers,
        only: only.as_ref(),
    });
    Ok(Party { name, choice, details, mode, watch: None })
}

/// Everything the engine knows of the stack's containers. One that vanishes meanwhile is no longer one of them.
async fn inspect(engine: &JobEngine, stack: &Stack) -> Result<Details, Stop> {
    let mut details = Details::new();
    for (_, container) in stack.containers() {
        match engine.0.parts.docker.inspect_container(&container.id).await {
            Ok(detail) => {
                details.insert(container.id.clone(), detail);
            }
            Err(EngineError::NotFound { .. }) => {}
            Err(error) => return Err(Stop::because("a container could not be inspected", &error)),
        }
    }
    Ok(details)
}
