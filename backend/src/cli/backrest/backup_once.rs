//! `mainstay backup-once`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{Common, Outcome, failed};
use crate::app::sidecar::{self, OnceOptions};
use crate::domain::duration::parse_duration;

/// The image of rcb that backrest-sidecar runs.
const RCB_IMAGE: &str = "zettaio/restic-compose-backup:0.7.1";
/// An image with a restic of today, for runs without rcb.
const RESTIC_IMAGE: &str = "restic/restic:0.18.1";
/// The labels of both generations of backrest-sidecar.
const QUIESCE_LABELS: [&str; 2] = ["restic-compose-backup.quiesce=true", "backrest.quiesce=true"];

#[derive(Debug, Args)]
pub(in crate::cli) struct BackupOnceArgs {
    #[command(flatten)]
    common: Common,
    /// The image of restic-compose-backup
    #[arg(long, value_name = "IMAGE", default_value = RCB_IMAGE)]
    rcb_image: String,
    /// The program to run in that image
    #[arg(long, value_name = "PROGRAM", default_value = "rcb")]
    rcb_command: String,
    /// Its arguments; once for each
    #[arg(long, value_name = "WORD", default_value = "backup", allow_hyphen_values = true)]
    rcb_arg: Vec<String>,
    /// The file with RESTIC_* and whatever else the image needs, one NAME=value on a line
    #[arg(long, value_name = "FILE")]
    rcb_env_file: Option<PathBuf>,
    /// Mount something more in the image, such as the directory of a local repository: SOURCE:/path[:ro]
    #[arg(long, value_name = "VOLUME")]
    rcb_volume: Vec<String>,
    /// How long one run may take
    #[arg(long, value_name = "TIME", default_value = "12h", value_parser = parse_duration)]
    rcb_timeout: Duration,
    /// Running containers with this label rest meanwhile; both generations' labels when absent
    #[arg(long, value_name = "KEY=VALUE")]
    quiesce_label: Vec<String>,
    /// How long such a container may take to stop; its own setting when absent
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    quiesce_timeout: Option<Duration>,
    /// Leave bind mounts out
    #[arg(long)]
    exclude_bind_mounts: bool,
    /// Put the project into the paths of a snapshot
    #[arg(long)]
    include_project_name: bool,
    /// Do without rcb: one snapshot for each workload, kept as its label backrest.keep says
    #[arg(long)]
    native: bool,
    /// The image with restic for --native
    #[arg(long, value_name = "IMAGE", default_value = RESTIC_IMAGE)]
    restic_image: String,
    /// Make the repository when there certainly is none; for --native
    #[arg(long)]
    init: bool,
    /// What the host is called in native snapshots; the engine's host name when absent
    #[arg(long, value_name = "NAME")]
    host_name: Option<String>,
}

pub(in crate::cli) async fn run(args: BackupOnceArgs) -> Outcome {
    let print = args.common.printer();
    match sidecar::backup_once(options(&args), &print).await {
        Ok(report) if report.is_whole() => Outcome::Done,
        Ok(_) => Outcome::Partial,
        Err(error) => failed(&print, "backup-once.failed", &error),
    }
}

fn options(args: &BackupOnceArgs) -> OnceOptions {
    let labels = if args.quiesce_label.is_empty() {
        QUIESCE_LABELS.map(str::to_owned).to_vec()
    } else {
        args.quiesce_label.clone()
    };
    OnceOptions {
        engine: args.common.engine(),
        image: if args.native { args.restic_image.clone() } else { args.rcb_image.clone() },
        command: [args.rcb_command.clone()].into_iter().chain(args.rcb_arg.clone()).collect(),
        env_file: args.rcb_env_file.clone(),
        volumes: args.rcb_volume.clone(),
        exclude_bind_mounts: args.exclude_bind_mounts,
        include_project_name: args.include_project_name,
        time_limit: args.rcb_timeout,
        is_native: args.native,
        may_init: args.init,
        quiesce_labels: labels,
        quiesce_timeout: args.quiesce_timeout,
        host_name: args.host_name.clone(),
    }
}
