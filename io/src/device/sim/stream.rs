//! A simulated stream, settled or running, as its user holds it.

use std::sync::{Arc, Mutex};

use super::listener::{ERRORS, Listener};
use super::lock;
use super::world::World;
use crate::device::caller::Caller;
use crate::device::{Callback, DeviceError, PendingStream, Stream, StreamInfo, StreamStatus};

pub(super) struct Pending {
    pub(super) world: Arc<Mutex<World>>,
    pub(super) device: usize,
    pub(super) info: StreamInfo,
}

impl PendingStream for Pending {
    fn info(&self) -> &StreamInfo {
        &self.info
    }

    fn start(self: Box<Self>, callback: Callback) -> Result<Box<dyn Stream>, DeviceError> {
        let status = Arc::new(StreamStatus::new());
        let caller = Caller::new(callback, status.clone());
        let (errors, heard) = rtrb::RingBuffer::new(ERRORS);
        let listener = Listener {
            status: status.clone(),
            errors,
        };
        let line = lock(&self.world).start(self.device, &self.info, caller, listener)?;
        Ok(Box::new(Running {
            world: self.world,
            line,
            info: self.info,
            status,
            _errors: heard,
        }))
    }
}

struct Running {
    world: Arc<Mutex<World>>,
    line: usize,
    info: StreamInfo,
    status: Arc<StreamStatus>,
    /// Errors that were heard, freed where the stream is dropped.
    _errors: rtrb::Consumer<DeviceError>,
}

impl Stream for Running {
    fn info(&self) -> &StreamInfo {
        &self.info
    }

    fn status(&self) -> &Arc<StreamStatus> {
        &self.status
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // What is taken out is dropped when the lock is free again: a callback may own anything.
        let ended = lock(&self.world).end(self.line);
        drop(ended);
    }
}
