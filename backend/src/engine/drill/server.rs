//! A throw-away server of a database: the image of the original, no network, a password that nobody knows.

use std::time::Duration;

use secrecy::SecretString;
use tokio::time::{Instant, sleep};

use crate::databases::load::{LoadError, is_ready};
use crate::docker::{ContainerDetail, ContainerSpec, EngineError};
use crate::domain::drill::DrillSettings;
use crate::domain::plan::DatabaseKind;

use super::super::pause_point;
use super::super::steps::Stop;
use super::made::Made;
use super::{Cx, Found};

/// How long a new server may take until it can be asked.
pub(super) const READY_WITHIN: Duration = Duration::from_mins(3);
const ASK_EVERY: Duration = Duration::from_millis(500);

/// A container that was made, and is not started by that.
pub(super) struct Server {
    pub(super) id: String,
    pub(super) detail: ContainerDetail,
    kind: DatabaseKind,
}

impl Server {
    pub(super) async fn make(
        cx: Cx<'_>,
        made: &Made<'_>,
        settings: &DrillSettings,
        kind: DatabaseKind,
        image: String,
    ) -> Result<Self, Stop> {
        let failed = |e: EngineError| Stop::because(&format!("no throw-away container of {image} could be made"), &e);
        let spec = ContainerSpec { image: image.clone(), env: variables_of(kind)?, ..ContainerSpec::default() };
        let (id, _) = made.container(settings, spec).await.map_err(failed)?;
        pause_point::reach("drill.server").await;
        let detail = cx.engine.0.parts.docker.inspect_container(&id).await.map_err(failed)?;
        Ok(Self { id, detail, kind })
    }

    /// Starts it and waits until it can be asked. Images set themselves up first, behind a server that takes no network.
    pub(super) async fn start(&self, cx: Cx<'_>) -> Result<(), Stop> {
        let docker = cx.engine.0.parts.docker.as_ref();
        docker.start_container(&self.id).await.map_err(|e| Stop::because("it could not be started", &e))?;
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            match is_ready(docker, &self.detail, self.kind, &cx.live.cancel).await {
                Ok(true) => return Ok(()),
                Err(LoadError::Cancelled) => return Err(Stop::Cancelled),
                Err(LoadError::NotRunning(_)) => return Err(Stop::failed("the throw-away server ended by itself")),
                Err(error @ (LoadError::NoTool { .. } | LoadError::NoShell(_))) => {
                    return Err(Stop::because("the throw-away server cannot be asked", &error));
                }
                Ok(false) | Err(_) if Instant::now() < deadline => sleep(ASK_EVERY).await,
                Ok(false) => return Err(Stop::failed("the throw-away server did not come up in time")),
                Err(error) => return Err(Stop::because("the throw-away server did not come up in time", &error)),
            }
        }
    }
}

/// What the images of a kind want to be told, those of Bitnami included.
fn variables_of(kind: DatabaseKind) -> Result<Vec<(String, SecretString)>, Stop> {
    let names: &[&str] = match kind {
        DatabaseKind::Postgres => &["POSTGRES_PASSWORD", "POSTGRESQL_PASSWORD"],
        DatabaseKind::Mysql => &["MYSQL_ROOT_PASSWORD"],
        DatabaseKind::Mariadb => &["MARIADB_ROOT_PASSWORD"],
        DatabaseKind::Mongo | DatabaseKind::Redis => &[],
    };
    let mut random = [0; 24];
    getrandom::fill(&mut random).map_err(|e| Stop::failed(format!("there is no random password: {e}")))?;
    let password: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(names.iter().map(|&name| (name.to_owned(), password.as_str().into())).collect())
}

/// The image of the container as it is, else as it was when it was captured.
pub(super) fn image_of(found: &Found, name: &str, original: Option<&ContainerDetail>) -> Result<String, Stop> {
    if let Some(original) = original {
        return Ok(original.image_id.clone());
    }
    let containers = found.contents.about.get("containers").and_then(|containers| containers.as_array());
    let is_it = |container: &&serde_json::Value| {
        container["Name"].as_str().is_some_and(|known| known.trim_start_matches('/') == name)
    };
    let image = containers.and_then(|all| all.iter().find(is_it)?["Image"].as_str());
    image.map(str::to_owned).ok_or_else(|| {
        Stop::failed(format!("container {name} is gone, and the snapshot does not say of which image it was"))
    })
}
