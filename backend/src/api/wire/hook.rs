//! Commands around a capture. They may hold passwords, so they go in and never come out.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::short_duration;
use crate::domain::plan as domain;

/// Commands around a capture, without the commands.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct Hooks {
    /// Before it.
    pub pre: Vec<Hook>,
    /// After it, whatever happened.
    pub post: Vec<Hook>,
}

impl From<&domain::Hooks> for Hooks {
    fn from(hooks: &domain::Hooks) -> Self {
        Self { pre: hooks.pre.iter().map(Into::into).collect(), post: hooks.post.iter().map(Into::into).collect() }
    }
}

/// One command, without its text.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Hook {
    /// The container that it runs in; null means the target's own.
    #[schema(required = true)]
    pub container: Option<String>,
    /// How long it may take, such as `5m`; null means no limit.
    #[schema(required = true)]
    pub timeout: Option<String>,
}

impl From<&domain::Hook> for Hook {
    fn from(hook: &domain::Hook) -> Self {
        Self { container: hook.container.clone(), timeout: hook.timeout.map(short_duration) }
    }
}

/// Commands around a capture, as they are written down.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HooksSpec {
    /// Before it.
    #[serde(default)]
    pub pre: Vec<HookSpec>,
    /// After it, whatever happened.
    #[serde(default)]
    pub post: Vec<HookSpec>,
}

/// One command, as it is written down.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"command": "touch /data/.backup", "container": "blog-web-1", "timeout": "5m"}))]
pub struct HookSpec {
    /// A line for `/bin/sh -c`. It is never shown again.
    #[schema(value_type = String, write_only)]
    pub command: SecretString,
    /// The container that it runs in, by name; the target's own when left out.
    #[serde(default)]
    pub container: Option<String>,
    /// How long it may take, such as `5m`; no limit when left out.
    #[serde(default)]
    pub timeout: Option<String>,
}
