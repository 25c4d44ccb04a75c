//! Snapshots: what can be restored.

use utoipa_actix_web::service_config::ServiceConfig;

pub mod download;
pub mod drill;
pub mod get;
pub mod import;
pub mod list;
pub mod list_files;
mod path;
pub mod preview_restore;
pub mod restore;
pub mod search;
pub mod verify;

/// Its operations.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list::list_snapshots).service(get::get_snapshot);
    config.service(list_files::list_snapshot_files).service(download::download_snapshot);
    config.service(search::find_snapshot_files);
    config.service(import::import_snapshots);
    config.service(restore::restore_snapshot).service(preview_restore::preview_restore);
    config.service(verify::verify_snapshot).service(drill::drill_snapshot);
}
