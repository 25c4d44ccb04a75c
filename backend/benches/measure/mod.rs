//! What the benchmarks of archives share: trees out of a seed, processes that are measured, tables and JSON.
//!
//! A benchmark of its own: a file beside `archive.rs` with `#[path = "measure/mod.rs"] mod measure;`. Only ratios of
//! one run on one machine mean something elsewhere; no test may depend on a time.

pub(crate) mod corpus;
pub(crate) mod goal;
pub(crate) mod process;

use std::path::PathBuf;
use std::{env, fs};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

/// A directory that is gone when dropped; `MAINSTAY_BENCH_DIR` names where, else the system's temporary one.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Result<Self> {
        let parent = env::var_os("MAINSTAY_BENCH_DIR").map_or_else(env::temp_dir, PathBuf::from);
        let path = parent.join(format!("mainstay-bench-{}-{name}", std::process::id()));
        fs::create_dir(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Smallest, median and largest.
#[derive(Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) max: f64,
}

impl Spread {
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        Self { min: at(0), median: at(values.len() / 2), max: at(values.len().saturating_sub(1)) }
    }
}

/// The command line: `--json FILE` apart from everything else.
pub(crate) fn arguments() -> Result<(Vec<String>, Option<PathBuf>)> {
    let (mut rest, mut file) = (Vec::new(), None);
    let mut args = env::args().skip(1).filter(|arg| arg != "--bench");
    while let Some(arg) = args.next() {
        if arg == "--json" {
            let Some(path) = args.next() else { bail!("--json needs a file") };
            file = Some(PathBuf::from(path));
        } else {
            rest.push(arg);
        }
    }
    Ok((rest, file))
}

/// What the numbers were measured on.
pub(crate) fn machine() -> Value {
    let line = |path: &str, key: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let value =
            text.lines().find_map(|line| line.strip_prefix(key).map(|rest| rest.trim_matches([':', ' ', '\t'])));
        value.unwrap_or_default().to_owned()
    };
    json!({
        "cpu": line("/proc/cpuinfo", "model name"),
        "cpus": std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        "kernel": line("/proc/sys/kernel/osrelease", ""),
        "load_at_start": line("/proc/loadavg", ""),
        "isal": cfg!(feature = "isal"),
    })
}
