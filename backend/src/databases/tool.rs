//! The tools of each kind of database. One more kind: a word in the domain, its scripts, a line in each `match` here and
//! in `arguments.rs`, a check of its format in `check.rs`, and how it is asked in `load/`.

use crate::domain::plan::DatabaseKind;

const HEAD: &str = include_str!("scripts/head.sh");
const POSTGRES_LOGIN: &str = include_str!("scripts/postgres_login.sh");
const REDIS_LOGIN: &str = include_str!("scripts/redis_login.sh");

/// What a script does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Duty {
    /// Dumps everything to its standard output.
    Dump,
    /// Loads a dump from its standard input.
    Load,
    /// Answers a question: SQL on its standard input, otherwise a command as its arguments.
    Ask,
    /// Prints the server's release.
    Release,
}

/// The script of a kind for a duty.
pub(super) fn script_of(kind: DatabaseKind, duty: Duty) -> String {
    let (before, script) = match (kind, duty) {
        (DatabaseKind::Postgres, Duty::Dump) => (POSTGRES_LOGIN, include_str!("scripts/postgres.sh")),
        (DatabaseKind::Postgres, _) => (POSTGRES_LOGIN, include_str!("scripts/postgres_client.sh")),
        (DatabaseKind::Mysql, Duty::Dump) => ("tools='mysqldump mariadb-dump'\n", include_str!("scripts/mysql.sh")),
        (DatabaseKind::Mysql, _) => ("tools='mysql mariadb'\n", include_str!("scripts/mysql_client.sh")),
        (DatabaseKind::Mariadb, Duty::Dump) => ("tools='mariadb-dump mysqldump'\n", include_str!("scripts/mysql.sh")),
        (DatabaseKind::Mariadb, _) => ("tools='mariadb mysql'\n", include_str!("scripts/mysql_client.sh")),
        (DatabaseKind::Mongo, Duty::Dump) => ("", include_str!("scripts/mongo.sh")),
        (DatabaseKind::Mongo, Duty::Load) => ("", include_str!("scripts/mongo_load.sh")),
        (DatabaseKind::Mongo, Duty::Ask) => ("", include_str!("scripts/mongo_client.sh")),
        (DatabaseKind::Mongo, Duty::Release) => ("", include_str!("scripts/mongo_release.sh")),
        (DatabaseKind::Redis, Duty::Dump) => (REDIS_LOGIN, include_str!("scripts/redis.sh")),
        (DatabaseKind::Redis, _) => (REDIS_LOGIN, include_str!("scripts/redis_client.sh")),
    };
    format!("{HEAD}\n{before}\n{script}")
}

/// What the tool that dumps is called, for people.
pub(super) const fn name_of(kind: DatabaseKind) -> &'static str {
    match kind {
        DatabaseKind::Postgres => "pg_dumpall",
        DatabaseKind::Mysql => "mysqldump",
        DatabaseKind::Mariadb => "mariadb-dump",
        DatabaseKind::Mongo => "mongodump",
        DatabaseKind::Redis => "redis-cli",
    }
}

/// What the tool that loads is called, for people.
pub(super) const fn loader_of(kind: DatabaseKind) -> &'static str {
    match kind {
        DatabaseKind::Postgres => "psql",
        DatabaseKind::Mysql => "mysql",
        DatabaseKind::Mariadb => "mariadb",
        DatabaseKind::Mongo => "mongorestore",
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
