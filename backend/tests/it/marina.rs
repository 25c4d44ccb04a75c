//! What a user of Marina has, run as it is: the configuration file, the labels, the image.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::docker::in_container;
use crate::support::engine::{Lab, Recipe};
use crate::support::process::{Process, mainstay};
use crate::support::restic::{PASSWORD, Repository, find_file};
use crate::support::service::{PASSWORD as LOGIN, list, wait_for_end};
use crate::support::store;

/// A file of Marina, and the places of the test in the environment: nothing of ours stands in the file.
struct Site {
    root: tempfile::TempDir,
    env: Vec<(String, String)>,
}

impl Site {
    async fn new(config: &str) -> Self {
        let root = tempfile::tempdir().expect("a directory");
        for directory in ["stacks", "backups", "logs"] {
            std::fs::create_dir(root.path().join(directory)).expect("made");
        }
        std::fs::write(root.path().join("config.yml"), config).expect("written");
        let below = |name: &str| root.path().join(name).display().to_string();
        let env = [
            ("MAINSTAY_STACKS_DIR", below("stacks")),
            ("MAINSTAY_BACKUP_DIR", below("backups")),
            ("MAINSTAY_LOG_DIR", below("logs")),
            ("MAINSTAY_STAGING_DIR", below("staging")),
            ("MAINSTAY_DATABASE_URL", store::new_database(root.path()).await),
            ("MAINSTAY_LISTEN", "127.0.0.1:0".to_owned()),
            ("MAINSTAY_AUTH__PASSWORD", LOGIN.to_owned()),
            ("REPOSITORY", below("repository")),
            ("RESTIC_SECRET", PASSWORD.to_owned()),
        ];
        Self { env: env.map(|(name, value)| (name.to_owned(), value)).to_vec(), root }
    }

    fn env(&self) -> Vec<(&str, &str)> {
        self.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    fn config(&self) -> std::path::PathBuf {
        self.root.path().join("config.yml")
    }

    fn repository(&self) -> Repository {
        Repository(self.root.path().join("repository"))
    }
}

async fn run(client: &Client, instance: &str) -> Value {
    let job = client.call("run_instance").path("id", instance).ok().await;
    wait_for_end(client, job["id"].as_str().expect("an id")).await
}

async fn log_of(client: &Client, job: &Value) -> String {
    client.call("get_job_log").path("id", job["id"].as_str().expect("an id")).query("limit", 500).send().await.text
}

/// Waits until the instance names a target: what labels say is found without a restart.
async fn wait_for_target(client: &Client, instance: &str, name: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let one = client.call("get_instance").path("id", instance).ok().await;
        if one["targets"].as_array().expect("targets").iter().any(|target| target["name"] == name) {
            return;
        }
        assert!(Instant::now() < deadline, "{name} is not found: {one}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// No file below `root` holds a secret, but for the repository, which is encrypted, and the configuration.
fn assert_no_secret(root: &Path) {
    for name in list(&root.join("logs")) {
        let text = std::fs::read_to_string(root.join("logs").join(&name)).expect("a log");
        assert!(!text.contains("geheim"), "{name}: {text}");
    }
}

/// The stack of somebody who labels for Marina: what is to be backed up, and by which of two instances.
struct Labelled {
    /// The instance with a repository.
    nas: String,
    /// The instance with an image of its own.
    own: String,
    image: String,
    uploads: String,
    files: String,
    web: String,
    db: String,
}

const ENABLED: (&str, &str) = ("dev.polarfox.marina.enabled", "yes");
const OWN_TOOL: &str =
    "#!/bin/sh\necho \"for $MARINA_INSTANCE_ID on $MARINA_HOSTNAME\"; find /backup -type f; test -n \"$TOKEN\"";

impl Labelled {
    async fn new(lab: &Lab) -> Self {
        let (nas, own) = (lab.name("nas"), lab.name("own"));
        let image = lab.image("tool", "COPY backup.sh /backup.sh", &[("backup.sh", OWN_TOOL)]);
        let uploads = label_uploads(lab, &nas).await;
        let writer = "mkdir -p /data/images /data/other; echo one >/data/images/a.jpg; echo x >/data/images/b.tmp; \
                      echo no >/data/other/c; trap 'exit 0' TERM; while :; do sleep 0.05; done";
        let web = running_with(lab, "web", writer, &uploads).await;
        let db = label_database(lab, &nas).await;
        let files = volume_with(lab, "files", "f.txt", &own).await;
        Self { nas, own, image, uploads, files, web, db }
    }

    fn config(&self) -> String {
        let Self { nas, own, image, .. } = self;
        format!(
            "instances:\n  - id: {nas}\n    repository: ${{REPOSITORY}}\n    schedule: \"0 2 * * *\"\n    \
             retention: \"7d:4w:6m\"\n    resticTimeout: \"10m\"\n    env:\n      RESTIC_PASSWORD: ${{RESTIC_SECRET}}\n  \
             - id: {own}\n    customImage: {image}\n    schedule: \"CRON_TZ=Europe/Berlin 0 3 * * *\"\n    env:\n      \
             TOKEN: geheim-token\nretention: \"14d:8w:12m\"\nstopAttached: false\nmesh:\n  nodeName: node1\n"
        )
    }
}

async fn label_uploads(lab: &Lab, instance: &str) -> String {
    let labels = [
        ENABLED,
        ("dev.polarfox.marina.instanceID", instance),
        ("dev.polarfox.marina.paths", "/images"),
        ("dev.polarfox.marina.stopAttached", "true"),
        ("dev.polarfox.marina.pre", "echo before > /data/images/pre.txt"),
        ("dev.polarfox.marina.post", "echo geheim-nothing >/dev/null; echo after > /data/post.txt"),
        ("dev.polarfox.marina.exclude", "*.tmp, cache"),
        ("dev.polarfox.marina.tags", "blog"),
    ];
    lab.labelled_volume("uploads", &labels).await
}

async fn label_database(lab: &Lab, instance: &str) -> String {
    let labels = [ENABLED, ("dev.polarfox.marina.instanceID", instance), ("dev.polarfox.marina.db", "postgres")];
    let env = ["POSTGRES_USER=keeper", "POSTGRES_PASSWORD=geheim-pg"];
    let recipe = Recipe { image: "mainstay-test/postgres:local", labels: &labels, env: &env, ..Recipe::default() };
    let db = lab.healthy("db", recipe).await;
    in_container(&db, "psql -U keeper -d keeper -qc \"create table t(x text); insert into t values ('a row')\"");
    db
}

async fn running_with(lab: &Lab, name: &str, script: &str, volume: &str) -> String {
    lab.running(name, Recipe { script, binds: vec![format!("{volume}:/data")], ..Recipe::default() }).await
}

/// A volume with one file and labels that give it to `instance`, in use by a container.
async fn volume_with(lab: &Lab, name: &str, file: &str, instance: &str) -> String {
    let volume = lab.labelled_volume(name, &[ENABLED, ("dev.polarfox.marina.instanceID", instance)]).await;
    running_with(lab, name, &format!("echo {file} >/data/{file}; sleep 9999"), &volume).await;
    volume
}

/// What lies in the only snapshot is what the labels ask for, at the places that Marina gave it.
fn assert_snapshot_of(labelled: &Labelled, site: &Site) {
    let [snapshot] = &site.repository().snapshots()[..] else { panic!("not one snapshot") };
    assert_eq!(snapshot["hostname"], "node1");
    let tags = snapshot["tags"].to_string();
    for tag in ["\"blog\"", &format!("\"volume:{}\"", labelled.uploads), &format!("\"db:{}\"", labelled.db)] {
        assert!(tags.contains(tag), "{tag} in {tags}");
    }
    let to = site.root.path().join("restored");
    site.repository().restore_latest(&to);
    let kept = |ending: &str| find_file(&to, ending).map(|path| std::fs::read_to_string(path).expect("a text"));
    assert_eq!(kept("images/a.jpg").as_deref(), Some("one\n"));
    assert_eq!(kept("images/pre.txt").as_deref(), Some("before\n"));
    assert_eq!((kept("images/b.tmp"), kept("other/c")), (None, None), "excluded, and beside the paths");
    let dump = kept(&format!("dbs/{}/dump.sql", labelled.db)).expect("a dump");
    assert!(dump.contains("a row") && dump.contains("PostgreSQL database cluster dump complete"), "{dump}");
}

async fn run_well(client: &Client, instance: &str) -> (Value, String) {
    let job = run(client, instance).await;
    let log = log_of(client, &job).await;
    assert_eq!(job["state"], "succeeded", "{job}\n{log}");
    (job, log)
}

#[tokio::test]
async fn a_file_and_a_labelled_stack_run_unchanged() {
    let Some(lab) = Lab::open("a stack labelled for Marina").await else { return };
    let labelled = Labelled::new(&lab).await;
    let Labelled { nas, own, files, web, .. } = &labelled;
    let site = Site::new(&labelled.config()).await;
    let process = Process::start(&site.config(), &site.env());
    let client = process.client().await;

    let up_since = || in_container(web, "cat /proc/1/stat | cut -d' ' -f22");
    let up_before = up_since();
    let (job, _) = run_well(&client, nas).await;
    assert!(job["stopped_ms"].as_u64().is_some_and(|ms| ms > 0), "its writer rested: {job}");
    assert_ne!(up_since(), up_before, "it was started again");
    assert_eq!(in_container(web, "cat /data/post.txt"), "after\n");
    assert_snapshot_of(&labelled, &site);

    let (_, log) = run_well(&client, own).await;
    assert!(log.contains(&format!("for {own} on node1")) && log.contains(&format!("/vol/{files}/f.txt")), "{log}");

    let late = volume_with(&lab, "late", "late.txt", nas).await;
    wait_for_target(&client, nas, &late).await;
    run_well(&client, nas).await;
    assert!(site.repository().restic(&["ls", "latest"]).contains("/late.txt"));

    let plans = client.call("list_plans").send().await.text + &client.call("list_instances").send().await.text;
    assert!(!plans.contains("geheim"), "{plans}");
    assert!(process.terminate(), "an orderly end");
    assert_no_secret(site.root.path());
    assert!(!site.root.path().join("staging").join(nas).exists(), "nothing is left in the staging directory");

    assert_command_works_alone(&site, nas);
    // Of three of one day restic keeps the newest, and the oldest of all as long as there are fewer than seven days.
    assert_eq!(site.repository().snapshots().len(), 2);
}

/// Without a service the command does the work itself.
fn assert_command_works_alone(site: &Site, instance: &str) {
    let output = mainstay()
        .args(["--config", site.config().to_str().expect("UTF-8"), "backup", "--instance", instance])
        .envs(site.env())
        .output()
        .expect("the binary runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn a_file_that_names_its_targets_runs_unchanged() {
    let Some(lab) = Lab::open("targets of Marina").await else { return };
    let data = lab.volume("data").await;
    lab.running(
        "writer",
        Recipe { script: "echo d >/data/d.txt; sleep 9999", binds: vec![format!("{data}:/data")], ..Recipe::default() },
    )
    .await;
    let cache = lab.healthy("cache", Recipe { image: "mainstay-test/redis:local", ..Recipe::default() }).await;
    in_container(&cache, "redis-cli set k kept");
    let gone = lab.name("gone");
    let config = format!(
        "nodeName: node1\nauthPassword: ${{MAINSTAY_AUTH__PASSWORD}}\ninstances:\n  - id: nas\n    repository: ${{REPOSITORY}}\n    schedule: \"0 2 * * *\"\n    \
         env: {{RESTIC_PASSWORD: \"$RESTIC_SECRET\"}}\n    targets:\n      - volume: {data}\n        paths: [\"/\"]\n        preHook: \"true\"\n      \
         - db: {cache}\n      - volume: {gone}\n"
    );
    let site = Site::new(&config).await;
    let process = Process::start(&site.config(), &site.env());
    let client = process.client().await;
    let job = run(&client, "nas").await;
    let log = log_of(&client, &job).await;
    assert_eq!(job["state"], "partial", "one target is gone: {job}\n{log}");
    let states: Vec<(&Value, &Value)> =
        job["targets"].as_array().expect("targets").iter().map(|t| (&t["name"], &t["state"])).collect();
    for (name, state) in [(&data, "succeeded"), (&cache, "succeeded"), (&gone, "failed")] {
        assert!(states.contains(&(&json!(name), &json!(state))), "{name} {state}: {states:?}");
    }
    let listed = site.repository().restic(&["ls", "latest"]);
    assert!(listed.contains("/d.txt") && listed.contains(&format!("dbs/{cache}/dump.rdb")), "{listed}");
    assert!(process.terminate(), "an orderly end");
}
