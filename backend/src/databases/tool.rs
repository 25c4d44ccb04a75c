//! The tools of each kind of database. One more kind: a word in the domain, a script, a line in each `match` here and in
//! `arguments.rs`, and a check of its format in `check.rs`.

use crate::domain::plan::DatabaseKind;

const HEAD: &str = include_str!("scripts/head.sh");

/// The script that dumps a kind to its standard output.
pub(super) fn script_of(kind: DatabaseKind) -> String {
    let (before, script) = match kind {
        DatabaseKind::Postgres => ("", include_str!("scripts/postgres.sh")),
        DatabaseKind::Mysql => ("tools='mysqldump mariadb-dump'\n", include_str!("scripts/mysql.sh")),
        DatabaseKind::Mariadb => ("tools='mariadb-dump mysqldump'\n", include_str!("scripts/mysql.sh")),
        DatabaseKind::Mongo => ("", include_str!("scripts/mongo.sh")),
        DatabaseKind::Redis => ("", include_str!("scripts/redis.sh")),
    };
    format!("{HEAD}\n{before}{script}")
}

/// What its tool is called, for people.
pub(super) const fn name_of(kind: DatabaseKind) -> &'static str {
    match kind {
        DatabaseKind::Postgres => "pg_dumpall",
        DatabaseKind::Mysql => "mysqldump",
        DatabaseKind::Mariadb => "mariadb-dump",
        DatabaseKind::Mongo => "mongodump",
        DatabaseKind::Redis => "redis-cli",
    }
}

/// What a dump is called, as Marina called it.
pub(super) const fn file_name_of(kind: DatabaseKind) -> &'static str {
    match kind {
        DatabaseKind::Postgres | DatabaseKind::Mysql | DatabaseKind::Mariadb => "dump.sql",
        DatabaseKind::Mongo => "dump.archive",
        DatabaseKind::Redis => "dump.rdb",
    }
}
