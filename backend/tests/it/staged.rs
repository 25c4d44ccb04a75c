//! A copy for an image of the user's own: most of it is made before the stop, and it is the data at rest all the same.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstay::docker::bollard_engine::BollardEngine;

use crate::support::docker::in_container;
use crate::support::engine::{Lab, Recipe};
use crate::support::service::Setup;

/// Nothing younger is taken over.
const MARGIN_SECS: u64 = 4;

/// Waits until a file was left alone for long enough that its stamps can be relied on.
async fn wait_until_old(container: &str, file: &str) {
    let age = format!("echo $(( $(date +%s) - $(stat -c %Z {file}) ))");
    let deadline = Instant::now() + Duration::from_secs(60);
    while in_container(container, &age).trim().parse::<u64>().expect("seconds") < MARGIN_SECS {
        assert!(Instant::now() < deadline, "{file} does not get old");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn what_did_not_change_is_copied_before_the_stop() {
    let Some(lab) = Lab::open("a copy made before the stop").await else { return };
    let show = "#!/bin/sh\ncd /backup/*/vol/*; find . -type f | sort; md5sum big; cat last\n";
    let image = lab.image("tool", "COPY backup.sh /backup.sh", &[("backup.sh", show)]);
    let data = lab.volume("data").await;
    // What is written last, on the way to rest, is what an early copy cannot have.
    let script = "test -e /data/big || head -c 3000000 /dev/urandom >/data/big; echo x >/data/left.tmp; echo early >/data/last; \
                  trap 'echo at rest >/data/last; exit 0' TERM; while :; do sleep 0.05; done";
    let writer =
        lab.running("writer", Recipe { script, binds: vec![format!("{data}:/data")], ..Recipe::default() }).await;
    wait_until_old(&writer, "/data/last").await;
    let sum = in_container(&writer, "md5sum /data/big").split(' ').next().expect("a sum").to_owned();
    let instance = format!(
        "instances: [{{id: own, custom_image: {image}, stop_attached: true, targets: [{{volume: {data}, exclude: ['*.tmp']}}]}}]"
    );
    let setup = Setup::on(Arc::new(BollardEngine::connect(None)));
    let service = setup.config(&instance).start().await;
    let job = service.call("run_instance").path("id", "own").ok().await;
    let id = job["id"].as_str().expect("an id");
    let job = service.end_of(id).await;
    let log = service.log_of(id).await.join("\n");
    assert_eq!(job["state"], "succeeded", "{job}\n{log}");
    for line in ["./big", "./last", "at rest", &sum, "copied before the stop"] {
        assert!(log.contains(line), "{line} in {log}");
    }
    assert!(!log.contains("left.tmp"), "left out: {log}");
    assert!(!service.path("staging").join("own").exists(), "nothing stays");
    service.stop().await;
}
