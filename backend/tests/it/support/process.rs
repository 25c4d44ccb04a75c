//! The true binary as a process of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::client::Client;
use super::service::{config_text, sign_in};

/// How long a start, or a line that is waited for, may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// `mainstay serve`, killed when dropped.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
    pub(crate) base: String,
    port_file: PathBuf,
}

/// The binary under test.
pub(crate) fn mainstay() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mainstay"));
    // Nothing of the developer's own set-up reaches the test.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MAINSTAY_")) {
        command.env_remove(name);
    }
    command
}

/// Writes the configuration file of a process and returns its path.
pub(crate) fn write_config(root: &Path, database_url: &str, extra: &[String]) -> PathBuf {
    for directory in ["stacks", "backups", "logs"] {
        std::fs::create_dir_all(root.join(directory)).expect("made");
    }
    let path = root.join("config.yml");
    std::fs::write(&path, config_text(root, database_url, extra)).expect("written");
    path
}

impl Process {
    /// Starts the service and waits until it answers. `env` is added to its environment.
    pub(crate) fn start(config: &Path, env: &[(&str, &str)]) -> Self {
        let mut process = Self::launch(config, env);
        process.wait_until_it_answers();
        process
    }

    /// Starts the service.
    pub(crate) fn launch(config: &Path, env: &[(&str, &str)]) -> Self {
        let port_file = config.with_file_name("port");
        let _ = std::fs::remove_file(&port_file);
        let mut command = mainstay();
        command.arg("serve").arg("--config").arg(config).arg("--port-file").arg(&port_file);
        command.envs(env.iter().copied()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let (sender, lines) = channel();
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines, seen: Vec::new(), base: String::new(), port_file }
    }

    /// Waits until a service that was launched answers.
    pub(crate) fn wait_until_it_answers(&mut self) {
        self.wait_for_line("answers at");
        let address = std::fs::read_to_string(&self.port_file);
        let deadline = Instant::now() + PATIENCE;
        let address = address.unwrap_or_else(|_| {
            loop {
                if let Ok(address) = std::fs::read_to_string(&self.port_file) {
                    break address;
                }
                assert!(Instant::now() < deadline, "no port file");
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        self.base = format!("http://{}", address.trim());
    }

    /// Waits for a line of its standard error that holds `text`.
    pub(crate) fn wait_for_line(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(_) => panic!("no line with '{text}' in:\n{}", self.seen.join("\n")),
            }
        }
    }

    /// A client that is logged in.
    pub(crate) async fn client(&self) -> Client {
        sign_in(&self.base).await
    }

    /// `kill -9`: no handler of the process gets to run.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }

    /// SIGTERM, and the orderly end that follows; returns whether it ended well.
    pub(crate) fn terminate(mut self) -> bool {
        self.signal(rustix::process::Signal::TERM);
        self.wait_for_end()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.child.id()).expect("a pid")).expect("a pid");
        rustix::process::kill_process(pid, signal).expect("a signal");
    }

    /// Waits for its end; returns whether it ended well.
    pub(crate) fn wait_for_end(&mut self) -> bool {
        self.child.wait().expect("ended").success()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
