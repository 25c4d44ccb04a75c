//! Paths in JSON: as text, or in hexadecimal where they are no UTF-8. For `#[serde(with = "…")]`.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Raw {
    Text(String),
    Bytes { hex: String },
}

impl Raw {
    fn of_bytes(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Bytes { hex: bytes.iter().map(|byte| format!("{byte:02x}")).collect() },
        }
    }

    fn of(path: &Path) -> Self {
        Self::of_bytes(path.as_os_str().as_bytes())
    }

    fn bytes(self) -> Result<Vec<u8>, &'static str> {
        let digits = match self {
            Self::Text(text) => return Ok(text.into_bytes()),
            Self::Bytes { hex } => hex,
        };
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        digits.as_bytes().chunks(2).map(byte).collect::<Option<_>>().ok_or("no hexadecimal digits")
    }

    fn path(self) -> Result<PathBuf, &'static str> {
        self.bytes().map(|bytes| OsString::from_vec(bytes).into())
    }
}

/// One path.
pub(super) mod raw_path {
    use std::path::{Path, PathBuf};

    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::Raw;

    pub(in crate::domain) fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        Raw::of(path).serialize(serializer)
    }

    pub(in crate::domain) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
        Raw::deserialize(deserializer)?.path().map_err(serde::de::Error::custom)
    }
}

/// Several paths.
pub(super) mod raw_paths {
    use std::path::PathBuf;

    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Raw;

    pub(in crate::domain) fn serialize<S: Serializer>(paths: &[PathBuf], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(paths.iter().map(|path| Raw::of(path)))
    }

    pub(in crate::domain) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<PathBuf>, D::Error> {
        let raw = Vec::<Raw>::deserialize(d)?;
        raw.into_iter().map(|raw| raw.path().map_err(serde::de::Error::custom)).collect()
    }
}

/// Several paths within a snapshot.
pub(super) mod entry_paths {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Raw;
    use crate::domain::entry::EntryPath;

    pub(in crate::domain) fn serialize<S: Serializer>(paths: &[EntryPath], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(paths.iter().map(|path| Raw::of_bytes(path.as_bytes())))
    }

    pub(in crate::domain) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<EntryPath>, D::Error> {
        let read = |raw: Raw| EntryPath::new(&raw.bytes().map_err(D::Error::custom)?).map_err(D::Error::custom);
        Vec::<Raw>::deserialize(d)?.into_iter().map(read).collect()
    }
}
