//! What the whole dashboard listens to.

use crate::domain::ids::JobId;
use crate::domain::job::{Job, Progress};
use crate::domain::names::StackName;

use super::hub::Hub;

/// Something that a client may want to redraw for.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A job changed.
    Job(Box<Job>),
    /// A job came further.
    Progress {
        /// Which job.
        job: JobId,
        /// How far it is.
        progress: Progress,
    },
    /// A stack changed.
    Stack {
        /// Which stack.
        name: StackName,
    },
    /// A Docker Engine came or went.
    Engine {
        /// Whether it can be reached.
        is_reachable: bool,
    },
}

/// The hub of events.
pub type EventHub = Hub<Event>;

/// How many events a client may miss before it has to fetch everything again.
pub const EVENTS_KEPT: usize = 1024;
