//! A job's log with 200 listeners, at 1 000 lines a second.
//!
//! The application runs in a process of its own, on a scripted engine that holds the job up, so that its memory and its
//! processor time are its own. Each line says when it was written; each listener must get every line once, in order.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use mainstay::app::Builder;
use mainstay::config::{LoadOptions, load};
use mainstay::docker::scripted::{CallKind, ScriptedEngine, running_container};
use mainstay::domain::clock::{Clock as _, SystemClock};
use mainstay::domain::job::{Quiesce, Trigger};
use mainstay::domain::log::Level;
use mainstay::domain::stack::labels;
use mainstay::engine::{BackupRequest, JobEngine};

use super::listeners::{self, Heard};
use super::report::{Report, percentile};
use super::site::{Site, cpu_secs, memory_mib, stack_name};

/// The hidden word that starts the service.
pub(crate) const SERVICE: &str = "sse-service";
const LISTENERS: usize = 200;
/// How many of them come late, and read the beginning out of the file.
const LATE: usize = 20;
const LINES: u64 = 10_000;
const LINES_A_SECOND: u32 = 1_000;

/// Measures it.
pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    let site = Site::new("sse")?;
    site.add_stacks(1)?;
    let mut writer = Writer::start(&site)?;
    let path = format!("/api/v1/jobs/{}/log/stream", writer.job);
    let before = memory_mib(writer.child.id(), "VmRSS")?;
    let listen = |count| listeners::open(&writer.address, &path, &writer.token, count, LINES);
    let mut all = listen(LISTENERS - LATE).await?;
    writeln!(writer.stdin, "go")?;
    let (cpu, started) = (cpu_secs(writer.child.id())?, Instant::now());
    let late = async {
        tokio::time::sleep(Duration::from_secs(4)).await;
        let mut late = listen(LATE).await?;
        listeners::hear(&mut late).await
    };
    let (heard, of_late) = tokio::try_join!(listeners::hear(&mut all), late)?;
    let secs = started.elapsed().as_secs_f64();
    let cpu = (cpu_secs(writer.child.id())? - cpu) / secs;
    let peak = memory_mib(writer.child.id(), "VmHWM")?;
    tell(report, &heard, &of_late, (before, peak, cpu))
}

fn tell(report: &mut Report, heard: &[Heard], late: &[Heard], (before, peak, cpu): (f64, f64, f64)) -> Result<()> {
    let all = heard.iter().chain(late);
    let whole = all.filter(|one| one.lines == LINES && one.is_in_order).count();
    ensure!(whole == LISTENERS, "only {whole} of {LISTENERS} listeners got every line once and in order");
    let latencies = || heard.iter().flat_map(|one| one.latencies_ms.iter().copied());
    let what = format!("log, {LISTENERS} listeners, {LINES_A_SECOND} lines/s");
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    report.number(format!("{what}: got all {LINES} lines"), whole as f64, "", None);
    for (name, part) in [("median", 0.5), ("99th percentile", 0.99), ("latest", 1.0)] {
        report.number(format!("{what}: delay, {name}"), percentile(latencies(), part), "ms", None);
    }
    report.number(format!("{what}: processors busy"), cpu * 100.0, "%", None);
    report.number(format!("{what}: peak memory"), peak, "MiB", None);
    report.number(format!("{what}: peak over idle"), peak - before, "MiB", None);
    Ok(())
}

/// The process that writes.
struct Writer {
    child: Child,
    stdin: ChildStdin,
    address: String,
    token: String,
    job: String,
}

impl Writer {
    fn start(site: &Site) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(SERVICE).arg(site.path("config.yml")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn()?;
        let (stdin, stdout) = (child.stdin.take().context("piped")?, child.stdout.take().context("piped")?);
        let line = BufReader::new(stdout).lines().next().context("the service ended")??;
        let words: Vec<&str> = line.split(' ').collect();
        let [address, token, job] = words[..] else { anyhow::bail!("an odd line: {line}") };
        Ok(Self { child, stdin, address: address.to_owned(), token: token.to_owned(), job: job.to_owned() })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The service: prints its address, a token and the job, then writes lines when it is told to.
pub(crate) fn serve(args: &[String]) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let path = args.first().context("no configuration")?.into();
        let loaded = load(&LoadOptions { explicit_path: Some(path), ..LoadOptions::default() })?;
        let docker = ScriptedEngine::new();
        add_container(&docker, &loaded.config.stacks_dir.join(stack_name(0)));
        let gate = docker.block_nth(CallKind::Stop, 1);
        let running = Builder::new(loaded).docker(docker.shared()).start().await?;
        let stack = stack_name(0).parse()?;
        let request = BackupRequest { stack, quiesce: Some(Quiesce::Stop), is_dry_run: false, trigger: Trigger::Api };
        let jobs = running.engine().submit_backups(vec![request]).await?;
        gate.reached().await;
        let job = jobs.first().context("no job")?.id.clone();
        println!("{} {} {job}", running.socket_address(), running.command_token().await?);
        let engine = running.engine().clone();
        tokio::task::spawn_blocking(move || write_lines(&engine, &job)).await??;
        // Killed from outside when everything was heard.
        std::future::pending().await
    })
}

fn add_container(docker: &ScriptedEngine, directory: &std::path::Path) {
    let mut detail = running_container("web", "web");
    let compose = directory.join("compose.yaml");
    let pairs = [
        (labels::PROJECT, stack_name(0)),
        (labels::SERVICE, "web".to_owned()),
        (labels::NUMBER, "1".to_owned()),
        (labels::ONEOFF, "False".to_owned()),
        (labels::WORKING_DIR, directory.display().to_string()),
        (labels::CONFIG_FILES, compose.display().to_string()),
    ];
    detail.container.labels = pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    docker.add_container(detail);
}

/// Lines that no listener counts came before: those of the job itself.
fn write_lines(engine: &JobEngine, job: &mainstay::domain::ids::JobId) -> Result<()> {
    std::io::stdin().lines().next().context("nobody asks")??;
    let live = engine.find_live(job).context("the job is over")?;
    let log = Arc::clone(live.log());
    let started = Instant::now();
    for number in 0..LINES {
        let due = started + Duration::from_secs(1) / LINES_A_SECOND * u32::try_from(number)?;
        if let Some(early) = due.checked_duration_since(Instant::now()) {
            std::thread::sleep(early);
        }
        log.write(
            Level::Info,
            format!(
                "{}{} a line of the usual length, about a file that was read",
                listeners::MARK,
                SystemClock.now().timestamp_micros()
            ),
        );
    }
    Ok(())
}
