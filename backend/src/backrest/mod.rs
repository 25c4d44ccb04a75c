//! Labels become the plans of a Backrest.

pub mod line;
pub mod rcb;
