//! The flags that `reconcile` and `daemon` have in common.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};
use secrecy::SecretString;

use super::Common;
use crate::app::sidecar::{self, PlansOptions};
use crate::domain::duration::parse_duration;

/// Which of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The file tells itself
    Auto,
    /// Backrest's own
    Native,
    /// The one of backrest-sidecar
    Sidecar,
}

/// What becomes of plans whose workload is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Orphans {
    /// They stay as they are
    Keep,
    /// They stay and run no more by the clock
    Disable,
    /// They go; their snapshots stay
    Delete,
}

/// How plans are made of labels, and where they go.
#[derive(Debug, Args)]
pub(in crate::cli) struct PlansArgs {
    #[command(flatten)]
    pub(super) common: Common,
    /// The configuration of Backrest; BACKREST_CONFIG goes before it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The format of that file
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    format: Format,
    /// Stop Backrest before a changed file is written, and start it after
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    apply: bool,
    /// A command that makes a changed file known, instead of a stop
    #[arg(long, value_name = "COMMAND")]
    reload_cmd: Option<String>,
    /// The address of the running Backrest, such as http://backrest:9898: its API takes the plans, and the file is not touched
    #[arg(long, value_name = "URL", env = "BACKREST_URL", hide_env_values = true)]
    backrest_url: Option<String>,
    /// The user for that address; the password is in BACKREST_PASSWORD, or a token in BACKREST_TOKEN
    #[arg(long, value_name = "NAME", env = "BACKREST_USER")]
    backrest_user: Option<String>,
    /// The container that Backrest runs in
    #[arg(long, value_name = "NAME", default_value = "backrest")]
    backrest_container: String,
    /// How long Backrest may take to come up
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_duration)]
    restart_timeout: Duration,
    /// How long it is waited for Backrest to be idle
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = parse_duration)]
    idle_timeout: Duration,
    /// The data directory of the Docker Engine
    #[arg(long, value_name = "PATH", default_value = "/var/lib/docker")]
    docker_root: PathBuf,
    /// Where Backrest sees the engine's volumes; /var/lib/docker/volumes when absent
    #[arg(long, value_name = "PATH", env = "BACKREST_VOLUME_PREFIX")]
    volume_prefix: Option<PathBuf>,
    /// The repository of plans whose labels name none
    #[arg(long, value_name = "ID", default_value = "default", env = "BACKREST_DEFAULT_REPO")]
    default_repo: String,
    /// The schedule of plans whose labels name none
    #[arg(long, value_name = "CRON", default_value = "0 2 * * *")]
    default_schedule: String,
    /// The retention of plans whose labels name none
    #[arg(long, value_name = "KEEP", default_value = "daily=7,weekly=4", env = "BACKREST_DEFAULT_RETENTION")]
    default_retention: String,
    /// What the ids of our plans begin with
    #[arg(long, value_name = "TEXT", default_value = "backrest_sidecar_", env = "BACKREST_PLAN_ID_PREFIX")]
    plan_id_prefix: String,
    /// Leave bind mounts out where no label names the paths
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    exclude_bind_mounts: bool,
    /// Taken for the sake of backrest-sidecar: ids always have the project, so that no two services share one
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    include_project_name: bool,
    /// Make no hooks of commands in labels: whoever may set a label would be root on the host
    #[arg(long)]
    ignore_label_commands: bool,
    /// What becomes of plans whose workload is gone
    #[arg(long, value_name = "WHAT", default_value = "disable")]
    orphans: Orphans,
    /// Where it is recorded which plans are ours; beside the configuration when absent
    #[arg(long, value_name = "FILE")]
    state_file: Option<PathBuf>,
    /// Write numbers for Prometheus to this file after each round, for node_exporter's textfile collector
    #[arg(long, value_name = "FILE")]
    metrics_file: Option<PathBuf>,
}

impl PlansArgs {
    /// The options that the flags and the environment say.
    pub(super) fn options(&self) -> PlansOptions {
        let secret = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty()).map(SecretString::from);
        let from_env = std::env::var_os("BACKREST_CONFIG").filter(|text| !text.is_empty()).map(PathBuf::from);
        PlansOptions {
            engine: self.common.engine(),
            config: from_env.or_else(|| self.config.clone()),
            format: match self.format {
                Format::Auto => None,
                Format::Native => Some(sidecar::Format::Native),
                Format::Sidecar => Some(sidecar::Format::Sidecar),
            },
            url: self.backrest_url.clone().filter(|url| !url.is_empty()),
            user: self.backrest_user.clone().filter(|user| !user.is_empty()),
            password: secret("BACKREST_PASSWORD"),
            token: secret("BACKREST_TOKEN"),
            container: self.backrest_container.clone(),
            apply: self.apply,
            reload_command: self.reload_cmd.clone(),
            up_within: self.restart_timeout,
            patience: self.idle_timeout,
            settings: self.settings(),
            orphans: match self.orphans {
                Orphans::Keep => sidecar::Orphans::Keep,
                Orphans::Disable => sidecar::Orphans::Disable,
                Orphans::Delete => sidecar::Orphans::Delete,
            },
            state_file: self.state_file.clone(),
            metrics_file: self.metrics_file.clone(),
        }
    }

    fn settings(&self) -> sidecar::Settings {
        sidecar::Settings {
            default_repo: self.default_repo.clone(),
            default_schedule: self.default_schedule.clone(),
            default_retention: self.default_retention.clone(),
            plan_id_prefix: self.plan_id_prefix.clone(),
            exclude_bind_mounts: self.exclude_bind_mounts,
            docker_root: self.docker_root.clone(),
            volume_prefix: self.volume_prefix.clone().filter(|path| !path.as_os_str().is_empty()),
            allow_commands: !self.ignore_label_commands,
            ..sidecar::Settings::default()
        }
    }
}
