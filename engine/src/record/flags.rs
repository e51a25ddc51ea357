//! What the threads of a recording tell each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::take::Take;

/// What the writer is told.
#[derive(Debug, Default)]
pub(super) struct Flags {
    /// The collector has put the last frame into the take.
    pub(super) collected: AtomicBool,
    /// The files take no more.
    pub(super) failed: AtomicBool,
    /// A take without a frame is to leave no file.
    pub(super) discard: AtomicBool,
}

/// Lets go of the take when the writer is gone, by a panic too, so that the collector never waits
/// for it.
pub(super) struct Guard {
    pub(super) take: Arc<Take>,
    pub(super) flags: Arc<Flags>,
    pub(super) done: bool,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.done {
            self.flags.failed.store(true, Ordering::Release);
            self.take.abandon();
        }
    }
}
