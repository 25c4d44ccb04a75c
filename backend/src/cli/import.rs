//! `mainstay import`

use clap::Args;
use serde_json::{Value, json};

use super::client::Client;
use super::session::with_client;
use super::{Outcome, backup, output};
use crate::config::Loaded;

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// A directory with archives, or an instance; what has a slash in it is a directory
    #[arg(value_name = "DIRECTORY|INSTANCE")]
    from: String,
}

pub(super) async fn run(loaded: &Loaded, args: ImportArgs, as_json: bool) -> anyhow::Result<Outcome> {
    let body = body(&args.from)?;
    with_client(loaded, async |client| {
        let job = client.post("/api/v1/snapshots/import", &body).await?;
        let id = job["id"].as_str().unwrap_or_default().to_owned();
        let outcome = backup::follow(&client, std::slice::from_ref(&id), false, as_json).await?;
        if !as_json {
            tell(&client, &id).await?;
        }
        Ok(outcome)
    })
    .await
}

/// What the API is asked for.
fn body(from: &str) -> anyhow::Result<Value> {
    if !from.contains('/') && from != "." && from != ".." {
        return Ok(json!({ "instance": from }));
    }
    let directory = std::path::Path::new(from);
    // The service does not stand where the command does.
    let whole = directory.canonicalize().or_else(|_| std::path::absolute(directory))?;
    Ok(json!({ "directory": whole }))
}

/// What the job did, and what it could not.
pub(super) async fn tell(client: &Client, id: &str) -> anyhow::Result<()> {
    let job = client.get(&format!("/api/v1/jobs/{id}")).await?;
    for step in job["steps"].as_array().into_iter().flatten().filter_map(|step| step["detail"].as_str()) {
        output::line(step);
    }
    let page = client.get(&format!("/api/v1/jobs/{id}/log?level=WARNING&limit=500")).await?;
    for line in page["items"].as_array().into_iter().flatten() {
        output::note(line["message"].as_str().unwrap_or_default());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_slash_in_it_is_a_directory() {
        assert_eq!(body("nas").expect("a body"), json!({"instance": "nas"}));
        assert_eq!(body("/nowhere/at-all").expect("a body"), json!({"directory": "/nowhere/at-all"}));
        assert!(body("./x").expect("a body")["directory"].as_str().is_some_and(|path| path.starts_with('/')));
    }
}
