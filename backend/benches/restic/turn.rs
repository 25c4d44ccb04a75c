//! One contender's turn: its repository, its run, and the proof that what it stored is the tree.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::Phase;
use super::change::change_one_percent;
use super::contenders::Contender;
use super::measure::process::{measure, shell};

/// Every snapshot of ours must be verified and whole, no lock may be left, and what is restored must be the tree.
const PROOF: &str = "set -e; restic snapshots --json | grep -o '\"tags\":[^]]*' > \"$OUT.tags\"; \
    test -s \"$OUT.tags\"; ! grep -v mainstay-complete \"$OUT.tags\"; ! grep -E 'mainstay-(hot|unfinished)' \"$OUT.tags\"; \
    restic list locks --no-lock | { ! grep .; }; restic restore latest --quiet --target \"$OUT.d\"; \
    diff -r --no-dereference \"$SRC\" \"$OUT.d$SRC\"; rm -r \"$OUT.d\" \"$OUT.tags\"";

/// One run of a contender.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) wall_secs: f64,
    pub(crate) cpu_secs: f64,
    /// For so long a stack would have been at rest.
    pub(crate) stopped_secs: f64,
}

/// Where the turns are taken.
pub(crate) struct Turn<'a> {
    scratch: &'a Path,
    source: &'a Path,
    change_count: usize,
}

impl<'a> Turn<'a> {
    pub(crate) fn new(scratch: &'a Path, source: &'a Path) -> Result<Self> {
        let turn = Self { scratch, source, change_count: 0 };
        let found = shell("command -v restic", source, scratch, &[])?;
        let restic = String::from_utf8(found.stdout)?;
        let bin = turn.scratch.join("bin");
        fs::create_dir(&bin)?;
        let script = format!("#!/bin/sh\necho \"$@\" >>'{}'\nexec {} \"$@\"\n", turn.seen().display(), restic.trim());
        fs::write(bin.join("restic"), script)?;
        fs::set_permissions(bin.join("restic"), fs::Permissions::from_mode(0o755))?;
        Ok(turn)
    }

    /// A new repository for everybody.
    pub(crate) fn begin_round(&self, contenders: &[&Contender]) -> Result<()> {
        for contender in contenders {
            let site = self.site(contender);
            if site.exists() {
                fs::remove_dir_all(&site)?;
            }
            fs::create_dir(&site)?;
            self.with(contender, None, |env| shell("restic init --quiet", self.source, &site, env))?;
        }
        Ok(())
    }

    /// A run that is measured.
    pub(crate) fn take(&mut self, contender: &Contender, phase: Phase) -> Result<Run> {
        self.run(contender, phase, None)
    }

    /// A run that is looked at instead of measured; returns how many processes of restic it started.
    pub(crate) fn prove(&mut self, contender: &Contender, phase: Phase) -> Result<usize> {
        let path = std::env::var("PATH")?;
        let path = format!("{}:{path}", self.scratch.join("bin").display());
        fs::write(self.seen(), "")?;
        self.run(contender, phase, Some(&path))?;
        let process_count = fs::read_to_string(self.seen())?.lines().count();
        if contender.is_ours {
            let out = self.scratch.join("proof");
            self.with(contender, None, |env| shell(PROOF, self.source, &out, env))
                .with_context(|| format!("{} did not store the tree: {}", contender.name, phase.name()))?;
        }
        Ok(process_count)
    }

    fn run(&mut self, contender: &Contender, phase: Phase, path: Option<&str>) -> Result<Run> {
        let mut change = None;
        if phase == Phase::Changed {
            self.change_count += 1;
            change = Some(self.change_count.to_string());
            if !contender.is_ours {
                change_one_percent(self.source, self.change_count)?;
            }
        }
        let out = self.scratch.join("out");
        let run = self.with(contender, path, |env| {
            let mut env = env.to_vec();
            env.extend(change.as_ref().map(|change| ("CHANGE", Path::new(change))));
            measure(contender.script, self.source, &out, &env)
        })?;
        let mut stopped_secs = run.wall_secs;
        if contender.is_ours {
            let told: Value = serde_json::from_slice(&fs::read(&out)?)?;
            stopped_secs = told["stopped_secs"].as_f64().context("it does not say how long the stop was")?;
            ensure!(stopped_secs < run.wall_secs, "a stop is longer than its run");
        }
        Ok(Run { wall_secs: run.wall_secs, cpu_secs: run.cpu_secs, stopped_secs })
    }

    /// Calls `work` with the environment that names the contender's repository.
    fn with<T>(&self, contender: &Contender, path: Option<&str>, work: impl FnOnce(&[(&str, &Path)]) -> T) -> T {
        let (site, password) = (self.site(contender), Path::new("a password of the benchmark"));
        let (repository, cache) = (site.join("repository"), site.join("cache"));
        let mut env = vec![
            ("SITE", site.as_path()),
            ("RESTIC_REPOSITORY", repository.as_path()),
            ("RESTIC_CACHE_DIR", cache.as_path()),
            ("RESTIC_PASSWORD", password),
        ];
        env.extend(path.map(|path| ("PATH", Path::new(path))));
        work(&env)
    }

    fn site(&self, contender: &Contender) -> PathBuf {
        self.scratch.join(contender.name.replace([' ', ','], "-"))
    }

    /// Where the processes of restic are written down.
    fn seen(&self) -> PathBuf {
        self.scratch.join("seen")
    }
}
