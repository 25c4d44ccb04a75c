//! Whatever is done to a tree while a hot pass reads it, and however it is hidden, the archive is the tree at rest.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::splice::{make_tree, settle};
use super::*;

/// Stores through `mmap`: our own code may not, for want of `unsafe`. Commands come a line each and are answered.
const MMAP_WRITER: &str = r#"
import mmap, os, sys, threading
paths = sys.argv[1:]
maps, stats = [], []
for path in paths:
    with open(path, "r+b") as f:
        maps.append(mmap.mmap(f.fileno(), 0))
    stats.append(os.stat(path))
halt, rounds = threading.Event(), 0
def store(value):
    for m in maps:
        for at in range(0, len(m), 4096):
            m[at] = value
def hide():
    # What `touch -r` does.
    for path, st in zip(paths, stats):
        os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))
def keep_on():
    global rounds
    while not halt.is_set():
        store(rounds % 251)
        hide()
        rounds += 1
thread = None
for line in sys.stdin:
    command = line.split()
    if command[0] == "store":
        store(int(command[1]))
    elif command[0] == "hide":
        hide()
    elif command[0] == "run":
        thread = threading.Thread(target=keep_on); thread.start()
    elif command[0] == "halt":
        halt.set(); thread.join()
    print(rounds, flush=True)
"#;

struct MmapWriter {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl MmapWriter {
    #[expect(clippy::disallowed_methods, reason = "a program that may use mmap")]
    fn start(paths: &[PathBuf]) -> Self {
        let mut python = std::process::Command::new("python3");
        python.arg("-c").arg(MMAP_WRITER).args(paths).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = python.spawn().expect("python3");
        let (commands, answers) = (child.stdin.take(), child.stdout.take());
        Self { child, commands: commands.expect("a pipe"), answers: BufReader::new(answers.expect("a pipe")) }
    }

    /// Returns how many rounds were made in all, once the command is done.
    fn tell(&mut self, command: &str) -> u64 {
        writeln!(self.commands, "{command}").expect("a living writer");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("a living writer");
        answer.trim().parse().expect("a number")
    }
}

impl Drop for MmapWriter {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Small and large files to be mapped.
fn mapped_files(bench: &Bench) -> Vec<PathBuf> {
    make_tree(&bench.source());
    let paths = (0..12_usize).map(|number| bench.source().join(format!("mapped {number}")));
    let paths: Vec<PathBuf> = paths.collect();
    for (number, path) in paths.iter().enumerate() {
        fs::write(path, vec![b'-'; 5_000 + number * number * 20_000]).expect("a file");
    }
    paths
}

/// A store into a page that was dirty before the hot pass: without `syncfs` no stamp at all tells of it.
fn store_around_a_hot_pass(bench: &Bench) -> PassStats {
    let paths = mapped_files(bench);
    let mut writer = MmapWriter::start(&paths);
    writer.tell("store 1");
    let trust = bench.trust();
    let hot = bench.hot(&trust, Vec::new());
    writer.tell("store 2");
    drop(writer);
    let cold = bench.cold(&trust, vec![hot]);
    let stats = cold.window();
    bench.finish(cold);
    bench.assert_is_true();
    assert_eq!(fs::read(&paths[3]).expect("a file")[4096], 2);
    stats
}

#[test]
fn a_store_through_mmap_after_the_hot_pass_is_in_the_archive() {
    let bench = Bench::new();
    let stats = store_around_a_hot_pass(&bench);
    assert!(stats.reused_by_identity_bytes > 0, "the rest was not read again: {stats:?}");
}

#[test]
fn a_store_through_mmap_between_the_sync_and_the_reading_does_not_hide_a_later_one() {
    let bench = Bench::new();
    let paths = mapped_files(&bench);
    let mut writer = MmapWriter::start(&paths);
    let trust = bench.trust();
    // From now on the pages are dirty: what is stored after the hot pass leaves no stamp at all.
    writer.tell("store 1");
    settle();
    let hot = bench.hot(&trust, Vec::new());
    writer.tell("store 2");
    drop(writer);
    let cold = bench.cold(&trust, vec![hot]);
    assert!(cold.window().reused_by_identity_bytes > 0);
    bench.finish(cold);
    bench.assert_is_true();
}

#[test]
fn stores_through_mmap_during_the_hot_pass_are_in_the_archive() {
    for is_hidden in [false, true] {
        let bench = Bench::new();
        let mut writer = MmapWriter::start(&mapped_files(&bench));
        writer.tell("store 1");
        writer.tell("run");
        let trust = bench.trust();
        let hot = bench.hot(&trust, Vec::new());
        let rounds = writer.tell("halt");
        writer.tell("store 252");
        if is_hidden {
            writer.tell("hide");
        }
        drop(writer);
        assert!(rounds > 2, "the writer was at work: {rounds} rounds");
        let cold = bench.cold(&trust, vec![hot]);
        assert!(cold.window().reused_by_identity_bytes > 0);
        bench.finish(cold);
        bench.assert_is_true();
    }
}

#[test]
fn tmpfs_is_compared_by_content_only() {
    let bench = Bench::new();
    run("mount", &["-t", "tmpfs", "-o", "size=64m", "tmpfs", text(&bench.source())]);
    let _unmount = Unmount(bench.source());
    let stats = store_around_a_hot_pass(&bench);
    assert_eq!(stats.reused_by_identity_bytes, 0);
    assert!(stats.reused_by_content_bytes > 0 && stats.read_bytes > 0, "{stats:?}");
}

/// Ends a mount when dropped, lazily: a program that another test is just starting may hold a handle for a moment.
pub(super) struct Unmount(pub(super) PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        run("umount", &["-l", text(&self.0)]);
    }
}

/// Random numbers that a seed decides.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit
    }
}

/// One thing that happens to a tree. What does not work, such as removing what is gone, is no matter.
fn mutate(root: &Path, random: &mut Random) {
    let mut any = || {
        let number = random.below(70);
        let large = root.join(format!("large {}", number % 4));
        if number > 60 { large } else { root.join(format!("dir {}/file {number}", random.below(6))) }
    };
    let (one, other) = (any(), any());
    let open = || File::options().write(true).open(&one);
    let (at, len) = (random.below(900_000), random.below(20_000));
    let bytes = vec![random.below(256) as u8; len as usize];
    let done: std::io::Result<()> = match random.below(12) {
        0 => fs::write(&one, &bytes),
        1 => fs::remove_file(&one),
        2 => fs::rename(&one, &other),
        3 => open().and_then(|file| file.set_len(at)),
        4 => File::options().append(true).open(&one).and_then(|mut file| file.write_all(&bytes)),
        5 => fs::set_permissions(&one, fs::Permissions::from_mode(0o600 | (at as u32 & 0o77))),
        6 => fs::hard_link(&one, &other),
        7 => symlink("nowhere", &one),
        8 => std::os::unix::fs::lchown(&one, Some(at as u32), None),
        9 => fs::create_dir(&one).and_then(|()| fs::write(one.join("within"), &bytes)),
        10 => xattr::set(&one, "user.note", &bytes[..bytes.len().min(100)]),
        // The same size and the same time.
        _ => fs::metadata(&one).and_then(|before| {
            let page = &bytes[..bytes.len().min(before.len() as usize)];
            open()?.write_all_at(page, 0)?;
            open()?.set_modified(before.modified()?)
        }),
    };
    drop(done);
}

#[test]
fn random_changes_during_hot_passes_over_generations_leave_no_trace() {
    let bench = Bench { codec: Codec::Gzip { level: 1 }, ..Bench::new() };
    make_tree(&bench.source());
    let mut last: Option<PathBuf> = None;
    let mut total = 0;
    for generation in 0..5_u64 {
        let (stop, count) = (AtomicBool::new(false), AtomicU64::new(0));
        let hot_and_trust = std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ generation);
                while !stop.load(Ordering::Relaxed) || count.load(Ordering::Relaxed) < 500 {
                    mutate(&bench.source(), &mut random);
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
            let trust = bench.trust();
            let base = last.as_deref().and_then(|last| Base::of_archive(last, bench.codec).ok()).map(Arc::new);
            assert_eq!(base.is_some(), generation > 0);
            let hot = bench.hot(&trust, base.into_iter().collect());
            stop.store(true, Ordering::Relaxed);
            (hot, trust)
        });
        let (hot, trust) = hot_and_trust;
        total += count.into_inner();
        let cold = bench.cold(&trust, vec![hot]);
        let finished = bench.finish(cold);
        assert_eq!(finished.targets[0].warnings, [], "generation {generation}");
        bench.assert_is_true();
        run("gzip", &["-t", text(&bench.archive())]);
        let name = bench.dir.path().join(format!("generation {generation}"));
        publish(&bench.archive(), &name).expect("a free name");
        last = Some(name);
    }
    assert!(total >= 2_500, "{total} changes");
}
