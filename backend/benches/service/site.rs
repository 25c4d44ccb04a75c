//! Directories and a configuration of their own, and the true release binary on them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::http::Connection;

const PASSWORD: &str = "a password of the benchmark";

/// A place for a service; gone when dropped.
pub(crate) struct Site(PathBuf);

impl Site {
    /// An empty one. No engine answers at its address: what other stacks the machine has would change the numbers.
    pub(crate) fn new(name: &str) -> Result<Self> {
        let shared = Path::new("/dev/shm");
        let fallback = || if shared.is_dir() { shared.to_owned() } else { std::env::temp_dir() };
        let parent = std::env::var_os("MAINSTAY_BENCH_DIR").map_or_else(fallback, PathBuf::from);
        let root = parent.join(format!("mainstay-bench-{}-{name}", std::process::id()));
        for below in ["stacks", "backups", "logs", "staging", "state"] {
            fs::create_dir_all(root.join(below))?;
        }
        let at = root.display();
        let config = format!(
            "stacks_dir: {at}/stacks\nbackup_dir: {at}/backups\nlog_dir: {at}/logs\nstaging_dir: {at}/staging\n\
             database_url: sqlite://{at}/state/mainstay.db\nlisten: 127.0.0.1:0\nauth: {{ password: '{PASSWORD}' }}\n\
             docker_host: unix://{at}/no-engine.sock\n"
        );
        fs::write(root.join("config.yml"), config)?;
        Ok(Self(root))
    }

    /// A path below it.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.0.join(below)
    }

    /// Makes stack directories, each with a compose file of three services.
    pub(crate) fn add_stacks(&self, count: usize) -> Result<()> {
        for name in (0..count).map(stack_name) {
            let directory = self.path("stacks").join(name);
            fs::create_dir_all(&directory)?;
            let compose = "services:\n  web:\n    image: img\n    depends_on: [db, cache]\n    volumes: [\"./page:/page:ro\"]\n  \
                           db:\n    image: img\n    volumes: [\"db:/data\"]\n  cache:\n    image: img\nvolumes:\n  db: {}\n";
            fs::write(directory.join("compose.yaml"), compose)?;
        }
        Ok(())
    }

    /// Starts the service and waits until it answers.
    pub(crate) async fn start(&self) -> Result<Service> {
        let port_file = self.path("port");
        drop(fs::remove_file(&port_file));
        let log = fs::File::create(self.path("service.log"))?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_mainstay"));
        command.arg("serve").arg("--config").arg(self.path("config.yml")).arg("--port-file").arg(&port_file);
        // What is meant for the benchmark is no setting of the service.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MAINSTAY_")) {
            command.env_remove(name);
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().context("the service")?;
        let mut service = Service { child, address: String::new() };
        service.address = wait_for_file(&port_file).await.with_context(|| self.log())?;
        Ok(service)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("service.log")).unwrap_or_default()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// The name of the stack with this number.
pub(crate) fn stack_name(number: usize) -> String {
    format!("stack{number:03}")
}

/// Waits for a file that is not empty, and returns its first line.
pub(crate) async fn wait_for_file(path: &Path) -> Result<String> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(line) = fs::read_to_string(path).ok().and_then(|text| text.lines().next().map(str::to_owned)) {
            return Ok(line);
        }
        ensure!(Instant::now() < deadline, "{} did not appear", path.display());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A service that runs; killed when dropped.
pub(crate) struct Service {
    child: Child,
    pub(crate) address: String,
}

impl Service {
    /// Signs in.
    pub(crate) async fn token(&self) -> Result<String> {
        let answer = self.post("/api/v1/auth/login", &json!({ "password": PASSWORD })).await?;
        answer["token"].as_str().map(str::to_owned).context("no token")
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let body = body.to_string();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        Ok(serde_json::from_slice(Connection::open(&self.address).await?.send(request.as_bytes()).await?)?)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A number in KiB of `/proc/<pid>/status`, in MiB.
pub(crate) fn memory_mib(pid: u32, field: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).context("no such field")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
}

/// Processor time of a process and of its children, those that run and those that have ended.
pub(crate) fn cpu_secs(pid: u32) -> Result<f64> {
    let own = cpu_of(pid)?;
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    Ok(own + children.split_whitespace().filter_map(|pid| cpu_of(pid.parse().ok()?).ok()).sum::<f64>())
}

fn cpu_of(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit_once(") ").context("an odd stat")?.1.split(' ').collect();
    // utime and stime, in hundredths of a second.
    Ok((fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / 100.0)
}
