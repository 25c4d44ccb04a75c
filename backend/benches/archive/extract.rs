//! One file out of a large archive: by the index, and by tar, which reads everything before it.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use anyhow::{Context as _, Result};
use mainstay::backends::archive::ArchiveIndex;
use serde_json::{Value, json};

use super::measure::corpus::write_bulk;
use super::measure::process::{Run, measure, shell};
use super::measure::{Scratch, Spread, goal, machine};
use super::ours;

/// In the middle of the tree.
const WANTED: &str = "data/d16/small-512";
const OURS: &str = "ours, by the index";

/// One more way: a line here. `$ARCHIVE` is read, `$WANTED` comes out as `$OUT`; the top directory is `bench`.
const WAYS: [(&str, &str); 4] = [
    (OURS, "\"$SELF\" take \"$ARCHIVE\" \"$WANTED\" \"$OUT\""),
    ("tar xzf ARCHIVE FILE", "tar -xOzf \"$ARCHIVE\" \"bench/$WANTED\" > \"$OUT\""),
    ("the same, first match", "tar -xOzf \"$ARCHIVE\" --occurrence=1 \"bench/$WANTED\" > \"$OUT\""),
    (
        "python tarfile",
        "python3 -c 'import sys,tarfile; t=tarfile.open(sys.argv[1]); open(sys.argv[3],\"wb\").write(t.extractfile(\"bench/\"+sys.argv[2]).read())' \"$ARCHIVE\" \"$WANTED\" \"$OUT\"",
    ),
];

/// Extracts one small file of a tree of `gib` GiB, `rounds` times in each way.
#[expect(clippy::print_stdout, reason = "the numbers are the product of this program")]
pub(crate) fn measure_extraction(gib: u64, rounds: usize) -> Result<Value> {
    let scratch = Scratch::new("extract")?;
    let (source, out) = (scratch.0.join("source"), scratch.0.join("out"));
    let archive = scratch.0.join("archive.tar.gz");
    write_bulk(&source, gib << 30)?;
    ours::write_default(&source, &archive)?;
    let size_bytes = fs::metadata(&archive)?.len();
    let mut runs = vec![Vec::<Run>::new(); WAYS.len()];
    for round in 0..=rounds {
        for ((_, script), runs) in WAYS.iter().zip(&mut runs) {
            let run = measure(script, &source, &out, &[("ARCHIVE", &archive), ("WANTED", Path::new(WANTED))])?;
            // Wrong content prints no number.
            shell(&format!("cmp \"$SRC/{}\" \"$OUT\"", &WANTED["data/".len()..]), &source, &out, &[])?;
            if round > 0 {
                runs.push(run);
            }
        }
    }
    println!("one file of 8 KiB out of {gib} GiB ({} MiB compressed)", size_bytes >> 20);
    println!("{:26}{:>28}{:>10}{:>10}", "", "wall s min/median/max", "peak MiB", "x wall");
    let times = |index: usize| {
        Spread::of(runs[index].iter().zip(&runs[0]).map(|(one, ours)| one.wall_secs / ours.wall_secs)).median
    };
    for (index, (name, _)) in WAYS.iter().enumerate() {
        let wall = Spread::of(runs[index].iter().map(|run| run.wall_secs));
        let peak = Spread::of(runs[index].iter().map(|run| run.peak_kib as f64 / 1024.0)).max;
        let shown = format!("{:.4} / {:.4} / {:.4}", wall.min, wall.median, wall.max);
        println!("{name:26}{shown:>28}{peak:>10.1}{:>10.1}", times(index));
    }
    let goals = [goal::Goal::at_least("one file: times as fast as tar xzf", Some(times(1)), 100.0)];
    let rows: Vec<Value> = WAYS.iter().zip(&runs).map(|((name, _), runs)| {
        json!({"name": name, "wall_secs": runs.iter().map(|run| run.wall_secs).collect::<Vec<_>>()})
    }).collect();
    let goals = goal::report(&goals);
    Ok(
        json!({"bench": "extract", "machine": machine(), "gib": gib, "archive_bytes": size_bytes, "ways": rows, "goals": goals}),
    )
}

/// Takes one file out of an archive: a process of its own, so that its start counts.
pub(crate) fn take(archive: &Path, wanted: &str, out: &Path) -> Result<()> {
    let index = ArchiveIndex::open(archive)?;
    let listed = index.find(wanted.as_bytes())?.context("no such entry")?;
    let mut file = io::BufWriter::new(File::create(out)?);
    index.extract(&listed, &mut file)?;
    io::Write::flush(&mut file)?;
    Ok(())
}
