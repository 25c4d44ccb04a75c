//! Which directory and which containers are one stack.
//!
//! A directory and a project belong together when they have the same project name, or when the labels of exactly one
//! project say that it was started from the directory (`docker compose -p other up`): a directory shown as stopped
//! while its containers run under another name would be captured without a stop. Two directories of one name are both
//! shown: the one the containers were started from keeps the name, else the one that is called so, else the first; the
//! other goes by its directory's name, with a number added when that is taken.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::compose::{self, Compose, normalise_project_name};
use super::containers::Project;
use super::directories::StackDirectory;
use crate::domain::names::StackName;
use crate::domain::path_map::PathMap;

/// A directory with its name and its containers, before it becomes a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: StackName,
    pub(crate) directory: StackDirectory,
    pub(crate) compose: Compose,
    /// The project the directory defines; absent when another directory has its name.
    pub(crate) project: Option<StackName>,
}

/// A directory that was read, with the projects started from it.
struct Candidate {
    directory: StackDirectory,
    compose: Compose,
    wanted: Option<StackName>,
    claims: Vec<StackName>,
}

/// Gives each directory its name. The second value says which directories have none.
pub(crate) fn name_directories(
    directories: Vec<StackDirectory>,
    projects: &BTreeMap<StackName, Project>,
    path_map: &PathMap,
) -> (Vec<Member>, Vec<String>) {
    let claims = find_claims(projects, path_map);
    let mut warnings = Vec::new();
    let mut candidates: Vec<Candidate> = directories.into_iter().map(|d| read_candidate(d, &claims)).collect();
    adopt_claims(&mut candidates, projects);
    let winners = choose_winners(&candidates);
    let mut taken: BTreeSet<StackName> = projects.keys().chain(winners.keys()).cloned().collect();
    let mut members = Vec::new();
    for (index, candidate) in candidates.into_iter().enumerate() {
        let Candidate { directory, mut compose, wanted, .. } = candidate;
        let Some(wanted) = wanted else {
            let shown = directory.path.display();
            let reason =
                format!("no project name can be made of '{}'; set 'name:' in its compose file", directory.name);
            warnings.push(format!("the directory {shown} is left out: {reason}"));
            continue;
        };
        if winners.get(&wanted) == Some(&index) {
            members.push(Member { name: wanted.clone(), directory, compose, project: Some(wanted) });
            continue;
        }
        let name = find_free_name(&directory.name, &wanted, &taken);
        compose.warnings.push(format!(
            "another directory has the project name '{wanted}' too; \
             this one is listed as '{name}', without containers and volumes"
        ));
        taken.insert(name.clone());
        members.push(Member { name, directory, compose, project: None });
    }
    (members, warnings)
}

/// Which projects were started from which real directory of this process.
fn find_claims(projects: &BTreeMap<StackName, Project>, path_map: &PathMap) -> BTreeMap<PathBuf, Vec<StackName>> {
    let mut claims: BTreeMap<PathBuf, Vec<StackName>> = BTreeMap::new();
    for (name, project) in projects {
        for directory in &project.working_dirs {
            if let Some(real) = path_map.find_local(directory).and_then(|local| local.canonicalize().ok()) {
                claims.entry(real).or_default().push(name.clone());
            }
        }
    }
    claims
}

fn read_candidate(directory: StackDirectory, claims: &BTreeMap<PathBuf, Vec<StackName>>) -> Candidate {
    let compose = compose::read(&directory.path, None);
    let wanted = compose.project.clone().or_else(|| normalise_project_name(&directory.name));
    let real = directory.path.canonicalize().ok();
    let claims = real.and_then(|real| claims.get(&real)).cloned().unwrap_or_default();
    Candidate { directory, compose, wanted: wanted.and_then(|name| name.parse().ok()), claims }
}

/// A directory whose own name no container has takes the name that its containers do have.
fn adopt_claims(candidates: &mut [Candidate], projects: &BTreeMap<StackName, Project>) {
    let named: BTreeSet<StackName> = candidates.iter().filter_map(|c| c.wanted.clone()).collect();
    let mut adopted = BTreeSet::new();
    for candidate in candidates {
        if candidate.wanted.as_ref().is_some_and(|wanted| projects.contains_key(wanted)) {
            continue;
        }
        let free: Vec<&StackName> = candidate.claims.iter().filter(|claim| !named.contains(*claim)).collect();
        match free.as_slice() {
            [] => {}
            [claim] => {
                if adopted.insert((*claim).clone()) {
                    candidate.compose.warnings.push(format!(
                        "its containers run as the project '{claim}', which is not the name that its files give it"
                    ));
                    candidate.wanted = Some((*claim).clone());
                }
            }
            several => {
                let names: Vec<&str> = several.iter().map(|name| name.as_str()).collect();
                candidate.compose.warnings.push(format!(
                    "containers of several projects were started from this directory: {}",
                    names.join(", ")
                ));
            }
        }
    }
}

/// For each name the index of the candidate that has it.
fn choose_winners(candidates: &[Candidate]) -> BTreeMap<StackName, usize> {
    let mut winners: BTreeMap<StackName, usize> = BTreeMap::new();
    let rank = |index: usize, name: &StackName| {
        let candidate = &candidates[index];
        (!candidate.claims.contains(name), candidate.directory.name != name.as_str(), index)
    };
    for (index, candidate) in candidates.iter().enumerate() {
        if let Some(name) = &candidate.wanted {
            let best = winners.entry(name.clone()).or_insert(index);
            if rank(index, name) < rank(*best, name) {
                *best = index;
            }
        }
    }
    winners
}

fn find_free_name(directory: &str, wanted: &StackName, taken: &BTreeSet<StackName>) -> StackName {
    let own: Option<StackName> = directory.parse().ok();
    let start: String = wanted.as_str().chars().take(100).collect();
    let numbered = (2..10_000).filter_map(|n: u32| format!("{start}-{n}").parse().ok());
    own.into_iter().chain(numbered).find(|name| !taken.contains(name)).unwrap_or_else(|| wanted.clone())
}

/// Whether a directory of the host is too general to be the own directory of a stack that was found by labels alone:
/// the root, a directory below it, a home.
pub(crate) fn is_too_general(directory: &Path) -> bool {
    directory.components().count() <= 2 || directory.parent() == Some(Path::new("/home"))
}
