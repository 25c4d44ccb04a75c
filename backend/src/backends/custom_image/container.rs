//! The container of an image: its command, its variables, its limits.

use std::collections::BTreeMap;
use std::path::Path;

use secrecy::SecretString;

use super::{DATA, Parts, SCRIPT};
use crate::docker::{ContainerSpec, MountSource, SpecMount};
use crate::domain::ids::JobId;

/// What a run tells its image about itself.
pub(super) struct Occasion<'a> {
    pub(super) job: &'a JobId,
    /// The name of the run's directory within `/backup`.
    pub(super) run: &'a str,
}

/// The container of a run. The image's entry point stays: it gets the script as its argument.
pub(super) fn of_run(parts: &Parts, occasion: &Occasion<'_>, data: MountSource) -> ContainerSpec {
    let mount = SpecMount { source: data, destination: DATA.into(), is_read_only: false };
    ContainerSpec {
        env: variables(parts, occasion).into_iter().collect(),
        mounts: vec![mount],
        memory_bytes: parts.settings.memory_bytes,
        milli_cpus: parts.settings.milli_cpus,
        ..bare(parts, occasion.job)
    }
}

/// A container that is only looked into: nothing is handed to it.
pub(super) fn bare(parts: &Parts, job: &JobId) -> ContainerSpec {
    ContainerSpec {
        name: parts.owner.name(job),
        image: parts.settings.image.clone(),
        command: vec![SCRIPT.to_owned()],
        labels: parts.owner.labels(job),
        ..ContainerSpec::default()
    }
}

/// The variables of the instance; those of ours win over ones of the same name.
fn variables(parts: &Parts, occasion: &Occasion<'_>) -> BTreeMap<String, SecretString> {
    let mut all = parts.env.clone();
    let (instance, node_name) = (parts.owner.instance.as_str(), parts.owner.node_name.as_str());
    let run_dir = Path::new(DATA).join(occasion.run).display().to_string();
    let ours = [
        ("MARINA_INSTANCE_ID", instance),
        ("MARINA_HOSTNAME", node_name),
        ("MAINSTAY_INSTANCE_ID", instance),
        ("MAINSTAY_HOSTNAME", node_name),
        ("MAINSTAY_JOB_ID", occasion.job.as_str()),
        ("MAINSTAY_RUN_DIR", &run_dir),
    ];
    all.extend(ours.map(|(name, value)| (name.to_owned(), value.into())));
    all
}
