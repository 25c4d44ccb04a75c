//! Whole configurations through the one door, with files in memory.

mod example;
mod files;
mod instances;
mod mistakes;
mod random;
mod readme;
mod sources;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::load::load_with;
use super::*;

/// Files by path, where the disk would be.
pub(super) type Files<'a> = &'a [(&'a str, &'a str)];

pub(super) fn read_from(files: Files<'_>) -> impl Fn(&Path) -> io::Result<String> {
    move |path| {
        let found = files.iter().find(|(name, _)| Path::new(name) == path);
        found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

pub(super) fn env(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
    variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

pub(super) fn load_from(files: Files<'_>, variables: &[(&str, &str)]) -> Result<Loaded, ConfigErrors> {
    let options = LoadOptions { env: env(variables), ..LoadOptions::default() };
    load_with(&options, &read_from(files)).map(|(loaded, _)| loaded)
}

/// Loads a file that must hold.
pub(super) fn loaded(text: &str) -> Loaded {
    load_from(&[("config.yml", text)], &[]).unwrap_or_else(|errors| panic!("{errors}"))
}

pub(super) fn config(text: &str) -> Config {
    loaded(text).config
}

/// What is wrong with a file that must not hold.
pub(super) fn errors(text: &str) -> String {
    load_from(&[("config.yml", text)], &[]).expect_err("it is wrong").to_string()
}

pub(super) fn warnings(loaded: &Loaded) -> Vec<String> {
    loaded.warnings.iter().map(ToString::to_string).collect()
}
