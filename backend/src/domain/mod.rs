//! The vocabulary of Mainstay and its pure rules.
//!
//! Nothing here reads a file, asks for the time, waits, or knows of HTTP, SQL or Docker: a rule that
//! needs one of these takes it as a value. To add a word, give it a file of its own and use the term of
//! the glossary in `ARCHITECTURE.md`; do not add a second word for a thing that has one.

pub mod access;
pub mod clock;
pub mod dependency;
pub mod drill;
pub mod duration;
pub mod entry;
pub mod exclusions;
pub mod hint;
pub mod ids;
pub mod job;
mod json_path;
pub mod keep;
pub mod labels;
pub mod log;
pub mod name_pattern;
pub mod names;
pub mod order;
pub mod path_map;
pub mod plan;
pub mod repository;
pub mod restore;
pub mod retention;
pub mod schedule;
pub mod secrets;
pub mod share;
pub mod size;
pub mod snapshot;
pub mod stack;
pub mod strategy;
pub mod target_rules;
pub mod wishes;
