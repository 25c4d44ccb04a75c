//! A plan in the JSON of a format. To add a format, give it a file here.

use super::plan::{Format, RenderedPlan, WantedPlan};

mod hooks;
mod native;
mod script;
pub use script::{COMMAND_LIMIT, STOP_LIMIT};
mod sidecar;
#[cfg(test)]
mod tests;

/// Writes a plan as a format has it. The same plan always becomes the same JSON.
#[must_use]
pub fn render(plan: &WantedPlan, format: Format) -> RenderedPlan {
    let (value, own_retention) = match format {
        Format::Native => native::plan(plan),
        Format::Sidecar => (sidecar::plan(plan), None),
    };
    RenderedPlan { id: plan.id.clone(), aliases: plan.aliases.clone(), value, own_retention }
}
