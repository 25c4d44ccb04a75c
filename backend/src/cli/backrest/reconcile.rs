//! `mainstay reconcile`

use clap::{ArgAction, Args};

use super::plans::PlansArgs;
use super::{Outcome, failed, output};
use crate::app::sidecar::{self, Reconciled};

#[derive(Debug, Args)]
pub(in crate::cli) struct ReconcileArgs {
    #[command(flatten)]
    plans: PlansArgs,
    /// Print each plan and what it would change, and write nothing
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    dry_run: bool,
}

pub(in crate::cli) async fn run(args: ReconcileArgs) -> Outcome {
    let print = args.plans.common.printer();
    match sidecar::reconcile(args.plans.options(), args.dry_run, &print).await {
        Ok(reconciled) => {
            // Beside the lines, which are for programs.
            reconciled.differences.iter().filter(|_| args.dry_run).for_each(|line| output::note(line));
            outcome_of(&reconciled, args.dry_run)
        }
        // What a round failed of is among its lines.
        Err(error) if error.is::<sidecar::Told>() => Outcome::Partial,
        Err(error) => failed(&print, "reconcile.failed", &error),
    }
}

const fn outcome_of(reconciled: &Reconciled, is_dry_run: bool) -> Outcome {
    if is_dry_run {
        Outcome::Nothing
    } else if reconciled.is_partial {
        Outcome::Partial
    } else if reconciled.is_changed {
        Outcome::Done
    } else {
        Outcome::Nothing
    }
}
