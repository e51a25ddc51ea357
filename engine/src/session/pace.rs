//! Where the frames of a device belong that has come back.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use ossicle_io::device::Call;

use super::raw::STALL_NS;

/// A stream that settles stood still if it did not call for longer, in milliseconds, or 8 blocks.
const PAUSE_MS: u64 = 30;
/// By then a stream has settled however it calls, in nanoseconds.
const SETTLES_NS: u64 = 1_000_000_000;
/// A call that comes so much later than its frames explain is behind a pause, in nanoseconds.
const OWES_NS: u64 = 50_000_000;
/// Frames that are missing behind a pause come, or are told as lost, within this time, in nanoseconds; else
/// the device is one whose losses nobody tells.
const LAPSES_NS: u64 = 2_000_000_000;

/// Follows the times of calls. A stream that is new to it is passed over until it calls by its own
/// pace: what a device held back while it stood still comes all at once, and nobody can say where
/// it belongs.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// The stream that called last; 0 before the first call.
    stream: u64,
    settles: bool,
    called_ns: u64,
    /// Until when all frames have their places; before the last call where the stream owes frames.
    placed_ns: u64,
    /// When it called first behind a pause.
    paused_ns: u64,
    /// When the stream that settles called first.
    settles_ns: u64,
}

/// Where the frames of a call belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// Behind those of the last call.
    InStep,
    /// Nowhere yet.
    Wait,
    /// Behind so many that were lost meanwhile; or the first `late` have their places taken.
    Back { lost: u64, late: usize },
}

impl Pace {
    /// The stream that called last; 0 before the first call.
    pub(super) fn stream(&self) -> u64 {
        self.stream
    }

    /// A stream calls whose frames have no places yet.
    pub(super) fn settles(&self) -> bool {
        self.settles
    }

    /// Frames of this rate from where all have their places until a time.
    pub(super) fn frames_until(&self, now_ns: u64, sample_rate_hz: u32) -> u64 {
        frames(self.placed_ns, now_ns, sample_rate_hz)
    }

    /// Nanoseconds since the last call.
    pub(super) fn since_call_ns(&self, now_ns: u64) -> u64 {
        now_ns.saturating_sub(self.called_ns)
    }

    /// All frames until a time have their places.
    pub(super) fn place_until(&mut self, now_ns: u64) {
        self.placed_ns = now_ns;
    }

    /// A stream calls that takes so many places, lost frames among them. Behind a pause it owes frames:
    /// they may come yet, or be told as lost. If another takes over before, they are lost.
    pub(super) fn step(&mut self, stream: u64, now_ns: u64, frames: u64, sample_rate_hz: u32) {
        let of_them_ns = u128::from(frames) * 1_000_000_000 / u128::from(sample_rate_hz);
        let of_them_ns = of_them_ns.min(u128::from(u64::MAX)) as u64;
        let explained_ns = of_them_ns.saturating_add(OWES_NS);
        if now_ns > self.called_ns.saturating_add(explained_ns) {
            self.paused_ns = now_ns;
        }
        let owes = self.stream != 0
            && now_ns > self.placed_ns.saturating_add(explained_ns)
            && now_ns.saturating_sub(self.paused_ns) < LAPSES_NS;
        let placed_ns = self.placed_ns.saturating_add(of_them_ns);
        (self.stream, self.settles, self.called_ns) = (stream, false, now_ns);
        self.place_until(if owes { placed_ns } else { now_ns });
    }

    /// Frames of this rate that the stream owes behind a stall.
    pub(super) fn owed(&self, sample_rate_hz: u32) -> u64 {
        if self.called_ns.saturating_sub(self.placed_ns) < STALL_NS {
            0
        } else {
            frames(self.placed_ns, self.called_ns, sample_rate_hz)
        }
    }

    /// A stream calls, before which so many frames were lost that it tells of. One that is in time by
    /// nature need not settle.
    pub(super) fn call(
        &mut self,
        call: &Call<'_>,
        lost: u64,
        stream: u64,
        is_clock: bool,
        sample_rate_hz: u32,
    ) -> Placed {
        let now_ns = call.time_ns;
        let passed = frames(self.called_ns, now_ns, sample_rate_hz);
        if self.stream == 0 || self.stream == stream && !self.settles {
            let places = call.frames as u64 + lost;
            self.step(stream, now_ns, places, sample_rate_hz);
            return Placed::InStep;
        }
        let before = core::mem::replace(&mut self.stream, stream);
        self.called_ns = now_ns;
        if before != stream {
            self.settles_ns = now_ns;
        }
        // Behind a pause too more may come at once, unless the stream goes on so.
        let most = match now_ns.saturating_sub(self.settles_ns) {
            0..SETTLES_NS => {
                (8 * call.frames as u64).max(u64::from(sample_rate_hz) * PAUSE_MS / 1000)
            }
            _ => u64::MAX,
        };
        let is_own_pace = (call.frames as u64 / 2..=most).contains(&passed);
        if !is_clock && (before != stream || !is_own_pace) {
            self.settles = true;
            return Placed::Wait;
        }
        let since = self.frames_until(now_ns, sample_rate_hz);
        self.settles = false;
        self.place_until(now_ns);
        Placed::Back {
            lost: since.saturating_sub(call.frames as u64),
            late: call
                .frames
                .saturating_sub(since.min(call.frames as u64) as usize),
        }
    }
}

/// Frames of this rate from one time to another.
fn frames(from_ns: u64, until_ns: u64, sample_rate_hz: u32) -> u64 {
    let passed_ns = u128::from(until_ns.saturating_sub(from_ns));
    (passed_ns * u128::from(sample_rate_hz) / 1_000_000_000) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn place(pace: &mut Pace, stream: u64, ms: u64, frames: usize) -> Placed {
        let call = Call {
            input: &[],
            output: &mut [],
            frames,
            position: 0,
            lost_frames: 0,
            xrun: false,
            time_ns: ms * MS,
            stamp_ns: ms * MS,
        };
        pace.call(&call, 0, stream, stream == 9, 1000)
    }

    #[test]
    fn a_stream_that_is_back_is_placed_once_it_calls_by_its_own_pace() {
        let mut pace = Pace::default();
        assert_eq!(place(&mut pace, 1, 100, 10), Placed::InStep);
        assert_eq!(place(&mut pace, 1, 109, 10), Placed::InStep);
        // A clock takes over: 109 to 129 are its frames, and 11 before them nobody's.
        let back = |lost, late| Placed::Back { lost, late };
        assert_eq!(place(&mut pace, 9, 140, 20), back(11, 0));
        assert_eq!(place(&mut pace, 9, 160, 20), Placed::InStep);
        // The device is back, with much at once.
        for _ in 0..5 {
            assert_eq!(place(&mut pace, 2, 164, 10), Placed::Wait);
        }
        assert_eq!(place(&mut pace, 2, 175, 10), back(5, 0));
        assert_eq!(place(&mut pace, 2, 175, 10), Placed::InStep);
        // The clock has called for all but four of these.
        assert_eq!(place(&mut pace, 9, 179, 10), back(0, 6));
        // It is back again, stands still before it has settled, and has held back much.
        assert_eq!(place(&mut pace, 2, 180, 10), Placed::Wait);
        for _ in 0..9 {
            assert_eq!(place(&mut pace, 2, 280, 10), Placed::Wait);
        }
        assert_eq!(place(&mut pace, 2, 291, 10), back(102, 0));
        // One that never calls but after pauses has to do.
        assert_eq!(place(&mut pace, 3, 300, 1), Placed::Wait);
        for ms in [400, 500, 1_299] {
            assert_eq!(place(&mut pace, 3, ms, 1), Placed::Wait);
        }
        assert_eq!(place(&mut pace, 3, 1_400, 1), back(1_108, 0));
    }

    #[test]
    fn what_a_stream_owes_behind_a_pause_is_lost_when_another_takes_over() {
        for (came_late, told, owed, lost) in [
            (0, 0, 4_955, 4_960),
            (3_000, 0, 1_955, 1_960),
            (0, 4_955, 0, 5),
        ] {
            let mut pace = stalled();
            if came_late > 0 {
                assert_eq!(place(&mut pace, 1, 5_085, came_late), Placed::InStep);
            }
            if told > 0 {
                pace.step(1, 5_085 * MS, told, 1000);
            }
            assert_eq!(pace.owed(1000), owed);
            assert_eq!(place(&mut pace, 2, 5_090, 10), Placed::Wait);
            let back = Placed::Back { lost, late: 0 };
            assert_eq!(place(&mut pace, 2, 5_100, 10), back, "{came_late}, {told}");
        }
    }

    /// A stream that called after five seconds, with frames of a hundredth of a second.
    fn stalled() -> Pace {
        let mut pace = Pace::default();
        for ms in [100, 110, 120, 5_085] {
            assert_eq!(place(&mut pace, 1, ms, 10), Placed::InStep);
        }
        pace
    }

    #[test]
    fn what_a_stream_owes_for_longer_than_losses_take_to_be_told_is_forgotten() {
        let mut pace = stalled();
        let calls = |pace: &mut Pace, from_ms: u64, until_ms: u64| {
            for ms in (from_ms..until_ms).step_by(10) {
                assert_eq!(place(pace, 1, ms, 10), Placed::InStep);
            }
        };
        calls(&mut pace, 5_095, 7_085);
        assert_eq!(pace.owed(1000), 4_955);
        calls(&mut pace, 7_085, 7_100);
        assert_eq!(pace.owed(1000), 0);
        // Behind another pause it owes anew; a short one is no stall.
        calls(&mut pace, 8_000, 8_020);
        assert_eq!(pace.owed(1000), 895);
        calls(&mut pace, 10_010, 10_020);
        assert_eq!(pace.owed(1000), 895 + 1_990);
    }
}
