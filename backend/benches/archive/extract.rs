//! One file out of a large archive: by the index, and by tar, which reads everything before it. Then all of it: ours compares
//! everything with the manifest, tar does not.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use anyhow::{Context as _, Result};
use mainstay::backends::archive::{ArchiveIndex, Meter, UnpackPlace, UnpackPlan};
use mainstay::domain::entry::EntryPath;
use mainstay::domain::job::TargetKind;
use serde_json::{Value, json};

use super::measure::corpus::write_bulk;
use super::measure::process::{Run, measure, shell};
use super::measure::{Scratch, Spread, goal, machine};
use super::ours;

/// In the middle of the tree.
const WANTED: &str = "data/d16/small-512";
const OURS: &str = "ours, by the index";

/// One more way: a line here. `$ARCHIVE` is read, `$WANTED` comes out as `$OUT`; the top directory is `bench`.
const WAYS: [(&str, &str); 5] = [
    (OURS, "\"$SELF\" take \"$ARCHIVE\" \"$WANTED\" \"$OUT\""),
    (
        "ours, as a restore does",
        "\"$SELF\" unpack \"$ARCHIVE\" \"$WANTED\" \"$OUT.d\" && mv \"$OUT.d/${WANTED#data/}\" \"$OUT\" && rm -r \"$OUT.d\"",
    ),
    ("tar xzf ARCHIVE FILE", "tar -xOzf \"$ARCHIVE\" \"bench/$WANTED\" > \"$OUT\""),
    ("the same, first match", "tar -xOzf \"$ARCHIVE\" --occurrence=1 \"bench/$WANTED\" > \"$OUT\""),
    (
        "python tarfile",
        "python3 -c 'import sys,tarfile; t=tarfile.open(sys.argv[1]); open(sys.argv[3],\"wb\").write(t.extractfile(\"bench/\"+sys.argv[2]).read())' \"$ARCHIVE\" \"$WANTED\" \"$OUT\"",
    ),
];

/// All of the archive, to the disk.
const WHOLE: [(&str, &str); 2] = [
    ("ours, all of it", "\"$SELF\" unpack \"$ARCHIVE\" '' \"$OUT.d\""),
    ("tar xpzf, all of it", "mkdir \"$OUT.d\" && tar -xpzf \"$ARCHIVE\" -C \"$OUT.d\" && sync -f \"$OUT.d\""),
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
    let whole = measure_whole(&source, &out, &archive, rounds)?;
    let ratio = whole[1] / (runs[1].iter().map(|run| run.wall_secs).sum::<f64>() / runs[1].len() as f64);
    println!("one file as a restore does, to all of it by tar: 1 to {ratio:.0}");
    let goals = [goal::Goal::at_least("one file: times as fast as tar xzf", Some(times(2)), 100.0)];
    let rows: Vec<Value> = WAYS.iter().zip(&runs).map(|((name, _), runs)| {
        json!({"name": name, "wall_secs": runs.iter().map(|run| run.wall_secs).collect::<Vec<_>>()})
    }).collect();
    let goals = goal::report(&goals);
    Ok(json!({
        "bench": "extract", "machine": machine(), "gib": gib, "archive_bytes": size_bytes, "ways": rows,
        "whole_secs": whole, "goals": goals,
    }))
}

/// The median time of each way to unpack all of it.
#[expect(clippy::print_stdout, reason = "the numbers are the product of this program")]
fn measure_whole(source: &Path, out: &Path, archive: &Path, rounds: usize) -> Result<Vec<f64>> {
    let mut walls = vec![Vec::<f64>::new(); WHOLE.len()];
    for _ in 0..rounds {
        for ((_, script), walls) in WHOLE.iter().zip(&mut walls) {
            walls.push(measure(script, source, out, &[("ARCHIVE", archive)])?.wall_secs);
            shell("diff -r \"$SRC\" \"$OUT.d\" || diff -r \"$SRC\" \"$OUT.d/bench/data\"", source, out, &[])?;
            shell("rm -r \"$OUT.d\"", source, out, &[])?;
        }
    }
    let medians: Vec<f64> = walls.into_iter().map(|walls| Spread::of(walls).median).collect();
    for ((name, _), median) in WHOLE.iter().zip(&medians) {
        println!("{name:26}{median:>28.2} s");
    }
    Ok(medians)
}

/// Unpacks a path below `data/`, or all of it, as a restore does: a process of its own, so that its start counts.
pub(crate) fn unpack(archive: &Path, wanted: &str, out: &Path) -> Result<()> {
    let path = wanted.strip_prefix("data/").map(|path| EntryPath::new(path.as_bytes())).transpose()?;
    let (kind, name) = (TargetKind::Data, "bench".to_owned());
    let place = UnpackPlace { kind, name, paths: path.into_iter().collect(), to: out.to_owned() };
    let plan = UnpackPlan::make(archive, &[place], &Meter::new())?;
    plan.run(&Meter::new())?;
    Ok(plan.sync()?)
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
