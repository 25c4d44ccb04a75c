//! `backup-once` as the true binary on a real engine, killed wherever it may be.
//!
//! One test for both means: two runs on one host are in each other's way, as they should be.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::docker::docker;
use crate::support::engine::{IMAGE, Lab, Recipe};
use crate::support::process::mainstay;
use crate::support::running::Running;

/// Where a run without rcb is killed, in the order in which it comes by.
const NATIVE: &[&str] =
    &["quiesce.journaled", "quiesce.first", "oneshot.rested", "oneshot.read", "resume.first", "oneshot.returned"];
/// The same with rcb.
const RCB: &[&str] = &[
    "oneshot.made",
    "oneshot.paused",
    "quiesce.journaled",
    "quiesce.first",
    "oneshot.rested",
    "oneshot.unpaused",
    "oneshot.read",
    "resume.first",
    "oneshot.returned",
    "oneshot.removed",
];
/// Places where the service is certainly down.
const AT_REST: &[&str] = &["oneshot.rested", "oneshot.unpaused", "oneshot.read"];

/// A restic that says what the real one says; the ids of its snapshots stand in a file.
const RESTIC: &str = "#!/bin/sh
save() { head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \\n' >>/repo/ids; echo >>/repo/ids; }
case $1 in
  list) cat /repo/ids ;;
  backup) save; echo 'snapshot 12345678 saved' ;;
esac
";

/// An rcb that does what the real one does: it makes a worker with a label of the project, waits for it, and tells how it
/// ended. The worker takes a moment before it reads.
const RCB_PROGRAM: &str = "#!/bin/sh
docker() { /bin/docker -H unix:///tmp/docker.sock \"$@\"; }
project=$(docker inspect --format '{{index .Config.Labels \"com.docker.compose.project\"}}' \"$(hostname)\")
docker run --rm --name \"$project-worker\" --label mainstay.test=1 --label \"restic-compose-backup.process-$project=True\" \\
  -v \"$REPO_ON_HOST:/repo\" \"$OWN_IMAGE\" sh -c '
    echo \"t - INFO: Backing up volumes\"; sleep 1; restic backup; echo \"t - INFO: Backing up databases\"; sleep 1'
echo \"t - INFO: Backup container exit code: $?\"
";

/// An image with both, and with Docker's own command.
struct Tools {
    image: String,
    repository: PathBuf,
    env_file: PathBuf,
}

impl Tools {
    fn make(lab: &Lab, root: &Path) -> Self {
        let (image, container) = (format!("mainstay-test/{}:local", lab.name("once")), lab.name("image"));
        docker(&["create", "--name", &container, "--label", "mainstay.test=1", IMAGE, "true"]);
        for (name, script) in [("restic", RESTIC), ("rcb", RCB_PROGRAM)] {
            let path = root.join(name);
            std::fs::write(&path, script).expect("written");
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("set");
            docker(&["cp", &path.display().to_string(), &format!("{container}:/bin/{name}")]);
        }
        docker(&["cp", "-L", &program_of_docker(), &format!("{container}:/bin/docker")]);
        docker(&["commit", &container, &image]);
        docker(&["rm", &container]);
        let repository = root.join("repo");
        std::fs::create_dir(&repository).expect("made");
        std::fs::write(repository.join("ids"), "").expect("written");
        let env_file = root.join("env");
        let env =
            format!("RESTIC_PASSWORD=SECRET-OF-THE-REPO\nOWN_IMAGE={image}\nREPO_ON_HOST={}\n", repository.display());
        std::fs::write(&env_file, env).expect("written");
        Self { image, repository, env_file }
    }

    fn command(&self, means: &str, label: &str) -> Command {
        let mut command = mainstay();
        command.args(["backup-once", "--quiesce-label", label]).arg("--rcb-env-file").arg(&self.env_file);
        command.arg("--rcb-volume").arg(format!("{}:/repo", self.repository.display()));
        match means {
            "native" => command.args(["--native", "--host-name", "test", "--restic-image", &self.image]),
            _ => command.args(["--rcb-image", &self.image]),
        };
        command
    }
}

impl Drop for Tools {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rmi", "-f", &self.image]).output();
    }
}

/// The static program that Docker offers for every Linux.
fn program_of_docker() -> String {
    let found = Command::new("sh").args(["-c", "command -v docker"]).output().expect("a shell");
    String::from_utf8(found.stdout).expect("UTF-8").trim().to_owned()
}

#[tokio::test]
async fn a_killed_backup_once_leaves_nothing_down() {
    let Some(lab) = Lab::open("a killed backup-once").await else { return };
    let root = tempfile::tempdir().expect("a directory");
    let tools = Tools::make(&lab, root.path());
    let (project, mark) = (lab.name("stack"), format!("test.{}", lab.name("rests")));
    let labels = [
        ("com.docker.compose.project", project.as_str()),
        ("com.docker.compose.service", "app"),
        ("restic-compose-backup.volumes", "true"),
        (mark.as_str(), "true"),
    ];
    let volume = lab.volume("data").await;
    let binds = vec![format!("{volume}:/data")];
    let recipe = Recipe { labels: &labels, binds, stop_timeout: Some(1), ..Recipe::default() };
    let app = lab.running("app", recipe).await;
    let label = format!("{mark}=true");
    println!("{:<8} {:<18} {:<14} {:<14} left behind", "means", "killed at", "then it ran", "after the next");
    for (means, places) in [("native", NATIVE), ("rcb", RCB)] {
        for place in places {
            let mut command = tools.command(means, &label);
            command.env("MAINSTAY_PAUSE_AT", place);
            let process = Running::start(&mut command);
            process.wait_for(&format!("paused at {place}"));
            process.kill();
            let at_kill = is_running(&app);
            assert!(!AT_REST.contains(place) || at_kill == "false", "it was at rest when the process was killed");
            let next = tools.command(means, &label).output().expect("the binary runs");
            assert_eq!(next.status.code(), Some(0), "after {means} {place}: {next:?}");
            assert!(!format!("{next:?}").contains("SECRET-OF-THE-REPO"), "{next:?}");
            let (after, left) = (is_running(&app), left_of(&project));
            println!("{means:<8} {place:<18} {at_kill:<14} {after:<14} {}", left.len());
            assert_eq!((after.as_str(), left), ("true", Vec::new()), "after {means} {place}");
        }
    }
}

/// Containers and volumes that a run made.
fn left_of(project: &str) -> Vec<String> {
    let owner = "label=mainstay.backup-once.owner";
    let worker = format!("label=restic-compose-backup.process-{project}");
    let lists = [
        docker(&["ps", "-aq", "--filter", owner]),
        docker(&["ps", "-aq", "--filter", &worker]),
        docker(&["volume", "ls", "-q", "--filter", owner]),
    ];
    lists.iter().flat_map(|list| list.split_whitespace()).map(str::to_owned).collect()
}

fn is_running(container: &str) -> String {
    docker(&["inspect", "--format", "{{.State.Running}}", container]).trim().to_owned()
}
