//! Where the errors of a simulated backend are heard.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use std::sync::Arc;

use crate::device::{DeviceError, StreamStatus};
use crate::realtime;

/// Errors kept for the thread that drops the stream.
pub(super) const ERRORS: usize = 64;

/// Counts errors and keeps them: their value may own heap memory, which is neither made nor freed in
/// a callback.
pub(super) struct Listener {
    pub(super) status: Arc<StreamStatus>,
    pub(super) errors: rtrb::Producer<DeviceError>,
}

impl Listener {
    /// The backend tells an error at `now_ns`.
    pub(super) fn hear(&mut self, error: DeviceError, now_ns: u64) {
        let without_room = realtime::callback(|| {
            self.status.error(now_ns);
            self.errors.push(error).err()
        });
        drop(without_room);
    }
}
