//! Which database a container holds.

use crate::docker::ContainerDetail;
use crate::domain::plan::DatabaseKind;

/// Labels that say it, ours first.
const LABELS: [&str; 3] = ["mainstay.db", "dev.polarfox.marina.db", "eu.polarnight.marina.db"];

/// Parts of images' names, in the order in which they are looked for.
const IMAGES: [(&str, DatabaseKind); 12] = [
    ("postgres", DatabaseKind::Postgres),
    ("postgis", DatabaseKind::Postgres),
    ("timescale", DatabaseKind::Postgres),
    ("pgvector", DatabaseKind::Postgres),
    ("mysql", DatabaseKind::Mysql),
    ("mariadb", DatabaseKind::Mariadb),
    ("mongo", DatabaseKind::Mongo),
    ("percona", DatabaseKind::Mysql),
    ("redis", DatabaseKind::Redis),
    ("valkey", DatabaseKind::Redis),
    ("keydb", DatabaseKind::Redis),
    ("dragonfly", DatabaseKind::Redis),
];

/// Parts of the names of images that look after a database and hold none.
const COMPANIONS: [&str; 12] = [
    "exporter",
    "express",
    "commander",
    "admin",
    "insight",
    "backup",
    "postgrest",
    "operator",
    "bouncer",
    "pgpool",
    "router",
    "sentinel",
];

/// Which database a container holds: its labels tell, else its image's name. A label that names no kind of database
/// makes it unknown, because its image may be of any name.
#[must_use]
pub fn find_kind(container: &ContainerDetail) -> Option<DatabaseKind> {
    let container = &container.container;
    match LABELS.iter().find_map(|label| container.labels.get(*label)) {
        Some(word) => kind_of_word(word),
        None => kind_of_image(&container.image),
    }
}

fn kind_of_word(word: &str) -> Option<DatabaseKind> {
    let word = word.trim().to_ascii_lowercase();
    match word.as_str() {
        "postgresql" => Some(DatabaseKind::Postgres),
        "mongodb" => Some(DatabaseKind::Mongo),
        "valkey" => Some(DatabaseKind::Redis),
        _ => word.parse().ok(),
    }
}

fn kind_of_image(reference: &str) -> Option<DatabaseKind> {
    let name = name_of(reference).to_ascii_lowercase();
    if COMPANIONS.iter().any(|part| name.contains(part)) {
        return None;
    }
    IMAGES.iter().find(|(part, _)| name.contains(part)).map(|(_, kind)| *kind)
}

/// The name of an image without registry, tag and digest.
fn name_of(reference: &str) -> &str {
    let named = reference.split('@').next().unwrap_or_default();
    let (registry, path) = named.split_once('/').unwrap_or(("", named));
    let is_registry = registry.contains(['.', ':']) || registry == "localhost";
    let path = if is_registry { path } else { named };
    path.split(':').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::scripted::running_container;

    fn kind(image: &str, labels: &[(&str, &str)]) -> Option<DatabaseKind> {
        let mut detail = running_container("a1", "db");
        image.clone_into(&mut detail.container.image);
        detail.container.labels = labels.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        find_kind(&detail)
    }

    #[test]
    fn images_are_known_by_their_names() {
        for (image, expected) in [
            ("postgres:16-alpine", Some(DatabaseKind::Postgres)),
            ("postgis/postgis:16-3.4", Some(DatabaseKind::Postgres)),
            ("timescale/timescaledb-ha:pg16", Some(DatabaseKind::Postgres)),
            ("docker.io/bitnami/postgresql@sha256:0", Some(DatabaseKind::Postgres)),
            ("mysql:8.4", Some(DatabaseKind::Mysql)),
            ("percona:8", Some(DatabaseKind::Mysql)),
            ("percona/percona-server-mongodb:7.0", Some(DatabaseKind::Mongo)),
            ("lscr.io/linuxserver/mariadb", Some(DatabaseKind::Mariadb)),
            ("localhost:5000/mongo:7", Some(DatabaseKind::Mongo)),
            ("bitnami/valkey:8", Some(DatabaseKind::Redis)),
            ("Redis", Some(DatabaseKind::Redis)),
            ("mysql.example.org:5000/blog:1", None),
            ("blog:mysql", None),
            ("mongo-express:1", None),
            ("prometheuscommunity/postgres-exporter", None),
            ("sha256:0123", None),
            ("", None),
        ] {
            assert_eq!(kind(image, &[]), expected, "{image}");
        }
    }

    #[test]
    fn a_label_comes_before_the_image_and_ours_before_the_others() {
        let marina = ("dev.polarfox.marina.db", " MariaDB ");
        assert_eq!(kind("redis", &[marina]), Some(DatabaseKind::Mariadb));
        assert_eq!(kind("redis", &[marina, ("mainstay.db", "postgresql")]), Some(DatabaseKind::Postgres));
        assert_eq!(kind("redis", &[("eu.polarnight.marina.db", "mongo")]), Some(DatabaseKind::Mongo));
        assert_eq!(kind("redis", &[("mainstay.db", "oracle")]), None, "not what the image says");
    }
}
