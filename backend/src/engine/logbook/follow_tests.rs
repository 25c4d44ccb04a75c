//! Following a log while it is written.

use futures_util::{FutureExt, StreamExt};
use tokio::runtime::Handle;

use super::*;
