//! From containers to plans.

use super::ids::{Names, assign};
use super::labels::{Key, Labels, Scope, has_any, read_commands, read_keep, read_paths, read_schedule, shown};
use super::notes::Notes;
use super::places::Places;
use super::plan::{Settings, Skipped, WantedPlan};
use super::workload::{Workload, group};
use crate::domain::stack::{Container, Mount};

/// The plans that the labels of containers ask for, sorted by id, and what cannot become one.
///
/// `known_repos` are the repositories that are declared, in the order of the file. `backrest_mounts` are those of
/// Backrest's container, where it is known: without them paths are those of the host, or what the settings make of them.
#[must_use]
pub fn wanted(
    containers: &[Container],
    known_repos: &[String],
    backrest_mounts: Option<&[Mount]>,
    settings: &Settings,
) -> (Vec<WantedPlan>, Vec<Skipped>) {
    let mut skipped = Vec::new();
    let is_asked = |workload: &Workload<'_>| match read_enable(workload) {
        Ok(is_enabled) => is_enabled,
        Err(why) => {
            skipped.push(skip(workload, Vec::new(), why));
            false
        }
    };
    let mut workloads = group(containers);
    workloads.retain(is_asked);
    let names = assign(&workloads, &settings.plan_id_prefix);
    let making = Making { known_repos, places: &Places::new(settings, backrest_mounts), settings };
    let mut plans = Vec::new();
    for (workload, names) in workloads.iter().zip(names) {
        let ids = names.aliases.iter().chain([&names.id]).cloned().collect();
        match making.plan(workload, names) {
            Ok(plan) => plans.push(plan),
            Err(why) => skipped.push(skip(workload, ids, why)),
        }
    }
    plans.sort_by(|a, b| a.id.cmp(&b.id));
    (plans, skipped)
}

fn skip(workload: &Workload<'_>, ids: Vec<String>, why: String) -> Skipped {
    Skipped {
        container: workload.leader.name.clone(),
        project: workload.project.map(str::to_owned),
        service: workload.service.map(str::to_owned),
        ids,
        why,
    }
}

/// Whether a plan is asked for. An error says why labels have no effect.
fn read_enable(workload: &Workload<'_>) -> Result<bool, String> {
    let labels = Labels::collect(&workload.leader.labels, &mut Notes::default());
    let name = Key::Enable.name();
    match labels.flag(Key::Enable) {
        Some(Ok(is_enabled)) => Ok(is_enabled),
        Some(Err(text)) => Err(format!("the label {name} says '{}', which is neither true nor false", shown(text))),
        None if labels.is_empty() && !has_any(&workload.leader.labels) => Ok(false),
        None => Err(format!("its labels have no effect without {name}=true")),
    }
}

/// What the making of plans needs.
struct Making<'a> {
    known_repos: &'a [String],
    places: &'a Places<'a>,
    settings: &'a Settings,
}

impl Making<'_> {
    fn plan(&self, workload: &Workload<'_>, names: Names) -> Result<WantedPlan, String> {
        let mut notes = Notes::default();
        let labels = Labels::collect(&workload.leader.labels, &mut notes);
        workload.doubt_replicas(&mut notes);
        let repo = self.repo(&labels, &mut notes)?;
        let scope = Scope { places: self.places, mounts: workload.mounts(), project: workload.project };
        let paths = read_paths(&labels, &scope, &mut notes)?;
        let schedule = read_schedule(&labels, self.settings, &names.id, &mut notes)?;
        let commands = read_commands(&labels, self.settings, &workload.containers, &mut notes);
        Ok(WantedPlan {
            id: names.id,
            aliases: names.aliases,
            project: workload.project.map(str::to_owned),
            service: workload.service.map(str::to_owned),
            containers: workload.names(),
            repo,
            schedule,
            paths: paths.included,
            excludes: paths.excluded,
            pre: commands.pre,
            post: commands.post,
            quiesce: commands.quiesce,
            keep: read_keep(&labels, self.settings, &mut notes),
            notes: notes.into_vec(),
        })
    }

    /// The repository that a label names, else the default one, else the first that is declared.
    fn repo(&self, labels: &Labels<'_>, notes: &mut Notes) -> Result<String, String> {
        let is_known = |id: &str| self.known_repos.iter().any(|known| known == id);
        if let Some((label, id)) = labels.get(Key::Repo) {
            return if is_known(id) {
                Ok(id.to_owned())
            } else {
                Err(format!("the label {label} names the repository '{}', which is not declared", shown(id)))
            };
        }
        let default = self.settings.default_repo.trim();
        if is_known(default) {
            return Ok(default.to_owned());
        }
        let first = self.known_repos.first().ok_or("no repository is declared")?;
        if !default.is_empty() {
            notes.info(None, format!("the default repository '{}' is not declared; '{first}' is used", shown(default)));
        }
        Ok(first.clone())
    }
}
