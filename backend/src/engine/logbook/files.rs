//! The files of the log directory: which there are, and opening one.
//!
//! Only plain files whose name is a [`LogName`] are logs. Links are not followed, so nothing outside of the directory
//! can be reached through it. The calls block.

use std::fs::{self, DirEntry, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use chrono::{DateTime, Utc};
use rustix::fs::OFlags;

use crate::domain::ids::JobId;
use crate::domain::names::LogName;

/// A log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFile {
    /// Its name within the log directory.
    pub name: LogName,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// When it was last written to.
    pub modified_at: DateTime<Utc>,
    /// The job whose log it is, when it is one's.
    pub job_id: Option<JobId>,
}

/// The log files in `directory`, newest first. A directory that does not exist has none.
///
/// # Errors
/// When the directory cannot be read.
pub fn list_files(directory: &Path) -> io::Result<Vec<LogFile>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        files.extend(look_at(&entry?));
    }
    files.sort_by(|a: &LogFile, b| (b.modified_at, &b.name).cmp(&(a.modified_at, &a.name)));
    Ok(files)
}

/// A file that vanishes meanwhile, as retention makes them, is left out.
fn look_at(entry: &DirEntry) -> Option<LogFile> {
    let name: LogName = entry.file_name().to_str()?.parse().ok()?;
    let about = entry.metadata().ok().filter(fs::Metadata::is_file)?;
    let modified_at = DateTime::<Utc>::from(about.modified().ok()?);
    let job_id = find_job_id(&name);
    Some(LogFile { name, size_bytes: about.len(), modified_at, job_id })
}

fn find_job_id(name: &LogName) -> Option<JobId> {
    let stem = name.as_str().strip_suffix(".log")?;
    stem.get(stem.rfind("job_")?..)?.parse().ok()
}

/// Opens a log file for reading. `None` when there is none, or what has its name is no plain file.
///
/// # Errors
/// When it is there and cannot be opened.
pub fn open_file(directory: &Path, name: &LogName) -> io::Result<Option<File>> {
    // Without NONBLOCK a pipe of that name would hang whoever opens it.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened =
        OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(directory.join(name.as_str()));
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound || is_link(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(file.metadata()?.is_file().then_some(file))
}

fn is_link(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::symlink;

    use super::*;

    fn name(text: &str) -> LogName {
        text.parse().expect("a name")
    }

    #[test]
    fn only_plain_logs_are_listed_newest_first() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        let job = JobId::new(DateTime::UNIX_EPOCH);
        let of_job = format!("backup_my-job_1_1970-01-01_00-00-00_{job}.log");
        for (file, secs) in [("mainstay_1.log", 10), (&of_job, 30), ("mainstay_2.log", 20), ("notes.txt", 40)] {
            fs::write(path(file), "12345").expect("written");
            let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(secs);
            File::open(path(file)).and_then(|f| f.set_modified(at)).expect("dated");
        }
        fs::create_dir(path("directory.log")).expect("made");
        symlink("/etc/passwd", path("link.log")).expect("linked");
        let files = list_files(directory.path()).expect("a list");
        let names: Vec<_> = files.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, [of_job.as_str(), "mainstay_2.log", "mainstay_1.log"]);
        assert_eq!((files[0].size_bytes, files[0].job_id.as_ref()), (5, Some(&job)));
        assert_eq!(files[1].job_id, None);
        assert_eq!(list_files(&path("missing")).expect("a list"), []);
    }

    #[test]
    fn nothing_but_a_plain_file_is_opened() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        fs::write(path("a.log"), "hello").expect("written");
        symlink(path("a.log"), path("link.log")).expect("linked");
        fs::create_dir(path("directory.log")).expect("made");
        rustix::fs::mknodat(rustix::fs::CWD, path("pipe.log"), rustix::fs::FileType::Fifo, 0o600.into(), 0)
            .expect("a pipe");
        for file in ["link.log", "directory.log", "pipe.log", "missing.log"] {
            assert!(open_file(directory.path(), &name(file)).expect(file).is_none(), "{file}");
        }
        let mut text = String::new();
        let file = open_file(directory.path(), &name("a.log")).expect("opened");
        file.expect("a file").read_to_string(&mut text).expect("read");
        assert_eq!(text, "hello");
    }
}
