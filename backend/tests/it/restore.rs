//! Restores over the API.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mainstay::docker::ContainerEngine as _;
use mainstay::domain::stack::labels;
use serde_json::{Value, json};

use crate::disk::SmallDisk;
use crate::support::engine::{Lab, Recipe};
use crate::support::process::mainstay;
use crate::support::scene::{BOTH_UP, Scene, Stage, volume_directory};
use crate::support::service::{PASSWORD, Service, Setup, list, write_stack};
use crate::support::stack::{SampleStack, Shape};

fn id_of(value: &Value) -> &str {
    value["id"].as_str().unwrap_or_else(|| panic!("no id: {value:#}"))
}

async fn backed_up(scene: &Scene) -> String {
    let job = scene.service.back_up("blog").await;
    job["snapshot_id"].as_str().unwrap_or_else(|| panic!("no snapshot: {job:#}")).to_owned()
}

#[tokio::test]
async fn what_cannot_be_restored_as_asked_is_refused_with_the_reason() {
    let scene = Stage::new().start().await;
    let snapshot = backed_up(&scene).await;
    let own = scene.service.path("backups");
    let (own, around) = (own.display().to_string(), scene.service.root.path().display().to_string());
    for (body, word) in [
        (json!({"destination": "directory", "directory": "relative/path"}), "no absolute path"),
        (json!({"destination": "directory", "directory": "/srv/../etc"}), "no absolute path"),
        (json!({"destination": "directory", "directory": "/"}), "root of the file system"),
        (json!({"destination": "directory", "directory": "/proc/1"}), "/proc"),
        (json!({"destination": "directory", "directory": own}), "Mainstay itself needs"),
        (json!({"destination": "directory", "directory": around}), "Mainstay itself needs"),
        (json!({"destination": "new_stack", "stack_name": "Blog"}), "no name for a stack"),
        (json!({"destination": "in_place", "targets": [{"kind": "volume", "name": "x"}]}), "no target 'volume x'"),
    ] {
        let problem = scene
            .service
            .call("restore_snapshot")
            .path("id", &snapshot)
            .json(body.clone())
            .problem(409, "restore_refused");
        let detail = problem.await["detail"].as_str().expect("a detail").to_owned();
        assert!(detail.contains(word), "{body}: {detail}");
        let preview = scene.service.call("preview_restore").path("id", &snapshot).json(body.clone()).ok().await;
        assert!(preview["problems"][0].as_str().is_some_and(|said| said.contains(word)), "{body}: {preview:#}");
    }
    let jobs = scene.service.call("list_jobs").query("kind", "restore").ok().await;
    assert_eq!(jobs["items"], json!([]), "nothing was queued");
}

#[tokio::test]
async fn only_a_restore_can_be_taken_back() {
    let scene = Stage::new().start().await;
    let job = scene.service.back_up("blog").await;
    scene.service.call("get_job_restore").path("id", id_of(&job)).problem(404, "restore_not_found").await;
    scene.service.call("undo_job").path("id", id_of(&job)).problem(404, "restore_not_found").await;
}

/// A service on the real engine with the sample stack, backed up once.
struct Shop {
    lab: Lab,
    service: Service,
    stack: SampleStack,
    volume: PathBuf,
    snapshot: String,
}

impl Shop {
    async fn open(left_out: &str) -> Option<Self> {
        let lab = Lab::open(left_out).await?;
        let setup = Setup::on(Arc::new(lab.engine.clone()));
        let stack = SampleStack::up(&lab, &setup.root().join("stacks"), Shape::default()).await;
        let volume = volume_path(&lab, &stack.volume).await;
        std::fs::create_dir_all(volume.join("deep/down")).expect("made");
        for (file, text) in [("state", "then"), ("deep/down/file", "then"), ("deep/other", "then")] {
            std::fs::write(volume.join(file), text).expect("written");
        }
        let service = setup.start().await;
        let job = service.back_up(&stack.name).await;
        assert_eq!(job["state"], "succeeded", "{job:#}");
        let snapshot = job["snapshot_id"].as_str().expect("a snapshot").to_owned();
        let shop = Self { lab, service, stack, volume, snapshot };
        shop.change();
        Some(shop)
    }

    fn directory(&self) -> PathBuf {
        self.service.path("stacks").join(&self.stack.name)
    }

    /// What happens after the backup, and is to be undone.
    fn change(&self) {
        for file in ["state", "deep/down/file", "deep/other", "fresh"] {
            std::fs::write(self.volume.join(file), "now").expect("written");
        }
        std::fs::write(self.directory().join("data/page.html"), "now").expect("written");
        std::fs::write(self.directory().join(".env"), "GREETING=now\n").expect("written");
        std::fs::write(self.directory().join("data/fresh"), "now").expect("written");
    }

    fn read(&self, file: &str) -> String {
        read(&self.volume.join(file))
    }

    async fn restore(&self, body: Value) -> Value {
        let job = self.service.call("restore_snapshot").path("id", &self.snapshot).json(body).ok().await;
        self.service.end_of(id_of(&job)).await
    }

    async fn succeed(&self, body: Value) -> Value {
        let job = self.restore(body).await;
        if job["state"] != "succeeded" {
            panic!("{job:#}\n{:#?}", self.service.log_of(id_of(&job)).await);
        }
        assert_eq!(self.stack.is_up(&self.lab).await, (true, true), "both run again");
        job
    }

    async fn record(&self, job: &Value) -> Value {
        self.service.call("get_job_restore").path("id", id_of(job)).ok().await
    }

    async fn preview(&self, body: Value) -> Value {
        self.service.call("preview_restore").path("id", &self.snapshot).json(body).ok().await
    }

    /// Directories of restores that lie beside the data.
    fn left(&self) -> Vec<PathBuf> {
        let around =
            [self.volume.parent().expect("a parent").to_owned(), self.volume.clone(), self.service.path("stacks")];
        let entries = around.iter().flat_map(|directory| std::fs::read_dir(directory).expect("a directory"));
        let paths = entries.map(|entry| entry.expect("an entry").path());
        paths.filter(|path| path.display().to_string().contains("/.mainstay-restore-")).collect()
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|_| "nothing".to_owned())
}

async fn volume_path(lab: &Lab, name: &str) -> PathBuf {
    let volumes = lab.engine.list_volumes().await.expect("volumes");
    volumes.into_iter().find(|volume| volume.name == name).expect("the volume").mountpoint
}

fn volume_of(shop: &Shop) -> Value {
    json!([{"kind": "volume", "name": shop.stack.volume}])
}

#[tokio::test]
async fn a_whole_stack_comes_back_in_place_and_can_be_taken_back() {
    let Some(shop) = Shop::open("a restore of a whole stack").await else { return };
    let body = json!({"destination": "in_place", "overwrite": true});
    let preview = shop.preview(body.clone()).await;
    assert_eq!((&preview["problems"], preview["stops"].as_array().map(Vec::len)), (&json!([]), Some(2)), "{preview:#}");
    let places: Vec<&str> =
        preview["targets"].as_array().expect("targets").iter().filter_map(|t| t["place"].as_str()).collect();
    assert!(places.iter().any(|place| Path::new(place) == shop.volume), "{preview:#}");
    let job = shop.succeed(body).await;
    assert!(job["stopped_ms"].as_u64().is_some(), "{job:#}");
    assert_eq!((shop.read("state").as_str(), shop.read("deep/down/file").as_str()), ("then", "then"));
    assert_eq!(shop.read("fresh"), "nothing", "what came later is gone");
    let page = shop.directory().join("data/page.html");
    assert_eq!(
        (read(&page).as_str(), read(&shop.directory().join(".env")).as_str()),
        ("<h1>hello</h1>\n", "GREETING=hello\n")
    );
    assert!(shop.directory().join("compose.yaml").exists() && !shop.directory().join("data/fresh").exists());
    // The containers see what was restored, and go on with it.
    let log = shop.read("log");
    assert!(log.contains("end\nbegin"), "the writer began anew in the restored volume: {log}");
    let record = shop.record(&job).await;
    assert_eq!(
        (&record["in_place"], &record["phase"], &record["can_be_undone"]),
        (&json!("new"), &json!("ended"), &json!(true))
    );
    let kept: Vec<&Value> = record["safety_copies"].as_array().expect("copies").iter().collect();
    let old =
        kept.iter().find(|copy| copy["kind"] == "volume").expect("the volume's")["kept_at"].as_str().expect("a path");
    assert_eq!(read(&Path::new(old).join("state")), "now");

    let undo = shop.service.call("undo_job").path("id", id_of(&job)).ok().await;
    let undo = shop.service.end_of(id_of(&undo)).await;
    assert_eq!(undo["state"], "succeeded", "{undo:#}");
    assert_eq!((shop.read("state").as_str(), shop.read("fresh").as_str(), read(&page).as_str()), ("now", "now", "now"));
    assert_eq!(shop.stack.is_up(&shop.lab).await, (true, true));
    shop.service.call("undo_job").path("id", id_of(&job)).problem(409, "restore_refused").await;
    let redo = shop.service.call("undo_job").path("id", id_of(&undo)).ok().await;
    assert_eq!(shop.service.end_of(id_of(&redo)).await["state"], "succeeded");
    assert_eq!((shop.read("state").as_str(), read(&page).as_str()), ("then", "<h1>hello</h1>\n"));
}

#[tokio::test]
async fn one_volume_comes_back_without_a_safety_copy_and_nothing_else_changes() {
    let Some(shop) = Shop::open("a restore of one volume").await else { return };
    let body = json!({"destination": "in_place", "overwrite": true, "targets": volume_of(&shop), "safety_copy": false});
    let preview = shop.preview(body.clone()).await;
    assert_eq!(preview["stops"].as_array().map(Vec::len), Some(1), "only the writer: {preview:#}");
    assert!(preview["warnings"].to_string().contains("no safety copy"), "{preview:#}");
    let job = shop.succeed(body).await;
    assert_eq!((shop.read("state").as_str(), shop.read("fresh").as_str()), ("then", "nothing"));
    assert_eq!(read(&shop.directory().join("data/page.html")), "now");
    assert_eq!(shop.left(), Vec::<PathBuf>::new());
    let record = shop.record(&job).await;
    assert_eq!((&record["can_be_undone"], &record["safety_copies"]), (&json!(false), &json!([])));
    shop.service.call("undo_job").path("id", id_of(&job)).problem(409, "restore_refused").await;
}

#[tokio::test]
async fn chosen_paths_come_back_and_what_is_beside_them_stays() {
    let Some(shop) = Shop::open("a restore of single paths").await else { return };
    std::fs::remove_dir_all(shop.volume.join("deep/down")).expect("removed");
    let paths = json!([
        format!("volumes/{}/deep/down/file", shop.stack.volume),
        format!("volumes/{}/state", shop.stack.volume)
    ]);
    let job = shop.succeed(json!({"destination": "in_place", "overwrite": true, "paths": paths})).await;
    assert_eq!((shop.read("deep/down/file").as_str(), shop.read("state").as_str()), ("then", "then"));
    assert_eq!((shop.read("deep/other").as_str(), shop.read("fresh").as_str()), ("now", "now"));
    let record = shop.record(&job).await;
    let kept = record["safety_copies"].as_array().expect("copies");
    assert_eq!(kept.len(), 1, "the directory had gone, the file was there: {record:#}");
    assert_eq!(read(Path::new(kept[0]["kept_at"].as_str().expect("a path"))), "now");
    let missing =
        json!({"destination": "in_place", "overwrite": true, "targets": volume_of(&shop), "paths": ["nothere"]});
    let failed = shop.restore(missing).await;
    assert_eq!(failed["state"], "failed", "{failed:#}");
    assert!(failed["error"].as_str().is_some_and(|e| e.contains("nothere") && e.contains("old data")), "{failed:#}");
}

#[tokio::test]
async fn a_directory_gets_everything_and_nothing_rests() {
    let Some(shop) = Shop::open("a restore to a directory").await else { return };
    let to = shop.service.path("restored/here");
    let body = json!({"destination": "directory", "directory": to});
    let job = shop.succeed(body.clone()).await;
    assert!(job["stopped_ms"].is_null(), "{job:#}");
    assert_eq!(read(&to.join("volumes").join(&shop.stack.volume).join("deep/down/file")), "then");
    assert_eq!(read(&to.join("data/data/page.html")), "<h1>hello</h1>\n");
    assert!(to.join("compose/compose.yaml").exists() && to.join("compose/.env").exists());
    let names: Vec<String> = list(&to);
    assert_eq!(names, ["compose", "data", "volumes"], "no trace of the work");
    assert_eq!(shop.read("state"), "now");
    let again = shop.restore(body).await;
    assert_eq!(again["state"], "failed", "{again:#}");
    assert!(again["error"].as_str().is_some_and(|error| error.contains("is not empty")), "{again:#}");
}

#[tokio::test]
async fn a_new_stack_gets_volumes_and_a_directory_of_its_own() {
    let Some(shop) = Shop::open("a restore as a new stack").await else { return };
    let new = shop.lab.name("copy");
    let (body, made) = (json!({"destination": "new_stack", "stack_name": new}), format!("{new}_db"));
    shop.lab.adopt_volume(&made);
    let preview = shop.preview(body.clone()).await;
    assert_eq!((&preview["problems"], &preview["stops"]), (&json!([]), &json!([])), "{preview:#}");
    shop.succeed(body.clone()).await;
    assert_eq!(read(&volume_path(&shop.lab, &made).await.join("state")), "then");
    let directory = shop.service.path("stacks").join(&new);
    assert_eq!(read(&directory.join(".env")), "GREETING=hello\n");
    assert_eq!(read(&directory.join("data/page.html")), "<h1>hello</h1>\n");
    let volumes = shop.lab.engine.list_volumes().await.expect("volumes");
    let made = volumes.iter().find(|volume| volume.name == made).expect("made");
    assert_eq!(made.labels.get(labels::PROJECT), Some(&new));
    assert_eq!(shop.read("state"), "now", "nothing of the original is touched");
    let again = shop.restore(body).await;
    assert!(again["error"].as_str().is_some_and(|error| error.contains("already")), "{again:#}");
}

#[tokio::test]
async fn a_volume_that_is_gone_is_made_as_it_was() {
    let Some(lab) = Lab::open("a restore of a volume that is gone").await else { return };
    let setup = Setup::on(Arc::new(lab.engine.clone()));
    let directory = write_stack(setup.root(), &lab.name("gone"), "services: {}\n");
    let stack = lab.name("gone");
    let labelled = [(labels::PROJECT, stack.as_str()), ("com.example.kept", "yes")];
    let volume = lab.labelled_volume("gone_db", &labelled).await;
    let at = directory.display().to_string();
    let of_stack = [
        (labels::PROJECT, stack.as_str()),
        (labels::SERVICE, "db"),
        (labels::WORKING_DIR, &at),
        (labels::NUMBER, "1"),
        (labels::ONEOFF, "False"),
    ];
    let recipe = Recipe { labels: &of_stack, binds: vec![format!("{volume}:/data")], ..Recipe::default() };
    let container = lab.created("gone-db-1", recipe).await;
    std::fs::write(volume_path(&lab, &volume).await.join("state"), "then").expect("written");
    let service = setup.start().await;
    let job = service.back_up(&stack).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let snapshot = job["snapshot_id"].as_str().expect("a snapshot");
    lab.engine.remove_container(&container).await.expect("removed");
    lab.engine.remove_volume(&volume).await.expect("removed");
    let body = json!({"destination": "in_place", "targets": [{"kind": "volume", "name": volume}]});
    let job = service.call("restore_snapshot").path("id", snapshot).json(body).ok().await;
    let job = service.end_of(id_of(&job)).await;
    assert_eq!(job["state"], "succeeded", "{job:#}\n{:#?}", service.log_of(id_of(&job)).await);
    assert_eq!(read(&volume_path(&lab, &volume).await.join("state")), "then");
    let volumes = lab.engine.list_volumes().await.expect("volumes");
    let made = volumes.iter().find(|made| made.name == volume).expect("made");
    assert_eq!(made.labels.get("com.example.kept").map(String::as_str), Some("yes"));
}

#[tokio::test]
async fn what_is_there_is_replaced_only_when_that_is_allowed() {
    let Some(shop) = Shop::open("a restore without leave to replace").await else { return };
    let body = json!({"destination": "in_place"});
    let preview = shop.preview(body.clone()).await;
    assert!(preview["problems"][0].as_str().is_some_and(|said| said.contains("overwrite")), "{preview:#}");
    let job = shop.restore(body).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    assert!(job["error"].as_str().is_some_and(|error| error.contains("overwrite")), "{job:#}");
    assert_eq!((shop.read("state").as_str(), shop.stack.is_up(&shop.lab).await), ("now", (true, true)));
    assert!(job["stopped_ms"].is_null() && shop.left().is_empty());
    let archive = shop.service.path("backups").join(&shop.service.archives()[0]);
    std::fs::remove_file(archive).expect("removed");
    let job = shop.restore(json!({"destination": "in_place", "overwrite": true})).await;
    assert!(job["error"].as_str().is_some_and(|error| error.contains("not there")), "{job:#}");
    let retried = shop.service.call("retry_job").path("id", id_of(&job)).ok().await;
    assert_eq!((&retried["kind"], &retried["snapshot_id"]), (&json!("restore"), &json!(shop.snapshot)));
    assert_eq!(shop.service.end_of(id_of(&retried)).await["state"], "failed");
    let operator = shop.service.call("create_token").json(json!({"name": "o", "scope": "operate"})).ok().await;
    let operator = shop.service.client.with_token(operator["token"].as_str());
    operator.call("retry_job").path("id", id_of(&job)).problem(403, "forbidden").await;
}

/// A container that is told to end takes away what was unpacked.
#[tokio::test]
async fn new_data_that_is_gone_at_rest_replaces_nothing() {
    let Some(shop) = Shop::open("a restore whose new data vanishes").await else { return };
    let beside = shop.volume.parent().expect("a parent").display().to_string();
    let script = "trap 'rm -rf /beside/.mainstay-restore-*/*; exit 0' TERM; while :; do sleep 0.05; done";
    let recipe = Recipe { script, binds: vec![format!("{beside}:/beside")], ..Recipe::default() };
    let spoiler = shop.lab.running("spoiler", recipe).await;
    let job = shop.restore(json!({"destination": "in_place", "overwrite": true})).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    assert!(job["error"].as_str().is_some_and(|error| error.contains("the old data is in place")), "{job:#}");
    assert_eq!((shop.read("state").as_str(), read(&shop.directory().join("data/page.html")).as_str()), ("now", "now"));
    assert_eq!(shop.stack.is_up(&shop.lab).await, (true, true));
    assert!(shop.lab.engine.inspect_container(&spoiler).await.expect("there").is_up());
    assert_eq!(shop.left(), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_full_disk_costs_no_stop() {
    let Some(lab) = Lab::open("a restore to a full disk").await else { return };
    let setup = Setup::on(Arc::new(lab.engine.clone()));
    let stack = SampleStack::up(&lab, &setup.root().join("stacks"), Shape::default()).await;
    let service = setup.start().await;
    let noise = service.path("stacks").join(&stack.name).join("data/noise");
    std::fs::write(&noise, vec![7_u8; 3 << 20]).expect("written");
    let job = service.back_up(&stack.name).await;
    let snapshot = job["snapshot_id"].as_str().expect("a snapshot");
    let small = service.path("small");
    std::fs::create_dir(&small).expect("made");
    let disk = SmallDisk::over(&small, "size=1m");
    let body = json!({"destination": "directory", "directory": small.join("here")});
    let job = service.call("restore_snapshot").path("id", snapshot).json(body).ok().await;
    let job = service.end_of(id_of(&job)).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    assert!(job["error"].as_str().is_some_and(|error| error.contains("not enough space")), "{job:#}");
    assert_eq!(list(&small), Vec::<String>::new());
    drop(disk);
}

/// What a restore keeps is no part of what is there.
#[tokio::test]
async fn a_safety_copy_is_not_backed_up() {
    let Some(shop) = Shop::open("a backup after a restore").await else { return };
    let kept = shop.directory().join("data/.mainstay-restore-x");
    std::fs::create_dir(&kept).expect("made");
    std::fs::write(kept.join("old"), "old").expect("written");
    let job = shop.service.back_up(&shop.stack.name).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let snapshot = job["snapshot_id"].as_str().expect("a snapshot");
    let call = shop.service.call("list_snapshot_files").path("id", snapshot).query("path", "data/data");
    assert!(!call.ok().await.to_string().contains("mainstay-restore"));
}

#[tokio::test]
async fn the_command_line_shows_restores_and_takes_back() {
    let scene = Stage::new().start().await;
    let snapshot = backed_up(&scene).await;
    let rows = volume_directory(scene.service.root.path(), "blog").join("rows");
    std::fs::write(&rows, "now").expect("written");
    let (config, base) = (scene.service.path("config.yml"), scene.service.running.address());
    let run = async |args: &[&str]| {
        let mut command = mainstay();
        command.arg("--config").arg(&config).args(args).env("MAINSTAY_URL", &base);
        command.env("MAINSTAY_AUTH__PASSWORD", PASSWORD);
        let output =
            tokio::task::spawn_blocking(move || command.output().expect("the binary runs")).await.expect("an end");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, out, _) = run(&["snapshots", "blog"]).await;
    assert!(code == Some(0) && out.contains(&snapshot), "{out}");
    let before = scene.changes();
    let (code, out, err) = run(&["restore", "blog", "--in-place", "--dry-run"]).await;
    assert!(
        code == Some(1) && out.contains("would stop container blog-app-1") && err.contains("overwrite"),
        "{out}{err}"
    );
    assert_eq!(scene.changes(), before, "nothing was touched");
    let (code, out, err) = run(&["restore", &snapshot, "--in-place", "--overwrite"]).await;
    assert_eq!((code, read(&rows).as_str()), (Some(0), "1\n2\n3\n"), "{out}{err}");
    let job = err.split("--undo ").nth(1).and_then(|rest| rest.split('\'').next()).unwrap_or_else(|| panic!("{err}"));
    let (code, out, err) = run(&["restore", "--undo", job]).await;
    assert_eq!((code, read(&rows).as_str()), (Some(0), "now"), "{out}{err}");
    let (code, _, err) = run(&["restore", "nothere", "--in-place"]).await;
    assert!(code == Some(1) && err.contains("no whole snapshot"), "{err}");
    assert_eq!(scene.states(), BOTH_UP);
}

#[tokio::test]
async fn what_an_instance_stored_comes_back_in_place_by_either_backend() {
    for backend in ["repository: 'ROOT/repository', env: {RESTIC_PASSWORD: secret}", "backend: archive"] {
        let stage = Stage::new();
        let backend = backend.replace("ROOT", &stage.setup.root().display().to_string());
        let scene =
            stage.config(&format!("instances: [{{id: nas, {backend}, targets: [{{stack: blog}}]}}]")).start().await;
        let job = scene.service.call("run_instance").path("id", "nas").ok().await;
        let job = scene.service.end_of(id_of(&job)).await;
        assert_eq!(job["state"], "succeeded", "{job:#}\n{:#?}", scene.service.log_of(id_of(&job)).await);
        let snapshot = job["snapshot_id"].as_str().expect("a snapshot");
        let rows = volume_directory(scene.service.root.path(), "blog").join("rows");
        let notes = scene.service.path("stacks/blog/notes.txt");
        [&rows, &notes].iter().for_each(|file| std::fs::write(file, "now").expect("written"));
        let body = json!({"destination": "in_place", "overwrite": true});
        let job = scene.service.call("restore_snapshot").path("id", snapshot).json(body).ok().await;
        let job = scene.service.end_of(id_of(&job)).await;
        assert_eq!(job["state"], "succeeded", "{job:#}\n{:#?}", scene.service.log_of(id_of(&job)).await);
        assert_eq!((read(&rows).as_str(), read(&notes).as_str()), ("1\n2\n3\n", "remember the milk\n"), "{backend}");
        assert!(scene.service.path("stacks/blog/compose.yaml").exists());
        assert_eq!(scene.states(), BOTH_UP);
        assert!(list(&scene.service.path("staging")).iter().all(|name| !name.contains("restore")));
    }
}
