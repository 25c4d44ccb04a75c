//! The command line of the suite.

use std::path::PathBuf;

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// Kills of a full run; absent for the part that belongs to every test run.
    pub(crate) kills: Option<usize>,
    /// Where random choices begin; printed at the end, so that a run can be repeated.
    pub(crate) seed: u64,
    /// Only kinds whose name holds one of these; all when empty.
    pub(crate) only: Vec<String>,
    /// Where the report goes as JSON.
    pub(crate) json: Option<PathBuf>,
    /// How many faults are at work at once.
    pub(crate) lanes: usize,
    /// Only print the names of the kinds.
    pub(crate) is_list: bool,
}

impl Options {
    /// Reads `--kills N`, `--seed S`, `--json FILE`, `--lanes N`, `--list`, and names of kinds. What belongs to the
    /// usual test harness, such as `--nocapture`, is taken and passed over, because `cargo test` hands it to everyone.
    pub(crate) fn of(mut args: impl Iterator<Item = String>) -> Self {
        let seed = getrandom::u64().expect("random bytes") % 1_000_000;
        let mut options = Self { seed, lanes: 3, ..Self::default() };
        while let Some(arg) = args.next() {
            let mut value = || args.next().unwrap_or_else(|| panic!("{arg} wants a value"));
            match arg.as_str() {
                "--kills" => options.kills = Some(number(&arg, &value())),
                "--seed" => options.seed = number(&arg, &value()) as u64,
                "--lanes" => options.lanes = number(&arg, &value()).max(1),
                "--json" => options.json = Some(value().into()),
                "--list" => options.is_list = true,
                "--test-threads" | "--skip" | "--format" | "--color" | "-Z" => drop(value()),
                flag if flag.starts_with('-') => {}
                _ => options.only.push(arg),
            }
        }
        options
    }

    /// Whether every kind runs in full.
    pub(crate) const fn is_full(&self) -> bool {
        self.kills.is_some()
    }

    /// Whether a kind was asked for.
    pub(crate) fn wants(&self, kind: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| kind.contains(part.as_str()))
    }
}

fn number(name: &str, value: &str) -> usize {
    value.parse().unwrap_or_else(|_| panic!("{name} wants a number, not '{value}'"))
}
