//! Labels become plans of Backrest.
//!
//! Labels of containers are read (`labels`), each workload becomes a [`WantedPlan`] ([`wanted()`]), which is written in the
//! JSON of a [`Format`] ([`render()`]), joined with the [`document`] ([`merge`]) and applied ([`apply`]). What a label may
//! say is in `labels`; to add one, give it a key there. Nothing here decides when that happens: the engine does.

pub mod apply;
mod cron;
pub mod document;
#[cfg(test)]
mod golden_tests;
mod ids;
mod keep_flags;
mod labels;
pub mod line;
pub mod merge;
mod notes;
mod places;
mod plan;
pub mod rcb;
mod render;
#[cfg(test)]
mod sound_tests;
#[cfg(test)]
mod testing;
mod wanted;
mod workload;

pub use cron::check as check_cron;
pub use keep_flags::keep_flags;
pub use plan::{
    DEFAULT_DOCKER_ROOT, Format, Keep, Note, NoteLevel, RenderedPlan, Settings, Skipped, WantedPlan, WantedSchedule,
};
pub use render::{COMMAND_LIMIT, STOP_LIMIT, render};
pub use wanted::wanted;
