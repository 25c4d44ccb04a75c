//! `GET /api/schedules`

use actix_web::{HttpResponse, get, web};

use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::{MarinaRetention, MarinaSchedule, marina_status_of};
use crate::discovery::View;
use crate::domain::job::JobKind;
use crate::domain::keep::KeepPolicy;
use crate::domain::names::PlanId;
use crate::domain::plan::{Instance, Plan, What};
use crate::store::{JobFilter, PageRequest};

/// How many jobs are looked through for the newest that was no rehearsal.
const RECENT_JOBS: u64 = 20;

/// List the instances that run by the clock, as Marina does
///
/// New clients take `/api/v1/instances`.
#[utoipa::path(
    tag = "compatibility",
    operation_id = "list_marina_schedules",
    responses((status = 200, description = "All of them, by id", body = Vec<MarinaSchedule>,
        example = json!([{"instanceId": "nas", "nodeName": "nas", "scheduleCron": "0 2 * * *"}])))
)]
#[get("/api/schedules")]
pub(crate) async fn list_marina_schedules(state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    list(&state).await
}

/// List the instances that run by the clock, as Marina does for other nodes
///
/// The same as without the slash, which Marina's own nodes send.
#[utoipa::path(
    tag = "compatibility",
    operation_id = "list_marina_schedules_with_slash",
    responses((status = 200, description = "All of them, by id", body = Vec<MarinaSchedule>,
        example = json!([{"instanceId": "nas", "nodeName": "nas", "scheduleCron": "0 2 * * *"}])))
)]
#[get("/api/schedules/")]
pub(crate) async fn list_marina_schedules_with_slash(state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    list(&state).await
}

async fn list(state: &AppState) -> Result<HttpResponse, ApiError> {
    let registry = state.engine.registry();
    let mut schedules = Vec::new();
    for instance in registry.list_instances() {
        if let Some(plan) = registry.find_plan(&PlanId::from(&instance.id)) {
            schedules.extend(describe(state, &instance, &plan).await?);
        }
    }
    Ok(HttpResponse::Ok().json(schedules))
}

async fn describe(state: &AppState, instance: &Instance, plan: &Plan) -> Result<Option<MarinaSchedule>, ApiError> {
    let Some(schedule) = &plan.schedule else { return Ok(None) };
    let id = instance.id.to_string();
    let backups = JobFilter { instance: Some(id.clone()), kind: Some(JobKind::Backup), ..JobFilter::default() };
    let latest = state.engine.list_jobs(&backups, &PageRequest::first(RECENT_JOBS)).await?;
    let latest = latest.items.into_iter().find(|job| !job.is_dry_run);
    Ok(Some(MarinaSchedule {
        instance_id: id,
        node_name: state.about.node_name.clone(),
        schedule_cron: schedule.as_str().to_owned(),
        next_run_at: plan.next_runs(state.clock.now(), 1).first().map(|at| (*at).into()),
        target_ids: list_target_ids(plan, &state.discovery.view()),
        retention: retention_of(&plan.retention),
        created_at: state.started_at.into(),
        updated_at: state.started_at.into(),
        latest_job_status: latest.as_ref().map(|job| marina_status_of(job.state)),
        latest_job_completed_at: latest.and_then(|job| job.finished_at).map(Into::into),
    }))
}

const fn retention_of(policy: &KeepPolicy) -> MarinaRetention {
    MarinaRetention { keep_daily: policy.daily, keep_weekly: policy.weekly, keep_monthly: policy.monthly }
}

/// Volumes first, then databases, then what Marina does not know.
fn list_target_ids(plan: &Plan, view: &View) -> Vec<String> {
    let mut ids: Vec<(u8, String)> = plan.targets.iter().map(|target| target_id(&target.what, view)).collect();
    ids.sort_by_key(|(order, _)| *order);
    ids.into_iter().map(|(_, id)| id).collect()
}

fn target_id(what: &What, view: &View) -> (u8, String) {
    match what {
        What::Volume(name) => (0, format!("vol:{name}")),
        What::Database(name) => match find_container(view, name) {
            Some(id) => (1, format!("dbs:{name}:{id}")),
            None => (1, format!("db:{name}")),
        },
        What::Stack(name) => (2, format!("stack:{name}")),
        What::Path(path) => (3, format!("path:{}", path.display())),
    }
}

fn find_container<'v>(view: &'v View, name: &str) -> Option<&'v str> {
    let containers = view.stacks.iter().flat_map(|stack| &stack.services).flat_map(|service| &service.containers);
    containers.into_iter().find(|container| container.name == name).map(|container| container.id.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;

    #[actix_web::test]
    async fn a_service_without_instances_answers_an_empty_array() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        for path in ["/api/schedules", "/api/schedules/", "/api/status/nas", "/api/jobs", "/api/logs/job/7"] {
            let answer = api.get_with(&secret, path).await;
            assert_eq!((answer.status, answer.body), (200, json!([])), "{path}");
            assert_eq!(api.get(path).await.body, json!({"error": "Authentication required"}), "{path}");
        }
    }
}
