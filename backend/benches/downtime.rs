//! Measures how long a stack stands while its data is made safe, on the level of archives: no engine, no containers.
//!
//! ```text
//! cargo bench --bench downtime                256 MiB, three rounds
//! cargo bench --bench downtime -- --full      2 GiB, five rounds
//! ```
//! `--features isal` measures with ISA-L, `--json FILE` writes all numbers down.
//!
//! A round: the tree is archived the way of stop, tar.gz, start (Python's `w:gz`), then by us in one pass, compressed
//! or merely stored, and then in two: a hot pass over the tree as the stack would still change it, a change of one
//! file in a hundred, and the pass within the stop. Each archive comes out complete; only what happens between stop
//! and start counts. The first round does not count: in it GNU tar restores each of ours, and it must be the tree.

#![expect(clippy::print_stdout, reason = "the numbers are the product of this program")]

#[path = "downtime/capture.rs"]
mod capture;
#[path = "downtime/change.rs"]
mod change;
#[expect(dead_code, reason = "shared with other benchmarks, of which this one does not need everything")]
#[path = "measure/mod.rs"]
mod measure;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use self::capture::Capture;
use self::change::change_one_percent;
use self::measure::corpus::Corpus;
use self::measure::goal::Goal;
use self::measure::process::{is_on_path, measure};
use self::measure::{Scratch, Spread, arguments, goal, machine};

/// Stamps must be so much older than a pass that what it copies can be relied on; the library asks for two seconds.
const OLD_ENOUGH: Duration = Duration::from_millis(2100);

const PYTHON: &str = "stop, python w:gz, start";
const DIRECT: &str = "ours, one pass";
const LIGHT: &str = "ours, one pass, stored";
const SPLICE: &str = "ours, hot pass and splice";

fn main() -> Result<()> {
    let (args, file) = arguments()?;
    let numbers = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => downtime(64 << 20, 3)?,
        ["--full"] => downtime(512 << 20, 5)?,
        _ => bail!("expected nothing or `--full`, not {args:?}"),
    };
    if let Some(file) = file {
        fs::write(file, serde_json::to_vec_pretty(&numbers)?)?;
    }
    Ok(())
}

/// One way of one round.
#[derive(Clone, Copy, Default)]
struct Round {
    stopped_secs: f64,
    /// Before the stop and after the start.
    beside_secs: f64,
    /// On the disk beside the archives while it is made.
    extra_bytes: u64,
    /// Compressed within the stop.
    compressed_bytes: u64,
}

fn downtime(bytes: usize, rounds: usize) -> Result<Value> {
    let scratch = Scratch::new("downtime")?;
    let source = scratch.0.join("source");
    for corpus in Corpus::ALL {
        corpus.write(&source.join(corpus.name()), bytes)?;
    }
    let mut ways = vec![(DIRECT, Vec::new()), (LIGHT, Vec::new()), (SPLICE, Vec::new())];
    if is_on_path("python3") {
        ways.insert(0, (PYTHON, Vec::new()));
    } else {
        println!("left out: {PYTHON} (python3 is not installed)");
    }
    for number in 0..=rounds {
        for (way, done) in &mut ways {
            let round = one_round(way, &source, &scratch.0, number)?;
            if number > 0 {
                done.push(round);
            }
        }
    }
    print_ways(&ways, bytes);
    let goals = goal::report(&goals(&ways));
    let rows = ways.iter().map(|(way, rounds)| {
        let all = |get: fn(&Round) -> f64| rounds.iter().map(get).collect::<Vec<_>>();
        json!({
            "name": way, "stopped_secs": all(|round| round.stopped_secs), "beside_secs": all(|round| round.beside_secs),
            "extra_bytes": all(|round| round.extra_bytes as f64),
            "compressed_while_stopped_bytes": all(|round| round.compressed_bytes as f64),
        })
    });
    let rows: Vec<Value> = rows.collect();
    Ok(json!({
        "bench": "downtime", "machine": machine(), "rounds": rounds, "plain_bytes": 4 * bytes, "ways": rows, "goals": goals,
    }))
}

fn one_round(way: &str, source: &Path, scratch: &Path, number: usize) -> Result<Round> {
    let archive = scratch.join("archive.tar.gz");
    let capture = Capture { source, scratch, archive: &archive };
    let round = match way {
        PYTHON => {
            let script = "python3 -c 'import sys,tarfile; t=tarfile.open(sys.argv[2],\"w:gz\"); \
                          t.add(sys.argv[1],\"bench\"); t.close()' \"$SRC\" \"$OUT\" && sync \"$OUT\"";
            Round { stopped_secs: measure(script, source, &archive, &[])?.wall_secs, ..Round::default() }
        }
        DIRECT => capture.direct(None)?,
        LIGHT => capture.direct(Some(capture::STORED))?,
        _ => {
            thread::sleep(OLD_ENOUGH);
            capture.spliced(|| change_one_percent(source, number))?
        }
    };
    if number == 0 && way != PYTHON {
        capture.check()?;
    }
    fs::remove_file(&archive)?;
    Ok(round)
}

fn print_ways(ways: &[(&str, Vec<Round>)], bytes: usize) {
    println!("\n{} MiB, one file in a hundred changed", (bytes * 4) >> 20);
    println!(
        "{:28}{:>28}{:>12}{:>16}{:>14}{:>12}",
        "", "stopped s min/median/max", "beside s", "compressed MiB", "extra MiB", "x python"
    );
    for (way, rounds) in ways {
        let spread = |get: fn(&Round) -> f64| Spread::of(rounds.iter().map(get));
        let stopped = spread(|round| round.stopped_secs);
        println!(
            "{way:28}{:>28}{:>12.2}{:>16.1}{:>14.1}{:>12}",
            format!("{:.3} / {:.3} / {:.3}", stopped.min, stopped.median, stopped.max),
            spread(|round| round.beside_secs).median,
            spread(|round| round.compressed_bytes as f64 / 1_048_576.0).median,
            spread(|round| round.extra_bytes as f64 / 1_048_576.0).median,
            ratio(ways, way, PYTHON).map_or_else(|| "-".to_owned(), |ratio| format!("1/{:.1}", 1.0 / ratio)),
        );
    }
}

fn goals(ways: &[(&str, Vec<Round>)]) -> [Goal; 3] {
    let times = |slow, fast| ratio(ways, fast, slow).map(|ratio| 1.0 / ratio);
    [
        Goal::at_least("splice: times as short a stop as stop, tar.gz, start", times(PYTHON, SPLICE), 50.0),
        Goal::at_least("splice: times as short a stop as our one pass", times(DIRECT, SPLICE), 8.0),
        Goal::at_least("one pass: times as short a stop as stop, tar.gz, start", times(PYTHON, DIRECT), 10.0),
    ]
}

/// The median over the rounds of how long one way's stop is against another's.
fn ratio(ways: &[(&str, Vec<Round>)], one: &str, other: &str) -> Option<f64> {
    let find = |name| ways.iter().find(|(way, _)| *way == name).map(|(_, rounds)| rounds);
    let pairs = find(one)?.iter().zip(find(other)?);
    Some(Spread::of(pairs.map(|(one, other)| one.stopped_secs / other.stopped_secs)).median)
}
