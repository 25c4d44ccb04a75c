//! What a benchmark is to reach, beside what it did.

use serde_json::{Value, json};

/// On which side of the limit a number is good.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    AtLeast,
    AtMost,
}

/// One number with its limit.
pub(crate) struct Goal {
    pub(crate) what: String,
    /// Nothing when what it is compared with is not installed.
    pub(crate) measured: Option<f64>,
    pub(crate) side: Side,
    pub(crate) limit: f64,
}

impl Goal {
    pub(crate) fn at_least(what: impl Into<String>, measured: Option<f64>, limit: f64) -> Self {
        Self { what: what.into(), measured, side: Side::AtLeast, limit }
    }

    pub(crate) fn at_most(what: impl Into<String>, measured: Option<f64>, limit: f64) -> Self {
        Self { what: what.into(), measured, side: Side::AtMost, limit }
    }

    fn outcome(&self) -> &'static str {
        match (self.measured, self.side) {
            (None, _) => "not measured",
            (Some(measured), Side::AtLeast) if measured >= self.limit => "reached",
            (Some(measured), Side::AtMost) if measured <= self.limit => "reached",
            _ => "MISSED",
        }
    }

    fn to_json(&self) -> Value {
        let side = if matches!(self.side, Side::AtLeast) { "at_least" } else { "at_most" };
        json!({"what": self.what, "measured": self.measured, side: self.limit, "outcome": self.outcome()})
    }
}

/// Prints the goals as a table, and gives them back as JSON.
#[expect(clippy::print_stdout, reason = "the numbers are the product of this program")]
pub(crate) fn report(goals: &[Goal]) -> Value {
    println!("\n{:64}{:>10}{:>12}  outcome", "goal", "measured", "limit");
    for goal in goals {
        let sign = if matches!(goal.side, Side::AtLeast) { ">=" } else { "<=" };
        let measured = goal.measured.map_or_else(|| "-".to_owned(), |measured| format!("{measured:.3}"));
        println!("{:64}{measured:>10}{:>12}  {}", goal.what, format!("{sign} {}", goal.limit), goal.outcome());
    }
    goals.iter().map(Goal::to_json).collect()
}
