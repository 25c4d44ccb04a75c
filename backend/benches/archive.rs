//! Measures the archive writer beside the tools that people would use instead, in one run on one machine.
//!
//! ```text
//! cargo bench --bench archive                 a few minutes
//! cargo bench --bench archive -- --full       larger trees, more rounds
//! cargo bench --bench archive -- memory       peak memory of a 2 GiB and a 6 GiB tree
//! cargo bench --bench archive -- extract      one file out of 2 GiB, by the index and by tar; then all of it
//! ```
//! `--features isal` measures with ISA-L, `--json FILE` writes all numbers down.
//!
//! Every contender runs in a process of its own, in turns, so that the machine's mood hits all alike; each ends with
//! its archive synced to the disk, as ours does. An archive of ours that GNU tar does not restore as it was prints
//! no number.

#![expect(clippy::print_stdout, reason = "the numbers are the product of this program")]

#[path = "archive/contenders.rs"]
mod contenders;
#[path = "archive/extract.rs"]
mod extract;
#[path = "measure/mod.rs"]
mod measure;
#[path = "archive/memory.rs"]
mod memory;
#[path = "archive/ours.rs"]
mod ours;
#[path = "archive/report.rs"]
mod report;

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};
use serde_json::json;

use self::contenders::{CONTENDERS, Contender};
use self::measure::corpus::Corpus;
use self::measure::process::{Run, is_on_path, measure, own_peak_kib};
use self::measure::{Scratch, arguments, goal, machine};

fn main() -> Result<()> {
    let (args, file) = arguments()?;
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let numbers = match args[..] {
        ["ours", codec, source, archive] => return ours::archive(codec, Path::new(source), Path::new(archive)),
        ["verify", archive] => {
            ours::verify_archive(Path::new(archive))?;
            println!("{}", own_peak_kib()?);
            return Ok(());
        }
        ["read", source] => return ours::read_all(Path::new(source)),
        ["take", archive, wanted, out] => return extract::take(Path::new(archive), wanted, Path::new(out)),
        ["unpack", archive, wanted, out] => return extract::unpack(Path::new(archive), wanted, Path::new(out)),
        ["extract"] => extract::measure_extraction(2, 3)?,
        ["memory"] => memory::measure_memory()?,
        [] => speed(64 << 20, 3)?,
        ["--full"] => speed(256 << 20, 5)?,
        _ => bail!("expected nothing, `--full`, `memory` or `extract`, not {args:?}"),
    };
    if let Some(file) = file {
        fs::write(file, serde_json::to_vec_pretty(&numbers)?)?;
    }
    Ok(())
}

/// All rounds of one contender over one tree.
struct Series {
    contender: &'static Contender,
    runs: Vec<Run>,
}

/// What was measured over one tree.
struct Trial {
    corpus: Corpus,
    bytes: usize,
    series: Vec<Series>,
}

fn speed(bytes: usize, rounds: usize) -> Result<serde_json::Value> {
    let (present, missing): (Vec<_>, Vec<_>) =
        CONTENDERS.iter().partition(|contender| contender.needs.is_empty() || is_on_path(contender.needs));
    for contender in &missing {
        println!("left out: {} ({} is not installed)", contender.name, contender.needs);
    }
    let mut trials = Vec::new();
    for corpus in Corpus::ALL {
        let trial = compare(corpus, bytes, rounds, &present)?;
        report::print(&trial);
        trials.push(trial);
    }
    let together = report::together(&trials);
    report::print_together(&together);
    let goals = goal::report(&report::goals(&together));
    Ok(json!({
        "bench": "archive", "machine": machine(), "rounds": rounds, "bytes_per_corpus": bytes,
        "left_out": missing.iter().map(|contender| contender.name).collect::<Vec<_>>(),
        "corpora": trials.iter().map(report::to_json).collect::<Vec<_>>(), "goals": goals,
    }))
}

fn compare(corpus: Corpus, bytes: usize, rounds: usize, present: &[&'static Contender]) -> Result<Trial> {
    let scratch = Scratch::new(corpus.name())?;
    let (source, out) = (scratch.0.join("source"), scratch.0.join("out"));
    corpus.write(&source, bytes)?;
    let sound = ours::gate(&scratch.0, &source)?;
    let mut series: Vec<Series> =
        present.iter().map(|contender| Series { contender, runs: Vec::with_capacity(rounds) }).collect();
    // The first round warms the page cache up and does not count.
    for round in 0..=rounds {
        for Series { contender, runs } in &mut series {
            let run = measure(contender.script, &source, &out, &[("SOUND", &sound)])?;
            if out.exists() {
                fs::remove_file(&out)?;
            }
            if round > 0 {
                runs.push(run);
            }
        }
    }
    Ok(Trial { corpus, bytes, series })
}
