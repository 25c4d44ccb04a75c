//! The wall clock jumps. `libfaketime` moves it for the process under test, whose timers go on undisturbed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cx::Cx;
use crate::rig::{Rig, Setup};
use crate::served::Launch;

/// A clock that is moved by writing a file.
struct Clock(PathBuf);

impl Clock {
    fn of(rig: &Rig) -> Self {
        let clock = Self(rig.path("clock"));
        clock.move_to("+0");
        clock
    }

    /// As `libfaketime` writes offsets: `+400d`, `-2d`.
    fn move_to(&self, offset: &str) {
        let aside = self.0.with_extension("new");
        std::fs::write(&aside, offset).and_then(|()| std::fs::rename(&aside, &self.0)).expect("written");
    }

    fn launch(&self, launch: Launch) -> Launch {
        let library = find_library();
        launch
            .env("LD_PRELOAD", library.to_str().expect("a path"))
            .env("FAKETIME_TIMESTAMP_FILE", self.0.to_str().expect("a path"))
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    }
}

/// Debian keeps it apart, by architecture.
fn find_library() -> PathBuf {
    let architectures = std::fs::read_dir("/usr/lib").expect("libraries").flatten().map(|entry| entry.path());
    let mut found = architectures.map(|path| path.join("faketime/libfaketimeMT.so.1")).filter(|path| path.exists());
    found.next().expect("libfaketime is installed (package libfaketime)")
}

/// Backs up, then backs up again with a jump while the stack is at rest. Returns the archives, the older one first.
async fn jump(cx: &Cx, offset: &str) -> (Rig, Vec<PathBuf>) {
    let rig = Setup::new().config("retention_days: 7").up(cx).await;
    let clock = Clock::of(&rig);
    let launch = Launch::paused_until("capture.target", &rig.gate());
    rig.open_gate();
    let served = rig.spawn(&clock.launch(launch)).ready().await;
    assert_eq!(served.back_up(&rig.stack.name).await["state"], "succeeded");
    let first = rig.check_files(&served).await;
    std::fs::remove_file(rig.gate()).expect("removed");
    let id = served.begin(&rig.stack.name).await;
    wait_for_rest(&rig).await;
    clock.move_to(offset);
    rig.open_gate();
    let job = served.end_of(&id).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    rig.is_well(Duration::ZERO).await;
    let archives = rig.conclude(served).await;
    let is_first = |path: &&PathBuf| first.contains(path);
    assert!(archives.iter().any(|archive| !first.contains(archive)), "the second archive: {archives:?}");
    let kept = archives.iter().filter(is_first).cloned().collect();
    (rig, kept)
}

/// The pause was announced once already, so the engine is asked.
async fn wait_for_rest(rig: &Rig) {
    while rig.now().await.is_up(&rig.container("db")) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// One wrong time does not cost the good backups of the right one.
pub(super) async fn ahead(cx: Cx) {
    let (_rig, kept) = jump(&cx, "+400d").await;
    assert_eq!(kept.len(), 1, "the first archive was dropped, because the clock jumped");
}

pub(super) async fn back(cx: Cx) {
    let (rig, kept) = jump(&cx, "-2d").await;
    assert_eq!(kept.len(), 1, "the first archive is still there");
    for archive in &kept {
        rig.holds_the_truth(Path::new(archive)).await;
    }
}
