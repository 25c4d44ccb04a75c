//! Mainstay: backups of what a Docker host runs.
//!
//! | module | what it is |
//! |---|---|
//! | [`cli`] | the command line, a client of the API |
//! | [`app`] | the composition root |
//! | [`config`] | file, environment and flags as types |
//! | [`telemetry`] | logs of the process, without secrets |
//! | [`domain`] | words and pure rules |
//! | [`store`] | what must survive the process |
//! | [`docker`] | the way to a Docker Engine |
//! | [`discovery`] | what the host runs |
//! | [`databases`] | dumps, by the databases' own tools |
//! | [`backends`] | how data is stored |
//! | [`backrest`] | labels become plans of Backrest |
//! | [`engine`] | runs jobs |
//! | [`scheduler`] | what happens by the clock |
//! | [`api`] | the HTTP surface |
//! | [`spa`] | the dashboard's files |
//!
//! Who may name whom is a test (`tests/layering.rs`); `ARCHITECTURE.md` tells the way of a request and of a job.

// The examples of the API are long, and `json!` takes them apart piece by piece.
#![recursion_limit = "256"]

pub mod api;
pub mod app;
pub mod backends;
pub mod backrest;
pub mod cli;
pub mod config;
pub mod databases;
pub mod discovery;
pub mod docker;
pub mod domain;
pub mod engine;
mod pause_point;
pub mod scheduler;
pub mod spa;
pub mod store;
pub mod telemetry;
