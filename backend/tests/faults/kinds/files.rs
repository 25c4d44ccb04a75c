//! Files that cannot be read, and files that do not hold still although the stack is at rest.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::cx::Cx;
use crate::disk::{Disk, write_noise};
use crate::rig::{Rig, SPLICE, Setup};
use crate::served::Launch;
use crate::stack::{Part, Stack};

/// The job is partial, and says which file it is about.
fn names_it(job: &Value, file: &str) {
    assert_eq!(job["state"], "partial", "{job:#}");
    let text = format!("{} {}", job["error"], job["targets"]);
    assert!(text.contains(file), "'{file}' is not named: {text}");
}

pub(super) async fn broken_disk(cx: Cx) {
    let disk = Disk::on_image(24);
    let (sound, torn) = (disk.path().join("sound"), disk.path().join("torn"));
    write_noise(&sound, 1000);
    write_noise(&torn, 12 << 20);
    let app = Part { binds: vec![format!("{}:/srv", disk.path().display())], ..Part::new("app").needs("db") };
    let parts = Stack::usual().into_iter().map(|part| if part.service == "app" { app.clone() } else { part });
    // What was read while the disk was sound, and has not changed, needs it no more: so nothing is read beforehand.
    let rig = Setup::new().config("archive: { precopy: off }").parts(parts.collect()).up(&cx).await;
    let (served, id) = rig.pause_at("capture.before").await;
    disk.break_off(4, &torn);
    rig.open_gate();
    let job = served.end_of(&id).await;
    names_it(&job, "torn");
    rig.is_well(Duration::ZERO).await;
    rig.conclude(served).await;
    rig.cx.clear().await;
}

/// Root reads everything only as long as it may: without that privilege a file of somebody else is closed to it.
pub(super) async fn no_access(cx: Cx) {
    let rig = Setup::new().up(&cx).await;
    let secret = rig.directory().join("data/secret");
    std::fs::write(&secret, "closed").expect("written");
    std::os::unix::fs::chown(&secret, Some(1000), Some(1000)).expect("the tests run as root");
    std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o000)).expect("closed");
    let less = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"];
    let served = rig.spawn(&Launch::default().through(&less)).ready().await;
    let job = served.back_up(&rig.stack.name).await;
    names_it(&job, "secret");
    rig.is_well(Duration::ZERO).await;
    std::fs::remove_file(&secret).expect("removed");
    rig.conclude_with_backup(served).await;
}

/// Something that goes on in a thread until it is dropped.
struct Unrest(Arc<AtomicBool>, Option<std::thread::JoinHandle<()>>);

impl Unrest {
    fn begin(mut step: impl FnMut(u64) + Send + 'static) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            for round in 0.. {
                if seen.load(Ordering::Relaxed) {
                    return;
                }
                step(round);
            }
        });
        Self(is_over, Some(thread))
    }
}

impl Drop for Unrest {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        self.1.take().map(std::thread::JoinHandle::join);
    }
}

/// Backs up several times while something on the host goes on with the files: every archive is whole, and whether its
/// targets are is said.
async fn survives(rig: &Rig, unrest: Unrest) {
    let served = rig.serve().await;
    for _ in 0..2 {
        let job = served.back_up(&rig.stack.name).await;
        let state = job["state"].as_str().expect("a state");
        assert!(["succeeded", "partial"].contains(&state), "{job:#}");
        rig.is_well(Duration::ZERO).await;
    }
    drop(unrest);
    rig.conclude_with_backup(served).await;
}

fn data(rig: &Rig) -> PathBuf {
    rig.directory().join("data")
}

pub(super) async fn vanishing(cx: Cx) {
    let rig = Setup::new().config(SPLICE).up(&cx).await;
    let directory = data(&rig).join("many");
    std::fs::create_dir(&directory).expect("made");
    let unrest = Unrest::begin(move |round| {
        let path = directory.join((round % 300).to_string());
        if round % 600 < 300 {
            std::fs::write(path, round.to_string()).expect("written");
        } else {
            let _ = std::fs::remove_file(path);
        }
    });
    survives(&rig, unrest).await;
}

pub(super) async fn growing(cx: Cx) {
    let rig = Setup::new().config(SPLICE).up(&cx).await;
    let path = data(&rig).join("growing");
    write_noise(&path, 8 << 20);
    let unrest = Unrest::begin(move |round| {
        let file = std::fs::File::options().append(true).open(&path);
        // Bounded, so that a slow machine does not fill its disk.
        if round < 20_000 {
            file.and_then(|mut file| file.write_all(&[b'x'; 512])).expect("grown");
        }
    });
    survives(&rig, unrest).await;
}

pub(super) async fn truncated(cx: Cx) {
    let rig = Setup::new().config(SPLICE).up(&cx).await;
    let path = data(&rig).join("cut");
    let unrest = Unrest::begin(move |round| {
        let file = std::fs::File::options().create(true).truncate(false).write(true).open(&path).expect("opened");
        file.set_len(if round % 2 == 0 { 8 << 20 } else { 100 }).expect("sized");
    });
    survives(&rig, unrest).await;
}
