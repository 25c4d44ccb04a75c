//! The restic command of one instance: its environment, its version, its repository.
//!
//! The environment is put together from nothing: what restic and its helpers need of ours, then what the instance says. The
//! repository's address goes through it too, because it may hold a password and arguments can be read by everybody.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::process::Command;
use tokio::sync::OnceCell;

use super::process::Call;
use super::redact::Redactor;
use super::version::Version;
use super::{BackendError, BackendParts, FoundSnapshot, Work};
use crate::domain::clock::SharedClock;
use crate::domain::names::InstanceId;
use crate::domain::plan::{Instance, ResticSettings};

/// What is passed on of our environment, besides `XDG_*`.
const INHERITED: [&str; 14] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "LANG",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "ALL_PROXY",
];
/// Would contradict the repository's address.
const NOT_FROM_THE_INSTANCE: [&str; 2] = ["RESTIC_REPOSITORY", "RESTIC_REPOSITORY_FILE"];
/// What may hold the password, or say where it is.
const PASSWORDS: [&str; 3] = ["RESTIC_PASSWORD", "RESTIC_PASSWORD_FILE", "RESTIC_PASSWORD_COMMAND"];
/// How long a command may take that asks for one small thing.
pub(super) const SHORT: Duration = Duration::from_secs(60);
/// How long a lock of somebody else is waited for.
const LOCK_PATIENCE: Duration = Duration::from_secs(5 * 60);

/// The restic command of one instance.
pub(super) struct Restic {
    pub(super) instance: InstanceId,
    pub(super) settings: ResticSettings,
    pub(super) node_name: String,
    pub(super) staging_dir: PathBuf,
    pub(super) cache_dir: PathBuf,
    pub(super) clock: SharedClock,
    pub(super) redactor: Redactor,
    pub(super) lock_patience: Duration,
    /// How long one command may take in all.
    pub(super) timeout: Option<Duration>,
    env: BTreeMap<String, SecretString>,
    version: OnceCell<Version>,
    /// The ids of snapshots that were seen to be this instance's. What an id names never changes.
    own: Mutex<BTreeSet<String>>,
}

impl Restic {
    pub(super) fn new(instance: &Instance, settings: &ResticSettings, parts: &BackendParts) -> Self {
        Self {
            instance: instance.id.clone(),
            settings: settings.clone(),
            node_name: parts.node_name.clone(),
            staging_dir: parts.staging_dir.clone(),
            cache_dir: parts.cache_dir.clone(),
            clock: parts.clock.clone(),
            redactor: Redactor::new(&settings.repository, &instance.env),
            lock_patience: LOCK_PATIENCE,
            timeout: instance.restic_timeout,
            env: instance.env.clone(),
            version: OnceCell::new(),
            own: Mutex::default(),
        }
    }

    /// Notes which snapshots are this instance's.
    pub(super) fn remember_own(&self, found: &[FoundSnapshot]) {
        let own = found.iter().filter(|snapshot| snapshot.is_ours).map(|snapshot| snapshot.reference.clone());
        self.own.lock().unwrap_or_else(PoisonError::into_inner).extend(own);
    }

    /// Whether the instance says what the password is, or where.
    pub(super) fn has_password(&self) -> bool {
        let is_set = |name: &&str| self.env.get(*name).is_some_and(|value| !value.expose_secret().is_empty());
        PASSWORDS.iter().any(is_set)
    }

    /// The first of these that was not seen to be this instance's.
    pub(super) fn find_strange<'a>(&self, references: &'a [String]) -> Option<&'a String> {
        let own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        references.iter().find(|reference| !own.contains(*reference))
    }

    /// The command, not yet begun. Its arguments are visible to everybody.
    pub(super) fn command(&self, arguments: &[OsString]) -> Command {
        let mut command = Command::new("restic");
        command.args(arguments).env_clear().envs(inherited());
        command.env("RESTIC_CACHE_DIR", self.cache_dir.join("restic")).env("RESTIC_PROGRESS_FPS", "1");
        command.envs(self.env.iter().map(|(name, value)| (name, value.expose_secret())));
        for name in NOT_FROM_THE_INSTANCE {
            command.env_remove(name);
        }
        // Times on its command line are read in its zone, see `pass.rs`.
        command.env("TZ", "UTC");
        command.env("RESTIC_REPOSITORY", self.settings.repository.expose());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        command
    }

    /// Which restic it is; asked once.
    pub(super) async fn version(&self, work: &Work) -> Result<Version, BackendError> {
        self.version.get_or_try_init(|| self.ask_version(work)).await.copied()
    }

    async fn ask_version(&self, work: &Work) -> Result<Version, BackendError> {
        let (ended, lines) = self.collect(work, Call::new(["version"]).within(SHORT)).await?;
        let version = Version::find(&lines.join("\n")).ok_or_else(|| {
            let words = self.redactor.clean(&ended.last_words());
            BackendError::NotReady(format!("the program restic does not say its version: {words}"))
        })?;
        if version < Version::OLDEST {
            let oldest = Version::OLDEST;
            return Err(BackendError::NotReady(format!(
                "restic {version} is too old; install restic {oldest} or newer"
            )));
        }
        Ok(version)
    }

    /// The directory of the repository, when it lies on this machine.
    pub(super) fn local_repository(&self) -> Option<PathBuf> {
        let address = self.settings.repository.expose();
        let path = address.strip_prefix("local:").unwrap_or(address);
        path.starts_with('/').then(|| path.into())
    }

    /// Names the repository without showing its address.
    pub(super) fn repository_hash(&self) -> String {
        blake3::hash(self.settings.repository.expose().trim_end_matches('/').as_bytes()).to_hex().to_string()
    }
}

fn inherited() -> impl Iterator<Item = (OsString, OsString)> {
    let is_needed =
        |name: &OsStr| name.to_str().is_some_and(|name| INHERITED.contains(&name) || name.starts_with("XDG_"));
    std::env::vars_os().filter(move |(name, _)| is_needed(name))
}
