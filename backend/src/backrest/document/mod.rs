//! The configuration of Backrest, of which everything that we do not know is kept.
//!
//! A [`Document`] is the text of the file, cut at its top-level members and at its plans. Only plans are ever put in,
//! changed or taken out; every other piece is written as it was read, to the byte, so that no number, no order and no
//! unknown key changes. What the pieces mean is in `canonical.rs`, which format a file has in `recognise.rs`, and what
//! Backrest would refuse in `check/`. To read one more member, add it here.

use serde::Deserialize as _;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Format;

pub(super) mod canonical;
mod check;
mod pieces;
mod recognise;
#[cfg(test)]
mod tests;
mod unique;

pub use recognise::recognise;

/// The largest configuration that is read, in bytes.
pub const MAX_BYTES: usize = 16 << 20;

/// The version of the file's format that is written into a new one, and the newest that is known.
pub const KNOWN_VERSION: i64 = 6;

/// Why a text is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It is larger than [`MAX_BYTES`].
    #[error("the configuration has {0} bytes, at most {MAX_BYTES} are read")]
    TooLarge(usize),
    /// It is empty.
    #[error("the configuration is empty; Backrest would not start with it either")]
    Empty,
    /// It is no JSON, or a member is there twice.
    #[error("the configuration is no valid JSON, so nothing was written")]
    Syntax(#[source] serde_json::Error),
    /// A member has another type than it must have.
    #[error("'{member}' of the configuration is no list")]
    NotAList {
        /// The member.
        member: &'static str,
        /// What was found.
        #[source]
        source: serde_json::Error,
    },
    /// Nothing in it tells which format it has.
    #[error(
        "nothing in the configuration tells whether it is one of Backrest or of the sidecar; say so with the format"
    )]
    Unclear,
    /// It has signs of both formats.
    #[error(
        "the configuration has {native}, as Backrest writes it, and {sidecar}, as the sidecar writes it; say with the format which it is"
    )]
    Mixed {
        /// What is of Backrest.
        native: String,
        /// What is of the sidecar.
        sidecar: String,
    },
    /// It has the other format than the one that was asked for.
    #[error("the configuration was said to be of the format '{}', but it has {sign}, which is of the other one", .said.as_str())]
    OtherFormat {
        /// The format that was asked for.
        said: Format,
        /// What is of the other one.
        sign: String,
    },
}

/// A configuration.
#[derive(Debug, Clone)]
pub struct Document {
    format: Format,
    /// The members of the top level in their order; that of the plans is empty, its text is in `plans`.
    members: Vec<(String, String)>,
    plans: Vec<Plan>,
}

/// A plan as it stands in a configuration.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    text: String,
    pub(super) value: Value,
}

impl Plan {
    fn read(text: &RawValue) -> Result<Self, DocumentError> {
        let value = serde_json::from_str(text.get()).map_err(DocumentError::Syntax)?;
        Ok(Self { text: text.get().to_owned(), value })
    }

    /// A plan that is written anew.
    pub(super) fn new(value: Value) -> Self {
        Self { text: pieces::indented(&value, 4), value }
    }

    pub(super) fn id(&self) -> &str {
        id_of(&self.value)
    }
}

/// The id of a plan or repository; empty when it has none.
fn id_of(value: &Value) -> &str {
    value.get("id").and_then(Value::as_str).unwrap_or_default()
}

impl Document {
    /// Reads a configuration. Without `format` the text tells which one it has.
    ///
    /// # Errors
    /// When it is no JSON, has a member twice, or does not have the format. What Backrest would refuse besides is no
    /// error here: see [`Self::problems`].
    pub fn parse(bytes: &[u8], format: Option<Format>) -> Result<Self, DocumentError> {
        if bytes.len() > MAX_BYTES {
            return Err(DocumentError::TooLarge(bytes.len()));
        }
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(DocumentError::Empty);
        }
        unique::check(bytes).map_err(DocumentError::Syntax)?;
        let tree: Value = serde_json::from_slice(bytes).map_err(DocumentError::Syntax)?;
        let format = recognise(&tree, format)?;
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let pieces = pieces::Members::deserialize(&mut reader).map_err(DocumentError::Syntax)?.0;
        let mut document = Self { format, members: Vec::new(), plans: Vec::new() };
        for (name, text) in pieces {
            document.take_in(name, &text)?;
        }
        Ok(document)
    }

    fn take_in(&mut self, name: String, text: &RawValue) -> Result<(), DocumentError> {
        let is_plans = name == "plans";
        if is_plans {
            let of_plans = |source| DocumentError::NotAList { member: "plans", source };
            let listed: Option<Vec<Box<RawValue>>> = serde_json::from_str(text.get()).map_err(of_plans)?;
            self.plans = listed.unwrap_or_default().iter().map(|text| Plan::read(text)).collect::<Result<_, _>>()?;
        }
        self.members.push((name, if is_plans { String::new() } else { text.get().to_owned() }));
        Ok(())
    }

    /// The smallest configuration of a format. Backrest asks for users at the first visit then, and is open until.
    #[must_use]
    pub fn empty(format: Format, instance: &str) -> Self {
        let list = ("repos".to_owned(), "[]".to_owned());
        let mut members = match format {
            Format::Native => vec![
                ("version".to_owned(), KNOWN_VERSION.to_string()),
                ("instance".to_owned(), Value::from(instance).to_string()),
            ],
            Format::Sidecar => Vec::new(),
        };
        members.extend([list, ("plans".to_owned(), String::new())]);
        Self { format, members, plans: Vec::new() }
    }

    /// Its format.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// The ids of its repositories, in their order.
    #[must_use]
    pub fn repo_ids(&self) -> Vec<String> {
        let repos = self.member("repos");
        let ids = repos.as_array().into_iter().flatten().map(|repo| id_of(repo).to_owned());
        ids.filter(|id| !id.is_empty()).collect()
    }

    /// The ids of its plans, in their order.
    pub fn plan_ids(&self) -> impl Iterator<Item = &str> {
        self.plans.iter().map(Plan::id)
    }

    /// A plan by its id.
    #[must_use]
    pub fn find_plan(&self, id: &str) -> Option<&Value> {
        self.plans.iter().find(|plan| plan.id() == id).map(|plan| &plan.value)
    }

    /// The name of the installation, which is on every operation and snapshot of it; empty where none is set.
    #[must_use]
    pub fn instance(&self) -> String {
        self.member("instance").as_str().unwrap_or_default().to_owned()
    }

    /// Everything that Backrest would refuse, each with the place where it is: one mistake anywhere has the whole
    /// configuration refused. Empty when it may be written.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        check::check(self).problems
    }

    /// What Backrest takes and yet does not do as one would expect, each with its place.
    #[must_use]
    pub fn doubts(&self) -> Vec<String> {
        check::check(self).doubts
    }

    /// Whether both mean the same.
    #[must_use]
    pub fn means_the_same(&self, other: &Self) -> bool {
        self.format == other.format && canonical::document(self) == canonical::document(other)
    }

    /// The text to write.
    #[must_use]
    pub fn to_text(&self) -> String {
        pieces::join(&self.members, self.plans.iter().map(|plan| plan.text.as_str()))
    }

    /// A member of the top level; `null` when it is not there.
    fn member(&self, name: &str) -> Value {
        let text = self.members.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str());
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    pub(super) fn plans(&self) -> &[Plan] {
        &self.plans
    }

    /// The same with other plans.
    pub(super) fn with_plans(&self, plans: Vec<Plan>) -> Self {
        let mut changed = Self { format: self.format, members: self.members.clone(), plans };
        if !changed.members.iter().any(|(name, _)| name == "plans") {
            changed.members.push(("plans".to_owned(), String::new()));
        }
        changed
    }
}
