//! Scheduling where nothing is known of it: the backends there see to their own threads.

use super::{Denial, Scheduling};

/// A thread of this process.
pub(super) type Thread = usize;

/// The calling thread.
pub(super) fn this_thread() -> Thread {
    1
}

/// Refuses.
pub(super) fn schedule(_thread: Thread, _priority: u8, _needed_us: u64) -> Scheduling {
    Scheduling::Denied(Denial::Unsupported)
}

/// Refuses.
pub(super) fn schedule_by_any(thread: Thread, priority: u8, needed_us: u64) -> Scheduling {
    schedule(thread, priority, needed_us)
}
