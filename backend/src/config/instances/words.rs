//! Words of the domain, as they stand in the file.

use crate::config::model::Words;
use crate::domain::plan::{BackendKind, DatabaseKind, MissedRun, PullPolicy};

impl Words for BackendKind {
    const WORDS: &'static [(&'static str, Self)] = &[
        (Self::Archive.as_str(), Self::Archive),
        (Self::Restic.as_str(), Self::Restic),
        (Self::CustomImage.as_str(), Self::CustomImage),
    ];
}

impl Words for DatabaseKind {
    const WORDS: &'static [(&'static str, Self)] = &[
        (Self::Postgres.as_str(), Self::Postgres),
        (Self::Mysql.as_str(), Self::Mysql),
        (Self::Mariadb.as_str(), Self::Mariadb),
        (Self::Mongo.as_str(), Self::Mongo),
        (Self::Redis.as_str(), Self::Redis),
    ];
}

impl Words for PullPolicy {
    const WORDS: &'static [(&'static str, Self)] = &[
        (Self::Always.as_str(), Self::Always),
        (Self::IfMissing.as_str(), Self::IfMissing),
        (Self::Never.as_str(), Self::Never),
    ];
}

impl Words for MissedRun {
    const WORDS: &'static [(&'static str, Self)] =
        &[(Self::Skip.as_str(), Self::Skip), (Self::Once.as_str(), Self::Once)];
}
