//! What the suite prints at its end: a table, the failures, and the sums.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

/// One kind, all its runs together.
#[derive(Default)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) runs: usize,
    pub(crate) kills: usize,
    /// States of jobs that were seen, and how often.
    pub(crate) outcomes: BTreeMap<String, usize>,
    /// One text for each run that failed.
    pub(crate) failures: Vec<String>,
    /// The longest run.
    pub(crate) longest: Duration,
}

/// The whole run.
pub(crate) struct Report {
    pub(crate) rows: Vec<Row>,
    pub(crate) seed: u64,
    pub(crate) wanted_kills: Option<usize>,
    pub(crate) took: Duration,
}

impl Report {
    pub(crate) fn kills(&self) -> usize {
        self.rows.iter().map(|row| row.kills).sum()
    }

    fn failures(&self) -> usize {
        self.rows.iter().map(|row| row.failures.len()).sum::<usize>() + usize::from(self.lacks_kills())
    }

    fn lacks_kills(&self) -> bool {
        self.wanted_kills.is_some_and(|wanted| self.kills() < wanted)
    }

    pub(crate) fn is_good(&self) -> bool {
        self.failures() == 0
    }

    pub(crate) fn print(&self) {
        println!("\n{:<38} {:>5} {:>6} {:>8}  outcome", "fault", "runs", "kills", "longest");
        for row in &self.rows {
            let seconds = row.longest.as_secs_f64();
            println!("{:<38} {:>5} {:>6} {seconds:>7.1}s  {}", row.name, row.runs, row.kills, row.outcome());
        }
        for row in self.rows.iter().filter(|row| !row.failures.is_empty()) {
            row.failures.iter().for_each(|failure| println!("\n{}: {failure}", row.name));
        }
        if self.lacks_kills() {
            println!("\nonly {} kills of {:?}", self.kills(), self.wanted_kills);
        }
        let failed = self.rows.iter().filter(|row| !row.failures.is_empty()).count();
        println!("\n{} (after {} s)", self.summary(), self.took.as_secs());
        // The line that `make test` counts by, in the words of the usual harness.
        let word = if self.is_good() { "ok" } else { "FAILED" };
        println!("test result: {word}. {} passed; {failed} failed; 0 ignored", self.rows.len() - failed);
    }

    fn summary(&self) -> String {
        let (kinds, kills, failures, seed) = (self.rows.len(), self.kills(), self.failures(), self.seed);
        format!("faults: {kinds} kinds, {kills} kills, {failures} failures, seed {seed}")
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "summary": self.summary(), "kinds": self.rows.len(), "kills": self.kills(), "failures": self.failures(),
            "seed": self.seed, "took_secs": self.took.as_secs(), "faults": self.rows.iter().map(Row::to_json).collect::<Vec<_>>(),
        })
    }
}

impl Row {
    fn outcome(&self) -> String {
        let seen: Vec<String> = self.outcomes.iter().map(|(state, times)| format!("{times} {state}")).collect();
        let failed = (!self.failures.is_empty()).then(|| format!("FAILED {} times", self.failures.len()));
        let word = failed.unwrap_or_else(|| "ok".to_owned());
        if seen.is_empty() { word } else { format!("{word} ({})", seen.join(", ")) }
    }

    fn to_json(&self) -> Value {
        json!({
            "name": self.name, "about": self.about, "runs": self.runs, "kills": self.kills, "outcomes": self.outcomes,
            "failures": self.failures, "longest_ms": self.longest.as_millis() as u64,
        })
    }
}
