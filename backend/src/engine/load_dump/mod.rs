#![allow(dead_code)]
use super::steps::{Cx, Stop};
use crate::domain::plan::DatabaseKind;
use secrecy::SecretString;
use std::path::Path;
pub(super) struct Load<'a> {
    pub(super) container: &'a str,
    pub(super) kind: Option<DatabaseKind>,
    pub(super) args: &'a [SecretString],
    pub(super) dump: &'a Path,
}
pub(super) async fn load<R>(_: Cx<'_, R>, _: &Load<'_>) -> Result<(), Stop> {
    Err(Stop::failed("x"))
}
