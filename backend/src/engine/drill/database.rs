//! Dumps are loaded into throw-away servers of the same image, and asked.

use std::path::{Path, PathBuf};

use crate::databases::find_kind;
use crate::databases::load::{self, LoadRequest, Loaded, RestingRedis};
use crate::docker::ContainerDetail;
use crate::domain::drill::DrillSettings;
use crate::domain::job::TargetKind;
use crate::domain::log::Level;
use crate::domain::plan::{DatabaseKind, What};

use super::super::chain;
use super::super::steps::{Stop, count};
use super::super::unpack::Place;
use super::made::Made;
use super::server::{self, Server};
use super::{Cx, Found, settle};

/// What a database is asked where nothing else is wished.
const fn question_of(kind: DatabaseKind) -> &'static str {
    match kind {
        DatabaseKind::Postgres => "select count(*) from pg_database where not datistemplate",
        DatabaseKind::Mysql | DatabaseKind::Mariadb => {
            "select count(*) from information_schema.schemata where schema_name not in \
             ('mysql', 'information_schema', 'performance_schema', 'sys')"
        }
        DatabaseKind::Mongo => "db.adminCommand({ listDatabases: 1 }).databases.length",
        DatabaseKind::Redis => "DBSIZE",
    }
}

/// Loads every dump, one after the other. One that fails keeps no other from being tried.
pub(super) async fn load_all(
    cx: Cx<'_>,
    found: &Found,
    places: &[Place],
    settings: &DrillSettings,
    made: &Made<'_>,
) -> Result<String, Stop> {
    let (mut loaded, mut wrong) = (0, Vec::new());
    for place in places.iter().filter(|place| place.kind == TargetKind::Database) {
        match Box::pin(load_one(cx, found, place, settings, made)).await {
            Ok(told) => {
                settle(cx.live, place.kind, &place.name, Ok(told));
                loaded += 1;
            }
            Err(Stop::Cancelled) => return Err(Stop::Cancelled),
            Err(Stop::Failed(why)) => {
                settle(cx.live, place.kind, &place.name, Err(why.clone()));
                wrong.push(format!("database {}: {why}", place.name));
            }
        }
        made.remove().await;
    }
    if wrong.is_empty() {
        Ok(format!("{} loaded and asked", count(loaded, "dump")))
    } else {
        Err(Stop::Failed(wrong.join("; ")))
    }
}

async fn load_one(
    cx: Cx<'_>,
    found: &Found,
    place: &Place,
    settings: &DrillSettings,
    made: &Made<'_>,
) -> Result<String, Stop> {
    let dump = find_dump(&place.to).await?;
    let original = cx.engine.0.parts.docker.inspect_container(&place.name).await.ok();
    let kind = kind_of(cx, found, &place.name, original.as_ref(), &dump)?;
    let image = server::image_of(found, &place.name, original.as_ref())?;
    cx.live.log.write(Level::Info, format!("loads the dump of {} into a throw-away container of {image}", place.name));
    let server = Server::make(cx, made, settings, kind, image).await?;
    let wish = settings.query.as_deref();
    let answer = match kind {
        DatabaseKind::Redis => load_redis(cx, &server, &dump).await?,
        kind => {
            server.start(cx).await?;
            load_sql(cx, &server, kind, &dump, wish.unwrap_or(question_of(kind))).await?
        }
    };
    let is_nothing = |answer: &str| matches!(answer.trim(), "" | "0" | "f" | "false");
    if is_nothing(&answer) {
        let asked = wish.unwrap_or(question_of(kind));
        return Err(Stop::failed(format!("it was loaded, and the answer to '{asked}' is '{answer}'")));
    }
    Ok(format!("loaded as {kind}; asked, it answers {answer}"))
}

/// The file of a dump: the target itself, or the one file in it.
async fn find_dump(place: &Path) -> Result<PathBuf, Stop> {
    let root = place.to_owned();
    let found = tokio::task::spawn_blocking(move || -> std::io::Result<Vec<PathBuf>> {
        let (mut files, mut directories) = (Vec::new(), vec![root]);
        while let Some(path) = directories.pop() {
            let kind = path.symlink_metadata()?.file_type();
            if kind.is_dir() {
                for entry in path.read_dir()? {
                    directories.push(entry?.path());
                }
            } else if kind.is_file() {
                files.push(path);
            }
        }
        Ok(files)
    });
    let found = found.await.unwrap_or_else(|e| Err(std::io::Error::other(e)));
    let mut files = found.map_err(|e| Stop::because("the dump cannot be looked at", &e))?;
    match (files.pop(), files.is_empty()) {
        (Some(file), true) => Ok(file),
        _ => Err(Stop::failed("it is not one file, so it is no dump")),
    }
}

/// What the plan says, else what the container is, else what the dump is called.
fn kind_of(
    cx: Cx<'_>,
    found: &Found,
    name: &str,
    original: Option<&ContainerDetail>,
    dump: &Path,
) -> Result<DatabaseKind, Stop> {
    let plan = found.snapshot.plan.as_ref().and_then(|plan| cx.engine.0.parts.registry.find_plan(plan));
    let named = plan.and_then(|plan| {
        let target = plan.targets.iter().find(|target| target.what == What::Database(name.to_owned()))?;
        target.database
    });
    let by_name = || match dump.extension()?.to_str()? {
        "rdb" => Some(DatabaseKind::Redis),
        "archive" => Some(DatabaseKind::Mongo),
        _ => None,
    };
    named.or_else(|| original.and_then(find_kind)).or_else(by_name).ok_or_else(|| {
        Stop::failed(format!(
            "it is not known which database it is: container {name} is gone, and no plan says 'db_kind'"
        ))
    })
}

async fn load_sql(
    cx: Cx<'_>,
    server: &Server,
    kind: DatabaseKind,
    dump: &Path,
    question: &str,
) -> Result<String, Stop> {
    let say = |level: Level, message: String| cx.live.log.write(level, message);
    let progress = |_: u64| {};
    let request = LoadRequest {
        kind: Some(kind),
        question: (kind != DatabaseKind::Mongo).then_some(question),
        ..request(cx, server, dump, &progress, &say)
    };
    let loaded: Loaded = Box::pin(load::load(request)).await.map_err(to_stop)?;
    match (loaded.answer, kind) {
        (Some(answer), _) => Ok(answer),
        (None, DatabaseKind::Mongo) => load::ask_mongo(&request, question).await.map_err(to_stop),
        (None, _) => Ok(String::new()),
    }
}

/// The server reads the file when it starts for the first time.
async fn load_redis(cx: Cx<'_>, server: &Server, dump: &Path) -> Result<String, Stop> {
    let say = |level: Level, message: String| cx.live.log.write(level, message);
    let progress = |_: u64| {};
    let request = LoadRequest { kind: Some(DatabaseKind::Redis), ..request(cx, server, dump, &progress, &say) };
    let redis = RestingRedis::of_new_server(dump).await.map_err(to_stop)?;
    redis.fill(&request).await.map_err(to_stop)?;
    cx.engine
        .0
        .parts
        .docker
        .start_container(&server.id)
        .await
        .map_err(|e| Stop::because("it could not be started", &e))?;
    let loaded = redis.wait(&request, server::READY_WITHIN).await.map_err(to_stop)?;
    Ok(loaded.answer.unwrap_or_default())
}

fn request<'a>(
    cx: Cx<'a>,
    server: &'a Server,
    dump: &'a Path,
    progress: &'a (dyn Fn(u64) + Send + Sync),
    say: &'a (dyn Fn(Level, String) + Send + Sync),
) -> LoadRequest<'a> {
    let parts = &cx.engine.0.parts;
    LoadRequest {
        engine: parts.docker.as_ref(),
        container: &server.detail,
        kind: None,
        args: &[],
        dump,
        question: None,
        now: parts.clock.now(),
        cancel: &cx.live.cancel,
        stall_timeout: cx.engine.0.settings.stall_timeout,
        progress,
        say,
    }
}

fn to_stop(error: load::LoadError) -> Stop {
    match error {
        load::LoadError::Cancelled => Stop::Cancelled,
        error => Stop::Failed(chain(&error)),
    }
}
