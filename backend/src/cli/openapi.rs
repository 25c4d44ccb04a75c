//! `mainstay openapi`

use super::{Outcome, output};

pub(super) fn run() -> anyhow::Result<Outcome> {
    output::line(crate::api::openapi_json()?.trim_end());
    Ok(Outcome::Done)
}
