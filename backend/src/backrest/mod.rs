//! Labels become plans of Backrest.
//!
//! Labels of containers are read (`labels`), each workload becomes a [`WantedPlan`], which is written in the JSON of a
//! [`Format`] (`render`), joined with the file (`merge`) and applied (`apply`). What a label may say is in `labels`; to
//! add one, give it a key there. Nothing here decides when that happens: the engine does.

mod plan;

pub use plan::{
    DEFAULT_DOCKER_ROOT, Format, Keep, Note, NoteLevel, RenderedPlan, Settings, Skipped, WantedPlan, WantedSchedule,
};
