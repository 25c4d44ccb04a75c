//! `GET /api/v1/doctor`

use actix_web::{HttpResponse, get, web};

use crate::api::state::AppState;
use crate::api::wire::Doctor;

/// Run the self-test
///
/// Looks at everything that a backup needs, one check each, and says what to do about what is wrong. It asks the
/// engine, writes a probe into the directories and takes up to a few seconds.
#[utoipa::path(
    tag = "service",
    operation_id = "get_doctor",
    responses((status = 200, description = "How each check came out; also when some failed", body = Doctor))
)]
#[get("/api/v1/doctor")]
pub(crate) async fn get_doctor(state: web::Data<AppState>) -> HttpResponse {
    let mut checks = state.engine.run_doctor(&state.about.config_warnings).await;
    if let Some(backrest) = &state.backrest {
        checks.extend(backrest.run_doctor().await);
    }
    let checks = checks.into_iter().map(Into::into).collect();
    HttpResponse::Ok().json(Doctor::new(state.clock.now().into(), checks))
}

#[cfg(test)]
mod tests {
    use crate::api::testing::{Answer, TestApi};
    use crate::domain::access::Scope;

    fn state_of<'a>(answer: &'a Answer, name: &str) -> &'a str {
        let checks = answer.body["checks"].as_array().expect("checks");
        let check = checks.iter().find(|check| check["name"] == name).expect(name);
        check["state"].as_str().expect("a state")
    }

    #[actix_web::test]
    async fn each_fault_is_found_and_has_a_remedy() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        let sound = api.get_with(&secret, "/api/v1/doctor").await;
        assert_eq!(sound.status, 200, "{}", sound.text);
        for name in ["docker.reachable", "store.writable", "backup_dir.writable", "log_dir.writable"] {
            assert_eq!(state_of(&sound, name), "ok", "{name}");
        }
        api.docker.set_reachable(false);
        std::fs::remove_dir(api.path("backups")).expect("removed");
        std::fs::write(api.path("backups"), "in the way").expect("written");
        let broken = api.get_with(&secret, "/api/v1/doctor").await;
        assert_eq!((broken.status, &broken.body["state"]), (200, &"failed".into()));
        for name in ["docker.reachable", "backup_dir.writable"] {
            assert_eq!(state_of(&broken, name), "failed", "{name}");
        }
        let failed = broken.body["checks"].as_array().expect("checks").iter().filter(|check| check["state"] != "ok");
        assert!(failed.clone().count() >= 2 && failed.clone().all(|check| check["remedy"].is_string()));
    }
}
