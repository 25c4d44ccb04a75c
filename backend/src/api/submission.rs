//! What requests that start work have in common: who set it off, and what a repetition is known by.

use actix_web::http::header::{LOCATION, USER_AGENT};
use actix_web::{HttpRequest, HttpResponse};

use super::auth::{Caller, Via, csrf};
use super::problem::ApiError;
use super::refusal::of_own_plan;
use super::state::AppState;
use super::wire;
use crate::domain::ids::SnapshotId;
use crate::domain::job::{Job, Quiesce, Trigger};
use crate::domain::names::{InstanceId, PlanId, StackName};
use crate::engine::{BackupRequest, ImportRequest, PlanRequest, RequestKey, RestoreRequest};

/// The header that names a request, so that it can be repeated without doing the work twice.
const KEY_HEADER: &str = "Idempotency-Key";

const MAX_KEY_BYTES: usize = 200;

/// What sets a job off that `req` asks for.
pub(crate) fn trigger_of(req: &HttpRequest, caller: &Caller) -> Trigger {
    let agent = req.headers().get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("");
    match caller.via {
        Via::Cookie => Trigger::Manual,
        _ if agent.starts_with("mainstay-cli/") => Trigger::Cli,
        // Where nobody signs in, the dashboard is known by the header that it sends with every write.
        Via::Nothing if req.headers().contains_key(csrf::HEADER) => Trigger::Manual,
        Via::Nothing | Via::Bearer => Trigger::Api,
    }
}

/// What a repetition of `req`, which asks `operation` for `wishes`, is known by; nothing without the header.
///
/// # Errors
/// [`ApiError::InvalidQuery`] when the header is not 1 to 200 visible ASCII characters.
pub(crate) fn request_key(
    req: &HttpRequest,
    operation: &str,
    wishes: &[impl Wish],
) -> Result<Option<RequestKey>, ApiError> {
    let Some(value) = req.headers().get(KEY_HEADER) else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| is_key(key)).ok_or_else(|| {
        ApiError::invalid_query(KEY_HEADER, format!("it must be 1 to {MAX_KEY_BYTES} visible ASCII characters"))
    })?;
    let wishes: String = wishes.iter().map(|wish| format!(" {}", wish.fingerprint())).collect();
    Ok(Some(RequestKey { key: key.to_owned(), fingerprint: format!("{operation}:{wishes}") }))
}

/// Something that a request asks for, in a form that can be compared.
pub(crate) trait Wish {
    fn fingerprint(&self) -> String;
}

impl Wish for BackupRequest {
    fn fingerprint(&self) -> String {
        format!("{},{},{}", self.stack, word_of(self.quiesce), self.is_dry_run)
    }
}

impl Wish for PlanRequest {
    fn fingerprint(&self) -> String {
        let only = self.only.as_ref().map_or("", |stack| stack.as_str());
        format!("{},{only},{},{}", self.plan, word_of(self.quiesce), self.is_dry_run)
    }
}

impl Wish for PlanId {
    fn fingerprint(&self) -> String {
        self.to_string()
    }
}

impl Wish for SnapshotId {
    fn fingerprint(&self) -> String {
        self.to_string()
    }
}

impl Wish for RestoreRequest {
    fn fingerprint(&self) -> String {
        serde_json::to_string(&self.order).unwrap_or_default()
    }
}

impl Wish for StackName {
    fn fingerprint(&self) -> String {
        self.to_string()
    }
}

impl Wish for ImportRequest {
    fn fingerprint(&self) -> String {
        self.describe()
    }
}

impl Wish for InstanceId {
    fn fingerprint(&self) -> String {
        self.to_string()
    }
}

fn word_of(quiesce: Option<Quiesce>) -> &'static str {
    quiesce.map_or("as configured", Quiesce::as_str)
}

/// Backups of stacks that someone asks for, by the configured way or by the means of an instance.
#[derive(Debug)]
pub(crate) struct StackBackups {
    pub(crate) stacks: Vec<StackName>,
    pub(crate) instance: Option<InstanceId>,
    pub(crate) quiesce: Option<Quiesce>,
    pub(crate) is_dry_run: bool,
    pub(crate) trigger: Trigger,
}

impl StackBackups {
    /// Queues one job per stack, all or none.
    ///
    /// # Errors
    /// When one of them is refused.
    pub(crate) async fn submit(
        self,
        req: &HttpRequest,
        state: &AppState,
        operation: &str,
    ) -> Result<Vec<Job>, ApiError> {
        let Self { stacks, instance, quiesce, is_dry_run, trigger } = self;
        let Some(instance) = instance else {
            let request = |stack| BackupRequest { stack, quiesce, is_dry_run, trigger };
            let requests: Vec<_> = stacks.into_iter().map(request).collect();
            let key = request_key(req, operation, &requests)?;
            return Ok(state.engine.submit_backups_once(key, requests).await?);
        };
        let plan = PlanId::from(&instance);
        if state.engine.registry().find_instance(&instance).is_none() {
            return Err(ApiError::InstanceNotFound(instance.to_string()));
        }
        let request = |stack| PlanRequest { plan: plan.clone(), only: Some(stack), quiesce, is_dry_run, trigger };
        let requests: Vec<_> = stacks.into_iter().map(request).collect();
        let key = request_key(req, operation, &requests)?;
        state.engine.submit_plans_once(key, requests).await.map_err(of_own_plan)
    }
}

/// The answer to a request that started `job`.
///
/// # Errors
/// [`ApiError::Internal`] when there is none.
pub(crate) fn accept_job(job: Option<Job>) -> Result<HttpResponse, ApiError> {
    let job = job.ok_or_else(|| ApiError::internal("a request was accepted and started no job"))?;
    let location = format!("/api/v1/jobs/{}", job.id);
    Ok(HttpResponse::Accepted().insert_header((LOCATION, location)).json(wire::Job::from(job)))
}

fn is_key(text: &str) -> bool {
    (1..=MAX_KEY_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::domain::access::Scope;

    fn caller(via: Via) -> Caller {
        Caller { token_id: None, name: "n".into(), scope: Scope::Admin, via, is_session: false, expires_at: None }
    }

    #[test]
    fn who_sets_a_job_off_is_told_apart() {
        let table = [
            (Via::Cookie, ("x", "y"), Trigger::Manual),
            (Via::Cookie, ("user-agent", "mainstay-cli/0.1.0"), Trigger::Manual),
            (Via::Bearer, ("user-agent", "mainstay-cli/0.1.0"), Trigger::Cli),
            (Via::Nothing, ("user-agent", "mainstay-cli/0.1.0"), Trigger::Cli),
            (Via::Nothing, ("x-requested-with", "mainstay"), Trigger::Manual),
            (Via::Bearer, ("x-requested-with", "mainstay"), Trigger::Api),
            (Via::Bearer, ("user-agent", "curl/8"), Trigger::Api),
        ];
        for (via, header, expected) in table {
            let req = TestRequest::get().insert_header(header).to_http_request();
            assert_eq!(trigger_of(&req, &caller(via)), expected, "{via:?} {header:?}");
        }
    }

    fn key(value: &str, quiesce: Option<crate::domain::job::Quiesce>) -> Result<Option<RequestKey>, ApiError> {
        let req = TestRequest::get().insert_header((KEY_HEADER, value.as_bytes())).to_http_request();
        let stack = "blog".parse().expect("a name");
        request_key(&req, "backup_stack", &[BackupRequest { stack, quiesce, is_dry_run: false, trigger: Trigger::Api }])
    }

    #[test]
    fn a_key_is_visible_ascii_of_a_limited_length() {
        for good in ["a", "night-1", &"k".repeat(200)] {
            assert_eq!(key(good, None).ok().flatten().map(|k| k.key).as_deref(), Some(good));
        }
        for bad in ["", "a b", "ä", &"k".repeat(201)] {
            assert!(
                matches!(key(bad, None), Err(ApiError::InvalidQuery { parameter, .. }) if parameter == KEY_HEADER),
                "{bad}"
            );
        }
    }

    #[test]
    fn what_is_asked_for_is_part_of_the_fingerprint() {
        use crate::domain::job::Quiesce;
        let fingerprint = |quiesce| key("k", quiesce).ok().flatten().expect("a key").fingerprint;
        assert_ne!(fingerprint(None), fingerprint(Some(Quiesce::Pause)));
        assert_eq!(fingerprint(None), fingerprint(None));
    }
}
