//! Tables and JSON of what was measured, and the goals.

#![expect(clippy::print_stdout, reason = "the numbers are the product of this program")]

use serde_json::{Value, json};

use super::contenders::{DENSE, FAST, GZIP, PEER_ZSTD, PIGZ, PYTHON, ZSTD};
use super::measure::Spread;
use super::measure::goal::Goal;
use super::measure::process::Run;
use super::{Series, Trial};

/// Ratios are medians of pairs of the same round: above 1 the contender takes longer than `ours fast`.
pub(crate) fn print(trial: &Trial) {
    println!("\n{} ({} MiB)", trial.corpus.name(), trial.bytes >> 20);
    print_rows(&trial.series);
}

/// One tree of all kinds, in effect: each round's times and sizes added up over the trees.
pub(crate) fn together(trials: &[Trial]) -> Vec<Series> {
    let Some(first) = trials.first() else { return Vec::new() };
    let sum = |index: usize, round: usize| {
        trials.iter().map(|trial| trial.series[index].runs[round]).fold(Run::default(), |sum, run| Run {
            wall_secs: sum.wall_secs + run.wall_secs,
            cpu_secs: sum.cpu_secs + run.cpu_secs,
            peak_kib: sum.peak_kib.max(run.peak_kib),
            size_bytes: sum.size_bytes + run.size_bytes,
        })
    };
    let series = |(index, series): (usize, &Series)| Series {
        contender: series.contender,
        runs: (0..series.runs.len()).map(|round| sum(index, round)).collect(),
    };
    first.series.iter().enumerate().map(series).collect()
}

pub(crate) fn print_together(series: &[Series]) {
    println!("\nall of them together");
    print_rows(series);
}

fn print_rows(series: &[Series]) {
    println!(
        "{:18}{:>24}{:>9}{:>9}{:>9}{:>10}{:>14}{:>9}",
        "", "wall s min/median/max", "cpu s", "x wall", "x cpu", "peak MiB", "bytes", "x size"
    );
    for one in series {
        let (wall, cpu) = (spread(one, |run| run.wall_secs), spread(one, |run| run.cpu_secs));
        let ratio = |get| format!("{:.2}", pairwise(series, one.contender.name, FAST, get).unwrap_or(f64::NAN));
        let size = one.runs[0].size_bytes;
        let shown = |text: String| if size > 0 { text } else { "-".to_owned() };
        println!(
            "{:18}{:>24}{:>9.2}{:>9}{:>9}{:>10.1}{:>14}{:>9}",
            one.contender.name,
            format!("{:.3} / {:.3} / {:.3}", wall.min, wall.median, wall.max),
            cpu.median,
            ratio(|run| run.wall_secs),
            ratio(|run| run.cpu_secs),
            spread(one, |run| run.peak_kib as f64).max / 1024.0,
            shown(size.to_string()),
            shown(size_ratio(series, one.contender.name, GZIP).map_or_else(String::new, |ratio| format!("{ratio:.3}"))),
        );
    }
}

/// What issue and design ask for, over all trees together.
pub(crate) fn goals(series: &[Series]) -> Vec<Goal> {
    let times = |slow, fast| pairwise(series, slow, fast, |run| run.wall_secs);
    let peak = |name| find(series, name).map(|one| spread(one, |run| run.peak_kib as f64).max / 1024.0);
    vec![
        Goal::at_least("fast: times as fast as python w:gz", times(PYTHON, FAST), 10.0),
        Goal::at_least("fast: times as fast as tar | pigz -6", times(PIGZ, FAST), 3.0),
        Goal::at_least("fast: times as fast as tar | zstd -T0 -3", times(PEER_ZSTD, FAST), 1.2),
        Goal::at_most("fast: size, times gzip -6", size_ratio(series, FAST, GZIP), 1.12),
        Goal::at_least("dense: times as fast as tar | pigz -6", times(PIGZ, DENSE), 1.3),
        Goal::at_most("dense: size, times pigz -6", size_ratio(series, DENSE, PIGZ), 1.01),
        Goal::at_least("zstd 3: times as fast as tar | zstd -T0 -3", times(PEER_ZSTD, ZSTD), 1.0),
        Goal::at_most("zstd 3: size, times zstd -T0 -3", size_ratio(series, ZSTD, PEER_ZSTD), 1.12),
        Goal::at_most("fast: peak memory, MiB", peak(FAST), 128.0),
        Goal::at_most("dense: peak memory, MiB", peak(DENSE), 128.0),
    ]
}

pub(crate) fn to_json(trial: &Trial) -> Value {
    let rows = trial.series.iter().map(|one| {
        let all = |get: fn(&Run) -> f64| one.runs.iter().map(get).collect::<Vec<_>>();
        json!({
            "name": one.contender.name, "command": one.contender.script, "size_bytes": one.runs[0].size_bytes,
            "wall_secs": all(|run| run.wall_secs), "cpu_secs": all(|run| run.cpu_secs),
            "peak_kib": all(|run| run.peak_kib as f64),
            "wall_ratio": pairwise(&trial.series, one.contender.name, FAST, |run| run.wall_secs),
            "cpu_ratio": pairwise(&trial.series, one.contender.name, FAST, |run| run.cpu_secs),
        })
    });
    json!({"name": trial.corpus.name(), "plain_bytes": trial.bytes, "contenders": rows.collect::<Vec<_>>()})
}

fn find<'a>(series: &'a [Series], name: &str) -> Option<&'a Series> {
    series.iter().find(|one| one.contender.name == name)
}

fn spread(series: &Series, get: fn(&Run) -> f64) -> Spread {
    Spread::of(series.runs.iter().map(get))
}

/// How many times as much the first took as the second: the median over the rounds.
fn pairwise(series: &[Series], one: &str, other: &str, get: fn(&Run) -> f64) -> Option<f64> {
    let (one, other) = (find(series, one)?, find(series, other)?);
    Some(Spread::of(one.runs.iter().zip(&other.runs).map(|(one, other)| get(one) / get(other))).median)
}

fn size_ratio(series: &[Series], one: &str, other: &str) -> Option<f64> {
    let size = |name| find(series, name).map(|one| one.runs[0].size_bytes as f64);
    Some(size(one)? / size(other)?)
}
