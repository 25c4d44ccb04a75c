//! Who rests while data changes places: every container that writes to it, and every one that would go on to see the old.
//!
//! A container sees what was there when it was started, by whatever name that goes now. So those that only read rest too,
//! and a pause does not do: what a paused container sees afterwards is the old data.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::job::Quiesce;
use crate::domain::names::StackName;
use crate::domain::stack::{Container, ContainerState, Mount};
use crate::engine::JobEngine;
use crate::engine::plan_run::{Group, Mounted, Scene, choose_in, name_of, stack_of_one};
use crate::engine::rest::Party;
use crate::engine::steps::Stop;
use crate::store::HoldAction;

/// Who rests, and why that may not do.
#[derive(Debug, Default)]
pub(super) struct Resting {
    pub(super) parties: Vec<Party>,
    /// What is locked meanwhile.
    pub(super) names: BTreeSet<StackName>,
    /// Containers that use the data and cannot be stopped.
    pub(super) problems: Vec<String>,
}

impl Resting {
    /// What would be stopped, in the order of the stop.
    pub(super) fn describe_stops(&self) -> Vec<String> {
        let held = self.parties.iter().flat_map(|party| party.choice.held.iter().rev());
        let word = |held: &crate::store::HeldContainer| match held.action {
            HoldAction::Stop => format!("stop container {} within {} s", held.name, held.stop_timeout_secs),
            HoldAction::Pause => format!("pause container {}", held.name),
        };
        held.map(word).collect()
    }
}

/// Decides who rests for `places`: all of the stack `whole`, and whoever else uses one of them.
pub(super) async fn choose(
    engine: &JobEngine,
    scene: &Scene,
    places: &[Mounted],
    whole: Option<&StackName>,
) -> Result<Resting, Stop> {
    let mut groups: BTreeMap<StackName, Group> = BTreeMap::new();
    if let Some(stack) = whole.and_then(|name| scene.view.find_stack(name)) {
        groups.insert(stack.name.clone(), Group { stack: stack.clone(), only: None, mode: Quiesce::Stop });
    }
    let own = scene.own.as_ref().map(|own| own.container.id.as_str());
    let users = scene.containers.iter().filter(|c| c.state.is_up() && own != Some(c.id.as_str()) && uses(c, places));
    let mut resting = Resting::default();
    for container in users.clone() {
        join(&mut groups, scene, container)?;
    }
    resting.names = groups.keys().cloned().chain(whole.cloned()).collect();
    for (name, group) in groups {
        resting.parties.push(choose_in(engine, scene, Some(Quiesce::Stop), name, group).await?);
    }
    resting.problems = users.filter_map(|container| find_problem(container, &resting.parties)).collect();
    Ok(resting)
}

fn join(groups: &mut BTreeMap<StackName, Group>, scene: &Scene, container: &Container) -> Result<(), Stop> {
    let name = name_of(scene, container)?;
    let group = groups.entry(name.clone()).or_insert_with(|| Group {
        stack: scene.find_stack_of(&container.id).cloned().unwrap_or_else(|| stack_of_one(&name, container)),
        only: Some(BTreeSet::new()),
        mode: Quiesce::Stop,
    });
    if let Some(only) = &mut group.only {
        only.insert(container.id.clone());
    }
    Ok(())
}

/// Why a container that uses the data is not going to let go of it.
fn find_problem(container: &Container, parties: &[Party]) -> Option<String> {
    let name = &container.name;
    if container.state == ContainerState::Paused {
        return Some(format!("container {name} uses the data and is paused; unpause or stop it first"));
    }
    let left = parties.iter().flat_map(|party| &party.choice.left).find(|left| left.id == container.id);
    if let Some(left) = left {
        let why = left.reason;
        return Some(format!("container {name} uses the data and would not be stopped, because {why}; stop it first"));
    }
    let held = parties.iter().flat_map(|party| &party.choice.held).find(|held| held.id == container.id);
    let is_paused = held.is_some_and(|held| held.action == HoldAction::Pause);
    is_paused.then(|| {
        format!("container {name} uses the data and cannot be stopped, because another one shares its network; stop both first")
    })
}

fn uses(container: &Container, places: &[Mounted]) -> bool {
    container.mounts.iter().any(|mount| places.iter().any(|place| clings(place, mount)))
}

/// Whether a mount writes to the place, or goes on to show what was there.
fn clings(place: &Mounted, mount: &Mount) -> bool {
    if !place.overlaps(mount) {
        return false;
    }
    let is_volume = matches!(place, Mounted::Volume(name, _) if mount.volume.as_deref() == Some(name.as_str()));
    // What shows only a directory above sees the names change.
    mount.is_writable || is_volume || place.host_path().is_some_and(|path| mount.source.starts_with(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::stack::MountKind;

    #[test]
    fn whoever_writes_or_would_see_the_old_rests() {
        let place = Mounted::Path("/srv/app".into());
        for (source, is_writable, expected) in [
            ("/srv/app", true, true),
            ("/srv/app", false, true),
            ("/srv/app/data", false, true),
            ("/srv", true, true),
            ("/", false, false),
            ("/srv/other", true, false),
        ] {
            let mount = Mount {
                kind: MountKind::Bind,
                volume: None,
                source: source.into(),
                destination: "/x".into(),
                is_writable,
            };
            assert_eq!(clings(&place, &mount), expected, "{source} {is_writable}");
        }
        let volume = Mounted::Volume("db".into(), None);
        let mount = Mount {
            kind: MountKind::Volume,
            volume: Some("db".into()),
            source: "/var/lib/docker/volumes/db/_data".into(),
            destination: "/x".into(),
            is_writable: false,
        };
        assert!(clings(&volume, &mount));
    }
}
