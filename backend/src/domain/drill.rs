//! Drills: a snapshot is brought back where it harms nobody, and looked at.

use super::schedule::Schedule;

/// How drills are made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DrillSettings {
    /// When; absent means only on demand.
    pub schedule: Option<Schedule>,
    /// What every database that was brought back is asked, in its own language; absent means how many databases or keys
    /// it has. An answer that is empty or 0 is a failure.
    pub query: Option<String>,
    /// What is run over the files that were brought back.
    pub command: Option<DrillCommand>,
    /// Bytes of memory that a container of a drill may have; absent means no limit.
    pub memory_bytes: Option<u64>,
    /// Processors that it may use, in thousandths; absent means no limit.
    pub milli_cpus: Option<u32>,
}

/// A command that is run in a throw-away container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrillCommand {
    /// The image, which must be there.
    pub image: String,
    /// The program and its arguments; empty means what the image runs by itself. It sees the files below `/restored`.
    pub words: Vec<String>,
}
