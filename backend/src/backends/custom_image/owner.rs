//! Names and labels of what is made on the engine, by which it is found again.

use std::collections::BTreeMap;

use crate::domain::ids::JobId;
use crate::domain::names::InstanceId;

/// Every container and volume that is made for an image.
pub(super) const MADE_FOR_IMAGE: &str = "mainstay.custom-image";
/// For which instance.
pub(super) const INSTANCE: &str = "mainstay.instance";
/// By which installation: several may share an engine.
pub(super) const NODE: &str = "mainstay.node";
/// By which job.
const JOB: &str = "mainstay.job";
/// The beginning of every name.
const PREFIX: &str = "mainstay-custom-";
/// Bytes of an instance's id that a name has room for, beside the prefix and the job's id.
const INSTANCE_BYTES: usize = 64;

/// Who makes it.
pub(super) struct Owner {
    pub(super) instance: InstanceId,
    pub(super) node_name: String,
}

impl Owner {
    /// The name of what a job makes. The job's id alone makes it unlike any other.
    pub(super) fn name(&self, job: &JobId) -> String {
        let instance = self.instance.as_str();
        let instance = &instance[..instance.len().min(INSTANCE_BYTES)];
        format!("{PREFIX}{instance}-{job}")
    }

    pub(super) fn labels(&self, job: &JobId) -> BTreeMap<String, String> {
        let pairs = [
            (MADE_FOR_IMAGE, "1"),
            (INSTANCE, self.instance.as_str()),
            (NODE, self.node_name.as_str()),
            (JOB, job.as_str()),
        ];
        pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
    }

    /// Whether something with these labels was made for this instance, by whomever.
    pub(super) fn is_of_instance(&self, labels: &BTreeMap<String, String>) -> bool {
        labels.contains_key(MADE_FOR_IMAGE) && labels.get(INSTANCE).is_some_and(|id| id == self.instance.as_str())
    }

    /// Whether something with these labels was made for this instance by this installation.
    pub(super) fn made(&self, labels: &BTreeMap<String, String>) -> bool {
        self.is_of_instance(labels) && labels.get(NODE).is_some_and(|name| *name == self.node_name)
    }
}
