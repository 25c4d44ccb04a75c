//! Bringing containers to rest, and bringing the same ones back.
//!
//! [`choose`] says which and in what [`order`], [`hold`] brings them to rest, [`watch`] sees whether they stay there,
//! [`ascent`] brings them back, one [`case`] each. The journal row of a container is
//! committed before the container is touched and removed only when it is up again, so that whatever kills the process,
//! a later one knows what to bring back. Only what ran is touched; nothing is ever removed. To bring containers to rest
//! in another way, add an action to the journal and a case for it in `hold` and `case`. Nothing here may make a start wait
//! for the store.

mod ascent;
mod case;
mod choose;
mod hold;
mod order;
mod proxy;
mod related;
mod touched;
mod watch;
mod well;

#[cfg(test)]
mod testing;

use crate::domain::log::Level;

pub(super) use ascent::Ascent;
pub(super) use case::{Case, NotBack, Standing, Trouble};
pub(super) use choose::{Choice, Left, NOT_ATTACHED, Question, choose};
pub(super) use hold::{Descent, Journal, OfJob, QuiesceError, look_again, run_of};
pub(super) use order::Order;
pub(super) use touched::Touched;
pub(super) use watch::{Watch, Witness};
pub(super) use well::wait_until_well;

/// How many containers of a stack the engine is asked to stop or start at once.
const AT_ONCE: usize = 16;

/// Who is told what happens: a job's log, or the system log during recovery. The second is the service it is about.
pub(super) type Say<'a> = &'a (dyn Fn(Level, &str, String) + Send + Sync);
