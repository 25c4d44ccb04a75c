//! The container of rcb: what it is told, what it sees.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::env_file::Variables;
use crate::docker::{ContainerSpec, MountSource, SpecMount};
use crate::domain::stack::labels;

/// Where rcb looks for the engine.
const SOCKET: &str = "/tmp/docker.sock";
/// The counts of its retention: documented as `RESTIC_KEEP_…` and read as `KEEP_…` by 0.7.1, the other way by the fork.
const KEEPS: [&str; 4] = ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"];

/// How rcb is run.
#[derive(Debug, Clone)]
pub struct RcbSettings {
    /// Its image.
    pub image: String,
    /// What is run in the image.
    pub command: Vec<String>,
    /// Its variables, of the env file.
    pub env: Variables,
    /// The engine's socket, as the engine's host sees it.
    pub socket: PathBuf,
    /// What else it sees, such as the directory of a local repository.
    pub mounts: Vec<SpecMount>,
    /// Whether bind mounts are left out.
    pub exclude_bind_mounts: bool,
    /// Whether the project is part of the paths in a snapshot.
    pub include_project_name: bool,
    /// How long one run may take in all.
    pub time_limit: Duration,
}

/// Labels of rcb's worker begin so, and end with the project.
#[must_use]
pub const fn worker_label_prefixes() -> [&'static str; 2] {
    ["restic-compose-backup.process-", "stack-back.process-"]
}

impl RcbSettings {
    /// The one-shot of a project, as a container called `name` with further labels, attached to `networks`.
    #[must_use]
    pub fn one_shot(
        &self,
        name: String,
        project: &str,
        labels: BTreeMap<String, String>,
        networks: Vec<String>,
    ) -> ContainerSpec {
        let socket = SpecMount {
            source: MountSource::HostPath(self.socket.clone()),
            destination: SOCKET.into(),
            is_read_only: true,
        };
        let mut labels = labels;
        // Without it rcb takes every container for one of another project.
        labels.insert(labels::PROJECT.to_owned(), project.to_owned());
        ContainerSpec {
            name,
            image: self.image.clone(),
            command: self.command.clone(),
            env: self.variables(),
            labels,
            mounts: [socket].into_iter().chain(self.mounts.clone()).collect(),
            networks,
            ..ContainerSpec::default()
        }
    }

    /// A container in which a command of restic runs, with what is read mounted in it.
    #[must_use]
    pub fn restic(
        &self,
        name: String,
        command: Vec<String>,
        labels: BTreeMap<String, String>,
        mounts: Vec<SpecMount>,
    ) -> ContainerSpec {
        ContainerSpec {
            name,
            image: self.image.clone(),
            command,
            env: self.variables(),
            labels,
            mounts: mounts.into_iter().chain(self.mounts.clone()).collect(),
            ..ContainerSpec::default()
        }
    }

    /// The variables of the env file, with what must be as this adapter needs it.
    fn variables(&self) -> Variables {
        let ours = ["LOG_LEVEL", "DOCKER_HOST", "SWARM_MODE", "EXCLUDE_BIND_MOUNTS", "INCLUDE_PROJECT_NAME"];
        let flags =
            [("EXCLUDE_BIND_MOUNTS", self.exclude_bind_mounts), ("INCLUDE_PROJECT_NAME", self.include_project_name)];
        let mut all: Variables = self.env.iter().filter(|(name, _)| !ours.contains(&name.as_str())).cloned().collect();
        let mut set = |name: String, value: SecretString| {
            all.retain(|(known, _)| *known != name);
            all.push((name, value));
        };
        // Below that level it does not say how its worker ended.
        set("LOG_LEVEL".to_owned(), "info".into());
        set("DOCKER_HOST".to_owned(), format!("unix:/{SOCKET}").into());
        for (name, is_set) in flags {
            set(name.to_owned(), if is_set { "1" } else { "0" }.into());
        }
        for period in KEEPS {
            let names = [format!("RESTIC_KEEP_{period}"), format!("KEEP_{period}")];
            let given = names.iter().find_map(|name| self.env.iter().find(|(known, _)| known == name));
            if let Some((_, count)) = given {
                names.into_iter().for_each(|name| set(name, count.clone()));
            }
        }
        all
    }

    /// Whether the env file sets a variable that is overruled here; the whole host would be backed up in each run.
    #[must_use]
    pub fn overruled(&self) -> BTreeSet<&'static str> {
        let has = |name: &str| self.env.iter().any(|(known, _)| known == name);
        ["SWARM_MODE", "DOCKER_HOST"].into_iter().filter(|name| has(name)).collect()
    }
}

/// The value of a flag in an env file, by rcb's rule of truth.
#[must_use]
pub fn is_set(env: &Variables, name: &str) -> bool {
    use secrecy::ExposeSecret as _;
    env.iter().any(|(known, value)| known == name && matches!(value.expose_secret(), "1" | "true" | "True"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    fn settings(env: &[(&str, &str)]) -> RcbSettings {
        RcbSettings {
            image: "zettaio/restic-compose-backup:0.7.1".to_owned(),
            command: vec!["rcb".to_owned(), "backup".to_owned()],
            env: env.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect(),
            socket: "/run/docker.sock".into(),
            mounts: Vec::new(),
            exclude_bind_mounts: true,
            include_project_name: false,
            time_limit: Duration::from_hours(1),
        }
    }

    #[test]
    fn rcb_is_told_what_it_needs_to_know() {
        let given = [("RESTIC_KEEP_DAILY", "3"), ("KEEP_WEEKLY", "2"), ("LOG_LEVEL", "error"), ("SWARM_MODE", "false")];
        let spec = settings(&given).one_shot("once".to_owned(), "web", BTreeMap::new(), vec!["web_default".to_owned()]);
        let value = |name: &str| {
            let found: Vec<_> = spec.env.iter().filter(|(known, _)| known == name).collect();
            assert!(found.len() <= 1, "{name} once");
            found.first().map(|(_, value)| value.expose_secret().to_owned())
        };
        for (name, expected) in [
            ("KEEP_DAILY", Some("3")),
            ("RESTIC_KEEP_DAILY", Some("3")),
            ("KEEP_WEEKLY", Some("2")),
            ("RESTIC_KEEP_WEEKLY", Some("2")),
            ("KEEP_YEARLY", None),
            ("LOG_LEVEL", Some("info")),
            ("SWARM_MODE", None),
            ("EXCLUDE_BIND_MOUNTS", Some("1")),
            ("INCLUDE_PROJECT_NAME", Some("0")),
            ("DOCKER_HOST", Some("unix://tmp/docker.sock")),
        ] {
            assert_eq!(value(name).as_deref(), expected, "{name}");
        }
        assert_eq!(spec.labels[labels::PROJECT], "web");
        assert_eq!(spec.mounts[0].destination, PathBuf::from(SOCKET));
        assert!(spec.mounts[0].is_read_only);
        assert!(!spec.command.join(" ").contains('='), "nothing of the env file stands in the arguments");
    }
}
