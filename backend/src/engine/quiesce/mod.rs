//! Bringing containers to rest, and bringing the same ones back.
//!
//! [`choose`] says which, [`hold`] brings them to rest, [`resume`] brings them back. The journal row of a container is
//! committed before the container is touched and removed only when it is up again, so that whatever kills the process,
//! a later one knows what to bring back. Only what ran is touched; nothing is ever removed. To bring containers to rest
//! in another way, add an action to the journal and a case for it in `hold` and `resume`. Nothing here may make a start
//! wait for the store.

mod choose;
mod hold;
mod resume;

use crate::domain::log::Level;

pub(super) use choose::{Choice, choose, is_at_work};
pub(super) use hold::{QuiesceError, bring_to_rest, look_again, run_of};
pub(super) use resume::{Case, NotBack, Standing, Trouble, bring_back, wait_until_well};

/// Who is told what happens: a job's log, or the system log during recovery. The second is the service it is about.
pub(super) type Say<'a> = &'a (dyn Fn(Level, &str, String) + Send + Sync);
