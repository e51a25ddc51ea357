//! Whether the streams of a session go on.

use ossicle_io::device::{HostKind, Stream, StreamInfo, StreamState, now_ns};

use super::call_length::CallLength;
use crate::error::EngineError;

/// A device that has not called for so long is given up, in nanoseconds.
const GIVE_UP_NS: u64 = 5_000_000_000;

/// Watches one stream.
pub(super) struct Watched {
    pub(super) stream: Box<dyn Stream>,
    /// Whether it calls for as many frames as it settled on.
    pub(super) calls: CallLength,
    started_ns: u64,
    stalled: bool,
}

impl Watched {
    pub(super) fn new(stream: Box<dyn Stream>) -> Self {
        Self {
            stream,
            calls: CallLength::default(),
            started_ns: now_ns(),
            stalled: false,
        }
    }

    /// Looks at the stream; a stall that begins or ends is told in `warnings`.
    ///
    /// # Errors
    /// The stream is lost, or has not called for five seconds.
    pub(super) fn look(&mut self, warnings: &mut Vec<String>) -> Result<(), EngineError> {
        let (info, status) = (self.stream.info(), self.stream.status());
        if let StreamState::Lost(cause) = status.state() {
            return Err(lost(info, cause.to_string()));
        }
        if info.host == HostKind::Sim {
            // Its time is not ours: it calls whenever its world is run.
            return Ok(());
        }
        let now = now_ns();
        let period_ns =
            u64::from(info.buffer_frames) * 1_000_000_000 / u64::from(info.sample_rate_hz.max(1));
        let stalled = status.stalled(now, period_ns);
        if stalled && !self.stalled {
            warnings.push(format!("\"{}\" has stopped calling", name(info)));
        } else if self.stalled && !stalled {
            warnings.push(format!("\"{}\" calls again", name(info)));
        }
        self.stalled = stalled;
        let silent_ns = now.saturating_sub(status.last_callback_ns().max(self.started_ns));
        if stalled && silent_ns > GIVE_UP_NS.max(8 * period_ns) {
            let cause = format!("it has not called for {:.1} s", silent_ns as f64 / 1e9);
            return Err(lost(info, cause));
        }
        Ok(())
    }

    /// Whether the stream calls now.
    pub(super) fn is_alive(&self) -> bool {
        !self.stalled && self.stream.status().state() == StreamState::Running
    }
}

pub(super) fn name(info: &StreamInfo) -> String {
    info.output_device
        .as_ref()
        .or(info.input_device.as_ref())
        .cloned()
        .unwrap_or_default()
}

fn lost(info: &StreamInfo, cause: String) -> EngineError {
    EngineError::DeviceLost {
        device: name(info),
        cause,
    }
}
