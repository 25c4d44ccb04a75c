//! `mainstay doctor`

use super::session::Session;
use super::{Outcome, output};
use crate::config::Loaded;

pub(super) async fn run(loaded: &Loaded, as_json: bool) -> anyhow::Result<Outcome> {
    let session = Session::open(loaded).await?;
    let answer = session.client.get("/api/v1/doctor").await;
    session.close().await;
    let answer = answer?;
    let none = Vec::new();
    let checks = answer["checks"].as_array().unwrap_or(&none);
    let has_failed = checks.iter().any(|c| c["state"] == "failed");
    if as_json {
        output::json(&answer);
    } else {
        for check in checks {
            let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
            output::line(&format!("{:<8} {:<22} {}", text("state"), text("name"), text("message")));
            if let Some(remedy) = check["remedy"].as_str() {
                output::line(&format!("{:<31} -> {remedy}", ""));
            }
        }
    }
    Ok(if has_failed { Outcome::Failed } else { Outcome::Done })
}
