//! A backup directory that is full, or cannot be written to, on file systems of the test's own.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::scene::{BOTH_UP, Scene, Stage, volume_directory};

/// A small file system in memory over a directory, unmounted when dropped.
pub(crate) struct SmallDisk(PathBuf);

impl SmallDisk {
    pub(crate) fn over(directory: &Path, options: &str) -> Self {
        mount(&["-t", "tmpfs", "-o", options, "tmpfs"], directory);
        Self(directory.to_owned())
    }

    /// A file that is mounted by itself, as Docker does with a file that is named as a volume.
    pub(crate) fn over_itself(file: &Path) -> Self {
        mount(&["--bind".as_ref(), file.as_os_str()], file);
        Self(file.to_owned())
    }

    pub(crate) fn read_only(&self) {
        mount(&["-o", "remount,ro"], &self.0);
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(&self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking(), "left mounted");
    }
}

fn mount<S: AsRef<OsStr> + std::fmt::Debug>(options: &[S], directory: &Path) {
    let status = Command::new("mount").args(options).arg(directory).status().expect("mount runs");
    assert!(status.success(), "mount {options:?}: {status} (the tests run as root)");
}

/// Content that no compressor makes smaller.
fn write_noise(path: &Path, bytes: usize) {
    let mut noise = vec![0_u8; bytes];
    getrandom::fill(&mut noise).expect("random bytes");
    std::fs::write(path, noise).expect("written");
}

async fn scene_with_noise() -> Scene {
    let stage = Stage::new();
    write_noise(&volume_directory(stage.setup.root(), "blog").join("noise"), 6 << 20);
    stage.start().await
}

fn failed_step(job: &Value) -> &str {
    let steps = job["steps"].as_array().expect("steps");
    steps.iter().find(|s| s["state"] == "failed").and_then(|s| s["name"].as_str()).unwrap_or("none")
}

#[tokio::test]
async fn a_disk_that_fills_up_during_the_capture_brings_the_stack_back() {
    let scene = scene_with_noise().await;
    let disk = SmallDisk::over(&scene.service.path("backups"), "size=3m");
    let job = scene.service.back_up("blog").await;
    assert_eq!(job["state"], "failed", "{job:#}");
    assert!(job["error"].as_str().expect("an error").to_lowercase().contains("no space"), "{job:#}");
    assert_eq!(scene.states(), BOTH_UP);
    assert!(scene.changes().iter().any(|change| change.starts_with("stop")), "it filled up during the capture");
    assert!(scene.service.archives().is_empty(), "no half archive");
    drop(disk);
}

#[tokio::test]
async fn a_disk_that_is_known_to_be_too_small_costs_no_stop() {
    let scene = scene_with_noise().await;
    let disk = SmallDisk::over(&scene.service.path("backups"), "size=1m");
    let job = scene.service.back_up("blog").await;
    assert_eq!((job["state"].as_str(), failed_step(&job)), (Some("failed"), "preflight"), "{job:#}");
    assert!(job["error"].as_str().expect("an error").contains("not enough space"), "{job:#}");
    assert!(scene.changes().is_empty());
    drop(disk);
}

#[tokio::test]
async fn a_read_only_backup_dir_costs_no_stop() {
    let scene = Stage::new().start().await;
    let disk = SmallDisk::over(&scene.service.path("backups"), "size=1m");
    disk.read_only();
    let job = scene.service.back_up("blog").await;
    assert_eq!((job["state"].as_str(), failed_step(&job)), (Some("failed"), "preflight"), "{job:#}");
    assert!(scene.changes().is_empty());
    drop(disk);
}

#[tokio::test]
async fn a_log_dir_that_is_full_stops_no_backup() {
    let scene = Stage::new().start().await;
    let disk = SmallDisk::over(&scene.service.path("logs"), "size=1m");
    disk.read_only();
    let job = scene.service.back_up("blog").await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    drop(disk);
}
