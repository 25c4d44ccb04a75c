//! Which texts the logs never show.

use secrecy::ExposeSecret as _;

use crate::config::Config;
use crate::domain::secrets::{secrets_of_instance, secrets_of_plan};
use crate::engine::registry::Registry;
use crate::telemetry::redact::Redactor;

/// Every secret of the configuration, so that none is ever printed.
pub(super) fn of_config(config: &Config) -> Vec<String> {
    let password = config.auth.password.iter().map(|p| p.expose_secret().to_owned());
    let key = config.secret_key.iter().map(|key| key.expose_secret().to_owned());
    let database = url::Url::parse(config.database_url.expose()).ok();
    let database = database.and_then(|url| url.password().map(str::to_owned));
    let of_instances = config.instances.iter().flat_map(secrets_of_instance);
    let backrest = config.backrest.as_ref().and_then(|backrest| url::Url::parse(backrest.url.as_ref()?.expose()).ok());
    let backrest = backrest.and_then(|url| url.password().map(str::to_owned));
    password.chain(key).chain(database).chain(backrest).chain(of_instances).collect()
}

/// Has `redactor` know the secrets of every instance and plan, wherever it was made, before anything is done with it.
pub(super) fn follow(registry: &Registry, redactor: Redactor) {
    registry.observe(Box::new(move |instances, plans| {
        redactor.register(instances.values().flat_map(|instance| secrets_of_instance(instance)));
        redactor.register(plans.values().flat_map(|plan| secrets_of_plan(plan)));
    }));
}
