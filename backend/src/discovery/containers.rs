//! Compose projects, as the labels of containers tell of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::domain::dependency::{Dependency, parse_label};
use crate::domain::names::StackName;
use crate::domain::stack::{Container, ContainerState, StackState, labels};

/// The containers of one Compose project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Project {
    /// Its containers, one-off ones included.
    pub containers: Vec<Container>,
    /// The directories it was started from, as the host calls them; more than one when different stacks share a name.
    pub working_dirs: BTreeSet<PathBuf>,
    /// The compose files it was started with, as the host calls them, in their order.
    pub config_files: Vec<PathBuf>,
}

/// Sorts containers by project; those of no project are left out. The second value says which projects have a name
/// that cannot be used.
#[must_use]
pub fn group_by_project(containers: &[Container]) -> (BTreeMap<StackName, Project>, Vec<String>) {
    let mut projects: BTreeMap<StackName, Project> = BTreeMap::new();
    let mut warnings = BTreeSet::new();
    for container in containers {
        let Some(text) = container.labels.get(labels::PROJECT).filter(|text| !text.is_empty()) else { continue };
        match text.parse::<StackName>() {
            Ok(name) => add(projects.entry(name).or_default(), container),
            Err(error) => {
                let shown: String = text.chars().take(64).flat_map(char::escape_default).collect();
                warnings.insert(format!("the containers of the project '{shown}' are left out: {error}"));
            }
        }
    }
    (projects, warnings.into_iter().collect())
}

fn add(project: &mut Project, container: &Container) {
    project.containers.push(container.clone());
    let directory = container.labels.get(labels::WORKING_DIR).map(PathBuf::from).filter(|dir| dir.is_absolute());
    for file in find_config_files(container, directory.as_deref()) {
        if !project.config_files.contains(&file) {
            project.config_files.push(file);
        }
    }
    project.working_dirs.extend(directory);
}

/// Compose 1 writes the files as they were typed, relative to the working directory; Compose 2 absolute.
fn find_config_files(container: &Container, directory: Option<&Path>) -> Vec<PathBuf> {
    let list = container.labels.get(labels::CONFIG_FILES).map(String::as_str).unwrap_or_default();
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != "-");
    let absolute = names.map(|name| directory.map_or_else(|| name.into(), |directory| directory.join(name)));
    absolute.filter(|path| path.is_absolute()).collect()
}

/// What a container's label says its service depends on; `None` without the label, which Compose 1 does not set.
#[must_use]
pub fn find_depends_on(container: &Container) -> Option<Vec<Dependency>> {
    container.labels.get(labels::DEPENDS_ON).map(|label| parse_label(label))
}

/// The name of the service that a container belongs to; its own name when the label is missing.
#[must_use]
pub fn service_of(container: &Container) -> &str {
    container.labels.get(labels::SERVICE).filter(|name| !name.is_empty()).unwrap_or(&container.name)
}

/// Judges a stack by its containers; those of `compose run` do not count.
#[must_use]
pub fn judge_state<'a>(containers: impl IntoIterator<Item = &'a Container>) -> StackState {
    let (mut up, mut down, mut unknown) = (0_usize, 0_usize, 0_usize);
    for container in containers.into_iter().filter(|container| !container.is_oneoff) {
        match container.state {
            ContainerState::Unknown => unknown += 1,
            state if state.is_up() => up += 1,
            _ => down += 1,
        }
    }
    match (up, down, unknown) {
        (0, 0, 1..) => StackState::Unknown,
        (0, _, _) => StackState::Stopped,
        (_, 0, 0) => StackState::Running,
        _ => StackState::Partial,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::scripted::running_container;

    fn container(labels: &[(&str, &str)]) -> Container {
        let mut container = running_container("a1", "blog-db-1").container;
        container.labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        container
    }

    #[test]
    fn files_of_both_compose_generations() {
        let dir = (labels::WORKING_DIR, "/srv/shop");
        for (files, expected) in [
            ("docker-compose.yml", vec!["/srv/shop/docker-compose.yml"]),
            ("/srv/shop/compose.yaml,/etc/prod.yaml", vec!["/srv/shop/compose.yaml", "/etc/prod.yaml"]),
            ("-", vec![]),
            ("", vec![]),
        ] {
            let all = [container(&[(labels::PROJECT, "shop"), dir, (labels::CONFIG_FILES, files)])];
            let (projects, warnings) = group_by_project(&all);
            let project = projects.values().next().expect("one project");
            assert_eq!(project.config_files, expected.into_iter().map(PathBuf::from).collect::<Vec<_>>(), "{files}");
            assert!(warnings.is_empty());
        }
    }

    #[test]
    fn names_that_are_none_are_said_and_left_out() {
        let all = ["../x", "ok", ""].map(|name| container(&[(labels::PROJECT, name)]));
        let (projects, warnings) = group_by_project(&all);
        assert_eq!(projects.keys().map(StackName::as_str).collect::<Vec<_>>(), ["ok"]);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
    }

    #[test]
    fn an_empty_label_says_that_there_are_no_dependencies() {
        let found = |pairs: &[(&str, &str)]| find_depends_on(&container(pairs)).map(|needs| needs.len());
        assert_eq!(found(&[(labels::DEPENDS_ON, "db:service_healthy:true,cache")]), Some(2));
        assert_eq!((found(&[(labels::DEPENDS_ON, "")]), found(&[])), (Some(0), None));
    }

    #[test]
    fn the_state_of_a_stack() {
        use ContainerState::{Created, Exited, Paused, Restarting, Running, Unknown};
        for (states, expected) in [
            (&[][..], StackState::Stopped),
            (&[Running, Paused, Restarting], StackState::Running),
            (&[Running, Exited], StackState::Partial),
            (&[Created, Exited], StackState::Stopped),
            (&[Unknown], StackState::Unknown),
            (&[Unknown, Running], StackState::Partial),
        ] {
            let mut all: Vec<Container> =
                states.iter().map(|state| Container { state: *state, ..container(&[]) }).collect();
            all.push(Container { is_oneoff: true, ..container(&[]) });
            assert_eq!(judge_state(&all), expected, "{states:?}");
        }
    }
}
