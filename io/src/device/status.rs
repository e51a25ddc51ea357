//! Counters and state of a stream, written by its real-time threads without waiting.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use core::fmt;
use core::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use crate::rights::{Scheduling, ThreadNote};

/// Silence of a device in nanoseconds that is a stall whatever its period.
pub(super) const STALL_NS: u64 = 250_000_000;
/// Periods without a callback that are a stall, where that is longer.
const STALL_PERIODS: u64 = 4;
/// A storm is at least this many errors without a callback between them, over the time of a stall.
/// Shorter bursts come from backends that are well again at once.
const STORM_ERRORS: u64 = 100;
/// Errors without a callback between them from which on the backend's thread is slowed down.
const BURST_ERRORS: u64 = 10;

/// Why a stream is lost for good. It has to be dropped, and may be opened again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LostCause {
    /// The device was unplugged.
    DeviceGone,
    /// The server went away.
    ServerGone,
    /// The backend reports errors without end.
    ErrorStorm,
    /// The device's rate, channels or format changed under the stream.
    FormatChanged,
    /// The callback panicked; it is not called again.
    Panicked,
    /// The backend failed in a way of its own.
    Backend,
}

impl fmt::Display for LostCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DeviceGone => "the device went away",
            Self::ServerGone => "the server went away",
            Self::ErrorStorm => "the backend reported errors without end",
            Self::FormatChanged => "the device changed its format",
            Self::Panicked => "the callback panicked",
            Self::Backend => "the backend failed",
        })
    }
}

/// Whether a stream goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StreamState {
    /// It runs, or is about to.
    Running,
    /// It will never call again.
    Lost(LostCause),
}

/// Counters and state of one stream.
///
/// # Real-time
/// Safe: every method is a few atomic operations.
#[derive(Debug, Default)]
pub struct StreamStatus {
    callbacks: AtomicU64,
    frames: AtomicU64,
    xruns: AtomicU64,
    lost_frames: AtomicU64,
    errors: AtomicU64,
    started_ns: AtomicU64,
    last_callback_ns: AtomicU64,
    longest_callback_ns: AtomicU64,
    storm_began_ns: AtomicU64,
    storm_errors: AtomicU64,
    lost: AtomicU8,
    thread: ThreadNote,
}

impl StreamStatus {
    /// All zero, running.
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls of the backend so far.
    pub fn callbacks(&self) -> u64 {
        self.callbacks.load(Ordering::Relaxed)
    }

    /// Frames that went through the callback so far.
    pub fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// Xruns the backend reported so far.
    pub fn xruns(&self) -> u64 {
        self.xruns.load(Ordering::Relaxed)
    }

    /// Frames the device is known to have lost so far.
    pub fn lost_frames(&self) -> u64 {
        self.lost_frames.load(Ordering::Relaxed)
    }

    /// Errors the backend reported so far, xruns not among them.
    pub fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    /// Monotonic time of the last callback's entry in nanoseconds, 0 before the first.
    pub fn last_callback_ns(&self) -> u64 {
        self.last_callback_ns.load(Ordering::Acquire)
    }

    /// The longest a callback took, in nanoseconds of wall time.
    pub fn longest_callback_ns(&self) -> u64 {
        self.longest_callback_ns.load(Ordering::Relaxed)
    }

    /// How the thread that runs the callback is scheduled, as far as is known.
    pub fn scheduling(&self) -> Scheduling {
        self.thread.scheduling()
    }

    /// Whether the stream goes on.
    pub fn state(&self) -> StreamState {
        match self.lost.load(Ordering::Acquire) {
            0 => StreamState::Running,
            1 => StreamState::Lost(LostCause::DeviceGone),
            2 => StreamState::Lost(LostCause::ServerGone),
            3 => StreamState::Lost(LostCause::ErrorStorm),
            4 => StreamState::Lost(LostCause::FormatChanged),
            5 => StreamState::Lost(LostCause::Panicked),
            _ => StreamState::Lost(LostCause::Backend),
        }
    }

    /// Whether the device stopped calling: nothing for 250 ms or four periods of `period_ns`,
    /// whichever is longer, since the last callback or the start. `now_ns` is
    /// [`now_ns`](super::now_ns).
    pub fn stalled(&self, now_ns: u64, period_ns: u64) -> bool {
        let since = self
            .last_callback_ns()
            .max(self.started_ns.load(Ordering::Acquire));
        since != 0 && now_ns.saturating_sub(since) > STALL_NS.max(period_ns * STALL_PERIODS)
    }

    /// The thread that runs the callback.
    pub(crate) fn thread(&self) -> &ThreadNote {
        &self.thread
    }

    /// The stream begins: from here on a silence is a stall.
    pub(super) fn started(&self, now_ns: u64) {
        self.started_ns.store(now_ns, Ordering::Release);
    }

    /// A callback of the backend came in.
    pub(super) fn entered(&self, now_ns: u64) {
        self.storm_errors.store(0, Ordering::Relaxed);
        self.callbacks.fetch_add(1, Ordering::Relaxed);
        self.last_callback_ns.store(now_ns, Ordering::Release);
    }

    /// `frames` went through the callback in `ns` nanoseconds.
    pub(super) fn served(&self, frames: u64, ns: u64) {
        self.frames.fetch_add(frames, Ordering::Relaxed);
        self.longest_callback_ns.fetch_max(ns, Ordering::Relaxed);
    }

    pub(super) fn xrun(&self) {
        self.xruns.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn lost(&self, frames: u64) {
        self.lost_frames.fetch_add(frames, Ordering::Relaxed);
    }

    /// An error of the backend; enough of them without a callback are a storm, and the stream lost.
    /// Returns whether the thread that brings them should be slowed down.
    pub(super) fn error(&self, now_ns: u64) -> bool {
        self.errors.fetch_add(1, Ordering::Relaxed);
        let errors = self.storm_errors.fetch_add(1, Ordering::Relaxed) + 1;
        if errors == 1 {
            self.storm_began_ns.store(now_ns, Ordering::Relaxed);
        }
        let lasted_ns = now_ns.saturating_sub(self.storm_began_ns.load(Ordering::Relaxed));
        if errors >= STORM_ERRORS && lasted_ns >= STALL_NS {
            self.lose(LostCause::ErrorStorm);
        }
        errors >= BURST_ERRORS
    }

    /// The stream is lost. The first cause stays.
    pub(crate) fn lose(&self, cause: LostCause) {
        let code = match cause {
            LostCause::DeviceGone => 1,
            LostCause::ServerGone => 2,
            LostCause::ErrorStorm => 3,
            LostCause::FormatChanged => 4,
            LostCause::Panicked => 5,
            LostCause::Backend => 6,
        };
        let _ = self
            .lost
            .compare_exchange(0, code, Ordering::AcqRel, Ordering::Acquire);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn a_stall_is_250_ms_or_four_periods() {
        let status = StreamStatus::new();
        assert!(!status.stalled(10_000 * MS, MS), "nothing began");
        status.started(1_000 * MS);
        assert!(!status.stalled(1_250 * MS, MS));
        assert!(status.stalled(1_251 * MS, MS));
        status.entered(1_200 * MS);
        assert!(!status.stalled(1_450 * MS, MS));
        assert!(!status.stalled(1_600 * MS, 100 * MS));
        assert!(status.stalled(1_601 * MS, 100 * MS));
    }

    #[test]
    fn errors_over_a_quarter_second_without_a_callback_are_a_storm() {
        let status = StreamStatus::new();
        status.entered(MS);
        for n in 0..1_000 {
            status.error(10 * MS + n);
        }
        assert_eq!(status.state(), StreamState::Running, "a burst");
        assert!(!status.error(259 * MS) || status.state() == StreamState::Running);
        status.error(260 * MS);
        assert_eq!(status.state(), StreamState::Lost(LostCause::ErrorStorm));
        assert_eq!(status.errors(), 1_002);
    }

    #[test]
    fn errors_between_callbacks_and_single_ones_are_no_storm() {
        let status = StreamStatus::new();
        for n in 0..10_000 {
            let slow_down = status.error(n * MS / 10);
            assert_eq!(slow_down, n % 50 >= 10 || n % 50 == 0 && n > 0, "{n}");
            if n % 50 == 0 {
                status.entered(n * MS / 10);
            }
        }
        let status = StreamStatus::new();
        for n in 0..99 {
            status.error(n * 1_000 * MS);
        }
        assert_eq!(status.state(), StreamState::Running);
    }

    #[test]
    fn the_first_cause_of_a_loss_stays() {
        for cause in [
            LostCause::DeviceGone,
            LostCause::ServerGone,
            LostCause::ErrorStorm,
            LostCause::FormatChanged,
            LostCause::Panicked,
            LostCause::Backend,
        ] {
            let status = StreamStatus::new();
            status.lose(cause);
            status.lose(LostCause::Backend);
            assert_eq!(status.state(), StreamState::Lost(cause));
        }
    }
}
