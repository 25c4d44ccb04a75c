//! The table of what was measured, and the same as JSON.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// What was measured.
#[derive(Default)]
pub(crate) struct Report(Vec<Row>);

struct Row {
    what: String,
    ours: String,
    peer: String,
    value: f64,
    unit: &'static str,
    goal: Option<Goal>,
}

/// What a value is to be.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

impl Goal {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtLeast(least) => format!(">= {least}"),
            Self::AtMost(most) => format!("<= {most}"),
        }
    }
}

impl Report {
    /// A number of ours alone.
    pub(crate) fn number(&mut self, what: impl Into<String>, value: f64, unit: &'static str, goal: Option<Goal>) {
        let ours = format!("{value:.1} {unit}");
        self.0.push(Row { what: what.into(), ours, peer: String::new(), value, unit, goal });
    }

    /// How many times a peer's number ours is; both are shown.
    pub(crate) fn ratio(
        &mut self,
        what: impl Into<String>,
        ours: (f64, &str),
        peer: f64,
        ratio: f64,
        goal: Option<Goal>,
    ) {
        let (ours, unit) = ours;
        let text = |value: f64| format!("{value:.0} {unit}");
        self.0.push(Row { what: what.into(), ours: text(ours), peer: text(peer), value: ratio, unit: "times", goal });
    }

    /// Prints it.
    pub(crate) fn print(&self) {
        println!("\n{:52}{:>16}{:>16}{:>10}{:>10}  met", "what", "ours", "peer", "ratio", "goal");
        for row in &self.0 {
            let ratio = if row.peer.is_empty() { String::new() } else { format!("{:.1}", row.value) };
            let (goal, met) = row
                .goal
                .map_or((String::new(), ""), |goal| (goal.text(), if goal.is_met(row.value) { "yes" } else { "no" }));
            println!("{:52}{:>16}{:>16}{ratio:>10}{goal:>10}  {met}", row.what, row.ours, row.peer);
        }
    }

    /// Writes it as JSON.
    pub(crate) fn write(&self, file: &str) -> Result<()> {
        let rows: Vec<Value> = self.0.iter().map(Row::json).collect();
        let text = serde_json::to_string_pretty(&json!({ "bench": "service", "rows": rows }))?;
        std::fs::write(file, text + "\n").with_context(|| format!("cannot write {file}"))
    }
}

impl Row {
    fn json(&self) -> Value {
        json!({
            "what": self.what, "ours": self.ours, "peer": (!self.peer.is_empty()).then_some(&self.peer),
            "value": self.value, "unit": self.unit, "goal": self.goal.map(Goal::text),
            "is_met": self.goal.map(|goal| goal.is_met(self.value)),
        })
    }
}

/// The value in the middle.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    percentile(values, 0.5)
}

/// The value below which this part of all is; 0 of none.
pub(crate) fn percentile(values: impl IntoIterator<Item = f64>, part: f64) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a list"
    )]
    let place = ((values.len().saturating_sub(1)) as f64 * part).round() as usize;
    values.get(place).copied().unwrap_or_default()
}
