//! Instances and plans as they are written down through the API, checked as a whole: every mistake of a body is told at
//! once, with a JSON pointer to where it is.
//!
//! The rules are those of the domain, so the sentences are those of the configuration. To add a field: to the request in
//! [`super::wire`], to the reader here, to a test.

use std::fmt::Display;
use std::time::Duration;

use chrono_tz::Tz;

use super::problem::{ApiError, FieldError};
use crate::domain::duration::parse_duration;
use crate::domain::schedule::Schedule;

mod hook;
mod instance;
mod plan;
mod rules;
mod target;

#[cfg(test)]
mod tests;

pub(crate) use instance::read_instance;
pub(crate) use plan::{Fallback, read_plan};

/// What is wrong with a body.
#[derive(Debug, Default)]
struct Mistakes(Vec<FieldError>);

impl Mistakes {
    /// `detail` is wrong with what `pointer` points at.
    fn report(&mut self, pointer: &str, detail: impl Display) {
        self.0.push(FieldError::at(pointer, detail.to_string()));
    }

    /// The value, unless something is wrong with it.
    fn take<T, E: Display>(&mut self, pointer: &str, read: Result<T, E>) -> Option<T> {
        read.map_err(|error| self.report(pointer, error)).ok()
    }

    /// The value of a field that may be left out.
    fn take_some<T, E: Display>(
        &mut self,
        pointer: &str,
        text: Option<&str>,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        text.and_then(|text| self.take(pointer, read(text)))
    }

    /// The values of a list.
    fn take_all<T, E: Display>(
        &mut self,
        pointer: &str,
        texts: &[String],
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        let each = texts.iter().enumerate();
        each.filter_map(|(index, text)| self.take(&format!("{pointer}/{index}"), read(text))).collect()
    }

    /// The whole, unless something is wrong with a part of it.
    fn finish<T>(self, whole: Option<T>) -> Result<T, ApiError> {
        let Self(errors) = self;
        match (whole, errors.first()) {
            (Some(whole), None) => Ok(whole),
            (_, Some(first)) => {
                let more = errors.len() - 1;
                let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
                let detail = format!("{}: {}{more}", first.name, first.detail);
                Err(ApiError::InvalidBody { detail, errors })
            }
            (None, None) => Err(ApiError::internal("a body was refused without a reason")),
        }
    }
}

/// The id: of the path when there is one, which the body may repeat, else of the body.
fn read_id<T>(mistakes: &mut Mistakes, body: Option<&str>, path: Option<&T>) -> Option<T>
where
    T: std::str::FromStr<Err = crate::domain::names::InvalidName> + Clone + Display,
{
    match (path, body) {
        (Some(path), Some(body)) if path.to_string() != body => {
            mistakes.report("/id", format!("the id cannot be changed: this is '{path}'; make a new one instead"));
            None
        }
        (Some(path), _) => Some(path.clone()),
        (None, Some(body)) => mistakes.take("/id", body.parse()),
        (None, None) => {
            mistakes.report("/id", "it is missing");
            None
        }
    }
}

fn read_schedule(mistakes: &mut Mistakes, pointer: &str, text: Option<&str>, seed: &str) -> Option<Schedule> {
    mistakes.take_some(pointer, text, |text| Schedule::parse(text, seed))
}

fn read_zone(mistakes: &mut Mistakes, text: Option<&str>) -> Option<Tz> {
    mistakes.take_some("/timezone", text, rules::parse_zone)
}

fn read_duration(mistakes: &mut Mistakes, pointer: &str, text: Option<&str>) -> Option<Duration> {
    let duration = mistakes.take_some(pointer, text, parse_duration)?;
    if duration < Duration::from_secs(1) {
        mistakes.report(pointer, "it must be at least one second");
        return None;
    }
    Some(duration)
}
