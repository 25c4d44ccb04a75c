//! Measures restic through Mainstay beside the bare command, in one run on one machine, on the level of the backend:
//! no engine, no containers.
//!
//! ```text
//! cargo bench --bench restic                  two to three minutes
//! cargo bench --bench restic -- --json FILE   the numbers as JSON too
//! ```
//! `MAINSTAY_BENCH_RESTIC_MIB` (256), `MAINSTAY_BENCH_RESTIC_FILES` (5000) and `MAINSTAY_BENCH_RESTIC_ROUNDS` (2) say how
//! much; `MAINSTAY_BENCH_DIR` says where.
//!
//! A round: every contender gets a new repository, stores the tree there, stores it again as it is, and a third time
//! with one file in a hundred changed, by turns and from round to round in the other order. Ours makes all the calls
//! that a run by plan makes, up to what retention looks at; the change comes between its pass over the running stack
//! and the one at rest. The first round does not count: in it the bare command restores each result of ours, which must
//! be the tree, and the processes are counted.
//!
//! Without the time that containers take to stop and start, a stop by the bare command lasts as long as its whole backup, one by us as long as the pass at rest. To measure one
//! more way, add a line to `restic/contenders.rs`.

#[path = "downtime/change.rs"]
mod change;
#[path = "restic/contenders.rs"]
mod contenders;
#[expect(dead_code, reason = "shared with other benchmarks, of which this one does not need everything")]
#[path = "measure/mod.rs"]
mod measure;
#[path = "restic/ours.rs"]
mod ours;
#[path = "restic/report.rs"]
mod report;
#[path = "restic/tree.rs"]
mod tree;
#[path = "restic/turn.rs"]
mod turn;

use std::path::Path;
use std::{env, fs};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use self::contenders::{CONTENDERS, Contender};
use self::measure::process::is_on_path;
use self::measure::{Scratch, arguments, goal, machine};
use self::tree::Tree;
use self::turn::{Run, Turn};

/// How a tree differs from what the repository holds, in the order of a round.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Cold,
    Unchanged,
    Changed,
}

impl Phase {
    const ALL: [Self; 3] = [Self::Cold, Self::Unchanged, Self::Changed];

    fn name(self) -> &'static str {
        match self {
            Self::Cold => "new repository",
            Self::Unchanged => "nothing changed",
            Self::Changed => "one file in a hundred changed",
        }
    }
}

/// All rounds of one contender in one phase.
struct Series {
    contender: &'static Contender,
    phase: Phase,
    /// How many processes of restic one run starts.
    process_count: usize,
    runs: Vec<Run>,
}

/// What was measured over one tree.
struct Trial {
    tree: Tree,
    series: Vec<Series>,
}

fn main() -> Result<()> {
    let (args, file) = arguments()?;
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["ours", source, out] => return ours::run(Path::new(source), Path::new(out)),
        [] => {}
        _ => bail!("expected nothing, not {args:?}"),
    }
    ensure!(is_on_path("restic"), "restic is not installed: `e2e/setup.sh deps bench` does that");
    let rounds = number("MAINSTAY_BENCH_RESTIC_ROUNDS", 2)?;
    let (mib, files) = (number("MAINSTAY_BENCH_RESTIC_MIB", 256)?, number("MAINSTAY_BENCH_RESTIC_FILES", 5000)?);
    let mut trials = Vec::new();
    for tree in [Tree::usual(mib << 20, files), Tree::small_files(2 * files)] {
        let trial = compare(tree, rounds)?;
        report::print(&trial);
        trials.push(trial);
    }
    let goals = goal::report(&report::goals(&trials));
    let numbers = json!({
        "bench": "restic", "machine": machine(), "rounds": rounds,
        "trees": trials.iter().map(report::to_json).collect::<Vec<Value>>(), "goals": goals,
    });
    file.map_or(Ok(()), |file| Ok(fs::write(file, serde_json::to_vec_pretty(&numbers)?)?))
}

/// A number out of the environment.
fn number(name: &str, otherwise: usize) -> Result<usize> {
    let Ok(text) = env::var(name) else { return Ok(otherwise) };
    text.parse().ok().filter(|number| *number > 0).with_context(|| format!("{name} is no number above 0: {text}"))
}

fn compare(tree: Tree, rounds: usize) -> Result<Trial> {
    let scratch = Scratch::new(tree.name)?;
    let source = scratch.0.join("source");
    tree.write(&source)?;
    let mut turn = Turn::new(&scratch.0, &source)?;
    let mut series: Vec<Series> = Vec::new();
    for round in 0..=rounds {
        let mut contenders: Vec<&'static Contender> = CONTENDERS.iter().collect();
        if round % 2 == 1 {
            contenders.reverse();
        }
        turn.begin_round(&contenders)?;
        for phase in Phase::ALL {
            for contender in &contenders {
                if round == 0 {
                    let process_count = turn.prove(contender, phase)?;
                    series.push(Series { contender, phase, process_count, runs: Vec::with_capacity(rounds) });
                } else if let Some(one) =
                    series.iter_mut().find(|s| s.phase == phase && s.contender.name == contender.name)
                {
                    one.runs.push(turn.take(contender, phase)?);
                }
            }
        }
    }
    Ok(Trial { tree, series })
}
