//! `GET /api/v1/status` beside the same summary out of Flask, gunicorn and SQLite.
//!
//! Both answer the same facts out of the same jobs and snapshots, both check a token, both are asked by the same client
//! over kept-alive connections, in turns. Of the peer's ways to run workers the better one counts.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::http::{self, Load, Outcome, get, get_json};
use super::peer::{Peer, WORKERS};
use super::report::{Goal, Report, median, percentile};
use super::site::{Service, Site, cpu_secs};

const PATH: &str = "/api/v1/status";
const ROUNDS: usize = 3;
const LOAD: Load = Load { connections: 16, time: Duration::from_secs(4), most: 20_000 };
const WARM_UP: Load = Load { connections: 16, time: Duration::from_secs(1), most: 500 };

/// A contender's rounds: requests a second, milliseconds of processor time a request, the 99th percentile in ms.
#[derive(Default)]
struct Rounds {
    per_second: Vec<f64>,
    cpu_ms: Vec<f64>,
    p99_ms: Vec<f64>,
}

impl Rounds {
    async fn add(&mut self, address: &str, pid: u32, path: &str, token: &str) -> Result<()> {
        let request = get(path, token);
        http::load(address, &request, WARM_UP).await?;
        let before = cpu_secs(pid)?;
        let Outcome { latencies_ms, secs } = http::load(address, &request, LOAD).await?;
        #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 requests")]
        let count = latencies_ms.len() as f64;
        self.cpu_ms.push((cpu_secs(pid)? - before) * 1000.0 / count);
        self.per_second.push(count / secs);
        self.p99_ms.push(percentile(latencies_ms, 0.99));
        Ok(())
    }
}

/// Measures both and reports the ratio.
pub(crate) async fn measure(site: &Site, report: &mut Report) -> Result<()> {
    let service = site.start().await?;
    let token = service.token().await?;
    let (mut ours, mut floor) = (Rounds::default(), Rounds::default());
    let mut peers: Vec<(Peer, Rounds, Rounds)> = Vec::new();
    for workers in WORKERS {
        peers.extend(Peer::start(site, workers).await?.map(|peer| (peer, Rounds::default(), Rounds::default())));
    }
    for (peer, ..) in &peers {
        gate(&service, &token, peer).await?;
    }
    for _ in 0..ROUNDS {
        ours.add(&service.address, service.pid(), PATH, &token).await?;
        floor.add(&service.address, service.pid(), "/healthz", &token).await?;
        for (peer, rounds, floor) in &mut peers {
            rounds.add(&peer.address, peer.pid(), PATH, &peer.token).await?;
            floor.add(&peer.address, peer.pid(), "/constant", &peer.token).await?;
        }
    }
    tell(report, &ours, &floor, &peers);
    Ok(())
}

/// Both must tell the same before any clock runs.
async fn gate(service: &Service, token: &str, peer: &Peer) -> Result<()> {
    let ours = facts(get_json(&service.address, PATH, token).await?);
    let theirs = facts(get_json(&peer.address, PATH, &peer.token).await?);
    ensure!(ours == theirs, "ours and the peer's differ:\n{ours:#}\n{theirs:#}");
    ensure!(ours["stacks"]["found"] == super::seed::STACKS, "not every stack was found: {ours:#}");
    Ok(())
}

/// The answer without what changes from moment to moment and without what only we can know.
fn facts(mut status: Value) -> Value {
    let free = status["backup_disk"]["free_bytes"].as_u64().is_some_and(|bytes| bytes > 0);
    status["backup_disk"]["free_bytes"] = free.into();
    if let Some(object) = status.as_object_mut() {
        object.retain(|key, _| !matches!(key.as_str(), "at" | "warnings" | "engine"));
    }
    status
}

fn tell(report: &mut Report, ours: &Rounds, floor: &Rounds, peers: &[(Peer, Rounds, Rounds)]) {
    let middle = |values: &[f64]| median(values.iter().copied());
    report.number("status, requests/s", middle(&ours.per_second), "/s", None);
    report.number("status, 99th percentile", middle(&ours.p99_ms), "ms", None);
    report.number("status, processor time a request", middle(&ours.cpu_ms) * 1000.0, "us", None);
    report.number("/healthz, requests/s (what the client allows)", middle(&floor.per_second), "/s", None);
    let best = peers.iter().max_by(|a, b| middle(&a.1.per_second).total_cmp(&middle(&b.1.per_second)));
    for (peer, rounds, constant) in peers {
        let is_best = best.is_some_and(|(best, ..)| std::ptr::eq(best, peer));
        let goal = is_best.then_some(Goal::AtLeast(20.0));
        let name = format!("status, requests/s, beside Flask ({})", peer.name);
        add(report, name, &ours.per_second, &rounds.per_second, |ours, peer| ours / peer, "/s", goal);
        let name = format!("the same, beside a constant of Flask ({})", peer.name);
        add(report, name, &ours.per_second, &constant.per_second, |ours, peer| ours / peer, "/s", None);
        let name = format!("status, processor time, beside Flask ({})", peer.name);
        let micros = |values: &[f64]| values.iter().map(|ms| ms * 1000.0).collect::<Vec<_>>();
        add(report, name, &micros(&ours.cpu_ms), &micros(&rounds.cpu_ms), |ours, peer| peer / ours, "us", None);
    }
}

/// The ratio is the median of those of pairs of the same round.
fn add(
    report: &mut Report,
    name: String,
    ours: &[f64],
    peer: &[f64],
    ratio: fn(f64, f64) -> f64,
    unit: &str,
    goal: Option<Goal>,
) {
    let ratio = median(ours.iter().zip(peer).map(|(ours, peer)| ratio(*ours, *peer)));
    let middle = |values: &[f64]| median(values.iter().copied());
    report.ratio(name, (middle(ours), unit), middle(peer), ratio, goal);
}
