//! Instances as they are written down through the API. What is secret goes in and never comes out.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::{BackendKind, HooksSpec, MissedRun, PlanTargetSpec, PullPolicy, Quiesce};

/// An instance as it is written down. A replacement is whole: what is left out gets its default, but secrets that are
/// left out stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "id": "nas", "backend": "restic", "repository": "sftp:backup@nas:/srv/restic", "schedule": "0 2 * * *",
    "timezone": "Europe/Berlin", "retention": "7d:4w:6m", "env": {"RESTIC_PASSWORD": "correct horse"},
    "targets": [{"kind": "volume", "name": "blog_uploads"}, {"kind": "db", "name": "blog-db-1"}]
}))]
pub struct InstanceSpec {
    /// Its id; a replacement may leave it out and cannot change it.
    #[serde(default)]
    #[schema(example = "nas")]
    pub id: Option<String>,
    /// The code behind it; told by `repository` and `custom_image` when left out.
    #[serde(default)]
    pub backend: Option<BackendKind>,
    /// The address of a restic repository, as restic takes it. One that is sent as it was shown keeps its password.
    #[serde(default)]
    pub repository: Option<String>,
    /// An image that gets the staged data and does the rest.
    #[serde(default)]
    pub custom_image: Option<String>,
    /// When that image is pulled; `always` when left out.
    #[serde(default)]
    pub pull: Option<PullPolicy>,
    /// Who one is to its private registry. A replacement without it keeps it; null removes it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<CredentialsSpec>, write_only)]
    pub credentials: Option<Option<CredentialsSpec>>,
    /// How long a run of it may take, such as `2h`; no limit when left out.
    #[serde(default)]
    pub timeout: Option<String>,
    /// Bytes of memory that its container may have; no limit when left out.
    #[serde(default)]
    #[schema(minimum = 6291456)]
    pub memory_bytes: Option<u64>,
    /// Processors that its container may use; no limit when left out.
    #[serde(default)]
    pub cpus: Option<f64>,
    /// How the restic repository is checked.
    #[serde(default)]
    pub check: Option<CheckSpec>,
    /// Whether retention also covers snapshots that Marina made.
    #[serde(default)]
    pub adopt_old_snapshots: bool,
    /// How long one restic command may take, such as `60m`; only standing still ends it when left out.
    #[serde(default)]
    pub restic_timeout: Option<String>,
    /// When its own plan runs: five cron fields, `@daily` and the like; only on demand when left out.
    #[serde(default)]
    pub schedule: Option<String>,
    /// The IANA zone of its schedule and of its retention's days; the global one when left out.
    #[serde(default)]
    pub timezone: Option<String>,
    /// What it keeps, such as `7d:4w:6m` or `last=7,daily=7,within=90d`; that when left out.
    #[serde(default)]
    pub retention: Option<String>,
    /// What becomes of missed runs; `skip` when left out.
    #[serde(default)]
    pub missed_run: Option<MissedRun>,
    /// Whether containers that write to a volume are brought to rest; the global setting when left out.
    #[serde(default)]
    pub stop_attached: Option<bool>,
    /// How they are brought to rest; the global setting when left out.
    #[serde(default)]
    pub quiesce: Option<Quiesce>,
    /// Whether it runs by the clock; true when left out.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// What restic or the image gets as its environment. A replacement without it keeps all; a key with null keeps its
    /// value; a key that is missing is removed. Values are never shown again.
    #[serde(default)]
    #[schema(value_type = Option<BTreeMap<String, Option<String>>>, write_only)]
    pub env: Option<BTreeMap<String, Option<SecretString>>>,
    /// Commands around every run of its own plan; a replacement without them keeps them.
    #[serde(default)]
    pub hooks: Option<HooksSpec>,
    /// Patterns of what is left out of every target, as restic takes them.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Tags for every snapshot.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What its own plan captures, besides what labels say.
    #[serde(default)]
    pub targets: Vec<PlanTargetSpec>,
}

/// Who one is to a private registry.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CredentialsSpec {
    /// The user.
    pub username: String,
    /// The password or token.
    #[schema(value_type = String, format = Password)]
    pub password: SecretString,
}

/// How a restic repository is checked, as it is written down.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"schedule": "0 5 * * sun", "subset": "5%"}))]
pub struct CheckSpec {
    /// When; only on demand when left out.
    #[serde(default)]
    pub schedule: Option<String>,
    /// Which part of the data is read: `5%`, `1/20` or `500M`; none when left out.
    #[serde(default)]
    pub subset: Option<String>,
}

/// Tells a field that is null from one that is missing.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}
