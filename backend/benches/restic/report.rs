//! Tables and JSON of what was measured, and the goals.

#![expect(clippy::print_stdout, reason = "the numbers are the product of this program")]

use serde_json::{Value, json};

use super::contenders::{BARE, CAREFUL, OURS};
use super::measure::Spread;
use super::measure::goal::Goal;
use super::turn::Run;
use super::{Phase, Series, Trial};

/// Ratios are medians of pairs of the same round: above 1 it takes longer than the bare command.
pub(crate) fn print(trial: &Trial) {
    for phase in Phase::ALL {
        println!("\n{}, {} MiB: {}", trial.tree.name, trial.tree.bytes() >> 20, phase.name());
        println!(
            "{:20}{:>26}{:>9}{:>9}{:>9}{:>9}{:>28}{:>9}",
            "", "wall s min/median/max", "cpu s", "x wall", "x cpu", "restics", "stopped s min/median/max", "x stop"
        );
        for one in trial.series.iter().filter(|one| one.phase == phase) {
            let spread = |get: fn(&Run) -> f64| {
                let all = Spread::of(one.runs.iter().map(get));
                format!("{:.2} / {:.2} / {:.2}", all.min, all.median, all.max)
            };
            let ratio =
                |get| format!("{:.2}", ratio(trial, phase, (one.contender.name, BARE), get).unwrap_or(f64::NAN));
            println!(
                "{:20}{:>26}{:>9.2}{:>9}{:>9}{:>9}{:>28}{:>9}",
                one.contender.name,
                spread(|run| run.wall_secs),
                Spread::of(one.runs.iter().map(|run| run.cpu_secs)).median,
                ratio(|run| run.wall_secs),
                ratio(|run| run.cpu_secs),
                one.process_count,
                spread(|run| run.stopped_secs),
                ratio(|run| run.stopped_secs),
            );
        }
    }
}

/// What is asked for.
pub(crate) fn goals(trials: &[Trial]) -> Vec<Goal> {
    let mut goals = Vec::new();
    for trial in trials {
        let name = trial.tree.name;
        for phase in Phase::ALL {
            let wall = ratio(trial, phase, (OURS, CAREFUL), |run| run.wall_secs);
            let stop = ratio(trial, phase, (OURS, BARE), |run| run.stopped_secs);
            let what = |what: &str| format!("{name}, {}: {what}", phase.name());
            goals.push(Goal::at_most(what("times backup, ls, forget"), wall, 4.0));
            goals.push(Goal::at_most(what("times the stop for one pass"), stop, 1.0));
        }
    }
    goals
}

pub(crate) fn to_json(trial: &Trial) -> Value {
    let rows = trial.series.iter().map(|one| {
        let all = |get: fn(&Run) -> f64| one.runs.iter().map(get).collect::<Vec<_>>();
        json!({
            "name": one.contender.name, "phase": one.phase.name(), "command": one.contender.script,
            "restic_processes": one.process_count, "wall_secs": all(|run| run.wall_secs),
            "cpu_secs": all(|run| run.cpu_secs), "stopped_secs": all(|run| run.stopped_secs),
        })
    });
    json!({"name": trial.tree.name, "bytes": trial.tree.bytes(), "contenders": rows.collect::<Vec<_>>()})
}

/// The median over the rounds of one contender's number against another's.
fn ratio(trial: &Trial, phase: Phase, (one, other): (&str, &str), get: fn(&Run) -> f64) -> Option<f64> {
    let find = |name: &str| -> Option<&Series> {
        trial.series.iter().find(|series| series.phase == phase && series.contender.name == name)
    };
    let pairs = find(one)?.runs.iter().zip(&find(other)?.runs);
    Some(Spread::of(pairs.map(|(one, other)| get(one) / get(other))).median)
}
