//! `mainstay stacks`

use serde_json::Value;

use super::session::with_client;
use super::{Outcome, output};
use crate::config::Loaded;

pub(super) async fn run(loaded: &Loaded, as_json: bool) -> anyhow::Result<Outcome> {
    let answer = with_client(loaded, async |client| client.get("/api/v1/stacks?limit=500").await).await?;
    if as_json {
        output::json(&answer);
        return Ok(Outcome::Done);
    }
    let none = Vec::new();
    let stacks = answer["items"].as_array().unwrap_or(&none);
    let rows: Vec<Vec<String>> = stacks.iter().map(row).collect();
    output::table(&["STACK", "STATE", "SERVICES", "PROTECTED", "LAST GOOD BACKUP"], &rows);
    for (stack, warning) in
        stacks.iter().flat_map(|s| s["warnings"].as_array().unwrap_or(&none).iter().map(move |w| (s, w)))
    {
        output::note(&format!("{}: {}", text(&stack["name"]), text(warning)));
    }
    Ok(Outcome::Done)
}

fn row(stack: &Value) -> Vec<String> {
    let services = stack["services"].as_array().map_or(0, Vec::len);
    vec![
        text(&stack["name"]),
        text(&stack["state"]),
        services.to_string(),
        if stack["protected"] == true { "yes" } else { "no" }.to_owned(),
        stack["last_success_at"].as_str().unwrap_or("never").to_owned(),
    ]
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
