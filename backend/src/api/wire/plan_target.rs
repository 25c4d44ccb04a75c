//! What instances and plans capture.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Hooks, HooksSpec, path_text, wire_enum};
use crate::domain::plan as domain;

wire_enum!(
    /// Where something was written down. What comes from `config` or `label` is read-only here.
    Origin from domain::Origin { Config => "config", Label => "label", Api => "api" }
);

wire_enum!(
    /// A kind of database.
    DatabaseKind from domain::DatabaseKind {
        Postgres => "postgres", Mysql => "mysql", Mariadb => "mariadb", Mongo => "mongo", Redis => "redis",
    }
);

/// What a target names. `db`: a database, by the name of its container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PlanTargetKind {
    /// `volume`.
    Volume,
    /// `db`.
    Db,
    /// `stack`.
    Stack,
    /// `path`.
    Path,
}

impl PlanTargetKind {
    /// Kind and name of what a target names.
    #[must_use]
    pub fn of(what: &domain::What) -> (Self, String) {
        match what {
            domain::What::Volume(name) => (Self::Volume, name.clone()),
            domain::What::Database(name) => (Self::Db, name.clone()),
            domain::What::Stack(name) => (Self::Stack, name.to_string()),
            domain::What::Path(path) => (Self::Path, path_text(path)),
        }
    }
}

/// One thing that is captured.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "kind": "volume", "name": "blog_uploads", "origin": "label", "paths": ["images"], "stop_attached": true,
    "db_kind": null, "exclude": ["*.tmp"], "tags": ["blog"], "has_pre_hook": false, "has_post_hook": false,
    "hooks": {"pre": [], "post": []}, "has_dump_args": false
}))]
pub struct PlanTarget {
    /// What it is.
    pub kind: PlanTargetKind,
    /// A volume's, container's or stack's name, or an absolute path.
    pub name: String,
    /// Where it was written down.
    pub origin: Origin,
    /// Parts of it, relative; empty means all of it.
    pub paths: Vec<String>,
    /// Whether containers that write to it are brought to rest; null means as the plan says.
    #[schema(required = true)]
    pub stop_attached: Option<bool>,
    /// Which database it is; null means that the image tells.
    #[schema(required = true)]
    pub db_kind: Option<DatabaseKind>,
    /// Patterns of what is left out.
    pub exclude: Vec<String>,
    /// Tags for the snapshot.
    pub tags: Vec<String>,
    /// Whether a command runs before its capture.
    pub has_pre_hook: bool,
    /// Whether a command runs afterwards.
    pub has_post_hook: bool,
    /// Those commands, without their text.
    pub hooks: Hooks,
    /// Whether the dump tool gets further arguments.
    pub has_dump_args: bool,
}

impl From<&domain::Target> for PlanTarget {
    fn from(target: &domain::Target) -> Self {
        let (kind, name) = PlanTargetKind::of(&target.what);
        Self {
            kind,
            name,
            origin: target.origin.into(),
            paths: target.paths.iter().map(|path| path_text(path)).collect(),
            stop_attached: target.stop_attached,
            db_kind: target.database.map(Into::into),
            exclude: target.excludes.clone(),
            tags: target.tags.clone(),
            has_pre_hook: !target.hooks.pre.is_empty(),
            has_post_hook: !target.hooks.post.is_empty(),
            hooks: (&target.hooks).into(),
            has_dump_args: !target.dump_args.is_empty(),
        }
    }
}

/// One thing to capture, as it is written down.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "volume", "name": "blog_uploads", "paths": ["images"], "stop_attached": true}))]
pub struct PlanTargetSpec {
    /// What it is.
    pub kind: PlanTargetKind,
    /// A volume's, container's or stack's name, or an absolute path.
    pub name: String,
    /// Parts of a volume or path, relative; all of it when left out.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Whether containers that write to it are brought to rest; as the plan says when left out.
    #[serde(default)]
    pub stop_attached: Option<bool>,
    /// Which database it is; the image tells when left out.
    #[serde(default)]
    pub db_kind: Option<DatabaseKind>,
    /// Patterns of what is left out, as restic takes them.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Tags for the snapshot.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Commands around its capture; those of the former target of this kind and name stay when left out.
    #[serde(default)]
    pub hooks: Option<HooksSpec>,
    /// Further arguments of the dump tool; those of the former target stay when left out. They are never shown again.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>, write_only)]
    pub dump_args: Option<Vec<SecretString>>,
}
