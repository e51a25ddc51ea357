//! What a session's threads tell each other, without waiting.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};

use ossicle_io::ring::Cause;

/// Read and written by callbacks and by ordinary threads.
#[derive(Debug)]
pub(super) struct Shared {
    /// Stream position at which the core ends; `u64::MAX` for never.
    end_at: AtomicU64,
    /// The core is to fade out and end.
    stopping: AtomicBool,
    /// The core has ended: only silence comes from now on.
    ended: AtomicBool,
    /// Capture devices whose own recordings have yet to reach their end.
    open_captures: AtomicU64,
    /// The stream position: frames processed and frames the device lost.
    pub(super) position: AtomicU64,
    /// Frames lost on the way from the device to the core or to a recording.
    pub(super) overrun_frames: AtomicU64,
    /// Frames of a live input passed over to bring its delay back. No recording of it misses them.
    pub(super) skipped_frames: AtomicU64,
    /// Frames of silence made for want of input.
    pub(super) underrun_frames: AtomicU64,
    /// Frames by which what is played is behind what was captured, the chain not included.
    bridge_frames: AtomicU64,
    /// Frames that came in from the source.
    pub(super) source_frames: AtomicU64,
    /// The master stalled last; else it was gone.
    stalled: AtomicBool,
    clock: SessionClock,
    /// The number of the stream that calls the core, and since when.
    caller: AtomicU64,
    caller_since_ns: AtomicU64,
}

impl Shared {
    pub(super) fn new(end_at: Option<u64>) -> Self {
        Self {
            end_at: AtomicU64::new(end_at.unwrap_or(u64::MAX)),
            stopping: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            open_captures: AtomicU64::new(0),
            position: AtomicU64::new(0),
            overrun_frames: AtomicU64::new(0),
            underrun_frames: AtomicU64::new(0),
            skipped_frames: AtomicU64::new(0),
            bridge_frames: AtomicU64::new(0),
            source_frames: AtomicU64::new(0),
            stalled: AtomicBool::new(false),
            clock: SessionClock::default(),
            caller: AtomicU64::new(0),
            caller_since_ns: AtomicU64::new(0),
        }
    }

    pub(super) fn end_at(&self) -> u64 {
        self.end_at.load(Ordering::Acquire)
    }

    /// Ends at `position`, unless it ends earlier already.
    pub(super) fn end_by(&self, position: u64) {
        self.end_at.fetch_min(position, Ordering::AcqRel);
    }

    /// Does not end by itself any more, unless it has.
    pub(super) fn end_never(&self) {
        self.end_at.store(u64::MAX, Ordering::Release);
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    pub(super) fn set_ended(&self) {
        self.ended.store(true, Ordering::Release);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// A capture device records its own sound.
    pub(super) fn open_capture(&self) {
        self.open_captures.fetch_add(1, Ordering::AcqRel);
    }

    /// The recordings of a capture device have reached their end.
    pub(super) fn close_capture(&self) {
        self.open_captures.fetch_sub(1, Ordering::AcqRel);
    }

    pub(super) fn set_bridge_frames(&self, frames: f64) {
        self.bridge_frames
            .store((frames + 0.5) as u64, Ordering::Relaxed);
    }

    pub(super) fn bridge_frames(&self) -> u64 {
        self.bridge_frames.load(Ordering::Relaxed)
    }

    /// The master is away: it stalls, or it is gone.
    pub(super) fn set_away(&self, stalled: bool) {
        self.stalled.store(stalled, Ordering::Release);
    }

    /// Why frames are lost while nobody captures.
    pub(super) fn away_cause(&self) -> Cause {
        if self.stalled.load(Ordering::Acquire) {
            Cause::Stalled
        } else {
            Cause::DeviceGone
        }
    }

    /// Where the core was behind its last call.
    pub(super) fn clock(&self) -> &SessionClock {
        &self.clock
    }

    /// A stream calls the core, at `time_ns`. Only the core tells.
    pub(super) fn note_caller(&self, stream: u64, time_ns: u64) {
        if self.caller.load(Ordering::Relaxed) != stream {
            self.caller_since_ns.store(time_ns, Ordering::Release);
            self.caller.store(stream, Ordering::Release);
        }
    }

    /// For how long a stream has been the one that calls the core, in nanoseconds; `None` where it is
    /// not.
    pub(super) fn called_for_ns(&self, stream: u64, now_ns: u64) -> Option<u64> {
        let is_it = self.caller.load(Ordering::Acquire) == stream;
        let since_ns = self.caller_since_ns.load(Ordering::Acquire);
        is_it.then(|| now_ns.saturating_sub(since_ns))
    }

    /// The core has ended, and so have the recordings of capture devices.
    pub(super) fn all_ended(&self) -> bool {
        self.has_ended() && self.open_captures.load(Ordering::Acquire) == 0
    }
}

/// The position of the session at a time, for other devices' callbacks to read whole.
#[derive(Debug, Default)]
pub(super) struct SessionClock {
    /// Odd while it is written.
    turn: AtomicU64,
    position: AtomicU64,
    time_ns: AtomicU64,
    run: AtomicU64,
}

impl SessionClock {
    /// The core is at `position` behind its call at `time_ns`; `run` changes where frames were lost.
    /// Only the core writes, and there is one.
    pub(super) fn set(&self, position: u64, time_ns: u64, run: u64) {
        let turn = self.turn.load(Ordering::Relaxed);
        self.turn.store(turn + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        self.position.store(position, Ordering::Relaxed);
        self.time_ns.store(time_ns, Ordering::Relaxed);
        self.run.store(run, Ordering::Relaxed);
        self.turn.store(turn + 2, Ordering::Release);
    }

    /// Position, time and run; `None` before the first call, and while they are written.
    pub(super) fn get(&self) -> Option<(u64, u64, u64)> {
        let turn = self.turn.load(Ordering::Acquire);
        let read = |value: &AtomicU64| value.load(Ordering::Relaxed);
        let seen = (read(&self.position), read(&self.time_ns), read(&self.run));
        fence(Ordering::Acquire);
        let is_whole = turn == self.turn.load(Ordering::Relaxed) && turn.is_multiple_of(2);
        (is_whole && turn > 0).then_some(seen)
    }
}

/// Adds without wrapping surprises; relaxed, for counters.
pub(super) fn count(counter: &AtomicU64, frames: u64) {
    if frames > 0 {
        counter.fetch_add(frames, Ordering::Relaxed);
    }
}
