//! `mainstay restore`

use std::path::PathBuf;

use anyhow::anyhow;
use clap::{ArgGroup, Args};
use serde_json::{Value, json};

use super::backup::follow;
use super::client::{Client, segment};
use super::from::{self, FromArgs};
use super::session::with_client;
use super::{Outcome, output, within};
use crate::config::Loaded;
use crate::domain::size::{human_bytes, human_millis};

/// As many snapshots of a stack are looked through for its newest whole one.
const NEWEST: usize = 100;

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("where").args(["in_place", "to", "as_stack", "undo", "from"]).required(true))]
pub(super) struct RestoreArgs {
    /// A snapshot's id, or a stack's name for its newest whole one
    #[arg(value_name = "SNAPSHOT", required_unless_present_any = ["undo", "from"], conflicts_with_all = ["undo", "from"])]
    snapshot: Option<String>,
    /// A target of it, such as volume:blog_db; may be given several times; all when left out
    #[arg(long, value_name = "KIND:NAME", conflicts_with = "undo")]
    target: Vec<String>,
    /// A path in it, as `mainstay ls` shows it, or below the target when one alone is named; may be given several times
    #[arg(long, value_name = "PATH", conflicts_with = "undo")]
    path: Vec<String>,
    /// Put the data where it was
    #[arg(long)]
    in_place: bool,
    /// Put the data into a directory that is new or empty
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Put the data into volumes and a directory of a stack that does not exist yet; nothing is started
    #[arg(long, value_name = "NAME")]
    as_stack: Option<String>,
    /// Take a restore back: what it replaced changes places with what it brought
    #[arg(long, value_name = "JOB")]
    undo: Option<String>,
    #[command(flatten)]
    from: FromArgs,
    /// Replace what is there
    #[arg(long, conflicts_with_all = ["to", "as_stack", "undo"])]
    overwrite: bool,
    /// Remove what was there before, once everything is well
    #[arg(long, conflicts_with_all = ["to", "as_stack", "undo"])]
    no_safety_copy: bool,
    /// Only show what would be done
    #[arg(long, conflicts_with = "undo")]
    dry_run: bool,
}

pub(super) async fn run(loaded: &Loaded, args: RestoreArgs, as_json: bool) -> anyhow::Result<Outcome> {
    if args.from.from.is_some() {
        return from::run(loaded, &args.from, args.dry_run, as_json).await;
    }
    with_client(loaded, async |client| act(&client, &args, as_json).await).await
}

async fn act(client: &Client, args: &RestoreArgs, as_json: bool) -> anyhow::Result<Outcome> {
    let started = match (&args.undo, &args.snapshot) {
        (Some(job), _) => client.post(&format!("/api/v1/jobs/{}/undo", segment(job)), &json!({})).await?,
        (None, Some(snapshot)) => {
            let path = format!("/api/v1/snapshots/{}/restore", segment(&find(client, snapshot).await?));
            let body = body(args)?;
            if args.dry_run {
                let preview = client.post_patiently(&format!("{path}/preview"), &body).await?;
                return Ok(show(&preview, as_json));
            }
            client.post(&path, &body).await?
        }
        (None, None) => return Err(anyhow!("name a snapshot")),
    };
    let ids: Vec<String> = started["id"].as_str().map(str::to_owned).into_iter().collect();
    let outcome = follow(client, &ids, false, as_json).await?;
    if !as_json {
        for id in &ids {
            tell_kept(&client.get(&format!("/api/v1/jobs/{}/restore", segment(id))).await?);
        }
    }
    Ok(outcome)
}

/// The id of the snapshot that is meant.
async fn find(client: &Client, text: &str) -> anyhow::Result<String> {
    if text.starts_with("snap_") {
        return Ok(text.to_owned());
    }
    let wanted = [("stack", text.to_owned()), ("complete", "true".to_owned()), ("limit", NEWEST.to_string())];
    let listed = client.get(&format!("/api/v1/snapshots?{}", within::query(&wanted))).await?;
    let newest = listed["items"].as_array().and_then(|items| items.first()).and_then(|one| one["id"].as_str());
    newest.map(str::to_owned).ok_or_else(|| anyhow!("there is no whole snapshot of a stack called '{text}'"))
}

fn body(args: &RestoreArgs) -> anyhow::Result<Value> {
    let targets = args.target.iter().map(|text| {
        let (kind, name) =
            text.split_once(':').ok_or_else(|| anyhow!("'{text}' is no target, such as volume:blog_db"))?;
        Ok(json!({ "kind": kind, "name": name }))
    });
    let targets = targets.collect::<anyhow::Result<Vec<Value>>>()?;
    let mut body = json!({
        "targets": targets, "paths": args.path, "overwrite": args.overwrite, "safety_copy": !args.no_safety_copy,
    });
    if let Some(directory) = &args.to {
        body["destination"] = json!("directory");
        body["directory"] = json!(std::path::absolute(directory)?);
    } else if let Some(name) = &args.as_stack {
        body["destination"] = json!("new_stack");
        body["stack_name"] = json!(name);
    } else {
        body["destination"] = json!("in_place");
    }
    Ok(body)
}

/// Shows what would be done. What would be refused is no success.
fn show(preview: &Value, as_json: bool) -> Outcome {
    let each = |key: &str| preview[key].as_array().into_iter().flatten();
    let problems: Vec<&str> = each("problems").filter_map(Value::as_str).collect();
    if as_json {
        output::json(preview);
    } else {
        let rows: Vec<Vec<String>> = each("targets").map(row).collect();
        output::table(&["TARGET", "NAME", "SIZE", "PLACE", "WHAT HAPPENS"], &rows);
        each("stops").filter_map(Value::as_str).for_each(|stop| output::line(&format!("would {stop}")));
        if let Some(ms) = preview["stopped_ms"].as_u64().filter(|ms| *ms > 0) {
            output::line(&format!("they would rest for about {}", human_millis(ms)));
        }
        for space in each("file_systems") {
            let bytes = |key: &str| human_bytes(space[key].as_u64().unwrap_or_default());
            let path = space["path"].as_str().unwrap_or_default();
            output::line(&format!("{path}: {} needed, {} free", bytes("needed_bytes"), bytes("free_bytes")));
        }
        each("warnings").filter_map(Value::as_str).for_each(output::note);
        problems.iter().for_each(|problem| output::error(problem));
    }
    if problems.is_empty() { Outcome::Done } else { Outcome::Failed }
}

fn row(target: &Value) -> Vec<String> {
    let text = |key: &str| target[key].as_str().unwrap_or_default().to_owned();
    let what = match (target["skipped"].as_str(), target["will_be_replaced"] == true) {
        (Some(why), _) => format!("left out: {why}"),
        (None, true) => "replaces what is there".to_owned(),
        (None, false) => "is put there".to_owned(),
    };
    vec![
        text("kind"),
        text("name"),
        human_bytes(target["size_bytes"].as_u64().unwrap_or_default()),
        text("place"),
        what,
    ]
}

fn tell_kept(restore: &Value) {
    let directories: Vec<&str> =
        restore["directories"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if directories.is_empty() {
        return;
    }
    let job = restore["job_id"].as_str().unwrap_or_default();
    output::note(&format!("what was there before is kept; 'mainstay restore --undo {job}' puts it back"));
    output::note(&format!("when it is not needed any more, remove: {}", directories.join(" ")));
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: RestoreArgs,
    }

    fn read(words: &[&str]) -> Result<RestoreArgs, clap::Error> {
        Line::try_parse_from(std::iter::once(&"restore").chain(words)).map(|line| line.args)
    }

    #[test]
    fn a_command_line_becomes_a_request() {
        let args = read(&["blog", "--target", "volume:blog_db", "--path", "rows", "--in-place", "--overwrite"]);
        let expected = json!({"destination": "in_place", "overwrite": true, "safety_copy": true, "paths": ["rows"],
            "targets": [{"kind": "volume", "name": "blog_db"}]});
        assert_eq!(body(&args.expect("a command")).expect("a body"), expected);
        let args = read(&["snap_1", "--to", "/srv/x"]).expect("a command");
        assert_eq!(body(&args).expect("a body")["directory"], "/srv/x");
        assert!(body(&read(&["blog", "--target", "blog_db", "--in-place"]).expect("a command")).is_err());
    }

    #[test]
    fn where_to_is_said_once() {
        for words in [
            &["blog"][..],
            &["blog", "--in-place", "--to", "/srv/x"],
            &["--in-place"],
            &["blog", "--undo", "job_1"],
            &["blog", "--to", "/srv/x", "--overwrite"],
        ] {
            assert!(read(words).is_err(), "{words:?}");
        }
        assert!(read(&["--undo", "job_1"]).is_ok());
    }
}
