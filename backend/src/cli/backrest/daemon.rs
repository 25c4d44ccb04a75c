//! `mainstay daemon`

use std::time::Duration;

use clap::{ArgAction, Args};

use super::plans::PlansArgs;
use super::{Outcome, failed};
use crate::app::sidecar;
use crate::domain::duration::parse_duration;

#[derive(Debug, Args)]
pub(in crate::cli) struct DaemonArgs {
    #[command(flatten)]
    plans: PlansArgs,
    /// The pause between two looks
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_duration)]
    interval: Duration,
    /// Look also when Docker tells that something changed
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    with_events: bool,
}

pub(in crate::cli) async fn run(args: DaemonArgs) -> Outcome {
    let print = args.plans.common.printer();
    match sidecar::daemon(args.plans.options(), args.interval, args.with_events, &print).await {
        Ok(()) => Outcome::Done,
        Err(error) => failed(&print, "daemon.failed", &error),
    }
}
