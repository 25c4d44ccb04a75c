//! A Docker Engine of our own, to be killed, stopped and started again; the usual one is everybody's.
//!
//! It has a network namespace of its own: an engine without a bridge in the machine's namespace would remove the bridge
//! of the usual one.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::host::Host;
use crate::stack::IMAGE;

/// How long a start or a stop may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The engine; ended and cleared away when dropped.
pub(crate) struct SecondEngine {
    directory: TempDir,
    child: Option<std::process::Child>,
    pub(crate) host: Host,
}

impl SecondEngine {
    /// Starts one that has the image of the suite.
    pub(crate) async fn up() -> Self {
        let directory = tempfile::Builder::new().prefix("mst-engine-").tempdir().expect("a directory");
        // A client wants to see its socket, also of an engine that only comes; the engine replaces the file.
        std::fs::write(directory.path().join("docker.sock"), "").expect("made");
        let host = Host::at(&format!("unix://{}/docker.sock", directory.path().display()));
        let mut engine = Self { directory, child: None, host };
        engine.start().await;
        let load = format!("docker save {IMAGE} | docker -H {} load --quiet", engine.host.address);
        let loaded = Command::new("sh").args(["-ec", &load]).stdout(Stdio::null()).status().expect("sh");
        assert!(loaded.success(), "the image does not get into the second engine");
        engine
    }

    /// Starts it again over what it was.
    pub(crate) async fn start(&mut self) {
        let at = |name: &str| self.directory.path().join(name);
        let _ = std::fs::remove_file(at("docker.pid"));
        let log = std::fs::File::options().create(true).append(true).open(at("log")).expect("a log");
        let mut command = Command::new("unshare");
        command.args(["--net", "dockerd", "--bridge=none", "--iptables=false", "--storage-driver=overlay2"]);
        for (option, name) in [("--data-root", "data"), ("--exec-root", "exec"), ("--pidfile", "docker.pid")] {
            command.arg(option).arg(at(name));
        }
        command.arg("--host").arg(&self.host.address).stdin(Stdio::null());
        command.stdout(log.try_clone().expect("a log")).stderr(log);
        self.child = Some(command.spawn().expect("unshare"));
        let deadline = Instant::now() + PATIENCE;
        while !self.host.answers().await {
            assert!(Instant::now() < deadline, "the second engine does not answer:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// `kill -9` of the engine and of its runtime. The containers' processes run on without them.
    pub(crate) fn kill(&mut self) {
        self.end(Signal::KILL);
        self.end_runtime(Signal::KILL);
    }

    /// An orderly end, which ends its containers.
    pub(crate) fn stop(&mut self) {
        self.end(Signal::TERM);
    }

    fn end(&mut self, signal: Signal) {
        let Some(mut child) = self.child.take() else { return };
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
        kill_process(pid, signal).expect("a signal");
        child.wait().expect("ended");
    }

    fn log(&self) -> String {
        let text = std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
        text.lines().rev().take(20).collect::<Vec<_>>().join("\n")
    }

    /// The runtime that an engine which was killed left behind. Nobody may be there to bury it, and the next engine
    /// would take a dead process for one that only does not answer.
    fn end_runtime(&self, signal: Signal) {
        let pid_file = self.directory.path().join("exec/containerd/containerd.pid");
        let pid = std::fs::read_to_string(&pid_file).ok().and_then(|text| text.trim().parse().ok());
        let Some(pid) = pid.and_then(Pid::from_raw) else { return };
        let _ = kill_process(pid, signal);
        let deadline = Instant::now() + Duration::from_secs(10);
        while is_alive(pid) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = std::fs::remove_file(pid_file);
    }
}

/// Whether a process runs; one that only waits to be buried does not.
fn is_alive(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

impl Drop for SecondEngine {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child
            && let Some(pid) = Pid::from_raw(i32::try_from(child.id()).unwrap_or_default())
        {
            // Its containers end with it when it ends in order.
            let _ = kill_process(pid, Signal::TERM);
            let _ = child.wait();
        }
        self.end_runtime(Signal::TERM);
        let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
        let below = self.directory.path().display().to_string();
        let mut ours: Vec<PathBuf> = mounts
            .lines()
            .filter_map(|l| l.split(' ').nth(1))
            .filter(|at| at.starts_with(&below))
            .map(Into::into)
            .collect();
        ours.sort();
        for mount in ours.iter().rev() {
            let _ = Command::new("umount").arg("--lazy").arg(mount).status();
        }
    }
}
