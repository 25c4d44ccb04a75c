//! What restic prints as JSON, one object a line. Fields come and go between versions, so every one may be absent.

use serde::Deserialize;

/// A line of `restic backup --json` or `restore --json`.
#[derive(Debug, Deserialize)]
#[serde(tag = "message_type", rename_all = "snake_case")]
pub(super) enum Message {
    /// How far it is.
    Status(Status),
    /// What came of it.
    Summary(Summary),
    /// Something could not be read.
    Error(ItemError),
    /// Why it failed as a whole; from 0.17 on.
    ExitError {
        /// In its words.
        message: String,
    },
    /// Anything else.
    #[serde(other)]
    Other,
}

/// How far it is.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    pub(super) total_files: Option<u64>,
    pub(super) files_done: u64,
    pub(super) total_bytes: Option<u64>,
    pub(super) bytes_done: u64,
    pub(super) current_files: Vec<String>,
}

/// What came of a backup.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Summary {
    /// Its first eight digits alone before 0.15.
    pub(super) snapshot_id: String,
    pub(super) total_files_processed: u64,
    pub(super) total_bytes_processed: u64,
    /// Bytes of new data as they were.
    pub(super) data_added: u64,
    /// The same as they lie in the repository; from 0.17 on.
    pub(super) data_added_packed: Option<u64>,
}

/// Something could not be read.
#[derive(Debug, Deserialize)]
pub(super) struct ItemError {
    #[serde(default)]
    error: Cause,
    /// Its path; may be empty.
    #[serde(default)]
    pub(super) item: String,
}

/// Before 0.17.1 Go's own view of the error, then a text.
#[derive(Debug, Default, Deserialize)]
struct Cause {
    message: Option<String>,
    #[serde(rename = "Op")]
    operation: Option<String>,
    #[serde(rename = "Path")]
    path: Option<String>,
    #[serde(rename = "Err")]
    number: Option<serde_json::Value>,
}

impl ItemError {
    /// In words.
    pub(super) fn to_words(&self) -> String {
        let cause = &self.error;
        if let Some(message) = &cause.message {
            return message.clone();
        }
        let number = cause.number.as_ref().and_then(serde_json::Value::as_i64).and_then(|n| i32::try_from(n).ok());
        let reason =
            number.map_or("it could not be read".to_owned(), |n| std::io::Error::from_raw_os_error(n).to_string());
        let operation = cause.operation.as_deref().unwrap_or("read");
        format!("{operation} {}: {reason}", cause.path.as_deref().unwrap_or(&self.item))
    }
}

/// A line that is a message.
pub(super) fn parse(line: &str) -> Option<Message> {
    line.starts_with('{').then(|| serde_json::from_str(line).ok()).flatten()
}

/// The text in an `exit_error`.
pub(super) fn exit_message(line: &str) -> Option<String> {
    match parse(line)? {
        Message::ExitError { message } => Some(message),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(line: &str) -> Summary {
        let Some(Message::Summary(summary)) = parse(line) else { panic!("no summary: {line}") };
        summary
    }

    /// As 0.14.0 and 0.18.0 printed them.
    #[test]
    fn summaries_of_old_and_new_are_read() {
        let old = r#"{"message_type":"summary","files_new":3,"files_changed":0,"files_unmodified":0,"dirs_new":7,"dirs_changed":0,"dirs_unmodified":0,"data_blobs":3,"tree_blobs":8,"data_added":3004214,"total_files_processed":3,"total_bytes_processed":6000003,"total_duration":0.255091902,"snapshot_id":"ff03924f"}"#;
        let expected = Summary {
            snapshot_id: "ff03924f".to_owned(),
            total_files_processed: 3,
            total_bytes_processed: 6_000_003,
            data_added: 3_004_214,
            data_added_packed: None,
        };
        assert_eq!(summary(old), expected);
        let new = r#"{"message_type":"summary","files_new":4,"data_added":3004111,"data_added_packed":3002617,"total_files_processed":4,"total_bytes_processed":6000003,"total_duration":0.754845657,"backup_start":"2026-11-27T13:48:04.331865304Z","snapshot_id":"75d9472bfb00871d98efcc3260a04351dab1de756e0c01ca117c4b3318a257be"}"#;
        assert_eq!(summary(new).data_added_packed, Some(3_002_617));
    }

    #[test]
    fn errors_of_old_and_new_are_read() {
        let old = r#"{"message_type":"error","error":{"Op":"open","Path":"/src/b/y","Err":13},"during":"archival","item":"/src/b/y"}"#;
        let new = r#"{"message_type":"error","error":{"message":"open /src/b/y: permission denied"},"during":"archival","item":"/src/b/y"}"#;
        for (line, words) in
            [(old, "open /src/b/y: Permission denied (os error 13)"), (new, "open /src/b/y: permission denied")]
        {
            let Some(Message::Error(error)) = parse(line) else { panic!("no error: {line}") };
            assert_eq!((error.to_words().as_str(), error.item.as_str()), (words, "/src/b/y"));
        }
        let exit = r#"{"message_type":"exit_error","code":12,"message":"Fatal: wrong password or no key found"}"#;
        assert_eq!(exit_message(exit).as_deref(), Some("Fatal: wrong password or no key found"));
    }

    #[test]
    fn status_and_what_is_not_known_are_read() {
        let line = r#"{"message_type":"status","percent_done":0,"total_files":1,"total_bytes":3000000}"#;
        let Some(Message::Status(status)) = parse(line) else { panic!("no status") };
        assert_eq!((status.total_bytes, status.bytes_done), (Some(3_000_000), 0));
        assert!(matches!(parse(r#"{"message_type":"verbose_status","action":"new"}"#), Some(Message::Other)));
        for line in ["", "text", "{", r#"{"no":"type"}"#] {
            assert!(parse(line).is_none(), "{line}");
        }
    }
}
