//! How captured data is stored.
//!
//! `archive` writes plain tar files. Each further way of storing gets a folder or file of its own here.

pub mod archive;
