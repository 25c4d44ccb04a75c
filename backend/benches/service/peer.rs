//! The peer: `e2e/bench/status_peer.py` under gunicorn with two workers.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::site::Site;

/// Threads keep connections alive; plain workers open one for each request.
pub(crate) const WORKERS: [(&str, &[&str]); 2] =
    [("2 workers of 4 threads", &["-k", "gthread", "--threads", "4", "--keep-alive", "60"]), ("2 plain workers", &[])];

/// A peer that runs; ended when dropped.
pub(crate) struct Peer {
    child: Child,
    pub(crate) name: &'static str,
    pub(crate) address: String,
    pub(crate) token: String,
}

impl Peer {
    /// Starts it on the data of `site`; `None` where there is no Python for it.
    pub(crate) async fn start(site: &Site, workers: (&'static str, &[&str])) -> Result<Option<Self>> {
        let Some(python) = std::env::var_os("MAINSTAY_BENCH_PYTHON").filter(|python| !python.is_empty()) else {
            println!(
                "left out: Flask ({}): MAINSTAY_BENCH_PYTHON names no Python that has Flask and gunicorn",
                workers.0
            );
            return Ok(None);
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../e2e/bench/status_peer.py");
        let database = site.path("peer.db");
        if !database.exists() {
            let mut import = Command::new(&python);
            import.arg(&script).arg(site.path("state/mainstay.db")).arg(site.path("stacks")).arg(&database);
            ensure!(import.status().context("the peer's import")?.success(), "the peer's import failed");
        }
        let address = free_address()?;
        let mut command = Command::new(&python);
        command.args(["-m", "gunicorn", "--workers", "2", "--log-level", "warning", "--bind", &address]);
        command.args(workers.1).arg("--chdir").arg(script.parent().context("no folder")?).arg("status_peer:app");
        command.env("PEER_DATABASE", &database).env("PEER_BACKUP_DIR", site.path("backups"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().context("gunicorn")?;
        let peer = Self { child, name: workers.0, address, token: "a-token-of-the-peer".to_owned() };
        peer.wait().await?;
        Ok(Some(peer))
    }

    async fn wait(&self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while super::http::get_json(&self.address, "/constant", &self.token).await.is_err() {
            ensure!(Instant::now() < deadline, "the peer does not answer");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Asked, not killed: its workers end with it only then.
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        let asked = pid.map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::TERM));
        if !matches!(asked, Some(Ok(()))) {
            drop(self.child.kill());
        }
        drop(self.child.wait());
    }
}

fn free_address() -> Result<String> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
