//! Runs a shell command and measures it with everything that it starts.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::{Context as _, Result, ensure};

/// How often the memory of the processes is looked at. The kernel keeps each one's peak, so little is missed.
const LOOK: Duration = Duration::from_millis(10);

/// One run of a command.
#[derive(Clone, Copy, Default)]
pub(crate) struct Run {
    pub(crate) wall_secs: f64,
    /// User and system time; the kernel counts that of children in hundredths.
    pub(crate) cpu_secs: f64,
    /// The peaks of all processes, added up.
    pub(crate) peak_kib: u64,
    /// Of what was written.
    pub(crate) size_bytes: u64,
}

/// Runs `script` with what it may name: `$SELF` this program, `$SRC` the tree, `$OUT` what it makes, and `more`.
pub(crate) fn measure(script: &str, source: &Path, out: &Path, more: &[(&str, &Path)]) -> Result<Run> {
    let (cpu_before, ended) = (children_cpu_secs()?, AtomicBool::new(false));
    let started = Instant::now();
    let (wall_secs, peak_kib) = thread::scope(|scope| {
        let peaks = scope.spawn(|| watch_memory(&ended));
        let outcome = shell(script, source, out, more).map(|_| started.elapsed().as_secs_f64());
        ended.store(true, Ordering::Relaxed);
        let peaks = peaks.join().unwrap_or_default();
        outcome.map(|wall_secs| (wall_secs, peaks))
    })?;
    let cpu_secs = children_cpu_secs()? - cpu_before;
    let size_bytes = fs::metadata(out).map_or(0, |metadata| if metadata.is_file() { metadata.len() } else { 0 });
    Ok(Run { wall_secs, cpu_secs, peak_kib, size_bytes })
}

/// Runs `script` and fails when it does.
#[expect(clippy::disallowed_methods, reason = "a benchmark starts its contenders itself, and waits for them")]
pub(crate) fn shell(script: &str, source: &Path, out: &Path, more: &[(&str, &Path)]) -> Result<Output> {
    let mut command = Command::new("sh");
    command.args(["-c", script]).env("SELF", env::current_exe()?).stderr(Stdio::inherit());
    let output = command.env("SRC", source).env("OUT", out).envs(more.iter().copied()).output()?;
    ensure!(output.status.success(), "{script} failed: {}", output.status);
    Ok(output)
}

pub(crate) fn is_on_path(program: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|directory| directory.join(program).is_file()))
}

/// The most memory that this process ever had, in KiB.
pub(crate) fn own_peak_kib() -> Result<u64> {
    peak_kib(std::process::id()).context("no peak in /proc/self/status")
}

fn watch_memory(ended: &AtomicBool) -> u64 {
    let mut peaks = HashMap::new();
    while !ended.load(Ordering::Relaxed) {
        let mut todo = children(std::process::id());
        while let Some(pid) = todo.pop() {
            todo.extend(children(pid));
            if let Some(peak) = peak_kib(pid) {
                peaks.insert(pid, peak);
            }
        }
        thread::sleep(LOOK);
    }
    peaks.values().sum()
}

/// The children of all threads of a process.
fn children(pid: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
}

fn peak_kib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

fn children_cpu_secs() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit_once(") ").context("an odd /proc/self/stat")?.1;
    let fields: Vec<&str> = after_name.split(' ').collect();
    Ok((fields[13].parse::<f64>()? + fields[14].parse::<f64>()?) / 100.0)
}
