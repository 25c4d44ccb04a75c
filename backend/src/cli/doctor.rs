//! `mainstay doctor`

use super::session::with_client;
use super::{Outcome, output};
use crate::config::Loaded;

pub(super) async fn run(loaded: &Loaded, as_json: bool) -> anyhow::Result<Outcome> {
    let answer = with_client(loaded, async |client| client.get("/api/v1/doctor").await).await?;
    let none = Vec::new();
    let checks = answer["checks"].as_array().unwrap_or(&none);
    let has_failed = checks.iter().any(|c| c["state"] == "failed");
    if as_json {
        output::json(&answer);
    } else {
        let source = loaded.path.as_ref().map_or_else(|| "none, defaults".to_owned(), |p| p.display().to_string());
        output::line(&format!("configuration: {source}; store: {}", loaded.config.database_url));
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
