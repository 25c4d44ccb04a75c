//! A sample stack of two services on a real engine: `db` writes to a named volume, `app` depends on it and has a bind
//! mount in the stack directory.

use std::path::Path;

use mainstay::docker::ContainerEngine;
use mainstay::domain::stack::labels;

use super::engine::{DEAF, Lab, Recipe};

/// Writes a line to the volume ten times a second, and one more when it is told to end.
const WRITER: &str = "trap 'echo end >> /data/log; exit 0' TERM; echo begin >> /data/log; \
                      i=0; while :; do i=$((i+1)); echo line $i >> /data/log; sleep 0.1; done";

/// The stop timeout of a deaf `app`.
pub(crate) const DEAF_FOR_SECS: i64 = 6;

/// A stack on a real engine.
pub(crate) struct SampleStack {
    pub(crate) name: String,
    pub(crate) db: String,
    pub(crate) app: String,
    pub(crate) volume: String,
}

/// How the stack is set up.
#[derive(Default, Clone, Copy)]
pub(crate) struct Shape {
    /// Leave `app` stopped.
    pub(crate) is_app_stopped: bool,
    /// Leave both stopped.
    pub(crate) is_stopped: bool,
    /// Let `app` ignore the stop signal, so that it is killed after [`DEAF_FOR_SECS`].
    pub(crate) is_app_deaf: bool,
}

impl SampleStack {
    /// Makes the directory below `stacks` and the containers.
    pub(crate) async fn up(lab: &Lab, stacks: &Path, shape: Shape) -> Self {
        let name = lab.name("shop");
        let directory = stacks.join(&name);
        std::fs::create_dir_all(directory.join("data")).expect("made");
        std::fs::write(directory.join("compose.yaml"), compose(&name)).expect("written");
        std::fs::write(directory.join(".env"), "GREETING=hello\n").expect("written");
        std::fs::write(directory.join("data/page.html"), "<h1>hello</h1>\n").expect("written");
        let volume = lab.volume("shop_db").await;
        let at = directory.display().to_string();
        let file = directory.join("compose.yaml").display().to_string();
        let common = [(labels::PROJECT, name.as_str()), (labels::WORKING_DIR, &at), (labels::CONFIG_FILES, &file)];
        let db_labels =
            [&common[..], &[(labels::SERVICE, "db"), (labels::NUMBER, "1"), (labels::ONEOFF, "False")]].concat();
        let app_labels = [
            &common[..],
            &[
                (labels::SERVICE, "app"),
                (labels::NUMBER, "1"),
                (labels::ONEOFF, "False"),
                (labels::DEPENDS_ON, "db:service_started:false"),
            ],
        ]
        .concat();
        let db =
            Recipe { script: WRITER, labels: &db_labels, binds: vec![format!("{volume}:/data")], ..Recipe::default() };
        let app = Recipe { labels: &app_labels, binds: vec![format!("{at}/data:/srv")], ..Recipe::default() };
        let deaf = |app| Recipe { script: DEAF, stop_timeout: Some(DEAF_FOR_SECS), ..app };
        let app = if shape.is_app_deaf { deaf(app) } else { app };
        let (db, app) = (lab.created("shop-db-1", db).await, lab.created("shop-app-1", app).await);
        let stack = Self { name, db, app, volume };
        if !shape.is_stopped {
            lab.engine.start_container(&stack.db).await.expect("started");
            stack.wait_for_data(lab).await;
            if !shape.is_app_stopped {
                lab.engine.start_container(&stack.app).await.expect("started");
            }
        }
        stack
    }

    /// Whether each container runs: `db`, `app`.
    pub(crate) async fn is_up(&self, lab: &Lab) -> (bool, bool) {
        let up = async |name: &str| lab.engine.inspect_container(name).await.expect("a container").is_up();
        (up(&self.db).await, up(&self.app).await)
    }

    /// Waits until the writer has written: the volume is reached through the engine, as its path may not be readable.
    async fn wait_for_data(&self, lab: &Lab) {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while lab.engine.stream_path(&self.db, Path::new("/data/log")).await.is_err() {
            assert!(std::time::Instant::now() < deadline, "the writer writes nothing");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

fn compose(name: &str) -> String {
    format!(
        "name: {name}\nservices:\n  db:\n    image: mainstay-test/busybox:local\n    volumes: [\"db:/data\"]\n  app:\n    \
         image: mainstay-test/busybox:local\n    depends_on: [db]\n    volumes: [\"./data:/srv\"]\nvolumes:\n  db: {{}}\n"
    )
}
