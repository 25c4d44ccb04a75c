//! Memory of a service that has nothing to do.

use std::time::Duration;

use anyhow::Result;

use super::http::{Connection, get};
use super::report::{Goal, Report};
use super::site::{Service, Site, memory_mib};

/// How long the service is left alone before it is looked at: long enough for what the start needed to be given back.
const REST: Duration = Duration::from_secs(4);
const GOAL: Option<Goal> = Some(Goal::AtMost(30.0));

/// Measures a service without stacks and one with 200, before and after it was used.
pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    for stacks in [0, 200] {
        let site = Site::new("idle")?;
        site.add_stacks(stacks)?;
        let service = site.start().await?;
        tokio::time::sleep(REST).await;
        tell(report, &service, &format!("{stacks} stacks"), GOAL)?;
        for _ in 0..4 {
            visit(&service).await?;
        }
        tokio::time::sleep(REST).await;
        tell(report, &service, &format!("{stacks} stacks, after four visits of the dashboard"), None)?;
    }
    Ok(())
}

fn tell(report: &mut Report, service: &Service, what: &str, goal: Option<Goal>) -> Result<()> {
    report.number(format!("resident, {what}"), memory_mib(service.pid(), "VmRSS")?, "MiB", goal);
    report.number(format!("of it not backed by files, {what}"), memory_mib(service.pid(), "RssAnon")?, "MiB", None);
    Ok(())
}

/// What the dashboard asks for when somebody signs in.
async fn visit(service: &Service) -> Result<()> {
    let token = service.token().await?;
    let mut connection = Connection::open(&service.address).await?;
    for path in ["info", "status", "stacks", "jobs", "snapshots", "doctor"] {
        connection.send(&get(&format!("/api/v1/{path}"), &token)).await?;
    }
    Ok(())
}
