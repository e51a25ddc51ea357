//! The one place where a device's thread calls the user's callback.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{Call, Callback, LostCause, StreamStatus, now_ns};
use crate::realtime;

/// A callback with the stream's position and counters, owned by the device's thread.
pub(super) struct Caller {
    callback: Callback,
    status: Arc<StreamStatus>,
    position: u64,
    /// Lost frames the next call has to tell.
    lost_frames: u64,
    /// Xruns of the status already told.
    xruns: u64,
    panicked: bool,
    /// The thread is noted.
    noted: bool,
    /// When the backend's callback was entered.
    entered_ns: u64,
}

impl Caller {
    pub(super) fn new(callback: Callback, status: Arc<StreamStatus>) -> Self {
        // The first reading of the clock in a process looks for it, by system calls.
        now_ns();
        Self {
            callback,
            status,
            position: 0,
            lost_frames: 0,
            xruns: 0,
            panicked: false,
            noted: false,
            entered_ns: 0,
        }
    }

    /// Marks the entry of the backend's callback. Everything of a device's callback happens inside.
    pub(super) fn enter<R>(&mut self, time_ns: u64, body: impl FnOnce(&mut Self) -> R) -> R {
        realtime::callback(|| {
            if !core::mem::replace(&mut self.noted, true) {
                self.status.thread().note();
            }
            self.status.entered(time_ns);
            self.entered_ns = time_ns;
            body(self)
        })
    }

    /// Frames of the stream so far, lost ones included.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The device lost frames just before the next call.
    pub(super) fn lose(&mut self, frames: u64) {
        if frames > 0 {
            self.status.lost(frames);
            self.lost_frames += frames;
            self.position += frames;
        }
    }

    pub(super) fn status(&self) -> &StreamStatus {
        &self.status
    }

    /// Calls the callback for `frames` frames that the backend stamps; `output` comes back silent
    /// where it panicked.
    pub(super) fn call(&mut self, input: &[f32], output: &mut [f32], frames: usize, stamp_ns: u64) {
        if self.panicked || frames == 0 {
            output.fill(0.0);
            self.position += frames as u64;
            return;
        }
        output.fill(0.0);
        let began_ns = now_ns();
        let xruns = self.status.xruns();
        let mut call = Call {
            input,
            output,
            frames,
            position: self.position,
            lost_frames: core::mem::take(&mut self.lost_frames),
            xrun: core::mem::replace(&mut self.xruns, xruns) != xruns,
            time_ns: self.entered_ns,
            stamp_ns,
        };
        let callback = &mut self.callback;
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| callback(&mut call))) {
            // Dropping it would free, and could panic again.
            core::mem::forget(payload);
            call.output.fill(0.0);
            self.panicked = true;
            self.status.lose(LostCause::Panicked);
        }
        self.position += frames as u64;
        self.status
            .served(frames as u64, now_ns().saturating_sub(began_ns));
    }
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "what is told is heard by an ordinary thread"
)]
mod tests {
    use super::*;
    use crate::device::StreamState;

    #[test]
    fn losses_and_xruns_are_told_once_and_move_the_position() {
        let (told, heard) = std::sync::mpsc::channel();
        let status = Arc::new(StreamStatus::new());
        let callback: Callback = Box::new(move |call| {
            let _ = told.send((call.position, call.lost_frames, call.xrun, call.frames));
        });
        let mut caller = Caller::new(callback, status.clone());
        caller.call(&[], &mut [], 10, 0);
        caller.lose(5);
        caller.lose(2);
        caller.status().xrun();
        caller.call(&[], &mut [], 3, 0);
        caller.call(&[], &mut [], 4, 0);
        let heard: Vec<_> = heard.try_iter().collect();
        assert_eq!(
            heard,
            [(0, 0, false, 10), (17, 7, true, 3), (20, 0, false, 4)]
        );
        assert_eq!((status.frames(), status.lost_frames()), (17, 7));
    }

    #[test]
    fn a_panic_ends_the_stream_in_silence() {
        let status = Arc::new(StreamStatus::new());
        let callback: Callback = Box::new(|call| {
            call.output.fill(1.0);
            std::panic::resume_unwind(Box::new("broken"));
        });
        let mut caller = Caller::new(callback, status.clone());
        let mut output = [0.5; 4];
        caller.call(&[], &mut output, 2, 0);
        assert_eq!(output, [0.0; 4]);
        assert_eq!(status.state(), StreamState::Lost(LostCause::Panicked));
        output.fill(0.5);
        caller.call(&[], &mut output, 2, 0);
        assert_eq!(output, [0.0; 4]);
    }
}
