//! Logs.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Time, wire_enum, wire_list};
use crate::domain::log as domain;
use crate::engine::logbook;

wire_enum!(
    /// How much a line matters.
    LogLevel from domain::Level {
        Debug => "DEBUG", Info => "INFO", Success => "SUCCESS", Warning => "WARNING", Error => "ERROR",
    }
);

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "17", "n": 17, "at": "2026-11-21T03:00:02.000Z", "level": "INFO", "target": "blog_db",
    "message": "the volume is being read"
}))]
pub struct LogLine {
    /// Where to go on after it: what `after` and `Last-Event-ID` take. Opaque.
    pub id: String,
    /// Its number in its log, from 1, without gaps.
    pub n: u64,
    /// When it was written.
    pub at: Time,
    /// How much it matters.
    pub level: LogLevel,
    /// The target or stack that it speaks of.
    #[schema(required = true)]
    pub target: Option<String>,
    /// A sentence for people; has no line breaks.
    pub message: String,
}

impl LogLine {
    /// A line of a job's log, whose ids are the numbers of its lines.
    #[must_use]
    pub fn of_job(line: domain::LogLine) -> Self {
        let id = line.n.to_string();
        Self::with_id(id, line)
    }

    /// A line that is called `id` in its log.
    #[must_use]
    pub fn with_id(id: String, line: domain::LogLine) -> Self {
        Self { id, n: line.n, at: line.at.into(), level: line.level.into(), target: line.target, message: line.message }
    }
}

/// A part of a log.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "items": [{"id": "17", "n": 17, "at": "2026-11-21T03:00:02.000Z", "level": "INFO", "target": "blog_db",
        "message": "the volume is being read"}],
    "next_cursor": "17"
}))]
pub struct LogPage {
    /// The lines, oldest first.
    pub items: Vec<LogLine>,
    /// Hand this over as `after` to get the lines that follow; null when these are the last that there are now.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

/// A log file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({
    "name": "backup_blog_2026-11-21_03-00-00_job_019aa3f1c2d47c3e9f00112233445566.log", "size_bytes": 20480,
    "modified_at": "2026-11-21T03:00:09.500Z", "job_id": "job_019aa3f1c2d47c3e9f00112233445566"
}))]
pub struct LogFile {
    /// Its name within the log directory.
    pub name: String,
    /// Its size.
    pub size_bytes: u64,
    /// When it was last written to.
    pub modified_at: Time,
    /// The job whose log it is; null for the logs of the service.
    #[schema(required = true)]
    pub job_id: Option<String>,
}

impl From<logbook::LogFile> for LogFile {
    fn from(file: logbook::LogFile) -> Self {
        Self {
            name: file.name.into(),
            size_bytes: file.size_bytes,
            modified_at: file.modified_at.into(),
            job_id: file.job_id.map(Into::into),
        }
    }
}

wire_list!(LogFileList of LogFile, "log files, newest first");
