//! `mainstay backup`

use std::collections::HashMap;
use std::time::Duration;

use clap::Args;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::client::{Client, segment};
use super::session::with_client;
use super::{Outcome, output};
use crate::config::Loaded;
use crate::domain::size::{human_bytes, human_millis};

/// How often progress is asked for.
const ASK_EVERY: Duration = Duration::from_millis(250);

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// The stacks to back up
    #[arg(value_name = "STACK", required_unless_present_any = ["instance", "plan"])]
    stacks: Vec<String>,
    /// The instance whose own plan is run, once per instance; with stacks, the one by whose means they are captured
    #[arg(long, value_name = "ID")]
    instance: Vec<String>,
    /// A plan to run; may be given several times
    #[arg(long, value_name = "ID", conflicts_with = "stacks")]
    plan: Vec<String>,
    /// How to bring containers to rest: stop, pause or none
    #[arg(long, value_parser = ["stop", "pause", "none"])]
    quiesce: Option<String>,
    /// Only show what would be done
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(loaded: &Loaded, args: BackupArgs, as_json: bool) -> anyhow::Result<Outcome> {
    anyhow::ensure!(
        args.stacks.is_empty() || args.instance.len() < 2,
        "stacks are captured by the means of one instance: name one, or run the command once for each"
    );
    with_client(loaded, async |client| {
        let ids = start(&client, &args).await?;
        follow(&client, &ids, args.dry_run, as_json).await
    })
    .await
}

/// Starts what is asked for; the ids of the jobs.
async fn start(client: &Client, args: &BackupArgs) -> anyhow::Result<Vec<String>> {
    let mut body = json!({ "dry_run": args.dry_run });
    if let Some(quiesce) = &args.quiesce {
        body["quiesce"] = json!(quiesce);
    }
    if !args.stacks.is_empty() {
        body["stacks"] = json!(args.stacks);
        body["instance"] = json!(args.instance.first());
        let started = client.post("/api/v1/stacks/backup", &body).await?;
        return Ok(started["items"].as_array().into_iter().flatten().filter_map(id_of).collect());
    }
    let instances = args.instance.iter().map(|id| format!("/api/v1/instances/{}/run", segment(id)));
    let plans = args.plan.iter().map(|id| format!("/api/v1/plans/{}/run", segment(id)));
    let mut ids = Vec::new();
    for path in instances.chain(plans) {
        // What was started before goes on when one is refused, and is waited for all the same.
        match client.post(&path, &body).await {
            Ok(job) => ids.extend(id_of(&job)),
            Err(error) if ids.is_empty() => return Err(error),
            Err(error) => output::error(&format!("{error:#}; what was started before goes on")),
        }
    }
    Ok(ids)
}

fn id_of(job: &Value) -> Option<String> {
    job["id"].as_str().map(str::to_owned)
}

/// Waits for jobs and tells how they came out.
pub(super) async fn follow(
    client: &Client,
    ids: &[String],
    is_dry_run: bool,
    as_json: bool,
) -> anyhow::Result<Outcome> {
    let jobs = wait(client, ids).await?;
    if as_json {
        output::json(&Value::Array(jobs.clone()));
    } else {
        if is_dry_run {
            tell_plan(client, ids).await?;
        }
        jobs.iter().for_each(|job| output::line(&summary(job)));
    }
    Ok(judge(&jobs))
}

/// What a job works on, as people call it.
fn subject(job: &Value) -> String {
    let text = |key: &str| job[key].as_str().filter(|text| !text.is_empty());
    match (text("stack"), text("plan").or_else(|| text("instance"))) {
        (Some(stack), Some(plan)) => format!("{stack} by {plan}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => text("kind").unwrap_or("job").to_owned(),
    }
}

/// What a dry run found out stands in its log.
async fn tell_plan(client: &Client, ids: &[String]) -> anyhow::Result<()> {
    for id in ids {
        let page = client.get(&format!("/api/v1/jobs/{id}/log")).await?;
        for line in page["items"].as_array().into_iter().flatten() {
            let about = line["target"].as_str().map(|target| format!("{target}: ")).unwrap_or_default();
            output::line(&format!("{about}{}", line["message"].as_str().unwrap_or_default()));
        }
    }
    Ok(())
}

async fn wait(client: &Client, ids: &[String]) -> anyhow::Result<Vec<Value>> {
    let mut display = Display::new();
    loop {
        let mut jobs = Vec::with_capacity(ids.len());
        for id in ids {
            let job = client.get(&format!("/api/v1/jobs/{id}")).await?;
            display.show(&job);
            jobs.push(job);
        }
        if jobs.iter().all(|job| !matches!(job["state"].as_str(), Some("queued" | "running"))) {
            return Ok(jobs);
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

fn judge(jobs: &[Value]) -> Outcome {
    let state = |wanted: &str| jobs.iter().filter(|job| job["state"] == wanted).count();
    match (state("succeeded"), state("partial")) {
        (succeeded, _) if succeeded == jobs.len() => Outcome::Done,
        (0, 0) => Outcome::Failed,
        _ => Outcome::Partial,
    }
}

fn summary(job: &Value) -> String {
    let text = |key: &str| job[key].as_str().unwrap_or_default();
    let mut line = format!("{}: {}", subject(job), text("state"));
    if let Some(stored) = job["bytes_stored"].as_u64().filter(|n| *n > 0) {
        let read = job["bytes_read"].as_u64().unwrap_or_default();
        line += &format!(", {} of {} stored", human_bytes(stored), human_bytes(read));
    }
    if let Some(ms) = job["stopped_ms"].as_u64() {
        line += &format!(", at rest for {}", human_millis(ms));
    }
    if let Some(error) = job["error"].as_str() {
        line += &format!(": {error}");
    }
    format!("{line} ({})", text("id"))
}

/// A bar per job on a terminal, a line per step otherwise.
struct Display {
    bars: Option<MultiProgress>,
    shown: HashMap<String, Shown>,
}

struct Shown {
    bar: Option<ProgressBar>,
    /// How many steps were told.
    steps: usize,
}

impl Display {
    fn new() -> Self {
        Self { bars: output::is_watched().then(MultiProgress::new), shown: HashMap::new() }
    }

    fn show(&mut self, job: &Value) {
        let id = job["id"].as_str().unwrap_or_default();
        let subject = subject(job);
        if !self.shown.contains_key(id) {
            let bar = self.bars.as_ref().map(|bars| bars.add(new_bar(&subject)));
            self.shown.insert(id.to_owned(), Shown { bar, steps: 0 });
        }
        let Some(shown) = self.shown.get_mut(id) else { return };
        if let Some(bar) = &shown.bar {
            update_bar(bar, job);
            return;
        }
        // From the steps and not from the phase of the moment: a step may be over before it is asked for.
        let begun: Vec<&str> =
            steps(job).filter(|s| s["started_at"].is_string()).filter_map(|s| s["name"].as_str()).collect();
        begun.iter().skip(shown.steps).for_each(|step| output::note(&format!("{subject}: {step}")));
        shown.steps = begun.len();
    }
}

fn steps(job: &Value) -> impl Iterator<Item = &Value> {
    job["steps"].as_array().into_iter().flatten()
}

fn new_bar(subject: &str) -> ProgressBar {
    // Without a length a bar is empty; with a length of 0 it would look full.
    ProgressBar::no_length().with_prefix(subject.to_owned())
}

/// How a bar looks; what is not known is not claimed.
fn style(is_total_known: bool) -> Option<ProgressStyle> {
    let bytes = if is_total_known { "{bytes}/{total_bytes}" } else { "{bytes}" };
    ProgressStyle::with_template(&format!("{{prefix:16}} {{msg:10}} {{bar:30}} {bytes} {{elapsed}}")).ok()
}

fn update_bar(bar: &ProgressBar, job: &Value) {
    let phase = job["progress"]["phase"].as_str().or_else(|| job["state"].as_str()).unwrap_or_default();
    bar.set_message(phase.to_owned());
    let total = job["progress"]["bytes_total"].as_u64();
    total.map_or_else(|| bar.unset_length(), |total| bar.set_length(total));
    style(total.is_some()).into_iter().for_each(|style| bar.set_style(style));
    bar.set_position(job["progress"]["bytes_done"].as_u64().unwrap_or_default());
    if !matches!(job["state"].as_str(), Some("queued" | "running")) {
        bar.finish_with_message(job["state"].as_str().unwrap_or_default().to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_called_by_what_it_works_on() {
        assert_eq!(subject(&json!({"stack": "blog", "plan": null, "instance": null})), "blog");
        assert_eq!(subject(&json!({"stack": "blog", "plan": "nas", "instance": "nas"})), "blog by nas");
        assert_eq!(subject(&json!({"stack": null, "plan": "nightly", "instance": "nas"})), "nightly");
        assert_eq!(subject(&json!({"stack": null, "plan": null, "instance": "nas"})), "nas");
    }

    #[test]
    fn a_bar_has_no_length_before_the_total_is_known() {
        let bar = new_bar("blog");
        let mut job = json!({"state": "queued", "progress": {"phase": null, "bytes_done": 0, "bytes_total": null}});
        let mut length = |progress: Value| {
            job["progress"] = progress;
            update_bar(&bar, &job);
            bar.length()
        };
        assert_eq!(length(json!({"bytes_done": 0, "bytes_total": null})), None);
        assert_eq!(length(json!({"phase": "capture", "bytes_done": 1, "bytes_total": 4})), Some(4));
        assert_eq!(length(json!({"phase": "verify", "bytes_done": 7, "bytes_total": null})), None);
        assert!(style(true).is_some() && style(false).is_some());
    }
}
