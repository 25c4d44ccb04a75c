//! How drills are made: the section `drill`.

use super::instances::schedule;
use super::value::Field;
use crate::domain::drill::{DrillCommand, DrillSettings};

/// The least memory that a container may be given: the engine refuses less.
const LEAST_MEMORY: u64 = 6 << 20;
/// Thousandths of a processor.
const LEAST_CPUS: u32 = 10;

/// Reads the section; `seed` chooses the minute where a schedule leaves it open.
pub(super) fn read(field: &Field<'_>, seed: &str) -> Option<DrillSettings> {
    let mut section = field.section()?;
    let schedule = section.get(&["schedule"], |field| schedule(field, seed));
    let query = section.get(&["query"], Field::expanded_text).filter(|query| !query.trim().is_empty());
    let image = section.get(&["image"], |field| field.checked(check_image));
    let words = section.get(&["command"], |field| field.list(|item| item.text()));
    let memory_bytes = section.get(&["memory"], |field| field.bytes(LEAST_MEMORY));
    let milli_cpus = section.get(&["cpus"], |field| field.thousandths(LEAST_CPUS));
    section.finish();
    if image.is_none() && words.is_some() {
        field.warn(format!("'{}.command' has no effect without '{0}.image', which it runs in", field.path));
    }
    let command = image.map(|image| DrillCommand { image, words: words.unwrap_or_default() });
    Some(DrillSettings { schedule, query, command, memory_bytes, milli_cpus })
}

fn check_image(text: &str) -> Result<String, crate::domain::names::InvalidImage> {
    crate::domain::names::check_image_reference(text).map(|()| text.to_owned())
}
