//! `POST /api/v1/snapshots/import`

use actix_web::{HttpRequest, HttpResponse, post, web};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::auth::Caller;
use crate::api::problem::ApiError;
use crate::api::refusal::of_own_plan;
use crate::api::state::AppState;
use crate::api::submission::{accept_job, request_key, trigger_of};
use crate::api::wire::Job;
use crate::domain::names::InstanceId;
use crate::engine::{ImportRequest, ImportSource, SubmitError};

/// Where snapshots are imported from: one of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"directory": "/mnt/usb/backups"}))]
pub struct ImportOptions {
    /// A directory with archives, by its whole path, as the service sees it.
    #[serde(default)]
    directory: Option<String>,
    /// The instance in whose repository, or among whose archives, it is looked.
    #[serde(default)]
    instance: Option<String>,
}

impl ImportOptions {
    fn read(self) -> Result<ImportSource, ApiError> {
        match (self.directory, self.instance) {
            (Some(directory), None) => Ok(ImportSource::Directory(directory.into())),
            (None, Some(instance)) => {
                let id = instance.parse::<InstanceId>();
                id.map(ImportSource::Instance).map_err(|why| ApiError::invalid_field("instance", why.to_string()))
            }
            (Some(_), Some(_)) => Err(ApiError::invalid_field("instance", "it takes the place of directory: name one")),
            (None, None) => Err(ApiError::invalid_field("directory", "name a directory, or an instance")),
        }
    }
}

/// Import snapshots
///
/// Queues a job of the kind `import` and answers at once with it. It takes what lies in a directory, or where an instance
/// stores, and is in no record, into the record: archives of Mainstay by their manifests, archives of Docker Backup Manager,
/// restic snapshots of Mainstay, of Marina and of others. Nothing is moved or changed, what is recorded already is not
/// recorded again, and retention never touches what was imported. Sub-directories are not looked into. A request that is
/// repeated with the same `Idempotency-Key` within a day gets the job of the first one.
#[utoipa::path(
    tag = "snapshots",
    operation_id = "import_snapshots",
    security(("bearer" = ["admin"]), ("session" = ["admin"])),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Names the request, 1 to 200 visible ASCII characters"),
    ),
    request_body = ImportOptions,
    responses(
        (status = 202, description = "The job was queued", body = Job,
            headers(("Location" = String, description = "Where the job is"))),
        (status = 404, description = "instance_not_found: there is no such instance"),
        (status = 409, description = "job_conflict: a job works for the instance already; `job_id` names it"),
        (status = 422, description = "idempotency_key_reused: the key belongs to another request"),
        (status = 503, description = "shutting_down, store_unavailable: no job can be queued now"),
    )
)]
#[post("/api/v1/snapshots/import")]
pub(crate) async fn import_snapshots(
    req: HttpRequest,
    state: web::Data<AppState>,
    caller: Caller,
    options: web::Json<ImportOptions>,
) -> Result<HttpResponse, ApiError> {
    let request = ImportRequest { source: options.into_inner().read()?, trigger: trigger_of(&req, &caller) };
    let field = if matches!(request.source, ImportSource::Directory(_)) { "directory" } else { "instance" };
    let key = request_key(&req, "import_snapshots", std::slice::from_ref(&request))?;
    let jobs = state.engine.submit_import_once(key, request).await.map_err(|error| match error {
        SubmitError::Refused(why) => ApiError::invalid_field(field, why),
        error => of_own_plan(error),
    })?;
    accept_job(jobs.into_iter().next())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use serde_json::{Value, json};

    use crate::api::testing::{Answer, TestApi};
    use crate::domain::access::Scope;

    async fn post(scope: Scope, body: Value) -> Answer {
        let api = TestApi::new().await;
        let bearer = format!("Bearer {}", api.token(scope).await);
        let request = TestRequest::post().uri("/api/v1/snapshots/import");
        api.send(request.insert_header(("authorization", bearer)).set_json(body)).await
    }

    #[actix_web::test]
    async fn only_an_administrator_imports_and_only_from_a_sound_place() {
        post(Scope::Operate, json!({"directory": "/opt"})).await.assert_problem(403, "forbidden");
        for (body, field) in [
            (json!({}), "directory"),
            (json!({"directory": "backups"}), "directory"),
            (json!({"directory": "/opt/../proc"}), "directory"),
            (json!({"directory": "/proc/1"}), "directory"),
            (json!({"instance": "../x"}), "instance"),
            (json!({"directory": "/opt", "instance": "nas"}), "instance"),
        ] {
            let answer = post(Scope::Admin, body.clone()).await;
            answer.assert_problem(400, "invalid_body");
            assert_eq!(answer.body["errors"][0]["name"], field, "{body}");
        }
        post(Scope::Admin, json!({"instance": "nas"})).await.assert_problem(404, "instance_not_found");
    }
}
