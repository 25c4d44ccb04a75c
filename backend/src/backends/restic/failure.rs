//! What restic's exit codes and last words mean.
//!
//! From 0.17 on it says by its code that there is no repository (10), that it is locked (11) or that the password is wrong
//! (12). Before, the code is 1 for everything, and "Is there a repository at the following location?" stands below a refused
//! connection just as well, so only the reason above it tells.

use super::BackendError;
use super::messages::exit_message;
use super::process::Ended;
use super::program::Restic;
use super::version::Version;

/// What keeps a repository from being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It is certain that there is none.
    NoRepository,
    /// The password does not open it.
    WrongPassword,
    /// There is no password.
    NoPassword,
    /// Somebody else holds it.
    Locked,
    /// Who asks may not.
    Refused,
    /// Anything else.
    Other,
}

/// The reasons that each kind of storage gives when a file is not there: local, sftp, rest and rclone, s3.
const ABSENT: [&str; 5] = [
    "no such file or directory",
    "file does not exist",
    "<config/> does not exist",
    "The specified bucket does not exist",
    "The specified key does not exist.",
];

/// What says that who asks may not. The numbers alone also stand in ports and ids.
const REFUSED: [&str; 8] = [
    "permission denied",
    "Permission denied",
    "Access Denied",
    "Access Key",
    "401 Unauthorized",
    "403 Forbidden",
    "(401)",
    "(403)",
];

impl Ended {
    /// What went wrong.
    pub(super) fn trouble(&self, version: Version) -> Trouble {
        let text = self.text();
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        match self.code {
            Some(10) => Trouble::NoRepository,
            Some(11) => Trouble::Locked,
            Some(12) => Trouble::WrongPassword,
            _ if has(&["empty password"]) => Trouble::NoPassword,
            _ if has(&["wrong password or no key found"]) => Trouble::WrongPassword,
            _ if has(&["already locked"]) => Trouble::Locked,
            _ if !version.has_exit_codes() && self.says_absent() => Trouble::NoRepository,
            _ if has(&REFUSED) => Trouble::Refused,
            _ => Trouble::Other,
        }
    }

    fn says_absent(&self) -> bool {
        let lines: Vec<&str> = self.said.iter().map(|line| line.trim()).collect();
        let asks = lines.contains(&"Is there a repository at the following location?");
        let reason = lines.iter().find_map(|line| line.strip_prefix("Fatal: unable to open config file: "));
        asks && reason.is_some_and(|reason| ABSENT.iter().any(|absent| reason.ends_with(absent)))
    }

    /// Everything it said.
    pub(super) fn text(&self) -> String {
        self.said.iter().map(|line| exit_message(line).unwrap_or_else(|| line.clone())).collect::<Vec<_>>().join("\n")
    }

    /// Its last words in one line, not redacted.
    pub(super) fn last_words(&self) -> String {
        let text = self.text();
        let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
        let fatal = lines().filter_map(|line| line.strip_prefix("Fatal: ")).next_back();
        let words = fatal.or_else(|| lines().next_back()).unwrap_or("it said nothing");
        let code = self.code.map_or("ended by a signal".to_owned(), |code| format!("exit code {code}"));
        format!("{} ({code})", words.trim_end_matches('.'))
    }
}

impl Restic {
    /// The error of a command that failed while it was `doing`, such as "listing the snapshots".
    pub(super) fn error(&self, doing: &str, ended: &Ended, version: Version) -> BackendError {
        let at = &self.settings.repository;
        let words = self.redactor.clean(&ended.last_words());
        let sentence = match ended.trouble(version) {
            Trouble::NoRepository => return self.absent(),
            Trouble::WrongPassword => format!(
                "the password does not open the repository at {at}: set the right RESTIC_PASSWORD in the instance's env"
            ),
            Trouble::NoPassword => return self.no_password(),
            Trouble::Locked => format!("the repository at {at} is locked: {words}"),
            Trouble::Refused => format!("access to the repository at {at} is refused: {words}"),
            Trouble::Other => return BackendError::failed(format!("{doing} failed: {words}")),
        };
        BackendError::NotReady(sentence)
    }

    /// The error where nothing is said of a password.
    pub(super) fn no_password(&self) -> BackendError {
        let at = &self.settings.repository;
        BackendError::NotReady(format!(
            "there is no password for the repository at {at}: set RESTIC_PASSWORD, RESTIC_PASSWORD_FILE or \
             RESTIC_PASSWORD_COMMAND in the instance's env"
        ))
    }

    /// The error of a repository that is certainly not there.
    pub(super) fn absent(&self) -> BackendError {
        let at = &self.settings.repository;
        BackendError::Absent(format!("there is no repository at {at}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(code: i32, said: &str) -> Ended {
        Ended { code: Some(code), said: said.lines().map(str::to_owned).collect() }
    }

    fn old() -> Version {
        Version::find("restic 0.14.0").expect("a version")
    }

    fn new() -> Version {
        Version::find("restic 0.18.0").expect("a version")
    }

    /// As restic 0.14.0 printed them.
    #[test]
    fn only_a_reason_that_proves_it_says_that_there_is_no_repository() {
        for (reason, trouble) in [
            ("unable to open config file: stat /srv/r/config: no such file or directory", Trouble::NoRepository),
            ("unable to open config file: <config/> does not exist", Trouble::NoRepository),
            ("unable to open config file: Lstat: file does not exist", Trouble::NoRepository),
            ("unable to open config file: Stat: The specified bucket does not exist", Trouble::NoRepository),
            ("unable to open config file: Stat: The specified key does not exist.", Trouble::NoRepository),
            (
                "unable to open config file: client.Head: Head \"http://h/config\": dial tcp 127.0.0.1:1: connect: connection refused",
                Trouble::Other,
            ),
            (
                "unable to open config file: client.Head: Head \"http://h/config\": dial tcp 127.0.0.1:40312: connect: connection refused",
                Trouble::Other,
            ),
            ("unable to open config file: unexpected HTTP response (401): 401 Unauthorized", Trouble::Refused),
            (
                "unable to open config file: Stat: The Access Key Id you provided does not exist in our records.",
                Trouble::Refused,
            ),
            ("unable to open config file: stat /srv/r/config: permission denied", Trouble::Refused),
        ] {
            let said = format!("Fatal: {reason}\nIs there a repository at the following location?\n/srv/r\n");
            assert_eq!(ended(1, &said).trouble(old()), trouble, "{reason}");
            assert_ne!(ended(1, &said).trouble(new()), Trouble::NoRepository, "newer ones say it by their code");
        }
        let unopened = "Fatal: unable to open repository at sftp:h:/r: unable to start the sftp session, error: EOF";
        assert_eq!(ended(1, unopened).trouble(old()), Trouble::Other);
        let elsewhere =
            "Fatal: unable to open config file: context canceled\nIs there a repository at the following location?";
        assert_eq!(ended(1, elsewhere).trouble(old()), Trouble::Other);
    }

    #[test]
    fn codes_and_words_are_told_apart() {
        let wrong = r#"{"message_type":"exit_error","code":12,"message":"Fatal: wrong password or no key found"}"#;
        for (ended, trouble) in [
            (ended(10, ""), Trouble::NoRepository),
            (ended(11, ""), Trouble::Locked),
            (ended(12, wrong), Trouble::WrongPassword),
            (ended(1, "Fatal: wrong password or no key found"), Trouble::WrongPassword),
            (ended(1, "Fatal: an empty password is not a password"), Trouble::NoPassword),
            (ended(1, "repository is already locked by PID 714 on vm by root (UID 0, GID 0)"), Trouble::Locked),
            (ended(1, "Fatal: something"), Trouble::Other),
        ] {
            assert_eq!(ended.trouble(new()), trouble, "{ended:?}");
        }
        assert_eq!(ended(12, wrong).last_words(), "wrong password or no key found (exit code 12)");
        let wordy = ended(1, "retrying\nFatal: no space left.\nthe `unlock` command\n");
        assert_eq!(wordy.last_words(), "no space left (exit code 1)");
        assert_eq!(Ended { code: None, said: Vec::new() }.last_words(), "it said nothing (ended by a signal)");
    }
}
