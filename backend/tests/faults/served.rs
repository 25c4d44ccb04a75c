//! The true binary as a process of its own, seen from outside.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::client::Client;
use crate::cx::Cx;

/// How long a start, a line or the end of a job may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// How the process is started.
#[derive(Default, Clone)]
pub(crate) struct Launch {
    /// Added to its environment.
    pub(crate) env: Vec<(String, String)>,
    /// A program that starts it in its place, such as one that takes privileges away, with its arguments.
    pub(crate) through: Vec<String>,
    /// What it is asked to do; `serve` when empty.
    pub(crate) args: Vec<String>,
}

impl Launch {
    /// Stops at a place until it is killed.
    pub(crate) fn paused_at(place: &str) -> Self {
        Self::default().env("MAINSTAY_PAUSE_AT", place)
    }

    /// Stops at a place until `gate` is there.
    pub(crate) fn paused_until(place: &str, gate: &Path) -> Self {
        Self::default().env("MAINSTAY_PAUSE_AT", &format!("{place}={}", gate.display()))
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn through(self, program: &[&str]) -> Self {
        Self { through: program.iter().map(|&word| word.to_owned()).collect(), ..self }
    }

    pub(crate) fn command(self, args: &[&str]) -> Self {
        Self { args: args.iter().map(|&word| word.to_owned()).collect(), ..self }
    }
}

/// A running process; killed when dropped.
pub(crate) struct Served {
    child: Child,
    lines: Arc<Lines>,
    port_file: PathBuf,
    cx: Cx,
    base: String,
}

/// What the process has written to standard error.
#[derive(Default)]
struct Lines {
    text: Mutex<Vec<String>>,
    has_ended: std::sync::atomic::AtomicBool,
    changed: Notify,
}

impl Served {
    /// Starts the process; it may not answer yet. It has a process group of its own.
    pub(crate) fn spawn(cx: &Cx, config: &Path, launch: &Launch) -> Self {
        let binary = env!("CARGO_BIN_EXE_mainstay");
        let mut words: Vec<&str> = launch.through.iter().map(String::as_str).collect();
        words.push(binary);
        let mut command = Command::new(words[0]);
        // Nothing of the developer's own set-up reaches the test.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MAINSTAY_")) {
            command.env_remove(name);
        }
        command.args(&words[1..]).arg("--config").arg(config);
        let number = getrandom::u32().expect("random bytes");
        let port_file = config.with_file_name(format!("port-{number:08x}"));
        if launch.args.is_empty() {
            command.arg("serve").arg("--port-file").arg(&port_file);
        }
        command.args(&launch.args).envs(launch.env.iter().cloned()).process_group(0).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let lines = Arc::new(Lines::default());
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        tokio::spawn(Arc::clone(&lines).read(stderr));
        Self { child, lines, port_file, cx: cx.clone(), base: String::new() }
    }

    /// Waits until it answers.
    pub(crate) async fn ready(mut self) -> Self {
        self.line("answers at").await;
        let find = async {
            loop {
                // It is renamed to this name once it is whole.
                if let Ok(address) = std::fs::read_to_string(&self.port_file) {
                    return address;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let address = timeout(PATIENCE, find).await.expect("a port file");
        self.base = format!("http://{}", address.trim());
        self
    }

    /// Waits for a line of its standard error that holds `text`.
    pub(crate) async fn line(&self, text: &str) {
        assert!(self.says(text).await, "no line with '{text}' in:\n{}", self.text());
    }

    /// Waits for a place at which it was told to pause.
    pub(crate) async fn paused_at(&self, place: &str) {
        self.line(&format!("paused at {place}")).await;
    }

    async fn says(&self, text: &str) -> bool {
        let find = async {
            loop {
                let changed = self.lines.changed.notified();
                if self.lines.text.lock().expect("lines").iter().any(|line| line.contains(text)) {
                    return true;
                }
                if self.lines.has_ended.load(std::sync::atomic::Ordering::Acquire) {
                    return false;
                }
                // A line between the look and the wait wakes the next look soon enough.
                let _ = timeout(Duration::from_millis(200), changed).await;
            }
        };
        timeout(PATIENCE, find).await.unwrap_or(false)
    }

    /// Everything it wrote to standard error.
    pub(crate) fn text(&self) -> String {
        self.lines.text.lock().expect("lines").join("\n")
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.base, None)
    }

    /// Asks for a backup and returns the job's id.
    pub(crate) async fn begin(&self, stack: &str) -> String {
        let job = self.client().call("backup_stack").path("name", stack).ok().await;
        job["id"].as_str().expect("an id").to_owned()
    }

    /// Asks for a run of an instance and returns the job's id.
    pub(crate) async fn begin_run(&self, instance: &str) -> String {
        let job = self.client().call("run_instance").path("id", instance).ok().await;
        job["id"].as_str().expect("an id").to_owned()
    }

    pub(crate) async fn job(&self, id: &str) -> Value {
        self.client().call("get_job").path("id", id).ok().await
    }

    /// Waits for the end of a job by its stream: no polling.
    pub(crate) async fn end_of(&self, id: &str) -> Value {
        let watch = async {
            let mut stream = self.client().call("stream_job_log").path("id", id).open().await;
            while stream.chunk().await.expect("a chunk").is_some() {}
        };
        timeout(PATIENCE * 2, watch).await.unwrap_or_else(|_| panic!("job {id} does not end:\n{}", self.text()));
        let job = self.job(id).await;
        let state = job["state"].as_str().expect("a state").to_owned();
        assert!(!["queued", "running"].contains(&state.as_str()), "the stream ended before the job: {job}");
        self.cx.saw(&state);
        job
    }

    /// Backs up and waits for the end.
    pub(crate) async fn back_up(&self, stack: &str) -> Value {
        let id = self.begin(stack).await;
        self.end_of(&id).await
    }

    /// `kill -9`: no handler of the process gets to run. Counted.
    pub(crate) async fn kill(mut self) {
        self.cx.count_kill();
        kill_process(self.pid(), Signal::KILL).expect("killed");
        let status = self.child.wait().await.expect("ended");
        assert_eq!(status.signal(), Some(9), "it had ended by itself before the kill:\n{}", self.text());
    }

    /// `kill -9` of its whole process group, as a kernel that is out of memory, or an orchestrator, does it. Counted.
    pub(crate) async fn kill_group(mut self) {
        self.cx.count_kill();
        kill_process_group(self.pid(), Signal::KILL).expect("killed");
        self.child.wait().await.expect("ended");
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("a signal");
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self, limit: Duration) -> ExitStatus {
        let status = timeout(limit, self.child.wait()).await;
        let status = status.unwrap_or_else(|_| panic!("it does not end within {limit:?}:\n{}", self.text()));
        // What it said last may still be in the pipe; whoever else holds the pipe open is not waited for.
        let _ = timeout(Duration::from_secs(5), self.lines.ended()).await;
        status.expect("a status")
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a status").is_some()
    }

    /// SIGTERM, and the orderly end that follows.
    pub(crate) async fn terminate(mut self) {
        self.signal(Signal::TERM);
        let status = self.ended(PATIENCE).await;
        assert!(status.success(), "it ended with {status}:\n{}", self.text());
    }

    fn pid(&self) -> Pid {
        let id = self.child.id().expect("a process that was not waited for");
        Pid::from_raw(i32::try_from(id).expect("a pid")).expect("a pid")
    }
}

impl Lines {
    async fn read(self: Arc<Self>, stderr: BufReader<tokio::process::ChildStderr>) {
        let mut lines = stderr.lines();
        while let Ok(Some(line)) = lines.next_line().await {
            self.text.lock().expect("lines").push(line);
            self.changed.notify_waiters();
        }
        self.has_ended.store(true, std::sync::atomic::Ordering::Release);
        self.changed.notify_waiters();
    }

    async fn ended(&self) {
        loop {
            let changed = self.changed.notified();
            if self.has_ended.load(std::sync::atomic::Ordering::Acquire) {
                return;
            }
            // The end between the look and the wait is seen by the next look.
            let _ = timeout(Duration::from_millis(200), changed).await;
        }
    }
}
