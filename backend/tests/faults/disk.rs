//! Small file systems that fill up, become read-only or break, unmounted when dropped.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A file system of its own over a directory.
pub(crate) struct Disk {
    at: PathBuf,
    image: Option<tempfile::NamedTempFile>,
    /// Where it is mounted, when that is a directory of its own; removed once nothing is mounted there any more.
    directory: Option<TempDir>,
}

impl Disk {
    /// In memory, with options such as `size=3m` or `nr_inodes=10`.
    pub(crate) fn in_memory(at: &Path, options: &str) -> Self {
        run(Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at));
        Self { at: at.to_owned(), image: None, directory: None }
    }

    /// In memory, over a new directory.
    pub(crate) fn in_new_memory(options: &str) -> Self {
        let (at, directory) = new_directory();
        let mut disk = Self::in_memory(&at, options);
        disk.directory = Some(directory);
        disk
    }

    /// An ext4 of this many MiB on an image file, which can break, over a new directory.
    pub(crate) fn on_image(mib: u64) -> Self {
        let (at, directory) = new_directory();
        let image = tempfile::Builder::new().prefix("mst-disk-").tempfile().expect("a file");
        image.as_file().set_len(mib << 20).expect("sized");
        run(Command::new("mkfs.ext4").args(["-q", "-F", "-O", "^has_journal"]).arg(image.path()));
        run(Command::new("mount").args(["-o", "loop"]).arg(image.path()).arg(&at));
        Self { at, image: Some(image), directory: Some(directory) }
    }

    /// Where it is mounted.
    pub(crate) fn path(&self) -> &Path {
        &self.at
    }

    pub(crate) fn make_read_only(&self) {
        run(Command::new("mount").args(["-o", "remount,ro"]).arg(&self.at));
    }

    pub(crate) fn change(&self, options: &str) {
        run(Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(&self.at));
    }

    /// From now on what lies behind the first `keep_mib` of the image cannot be read any more, and of `file` nothing is
    /// remembered that was read before.
    pub(crate) fn break_off(&self, keep_mib: u64, file: &Path) {
        run(Command::new("sync").arg("-f").arg(file));
        let image = self.image.as_ref().expect("a disk on an image");
        image.as_file().set_len(keep_mib << 20).expect("cut");
        let deadline = Instant::now() + Duration::from_secs(20);
        // What somebody holds at this moment is not forgotten, so it is tried until it is gone.
        while std::fs::read(file).is_ok() {
            assert!(Instant::now() < deadline, "{} can still be read", file.display());
            let opened = std::fs::File::open(file).expect("opened");
            rustix::fs::fadvise(&opened, 0, None, rustix::fs::Advice::DontNeed).expect("forgotten");
        }
    }

    /// Fills it up with a file, to the last byte.
    pub(crate) fn fill(&self) -> PathBuf {
        let filler = self.at.join(".filler");
        let mut file = std::fs::File::create(&filler).expect("made");
        for size in [1 << 20, 4096, 512, 1] {
            let block = vec![7_u8; size];
            while std::io::Write::write_all(&mut file, &block).is_ok() {}
        }
        filler
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(&self.at).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking(), "left mounted");
    }
}

fn new_directory() -> (PathBuf, TempDir) {
    let directory = tempfile::Builder::new().prefix("mst-disk-").tempdir().expect("a directory");
    (directory.path().to_owned(), directory)
}

fn run(command: &mut Command) {
    let status = command.status().expect("the program is there");
    assert!(status.success(), "{command:?}: {status} (the tests run as root)");
}

/// Content that no compressor makes smaller.
pub(crate) fn write_noise(path: &Path, bytes: usize) {
    let mut noise = vec![0_u8; bytes];
    getrandom::fill(&mut noise).expect("random bytes");
    std::fs::write(path, noise).expect("written");
}
