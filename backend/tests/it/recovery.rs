//! What a start does about files that a kill left behind.

use std::fs;

use mainstay::store::{JobFilter, PageRequest};

use crate::support::scene::Stage;

#[tokio::test]
async fn scratch_that_was_never_made_is_not_waited_for() {
    let scene = Stage::new().start().await;
    scene.service.back_up("blog").await;
    let (store, engine) = (scene.service.running.store(), scene.service.running.engine());
    let staging = scene.service.path("staging");
    fs::create_dir_all(&staging).expect("a directory");
    let spool = staging.join(".412-7.spool.partial");
    fs::write(&spool, "left by a kill").expect("written");
    let jobs = store.list_jobs(&JobFilter::default(), &PageRequest::first(1)).await.expect("jobs");
    let scratch = staging.join(".blog_x.job_1.precopy.partial");
    store.save_job_with_partials(&jobs.items[0], &[scratch]).await.expect("saved");

    engine.recover().await.expect("recovered");

    assert!(!spool.exists(), "scratch of a dead process goes wherever it is made");
    let unfinished = store.list_unfinished_jobs().await.expect("a list");
    assert!(unfinished.is_empty(), "an empty directory is no reason to look for it for ever: {unfinished:?}");
}
