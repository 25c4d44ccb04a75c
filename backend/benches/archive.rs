//! Measures the archive writer beside the tools that people would use instead, in one run on one machine.
//!
//! ```text
//! cargo bench --bench archive                 a few minutes
//! cargo bench --bench archive -- --full       larger trees, more rounds
//! cargo bench --bench archive -- memory       peak memory of a 2 GiB and a 6 GiB tree
//! ```
//!
//! Every contender runs in a process of its own, in turns, so that the machine's mood hits all alike; only the
//! ratios mean something elsewhere. An archive that GNU tar does not restore as it was prints no number.
//! `MAINSTAY_BENCH_DIR` names the directory for trees and archives, else it is the system's temporary one.

#![expect(clippy::print_stdout, reason = "the numbers are the product of this program")]

#[path = "archive/corpus.rs"]
mod corpus;

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Instant;
use std::{env, fs};

use anyhow::{Context as _, Result, bail, ensure};
use mainstay::backends::archive::{ArchiveOptions, ArchiveWriter, Codec, Meter, TargetSpec, TreeOptions, verify};
use mainstay::domain::clock::{Clock as _, SystemClock};
use mainstay::domain::job::TargetKind;
use serde_json::Map;

use self::corpus::{Corpus, write_bulk};

const TOP: &str = "bench";

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["ours", codec, source, archive] => {
            archive_once(parse_codec(codec)?, Path::new(source), Path::new(archive))?;
            print_peak()
        }
        ["verify", archive] => {
            verify_once(Path::new(archive))?;
            print_peak()
        }
        ["memory"] => memory(),
        [] => speed(32 << 20, 3),
        ["--full"] => speed(256 << 20, 5),
        _ => bail!("expected nothing, `--full` or `memory`, not {args:?}"),
    }
}

/// How to make an archive of `$SRC` as `$OUT`.
struct Contender {
    name: &'static str,
    /// What must be on the path.
    needs: &'static str,
    script: &'static str,
}

const CONTENDERS: [Contender; 10] = [
    Contender { name: "ours gzip 6", needs: "", script: "\"$SELF\" ours gzip6 \"$SRC\" \"$OUT\"" },
    Contender { name: "ours gzip 2", needs: "", script: "\"$SELF\" ours gzip2 \"$SRC\" \"$OUT\"" },
    Contender { name: "ours zstd 3", needs: "", script: "\"$SELF\" ours zstd3 \"$SRC\" \"$OUT\"" },
    Contender {
        name: "python w:gz",
        needs: "python3",
        script: "python3 -c 'import sys,tarfile; t=tarfile.open(sys.argv[2],\"w:gz\"); t.add(sys.argv[1],\"bench\"); t.close()' \"$SRC\" \"$OUT\"",
    },
    Contender { name: "tar|gzip -6", needs: "gzip", script: "tar -C \"$SRC\" -cf - . | gzip -6 > \"$OUT\"" },
    Contender { name: "tar|pigz -6", needs: "pigz", script: "tar -C \"$SRC\" -cf - . | pigz -6 > \"$OUT\"" },
    Contender { name: "tar|igzip -T2", needs: "igzip", script: "tar -C \"$SRC\" -cf - . | igzip -1 -T 2 > \"$OUT\"" },
    Contender { name: "tar|zstd -3", needs: "zstd", script: "tar -C \"$SRC\" -cf - . | zstd -q -T0 -3 > \"$OUT\"" },
    Contender { name: "verify gzip 6", needs: "", script: "\"$SELF\" verify \"$SOUND\"" },
    Contender { name: "cp -a (floor)", needs: "cp", script: "cp -a \"$SRC\" \"$OUT\"" },
];

/// One run of a contender.
#[derive(Clone, Copy)]
struct Run {
    wall_secs: f64,
    cpu_secs: f64,
    size_bytes: u64,
}

fn speed(bytes: usize, rounds: usize) -> Result<()> {
    let present: Vec<&Contender> = CONTENDERS.iter().filter(|c| c.needs.is_empty() || is_on_path(c.needs)).collect();
    for missing in CONTENDERS.iter().filter(|c| !c.needs.is_empty() && !is_on_path(c.needs)) {
        println!("left out: {} ({} is not installed)", missing.name, missing.needs);
    }
    for corpus in Corpus::ALL {
        let scratch = Scratch::new(corpus.name())?;
        let source = scratch.0.join("source");
        corpus.write(&source, bytes)?;
        let sound = gate(&scratch.0, &source)?;
        let mut runs: Vec<Vec<Run>> = vec![Vec::new(); present.len()];
        // The first round warms the page cache up and does not count.
        for round in 0..=rounds {
            for (contender, runs) in present.iter().zip(&mut runs) {
                let run = run(contender, &source, &scratch.0.join("out"), &sound)?;
                if round > 0 {
                    runs.push(run);
                }
            }
        }
        report(corpus, bytes, &present, &runs);
    }
    Ok(())
}

/// Ours must be restored by GNU tar as it was, in every codec, before any clock runs; the gzip archive is kept.
fn gate(scratch: &Path, source: &Path) -> Result<PathBuf> {
    for (codec, test) in
        [("gzip6", "gzip -t < \"$OUT\""), ("gzip2", "gzip -t < \"$OUT\""), ("zstd3", "zstd -qt < \"$OUT\"")]
    {
        let archive = scratch.join(codec);
        archive_once(parse_codec(codec)?, source, &archive)?;
        let filter = if codec.starts_with("gzip") { "gzip" } else { "zstd" };
        if !is_on_path(filter) {
            continue;
        }
        let restore = format!(
            "set -e; {test}; mkdir \"$OUT.d\"; tar --{filter} -C \"$OUT.d\" -xpf \"$OUT\"; \
             diff -r --no-dereference \"$SRC\" \"$OUT.d/{TOP}/data\"; rm -r \"$OUT.d\""
        );
        shell(&restore, source, &archive, &archive)?;
        verify_once(&archive)?;
    }
    Ok(scratch.join("gzip6"))
}

fn run(contender: &Contender, source: &Path, out: &Path, sound: &Path) -> Result<Run> {
    let (cpu_before, started) = (children_cpu_secs()?, Instant::now());
    shell(contender.script, source, out, sound)?;
    let (wall_secs, cpu_secs) = (started.elapsed().as_secs_f64(), children_cpu_secs()? - cpu_before);
    let size_bytes = fs::metadata(out).map_or(0, |metadata| if metadata.is_file() { metadata.len() } else { 0 });
    if out.is_dir() {
        fs::remove_dir_all(out)?;
    } else if out.exists() {
        fs::remove_file(out)?;
    }
    Ok(Run { wall_secs, cpu_secs, size_bytes })
}

/// Ratios are medians of pairs of the same round: above 1 the contender takes longer than `ours gzip 6`.
fn report(corpus: Corpus, bytes: usize, contenders: &[&Contender], runs: &[Vec<Run>]) {
    println!("\n{} ({} MiB)", corpus.name(), bytes >> 20);
    println!(
        "{:16}{:>20}{:>20}{:>8}{:>8}{:>14}",
        "", "cpu s min/median", "wall s min/median", "x cpu", "x wall", "bytes"
    );
    for (contender, own) in contenders.iter().zip(runs) {
        let (cpu, wall) = (sorted(own, |run| run.cpu_secs), sorted(own, |run| run.wall_secs));
        let ratio = |get: fn(&Run) -> f64| {
            let pairs: Vec<Run> =
                own.iter().zip(&runs[0]).map(|(a, b)| Run { wall_secs: get(a) / get(b), ..*a }).collect();
            median(&sorted(&pairs, |run| run.wall_secs))
        };
        println!(
            "{:16}{:>20}{:>20}{:>8.2}{:>8.2}{:>14}",
            contender.name,
            format!("{:.2} / {:.2}", cpu[0], median(&cpu)),
            format!("{:.2} / {:.2}", wall[0], median(&wall)),
            ratio(|run| run.cpu_secs),
            ratio(|run| run.wall_secs),
            own[0].size_bytes,
        );
    }
}

fn sorted(runs: &[Run], get: fn(&Run) -> f64) -> Vec<f64> {
    let mut values: Vec<f64> = runs.iter().map(get).collect();
    values.sort_by(f64::total_cmp);
    values
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

/// Peak memory must not depend on the size of the tree.
fn memory() -> Result<()> {
    let mut peaks = Vec::new();
    for gib in [2, 6] {
        let scratch = Scratch::new("memory")?;
        let (source, out) = (scratch.0.join("source"), scratch.0.join("out"));
        write_bulk(&source, gib << 30)?;
        let output = shell("\"$SELF\" ours gzip6 \"$SRC\" \"$OUT\"", &source, &out, &out)?;
        let archived: u64 = String::from_utf8(output.stdout)?.trim().parse()?;
        let output = shell("\"$SELF\" verify \"$OUT\"", &source, &out, &out)?;
        let verified: u64 = String::from_utf8(output.stdout)?.trim().parse()?;
        println!("{gib} GiB: peak {archived} KiB archiving, {verified} KiB verifying");
        peaks.push(archived as f64);
    }
    println!("ratio of the archiving peaks: {:.2}", peaks[1] / peaks[0]);
    ensure!(peaks[1] / peaks[0] < 1.2, "memory grows with the tree");
    Ok(())
}

fn archive_once(codec: Codec, source: &Path, archive: &Path) -> Result<()> {
    let options = ArchiveOptions::new(codec, SystemClock.now());
    let mut writer = ArchiveWriter::create(archive, TOP, &options, Arc::new(Meter::new()))?;
    writer.begin_target(TargetSpec {
        kind: TargetKind::Data,
        name: TOP.to_owned(),
        original_path: source.to_owned(),
        archive_path: "data".to_owned(),
    })?;
    writer.add_tree(source, &TreeOptions::default())?;
    let finished = writer.finish(Map::new(), archive)?;
    ensure!(finished.targets[0].warning_count == 0, "{:?}", finished.targets[0].warnings);
    Ok(())
}

fn verify_once(archive: &Path) -> Result<()> {
    let report = verify(archive, &env::temp_dir(), &Meter::new())?;
    ensure!(report.is_sound(), "{:?}", report.problems);
    Ok(())
}

fn parse_codec(word: &str) -> Result<Codec> {
    Ok(match (word.get(..4), word.get(4..)) {
        (Some("gzip"), Some(level)) => Codec::Gzip { level: level.parse()? },
        (Some("zstd"), Some(level)) => Codec::Zstd { level: level.parse()? },
        _ => bail!("unknown codec {word}"),
    })
}

/// Prints the most memory that this process ever had, in KiB.
fn print_peak() -> Result<()> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    println!("{}", line.trim().trim_end_matches(" kB"));
    Ok(())
}

/// User and system time of all children that have ended; the kernel counts in hundredths.
fn children_cpu_secs() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit_once(") ").context("an odd /proc/self/stat")?.1;
    let fields: Vec<&str> = after_name.split(' ').collect();
    Ok((fields[13].parse::<f64>()? + fields[14].parse::<f64>()?) / 100.0)
}

fn is_on_path(program: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|directory| directory.join(program).is_file()))
}

#[expect(clippy::disallowed_methods, reason = "a benchmark starts its contenders itself, and waits for them")]
fn shell(script: &str, source: &Path, out: &Path, sound: &Path) -> Result<Output> {
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script]).env("SELF", env::current_exe()?).stderr(Stdio::inherit());
    let output = command.env("SRC", source).env("OUT", out).env("SOUND", sound).output()?;
    ensure!(output.status.success(), "{script} failed: {}", output.status);
    Ok(output)
}

/// A directory that is gone when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Result<Self> {
        let parent = env::var_os("MAINSTAY_BENCH_DIR").map_or_else(env::temp_dir, PathBuf::from);
        let path = parent.join(format!("mainstay-bench-{}-{name}", std::process::id()));
        fs::create_dir(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}
