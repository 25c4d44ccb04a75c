//! `mainstay restore --from`: everything back on a host that has nothing but Docker and this program.
//!
//! What lies in the directory or the repository is imported, then the newest whole snapshot of each stack is restored to
//! where it was. Nothing is replaced: what is there already is refused, and told. Nothing is started unless it is asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use serde_json::{Value, json};
use tokio::process::Command;

use super::client::{Client, segment};
use super::session::with_client;
use super::{Outcome, backup, import, output, within};
use crate::config::Loaded;

/// What a repository's own tools read from the environment, by the beginnings of the names.
const PASSED_ON: [&str; 9] = ["AWS_", "AZURE_", "B2_", "GOOGLE_", "OS_", "RCLONE_", "RESTIC_", "ST_", "SSH_AUTH_SOCK"];
/// Where a repository is, is told by `--from`.
const NOT_PASSED_ON: [&str; 2] = ["RESTIC_REPOSITORY", "RESTIC_REPOSITORY_FILE"];
/// How the address of a repository begins that is no path.
const SCHEMES: [&str; 9] = ["sftp:", "rest:", "s3:", "b2:", "azure:", "gs:", "swift:", "rclone:", "local:"];

#[derive(Debug, Args)]
pub(super) struct FromArgs {
    /// Import a directory of archives, or a restic repository, and restore the newest whole snapshot of each stack; the
    /// repository's password comes from RESTIC_PASSWORD, RESTIC_PASSWORD_FILE or --password-file
    #[arg(long, value_name = "DIR|REPOSITORY")]
    pub(super) from: Option<String>,
    /// Only this stack; may be given several times
    #[arg(long, value_name = "NAME", requires = "from")]
    stack: Vec<String>,
    /// The file with the repository's password
    #[arg(long, value_name = "FILE", requires = "from")]
    password_file: Option<PathBuf>,
    /// Start each restored stack with `docker compose up -d`
    #[arg(long, requires = "from")]
    start: bool,
}

/// Where it comes from.
enum Source {
    /// A directory of archives.
    Directory(PathBuf),
    /// A restic repository.
    Repository(String),
}

pub(super) async fn run(loaded: &Loaded, args: &FromArgs, is_dry_run: bool, as_json: bool) -> anyhow::Result<Outcome> {
    let source = find_source(args.from.as_deref().unwrap_or_default())?;
    with_client(loaded, async |client| {
        let chosen = import_and_choose(&client, &source, args).await?;
        if is_dry_run {
            return Ok(show(&chosen, as_json));
        }
        restore(&client, args, &chosen, as_json).await
    })
    .await
}

/// A directory with a repository in it is a repository.
fn find_source(from: &str) -> anyhow::Result<Source> {
    if SCHEMES.iter().any(|scheme| from.starts_with(scheme)) {
        return Ok(Source::Repository(from.to_owned()));
    }
    let path = Path::new(from).canonicalize().with_context(|| format!("there is no directory {from}"))?;
    let is_repository = path.join("config").is_file() && path.join("keys").is_dir() && path.join("snapshots").is_dir();
    Ok(if is_repository { Source::Repository(path.display().to_string()) } else { Source::Directory(path) })
}

/// Imports, and returns the snapshots to restore, the newest whole one of each stack.
async fn import_and_choose(client: &Client, source: &Source, args: &FromArgs) -> anyhow::Result<Vec<Value>> {
    let (body, query) = match source {
        Source::Directory(directory) => (json!({ "directory": directory }), Vec::new()),
        Source::Repository(address) => {
            let id = find_instance(client, address, args.password_file.as_deref()).await?;
            (json!({ "instance": id }), vec![("instance", id)])
        }
    };
    let job = client.post("/api/v1/snapshots/import", &body).await?;
    let id = job["id"].as_str().unwrap_or_default().to_owned();
    if backup::follow(client, std::slice::from_ref(&id), false, false).await? == Outcome::Failed {
        bail!("nothing could be imported");
    }
    import::tell(client, &id).await?;
    let pairs: Vec<_> = query.into_iter().chain([("complete", "true".to_owned())]).collect();
    let mut all = within::all(client, "/api/v1/snapshots", &pairs, usize::MAX).await?;
    if let Source::Directory(directory) = source {
        let is_in =
            |one: &Value| one["archive"].as_str().is_some_and(|path| Path::new(path).parent() == Some(directory));
        all.retain(is_in);
    }
    choose(&all, &args.stack)
}

/// The newest of each stack, of a list with the newest first. What holds no stack is one by its plan or instance.
fn choose(all: &[Value], stacks: &[String]) -> anyhow::Result<Vec<Value>> {
    let mut newest: BTreeMap<&str, &Value> = BTreeMap::new();
    for one in all {
        newest.entry(subject(one)).or_insert(one);
    }
    if let Some(missing) = stacks.iter().find(|name| !newest.contains_key(name.as_str())) {
        bail!("there is no whole snapshot of '{missing}'; there is: {}", names(newest.keys()));
    }
    let is_wanted = |name: &str| stacks.is_empty() || stacks.iter().any(|wanted| wanted == name);
    let chosen: Vec<Value> =
        newest.into_iter().filter(|(name, _)| is_wanted(name)).map(|(_, one)| one.clone()).collect();
    if chosen.is_empty() { Err(anyhow!("there is no whole snapshot to restore")) } else { Ok(chosen) }
}

fn names<'a>(names: impl Iterator<Item = &'a &'a str>) -> String {
    let all = names.copied().collect::<Vec<_>>().join(", ");
    if all.is_empty() { "nothing".to_owned() } else { all }
}

/// What a snapshot is of.
fn subject(snapshot: &Value) -> &str {
    ["stack", "plan", "instance"].iter().find_map(|key| snapshot[*key].as_str()).unwrap_or_default()
}

/// The instance that keeps the repository; one is made when there is none.
async fn find_instance(client: &Client, address: &str, password_file: Option<&Path>) -> anyhow::Result<String> {
    let listed = within::all(client, "/api/v1/instances", &[], usize::MAX).await?;
    if let Some(known) = listed.iter().find(|one| one["repository"] == address).and_then(|one| one["id"].as_str()) {
        return Ok(known.to_owned());
    }
    let id = format!("restored-{}", &blake3::hash(address.as_bytes()).to_hex()[..8]);
    if listed.iter().any(|one| one["id"] == id.as_str()) {
        return Ok(id);
    }
    let env = environment(std::env::vars(), password_file)?;
    let spec = json!({ "id": id, "backend": "restic", "repository": address, "env": env });
    client.post("/api/v1/instances", &spec).await?;
    output::note(&format!("the repository is known as instance '{id}' from now on; it backs nothing up by itself"));
    Ok(id)
}

/// What the tools of a repository read, with the password. It is handed over in a body and never stands in a command line.
fn environment(
    all: impl Iterator<Item = (String, String)>,
    password_file: Option<&Path>,
) -> anyhow::Result<BTreeMap<String, String>> {
    let is_passed_on =
        |name: &str| PASSED_ON.iter().any(|beginning| name.starts_with(beginning)) && !NOT_PASSED_ON.contains(&name);
    let mut env: BTreeMap<String, String> = all.filter(|(name, _)| is_passed_on(name)).collect();
    let named = env.remove("RESTIC_PASSWORD_FILE").map(PathBuf::from);
    if let Some(file) = password_file.map(Path::to_owned).or(named) {
        let password = std::fs::read_to_string(&file);
        let password = password.with_context(|| format!("the password cannot be read from {}", file.display()))?;
        env.insert("RESTIC_PASSWORD".to_owned(), password.trim_end_matches(['\r', '\n']).to_owned());
    }
    if !env.contains_key("RESTIC_PASSWORD") && !env.contains_key("RESTIC_PASSWORD_COMMAND") {
        bail!("the repository has a password: set RESTIC_PASSWORD or RESTIC_PASSWORD_FILE, or name --password-file");
    }
    Ok(env)
}

fn show(chosen: &[Value], as_json: bool) -> Outcome {
    if as_json {
        output::json(&json!({ "items": chosen, "next_cursor": null }));
    } else {
        let row = |one: &Value| {
            let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
            vec![subject(one).to_owned(), text("created_at"), text("id"), text("reference")]
        };
        output::table(&["WHAT", "MADE", "SNAPSHOT", "FROM"], &chosen.iter().map(row).collect::<Vec<_>>());
    }
    Outcome::Nothing
}

async fn restore(client: &Client, args: &FromArgs, chosen: &[Value], as_json: bool) -> anyhow::Result<Outcome> {
    let (mut jobs, mut directories, mut refused) = (Vec::new(), Vec::new(), false);
    for snapshot in chosen {
        let path = format!("/api/v1/snapshots/{}/restore", segment(snapshot["id"].as_str().unwrap_or_default()));
        let preview = client.post_patiently(&format!("{path}/preview"), &json!({ "destination": "in_place" })).await?;
        // What was started before goes on when one is refused, and is waited for all the same.
        match client.post(&path, &json!({ "destination": "in_place" })).await {
            Ok(job) => {
                jobs.extend(job["id"].as_str().map(str::to_owned));
                directories.push(find_directory(&preview));
            }
            Err(error) => {
                output::error(&format!("{}: {error:#}", subject(snapshot)));
                refused = true;
            }
        }
    }
    let outcome = backup::follow(client, &jobs, false, as_json).await?;
    let mut is_started = true;
    for (id, directory) in jobs.iter().zip(directories) {
        let job = client.get(&format!("/api/v1/jobs/{id}")).await?;
        tell_left_out(&job);
        is_started &= finish(&job, directory, args.start).await;
    }
    Ok(match outcome {
        Outcome::Done if refused || !is_started => Outcome::Partial,
        outcome => outcome,
    })
}

/// What of it was not restored, and why.
fn tell_left_out(job: &Value) {
    for target in job["targets"].as_array().into_iter().flatten().filter(|target| target["state"] == "skipped") {
        let text = |key: &str| target[key].as_str().unwrap_or_default();
        output::note(&format!("{} '{}' was left out: {}", text("kind"), text("name"), text("message")));
    }
}

/// Starts the stack, or says how. Whether that went well.
async fn finish(job: &Value, directory: Option<String>, starts: bool) -> bool {
    let is_back = job["state"] == "succeeded" || job["state"] == "partial";
    let (Some(stack), Some(directory)) = (job["stack"].as_str().filter(|_| is_back), directory) else { return true };
    if !starts {
        output::line(&format!("what is left to do: cd {directory} && docker compose up -d"));
        return true;
    }
    let mut up = Command::new("docker");
    up.args(["compose", "up", "-d"]).current_dir(&directory).stdin(Stdio::null()).stdout(Stdio::null());
    let why = match up.status().await {
        Ok(status) if status.success() => {
            output::line(&format!("stack '{stack}' was started"));
            return true;
        }
        Ok(status) => format!("docker compose ended with {status}"),
        Err(error) => format!("docker cannot be run here: {error}"),
    };
    output::error(&format!("stack '{stack}' is restored and could not be started: {why}; it lies in {directory}"));
    false
}

/// Where the files of the stack go.
fn find_directory(preview: &Value) -> Option<String> {
    let is_of_stack = |target: &&Value| target["kind"] == "compose" || target["kind"] == "data";
    let target = preview["targets"].as_array()?.iter().find(is_of_stack)?;
    target["place"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_each_is_chosen() {
        let one = |id: &str, stack: Option<&str>| json!({"id": id, "stack": stack, "plan": null, "instance": "nas"});
        let all = [one("3", Some("blog")), one("2", Some("wiki")), one("1", Some("blog")), one("0", None)];
        let ids =
            |chosen: Vec<Value>| chosen.iter().map(|c| c["id"].as_str().unwrap_or("").to_owned()).collect::<Vec<_>>();
        assert_eq!(ids(choose(&all, &[]).expect("some")), ["3", "0", "2"]);
        assert_eq!(ids(choose(&all, &["wiki".to_owned()]).expect("one")), ["2"]);
        let said = choose(&all, &["shop".to_owned()]).expect_err("none").to_string();
        assert!(said.contains("blog, nas, wiki"), "{said}");
        assert!(choose(&[], &[]).is_err());
    }

    #[test]
    fn the_password_comes_from_the_environment_or_a_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("password");
        std::fs::write(&file, "geheim\n").expect("written");
        let vars = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>().into_iter()
        };
        let env = environment(vars(&[("RESTIC_PASSWORD", "x"), ("AWS_SECRET_ACCESS_KEY", "k"), ("HOME", "/")]), None);
        let env = env.expect("an environment");
        assert_eq!(env.keys().collect::<Vec<_>>(), ["AWS_SECRET_ACCESS_KEY", "RESTIC_PASSWORD"]);
        let named = file.display().to_string();
        let env = environment(vars(&[("RESTIC_PASSWORD_FILE", &named), ("RESTIC_REPOSITORY", "/x")]), None);
        assert_eq!(env.expect("an environment"), BTreeMap::from([("RESTIC_PASSWORD".to_owned(), "geheim".to_owned())]));
        assert!(environment(vars(&[]), None).is_err());
        assert_eq!(environment(vars(&[]), Some(&file)).expect("an environment")["RESTIC_PASSWORD"], "geheim");
    }

    #[test]
    fn a_directory_with_a_repository_in_it_is_one() {
        let directory = tempfile::tempdir().expect("a directory");
        let from = directory.path().display().to_string();
        assert!(matches!(find_source(&from), Ok(Source::Directory(_))));
        for name in ["keys", "snapshots"] {
            std::fs::create_dir(directory.path().join(name)).expect("made");
        }
        std::fs::write(directory.path().join("config"), "x").expect("written");
        assert!(matches!(find_source(&from), Ok(Source::Repository(_))));
        assert!(matches!(find_source("sftp:backup@nas:/srv"), Ok(Source::Repository(_))));
        assert!(find_source("/nowhere/at-all").is_err());
    }
}
