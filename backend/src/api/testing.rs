//! The API over an empty store, spoken to through HTTP. For the tests below the handlers.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::HeaderMap;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, HttpResponse, web};
use chrono::DateTime;
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tracing_actix_web::TracingLogger;

use super::auth::password;
use super::state::{About, AppState, AuthSettings, StateParts};
use super::{Api, gate};
use crate::backends::archive::Codec;
use crate::backends::{ArchiveParts, BackendParts};
use crate::discovery::{Discovery, DiscoverySettings};
use crate::docker::SharedEngine;
use crate::docker::scripted::ScriptedEngine;
use crate::domain::access::Scope;
use crate::domain::clock::{ManualClock, SharedClock};
use crate::domain::drill::DrillSettings;
use crate::domain::job::Quiesce;
use crate::domain::share::Share;
use crate::domain::strategy::Precopy;
use crate::engine::logbook::SystemLog;
use crate::engine::registry::{PlanDefaults, Registry};
use crate::engine::{ArchiveSettings, EngineParts, EngineSettings, JobEngine, VerifySettings};
use crate::store::Store;

/// The password of every test's service.
pub(super) const PASSWORD: &str = "correct horse battery staple";

/// What the pages outside of the API answer with in tests.
pub(super) const ELSEWHERE: &str = "elsewhere";

/// What the dashboard answers with on the paths that it shares with the API.
pub(super) const PAGE: &str = "page";

/// The API of one test.
pub(super) struct TestApi {
    pub(super) state: web::Data<AppState>,
    pub(super) clock: Arc<ManualClock>,
    /// What the service drives.
    pub(super) docker: ScriptedEngine,
    directory: TempDir,
    api: Api,
}

fn archive_parts(backup_dir: PathBuf) -> ArchiveParts {
    ArchiveParts { backup_dir, codec: Codec::default(), workers: 1, timezone: chrono_tz::UTC, version: "0.0.0" }
}

/// A service without a stack, on an engine in memory, with the directories `stacks`, `backups` and `logs` below `root`.
fn parts(store: Store, clock: &Arc<ManualClock>, docker: SharedEngine, root: &Path, auth: AuthSettings) -> StateParts {
    let shared: SharedClock = clock.clone();
    let below = |name: &str| root.join(name);
    let found = DiscoverySettings {
        stacks_dir: below("stacks"),
        skip_stop: Vec::new(),
        host: "local".to_owned(),
        excluded_paths: Vec::new(),
    };
    let discovery = Discovery::new(found, docker.clone(), shared.clone());
    let settings = EngineSettings {
        backup_dir: below("backups"),
        staging_dir: below("staging"),
        log_dir: below("logs"),
        include_data: true,
        retention_days: 7,
        log_retention_days: 14,
        archive: ArchiveSettings { codec: Codec::default(), workers: 1, precopy: Precopy::Auto, low_priority: false },
        quiesce: Quiesce::Stop,
        max_concurrent_jobs: 1,
        stop_timeout: None,
        health_timeout: Duration::from_secs(1),
        stall_timeout: Duration::from_mins(5),
        drill: DrillSettings::default(),
        verify: VerifySettings { schedule: None, share: Share::one_of(1) },
        timezone: chrono_tz::UTC,
        version: "0.0.0",
    };
    let parts = EngineParts {
        store: store.clone(),
        discovery: discovery.clone(),
        registry: Registry::new(Vec::new(), PlanDefaults::default(), store.clone(), discovery.clone()),
        backends: BackendParts {
            docker: docker.clone(),
            clock: shared.clone(),
            node_name: "node".to_owned(),
            staging_dir: below("staging"),
            cache_dir: below("cache"),
            archives: archive_parts(below("backups")),
        },
        build_backend: Arc::new(crate::backends::build),
        docker,
        clock: shared.clone(),
        system_log: SystemLog::new(below("logs"), shared.clone()),
        runtime: tokio::runtime::Handle::current(),
    };
    let engine = JobEngine::new(settings, parts);
    let (shutdown, about) = (CancellationToken::new(), About { version: "0.0.0", ..About::default() });
    StateParts {
        store,
        engine,
        backrest: None,
        discovery,
        clock: shared.into(),
        auth,
        shutdown,
        about,
        show_page: |_| HttpResponse::Ok().body(PAGE),
    }
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
    /// Null when the answer is no JSON.
    pub(super) body: Value,
}

impl TestApi {
    pub(super) async fn new() -> Self {
        Self::with_auth(AuthSettings::default()).await
    }

    pub(super) async fn with_auth(auth: AuthSettings) -> Self {
        let clock = Arc::new(ManualClock::new(DateTime::from_timestamp(1_800_000_000, 0).expect("a valid time")));
        let store = Store::connect("sqlite::memory:", clock.clone()).await.expect("a store");
        store.set_password_hash(&password::hash(PASSWORD).expect("a hash")).await.expect("stored");
        let directory = tempfile::tempdir().expect("a directory");
        for name in ["stacks", "backups", "logs"] {
            std::fs::create_dir(directory.path().join(name)).expect("made");
        }
        let docker = ScriptedEngine::new();
        let parts = parts(store, &clock, docker.shared(), directory.path(), auth);
        let api = Api::new(AppState::new(parts));
        Self { state: api.state.clone(), clock, docker, directory, api }
    }

    /// A path below the directory of this test.
    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    pub(super) async fn send(&self, request: TestRequest) -> Answer {
        let app = App::new()
            .wrap(from_fn(gate::pass))
            .wrap(TracingLogger::default())
            .configure(|config| self.api.configure(config))
            .default_service(web::to(async || HttpResponse::Ok().body(ELSEWHERE)));
        let peer = "192.0.2.7:4000".parse().expect("an address");
        let answer = call_service(&init_service(app).await, request.peer_addr(peer).to_request()).await;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = String::from_utf8_lossy(&read_body(answer).await).into_owned();
        let body = serde_json::from_str(&text).unwrap_or_default();
        Answer { status, headers, text, body }
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.send(TestRequest::get().uri(path)).await
    }

    pub(super) async fn get_with(&self, secret: &str, path: &str) -> Answer {
        let bearer = format!("Bearer {secret}");
        self.send(TestRequest::get().uri(path).insert_header(("authorization", bearer))).await
    }

    /// The secret of a new token.
    pub(super) async fn token(&self, scope: Scope) -> String {
        self.state.store.create_token("test", scope, false, None).await.expect("a token").1
    }
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    #[track_caller]
    pub(super) fn assert_problem(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["status"], status);
        assert!(self.body["request_id"].as_str().is_some_and(|id| id == self.header("x-request-id")), "{}", self.text);
    }
}
