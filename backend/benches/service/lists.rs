//! `GET /api/v1/jobs` with every filter, and the other lists, over 100 000 jobs.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::http::{self, Connection, Load, get, get_json};
use super::report::{Report, percentile};
use super::site::Site;

const LOAD: Load = Load { connections: 1, time: Duration::from_secs(2), most: 300 };

const LISTS: [&str; 14] = [
    "/api/v1/jobs?",
    "/api/v1/jobs?state=failed",
    "/api/v1/jobs?state=running",
    "/api/v1/jobs?kind=backup",
    "/api/v1/jobs?kind=restore",
    "/api/v1/jobs?stack=stack007",
    "/api/v1/jobs?instance=nas",
    "/api/v1/jobs?plan=nightly",
    "/api/v1/jobs?since=2100-01-01T00:00:00Z",
    "/api/v1/jobs?stack=stack007&state=failed",
    "/api/v1/snapshots?",
    "/api/v1/snapshots?complete=false",
    "/api/v1/stacks?limit=500",
    "/api/v1/stacks/stack007?",
];

/// Measures the first page of each, and every page of all jobs.
pub(crate) async fn measure(site: &Site, report: &mut Report) -> Result<()> {
    let service = site.start().await?;
    let token = service.token().await?;
    for list in LISTS {
        let path = list.trim_end_matches('?');
        let outcome = http::load(&service.address, &get(path, &token), LOAD).await?;
        let middle = percentile(outcome.latencies_ms.iter().copied(), 0.5);
        let late = percentile(outcome.latencies_ms, 0.99);
        report.number(format!("{path}, median (99th: {late:.1} ms)"), middle, "ms", None);
    }
    walk(&service.address, &token, report).await?;
    report.number("/metrics, first", first(&service.address, "/metrics", &token).await?, "ms", None);
    Ok(())
}

/// The last page must cost what the first one does.
async fn walk(address: &str, token: &str, report: &mut Report) -> Result<()> {
    let (mut cursor, mut times, mut seen) = (None::<String>, Vec::new(), 0);
    loop {
        let after = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let sent = std::time::Instant::now();
        let page: Value = get_json(address, &format!("/api/v1/jobs?limit=500{after}"), token).await?;
        times.push(sent.elapsed().as_secs_f64() * 1000.0);
        seen += page["items"].as_array().map_or(0, Vec::len);
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    ensure!(seen == 100_000, "{seen} jobs came in pages");
    let last = times.len().saturating_sub(20);
    report.number("jobs in pages of 500, the first twenty, median", percentile(times[..20].to_vec(), 0.5), "ms", None);
    report.number("jobs in pages of 500, the last twenty, median", percentile(times[last..].to_vec(), 0.5), "ms", None);
    Ok(())
}

async fn first(address: &str, path: &str, token: &str) -> Result<f64> {
    let mut connection = Connection::open(address).await?;
    let sent = std::time::Instant::now();
    connection.send(&get(path, token)).await?;
    Ok(sent.elapsed().as_secs_f64() * 1000.0)
}
