//! Where an instance stores data: a repository, an image, or an archive in the backup directory.

use secrecy::SecretString;

use super::{SECOND, checked_text, schedule, warn_of_useless};
use crate::config::decode_integrations::required;
use crate::config::section::Section;
use crate::config::value::Field;
use crate::domain::plan::{BackendKind, Destination, ImageCredentials, ImageSettings, PullPolicy, ResticSettings};
use crate::domain::repository::RepositoryUrl;
use crate::domain::schedule::Schedule;
use crate::domain::target_rules::{check_image, check_subset};

/// The least memory that the Docker Engine gives a container.
const LEAST_MEMORY: u64 = 6 << 20;

/// What was found of the keys that belong to one backend.
struct Keys<'a> {
    image: Option<Field<'a>>,
    repository: Option<Field<'a>>,
    of_restic: OfRestic,
    of_image: OfImage,
    /// The paths of the keys that are there, of restic and of an image.
    named: (Vec<Option<String>>, Vec<Option<String>>),
}

#[derive(Default)]
struct OfRestic {
    check: (Option<Schedule>, Option<String>),
    adopts_old_snapshots: bool,
}

struct OfImage {
    pull: PullPolicy,
    credentials: Option<ImageCredentials>,
    timeout: Option<std::time::Duration>,
    memory_bytes: Option<u64>,
    milli_cpus: Option<u32>,
}

/// Reads it; an image wins over a repository.
pub(super) fn read(field: &Field<'_>, section: &mut Section<'_>, seed: &str) -> Option<Destination> {
    let word = section.take(&["backend"]);
    let keys = Keys::read(section, seed);
    if let (Some(image), Some(repository)) = (&keys.image, &keys.repository) {
        repository.warn(format!("'{}' has no effect beside '{}'", repository.path, image.path));
    }
    let chosen = match &word {
        Some(word) => word.word()?,
        None if keys.image.is_some() => BackendKind::CustomImage,
        None => BackendKind::Restic,
    };
    if chosen != BackendKind::Restic {
        warn_of_useless(keys.named.0.clone(), "without a restic repository", field);
    }
    if chosen != BackendKind::CustomImage {
        warn_of_useless(keys.named.1.clone(), "without an image", field);
    }
    match chosen {
        BackendKind::Archive => Some(Destination::Archive),
        BackendKind::Restic => keys.restic(field),
        BackendKind::CustomImage => keys.custom_image(field),
    }
}

impl<'a> Keys<'a> {
    fn read(section: &mut Section<'a>, seed: &str) -> Self {
        let is_named = |field: &Field<'_>| !field.is_blank();
        let image = section.take(&["custom_image", "customImage"]).filter(is_named);
        let repository = section.take(&["repository"]).filter(is_named);
        let (mut restic_keys, mut image_keys) = (Vec::new(), Vec::new());
        let of_restic = OfRestic::read(section, seed, &mut restic_keys);
        let of_image = OfImage::read(section, &mut image_keys);
        Self { image, repository, of_restic, of_image, named: (restic_keys, image_keys) }
    }

    fn restic(self, field: &Field<'_>) -> Option<Destination> {
        let Some(repository) = self.repository else { return missing(field, "'repository' or 'custom_image'") };
        let repository = repository.checked(RepositoryUrl::parse)?;
        let OfRestic { check: (check_schedule, check_subset), adopts_old_snapshots } = self.of_restic;
        Some(Destination::Restic(ResticSettings { repository, check_schedule, check_subset, adopts_old_snapshots }))
    }

    fn custom_image(self, field: &Field<'_>) -> Option<Destination> {
        let Some(image) = self.image else { return missing(field, "'custom_image'") };
        let image = checked_text(&image, check_image)?;
        let OfImage { pull, credentials, timeout, memory_bytes, milli_cpus } = self.of_image;
        Some(Destination::CustomImage(ImageSettings { image, pull, credentials, timeout, memory_bytes, milli_cpus }))
    }
}

fn missing<T>(field: &Field<'_>, key: &str) -> Option<T> {
    field.context.problem(&field.node.place, &field.path, format!("'{}' needs the key {key}", field.path));
    None
}

impl OfRestic {
    fn read(section: &mut Section<'_>, seed: &str, named: &mut Vec<Option<String>>) -> Self {
        let check = section.take(&["check"]);
        let adopt = section.take(&["adopt_old_snapshots"]);
        named.extend([path(check.as_ref()), path(adopt.as_ref())]);
        Self {
            check: check.and_then(|field| read_check(&field, seed)).unwrap_or_default(),
            adopts_old_snapshots: adopt.and_then(|field| field.flag()).unwrap_or_default(),
        }
    }
}

impl OfImage {
    fn read(section: &mut Section<'_>, named: &mut Vec<Option<String>>) -> Self {
        let pull = section.take(&["pull"]);
        let credentials = section.take(&["credentials"]);
        let timeout = section.take(&["timeout"]);
        let (memory, cpus) = (section.take(&["memory"]), section.take(&["cpus"]));
        named.extend([&pull, &credentials, &timeout, &memory, &cpus].map(|field| path(field.as_ref())));
        Self {
            // As Marina does it.
            pull: pull.and_then(|field| field.word()).unwrap_or(PullPolicy::Always),
            credentials: credentials.and_then(|field| read_credentials(&field)),
            timeout: timeout.and_then(|field| field.duration(SECOND)),
            memory_bytes: memory.and_then(|field| field.bytes(LEAST_MEMORY)),
            milli_cpus: cpus.and_then(|field| field.thousandths(10)),
        }
    }
}

fn path(field: Option<&Field<'_>>) -> Option<String> {
    field.map(|field| field.path.clone())
}

fn read_check(field: &Field<'_>, seed: &str) -> Option<(Option<Schedule>, Option<String>)> {
    let mut section = field.section()?;
    let when = section.get(&["schedule"], |field| schedule(field, seed));
    let subset = section.get(&["subset"], |field| checked_text(field, check_subset));
    section.finish();
    Some((when, subset))
}

fn read_credentials(field: &Field<'_>) -> Option<ImageCredentials> {
    let mut section = field.section()?;
    let username = section.get(&["username"], Field::expanded_text);
    let username = required(field, "username", username);
    let password: Option<SecretString> = section.get(&["password"], Field::secret);
    let password = required(field, "password", password);
    section.finish();
    Some(ImageCredentials { username: username?, password: password? })
}
