//! Instances.

use std::collections::BTreeMap;

use secrecy::SecretString;

use super::hook::read_hooks;
use super::target::read_targets;
use super::{Mistakes, read_duration, read_id, read_schedule, read_zone, rules};
use crate::api::problem::ApiError;
use crate::api::wire::{BackendKind, CheckSpec, CredentialsSpec, InstanceSpec, PullPolicy};
use crate::domain::keep::KeepPolicy;
use crate::domain::names::InstanceId;
use crate::domain::plan::{Destination, ImageCredentials, ImageSettings, Instance, MissedRun, Origin, ResticSettings};
use crate::domain::repository::RepositoryUrl;
use crate::domain::target_rules::check_env_name;

/// The least memory that the Docker Engine lets a container have.
pub(super) const LEAST_MEMORY: u64 = 6 * 1024 * 1024;
/// More processors than any machine has.
const MOST_CPUS: f64 = 4096.0;

/// A new instance, or another one in the place of `former`.
///
/// # Errors
/// [`ApiError::InvalidBody`] with everything that is wrong.
pub(crate) fn read_instance(spec: InstanceSpec, former: Option<&Instance>) -> Result<Instance, ApiError> {
    let mut mistakes = Mistakes::default();
    let id = read_id::<InstanceId>(&mut mistakes, spec.id.as_deref(), former.map(|former| &former.id));
    let destination = read_destination(&mut mistakes, &spec, id.as_ref(), former);
    let seed = id.as_ref().map_or("", |id| id.as_str());
    let schedule = read_schedule(&mut mistakes, "/schedule", spec.schedule.as_deref(), seed);
    let timezone = read_zone(&mut mistakes, spec.timezone.as_deref());
    let retention = mistakes.take_some("/retention", spec.retention.as_deref(), str::parse::<KeepPolicy>);
    let restic_timeout = read_duration(&mut mistakes, "/restic_timeout", spec.restic_timeout.as_deref());
    let excludes = mistakes.take_all("/exclude", &spec.exclude, rules::parse_exclude);
    let tags = mistakes.take_all("/tags", &spec.tags, rules::parse_tag);
    let env = read_env(&mut mistakes, spec.env, former);
    let hooks = read_hooks(&mut mistakes, "/hooks", spec.hooks, former.map(|former| &former.hooks));
    let former_targets = former.map(|former| former.targets.as_slice()).unwrap_or_default();
    let targets = read_targets(&mut mistakes, spec.targets, former_targets);
    let whole = id.zip(destination).map(|(id, destination)| Instance {
        id,
        origin: Origin::Api,
        destination,
        env,
        schedule,
        timezone,
        retention: retention.unwrap_or_default(),
        restic_timeout,
        stop_attached: spec.stop_attached,
        quiesce: spec.quiesce.map(Into::into),
        missed_run: spec.missed_run.map_or(MissedRun::Skip, Into::into),
        is_enabled: spec.enabled.unwrap_or(true),
        hooks,
        excludes,
        tags,
        targets,
        drill: former.and_then(|former| former.drill.clone()),
    });
    mistakes.finish(whole)
}

fn read_destination(
    mistakes: &mut Mistakes,
    spec: &InstanceSpec,
    id: Option<&InstanceId>,
    former: Option<&Instance>,
) -> Option<Destination> {
    let former = former.map(|former| &former.destination);
    let backend = choose_backend(mistakes, spec)?;
    report_misplaced(mistakes, spec, backend);
    match backend {
        BackendKind::Archive => Some(Destination::Archive),
        BackendKind::Restic => {
            let former = former.and_then(|f| if let Destination::Restic(f) = f { Some(f) } else { None });
            read_restic(mistakes, spec, id, former).map(Destination::Restic)
        }
        BackendKind::CustomImage => {
            let former = former.and_then(|f| if let Destination::CustomImage(f) = f { Some(f) } else { None });
            read_image(mistakes, spec, former).map(Destination::CustomImage)
        }
    }
}

/// Which code is behind it: what the body says, or what else it names.
fn choose_backend(mistakes: &mut Mistakes, spec: &InstanceSpec) -> Option<BackendKind> {
    match (spec.backend, &spec.repository, &spec.custom_image) {
        (_, Some(_), Some(_)) => {
            mistakes.report("/custom_image", "an instance has a repository or an image of its own, not both");
            None
        }
        (Some(backend), ..) => Some(backend),
        (None, Some(_), None) => Some(BackendKind::Restic),
        (None, None, Some(_)) => Some(BackendKind::CustomImage),
        (None, None, None) => {
            let remedy = "name a 'repository', a 'custom_image', or the backend 'archive'";
            mistakes.report("/backend", format!("it is not known how the instance stores data: {remedy}"));
            None
        }
    }
}

/// Reports fields that mean nothing for this backend, so that nobody believes in them.
fn report_misplaced(mistakes: &mut Mistakes, spec: &InstanceSpec, backend: BackendKind) {
    let fields = [
        ("repository", spec.repository.is_some(), BackendKind::Restic),
        ("check", spec.check.is_some(), BackendKind::Restic),
        ("adopt_old_snapshots", spec.adopt_old_snapshots, BackendKind::Restic),
        ("restic_timeout", spec.restic_timeout.is_some(), BackendKind::Restic),
        ("custom_image", spec.custom_image.is_some(), BackendKind::CustomImage),
        ("pull", spec.pull.is_some(), BackendKind::CustomImage),
        ("credentials", matches!(spec.credentials, Some(Some(_))), BackendKind::CustomImage),
        ("timeout", spec.timeout.is_some(), BackendKind::CustomImage),
        ("memory_bytes", spec.memory_bytes.is_some(), BackendKind::CustomImage),
        ("cpus", spec.cpus.is_some(), BackendKind::CustomImage),
    ];
    for (name, is_there, owner) in fields {
        if is_there && owner != backend {
            let word = crate::domain::plan::BackendKind::from(backend);
            mistakes.report(&format!("/{name}"), format!("it means nothing for the backend '{word}'"));
        }
    }
}

fn read_restic(
    mistakes: &mut Mistakes,
    spec: &InstanceSpec,
    id: Option<&InstanceId>,
    former: Option<&ResticSettings>,
) -> Option<ResticSettings> {
    let Some(text) = spec.repository.as_deref() else {
        mistakes.report("/repository", "it is missing");
        return None;
    };
    let repository = read_repository(mistakes, text, former.map(|former| &former.repository))?;
    let none = CheckSpec::default();
    let check = spec.check.as_ref().unwrap_or(&none);
    let seed = format!("check:{}", id.map_or("", |id| id.as_str()));
    Some(ResticSettings {
        repository,
        check_schedule: read_schedule(mistakes, "/check/schedule", check.schedule.as_deref(), &seed),
        check_subset: mistakes.take_some("/check/subset", check.subset.as_deref(), rules::parse_subset),
        adopts_old_snapshots: spec.adopt_old_snapshots,
    })
}

/// An address that comes back as it was shown is the one that is there, with its password.
fn read_repository(mistakes: &mut Mistakes, text: &str, former: Option<&RepositoryUrl>) -> Option<RepositoryUrl> {
    match former.filter(|former| former.to_string() == text) {
        Some(former) => Some(former.clone()),
        None => mistakes.take("/repository", RepositoryUrl::parse(text)),
    }
}

fn read_image(mistakes: &mut Mistakes, spec: &InstanceSpec, former: Option<&ImageSettings>) -> Option<ImageSettings> {
    let Some(text) = spec.custom_image.as_deref() else {
        mistakes.report("/custom_image", "it is missing");
        return None;
    };
    let image = mistakes.take("/custom_image", rules::parse_image(text))?;
    if spec.memory_bytes.is_some_and(|bytes| bytes < LEAST_MEMORY) {
        mistakes.report("/memory_bytes", format!("it must be at least {LEAST_MEMORY}"));
    }
    Some(ImageSettings {
        image,
        pull: spec.pull.unwrap_or(PullPolicy::Always).into(),
        credentials: read_credentials(mistakes, spec.credentials.as_ref(), former),
        timeout: read_duration(mistakes, "/timeout", spec.timeout.as_deref()),
        memory_bytes: spec.memory_bytes,
        milli_cpus: spec.cpus.and_then(|cpus| mistakes.take("/cpus", read_cpus(cpus))),
    })
}

fn read_credentials(
    mistakes: &mut Mistakes,
    spec: Option<&Option<CredentialsSpec>>,
    former: Option<&ImageSettings>,
) -> Option<ImageCredentials> {
    let Some(spec) = spec else { return former.and_then(|former| former.credentials.clone()) };
    let CredentialsSpec { username, password } = spec.as_ref()?;
    if username.is_empty() {
        mistakes.report("/credentials/username", "it must not be empty");
    }
    Some(ImageCredentials { username: username.clone(), password: password.clone() })
}

/// Thousandths of a processor.
fn read_cpus(cpus: f64) -> Result<u32, &'static str> {
    if !(0.01..=MOST_CPUS).contains(&cpus) {
        return Err("it must be a number of processors from 0.01 to 4096");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was checked")]
    Ok((cpus * 1000.0).round() as u32)
}

fn read_env(
    mistakes: &mut Mistakes,
    spec: Option<BTreeMap<String, Option<SecretString>>>,
    former: Option<&Instance>,
) -> BTreeMap<String, SecretString> {
    let former = former.map(|former| former.env.clone()).unwrap_or_default();
    let Some(spec) = spec else { return former };
    let mut env = BTreeMap::new();
    for (name, value) in spec {
        let pointer = format!("/env/{}", name.replace('~', "~0").replace('/', "~1"));
        mistakes.take(&pointer, check_env_name(&name));
        match value.or_else(|| former.get(&name).cloned()) {
            Some(value) => drop(env.insert(name, value)),
            None => mistakes.report(&pointer, "null keeps the present value, and there is none"),
        }
    }
    env
}
