//! How restic is run: what it gets to see, and how it ends.

use super::*;
use crate::backends::restic::process::{Call, Heed, Line};

#[tokio::test]
async fn no_secret_is_on_the_command_line_or_in_a_log() {
    let mut bench = Bench::new().await;
    let (restic, seen) = (super::runs::which("restic"), bench.path("seen"));
    let seen = seen.display();
    let leak = "echo \"using $RESTIC_PASSWORD and $AWS_SECRET_ACCESS_KEY\" >&2";
    bench.shim(&format!("echo \"$@\" >>{seen}; env >>{seen}.env; {leak}; exec {restic} \"$@\""));
    bench.set("AWS_SECRET_ACCESS_KEY", "hunter22-key");
    bench.write("file", b"content");
    let stored = bench.run(&[bench.volume()], true).await.expect("stored");
    let arguments = fs::read_to_string(bench.path("seen")).expect("arguments");
    assert!(arguments.contains("backup --json") && !arguments.contains(PASSWORD), "{arguments}");
    assert!(!arguments.contains("hunter22") && !arguments.contains(&bench.path("repository").display().to_string()));
    let log = bench.report.text();
    assert!(log.contains("using *** and ***") && !log.contains(PASSWORD) && !log.contains("hunter22"), "{log}");
    assert!(stored.reference.is_some());
    let env = fs::read_to_string(bench.path("seen.env")).expect("an environment");
    assert!(env.contains("RESTIC_CACHE_DIR=") && env.contains("RESTIC_REPOSITORY="));
    assert!(!env.contains("CARGO_"), "nothing else of our environment is passed on: {env}");
}

#[tokio::test]
async fn standing_still_ends_it_and_so_does_a_limit() {
    let mut bench = Bench::empty();
    bench.shim("sleep 600 & sleep 600");
    let work = Work { stall_timeout: Duration::from_millis(200), ..bench.work() };
    let ended = bench.restic().collect(&work, Call::new(["prune"])).await;
    assert!(matches!(ended, Err(BackendError::Stalled { .. })), "{ended:?}");
    bench.instance.restic_timeout = Some(Duration::from_millis(200));
    let error = bench.restic().collect(&bench.work(), Call::new(["prune"])).await.expect_err("a limit");
    assert!(error.to_string().contains("did not end within"), "{error}");
}

#[tokio::test]
async fn what_works_silently_is_not_ended() {
    let mut bench = Bench::empty();
    bench.shim("head -c 2000000000 /dev/zero | cat >/dev/null; exec dd if=/dev/zero of=/dev/null bs=64k count=200000");
    let work = Work { stall_timeout: Duration::from_secs(60), ..bench.work() };
    let (ended, _) = bench.restic().collect(&work, Call::new(["prune"])).await.expect("it may take its time");
    assert!(ended.is_success());
}

#[tokio::test]
async fn giving_up_and_cancelling_end_it_with_its_helpers() {
    let mut bench = Bench::empty();
    bench.shim("trap '' INT; setsid sleep 600 & echo $! >&2; wait; wait");
    let mut helper = None;
    let work = bench.work();
    let cancel = work.cancel.clone();
    let restic = bench.restic();
    let mut on_line = |line: Line<'_>| {
        if let Line::Err(text) = line {
            helper = text.parse::<i32>().ok();
            cancel.cancel();
        }
        Heed::Idle
    };
    let ended = restic.run(&work, Call::new(["backup"]), &mut on_line).await;
    assert!(matches!(ended, Err(BackendError::Cancelled)), "{ended:?}");
    let helper = helper.expect("a helper");
    while crate::backends::restic::group::stat_fields(helper).is_some_and(|fields| fields[0] != "Z") {
        tokio::task::yield_now().await;
    }
    bench.shim("echo no use >&2; exec sleep 600");
    let mut give_up = |_: Line<'_>| Heed::GiveUp;
    let ended = bench.restic().run(&bench.work(), Call::new(["forget"]), &mut give_up).await.expect("an answer");
    assert!(!ended.is_success() && ended.said == ["no use"], "{ended:?}");
}
