//! Step 7: dumps are loaded into the databases, which run by then.

use std::path::PathBuf;

use secrecy::SecretString;

use crate::domain::plan::{DatabaseKind, What};
use crate::domain::restore::TargetName;
use crate::domain::snapshot::Snapshot;
use crate::engine::load_dump::{Load, load};
use crate::engine::steps::{Stop, count};

use super::{Cx, targets};

/// Loads every dump; one that fails leaves the others whole.
pub(super) async fn run(
    cx: Cx<'_>,
    snapshot: &Snapshot,
    dumps: &[(TargetName, String, PathBuf)],
) -> Result<String, Stop> {
    let mut loaded = 0;
    for (target, container, dump) in dumps {
        let (kind, args) = settings_of(cx, snapshot, &target.name);
        let wanted = Load { container, kind, args: &args, dump };
        match Box::pin(load(cx, &wanted)).await {
            Ok(_) => {
                targets::succeed(cx.live, target, None);
                loaded += 1;
            }
            Err(Stop::Cancelled) => return Err(Stop::Cancelled),
            Err(Stop::Failed(why)) => targets::fail(cx.live, target, &why),
        }
    }
    if loaded == dumps.len() {
        return Ok(format!("{} loaded", count(loaded, "dump")));
    }
    Err(Stop::failed(format!("{loaded} of {} loaded", count(dumps.len(), "dump"))))
}

/// How the plan that made the dump asks the database, as far as it is still known.
fn settings_of(cx: Cx<'_>, snapshot: &Snapshot, name: &str) -> (Option<DatabaseKind>, Vec<SecretString>) {
    let plan = snapshot.plan.as_ref().and_then(|plan| cx.engine.0.parts.registry.find_plan(plan));
    let is_meant = |what: &What| matches!(what, What::Database(database) if database == name);
    let target = plan.as_ref().and_then(|plan| plan.targets.iter().find(|target| is_meant(&target.what)));
    target.map_or((None, Vec::new()), |target| (target.database, target.dump_args.clone()))
}
