//! What earlier jobs left at rest, before another job stops something.

use std::time::{Duration, Instant};

use crate::domain::names::StackName;

use super::steps::{Cx, Stop};

/// How long a stop that an earlier job left under way is waited for.
const LEFTOVERS_FOR: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl<R> Cx<'_, R> {
    /// What an earlier job left at rest comes back first: what is stopped now would not be brought back by this job.
    pub(super) async fn bring_back_leftovers(self, stack: &StackName) -> Result<(), Stop> {
        let undecided = self.engine.is_undecided(stack).await;
        if undecided.map_err(|e| Stop::because("the stop journal cannot be read, so nothing was touched", &e))? {
            return Err(Stop::failed(format!(
                "a restore of '{stack}' was broken off, and it is not decided yet which data is in place; that is tried \
                 again, and nothing was touched"
            )));
        }
        let deadline = Instant::now() + LEFTOVERS_FOR;
        loop {
            let left = self.engine.replay(Some(stack), false).await;
            let left =
                left.map_err(|e| Stop::because("the stop journal cannot be read, so nothing was touched", &e))?;
            if left.failed.is_empty() && left.open.is_empty() {
                return Ok(());
            }
            if !left.failed.is_empty() || Instant::now() >= deadline {
                let held: Vec<String> =
                    left.failed.iter().chain(&left.open).map(|n| format!("{}: {}", n.name, n.reason)).collect();
                let what = format!(
                    "an earlier job left containers of '{stack}' at rest that are not back, so nothing was touched"
                );
                return Err(Stop::failed(format!("{what}: {}", held.join("; "))));
            }
            tokio::select! {
                () = self.live.cancel.cancelled() => return Err(Stop::Cancelled),
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }
}
