//! Finds lost frames of a capture that no backend counts, by the clock.
//!
//! Of each block it is known when it came and, where the device says so, when its first frame was
//! captured. Both, less the time of all frames before it, wander with jitter, batches and the
//! device's clock, and step up for good when frames are lost. The least value of each over a window
//! is free of jitter; a step counts once two windows agree on it, so that frames that come late but
//! complete are no loss, and the smaller of the two steps counts, so that neither a longer latency
//! nor a wrong time stamp is one.
//!
//! Of a device that plays it is known besides how many frames its server holds at most: what it asks
//! for later than that lasts, it has played silence before, and that is known at once.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use super::clock::{frames_in, ns_of};

/// Length of a window in nanoseconds, and its least number of blocks.
const WINDOW_NS: u64 = 250_000_000;
const WINDOW_BLOCKS: u32 = 4;
/// Steps that count, in nanoseconds, beside the length of blocks: where an xrun was told, and
/// where none was.
const TOLD_NS: i64 = 5_000_000;
const UNTOLD_NS: i64 = 30_000_000;
/// A clock wanders by no more than one part in this, 500 ppm.
const WANDER: u64 = 2_000;
/// Two windows agree if they differ by less, in nanoseconds: what is held up and comes faster than
/// by its own pace differs by more.
const STEADY_NS: i64 = 3_000_000;
/// What the answer to an output may be late beyond what it holds before it ran dry, in nanoseconds; at
/// least what it asks for, since it reads what it holds in such pieces.
const DRY_NS: i64 = 5_000_000;
/// Windows it takes until a step that begins with an xrun is agreed on: the one it falls into, two
/// that agree, and one to spare.
const TOLD_WINDOWS: u32 = 4;

/// Lateness of a block in nanoseconds: as it came, and as it was captured.
#[derive(Clone, Copy, Debug)]
struct Late {
    came: i64,
    captured: i64,
}

impl Late {
    const MAX: Self = Self {
        came: i64::MAX,
        captured: i64::MAX,
    };

    fn min(self, other: Self) -> Self {
        Self {
            came: self.came.min(other.came),
            captured: self.captured.min(other.captured),
        }
    }

    /// How much later both are than in `before`.
    fn beyond(self, before: Self) -> i64 {
        (self.came - before.came).min(self.captured - before.captured)
    }
}

/// Watches one capture.
#[derive(Debug)]
pub(super) struct LossClock {
    sample_rate_hz: u32,
    /// Frames so far, lost ones included.
    frames: u64,
    /// Times of the first block: as it came, and as captured.
    origin: Option<(u64, u64)>,
    window: Late,
    window_end_ns: u64,
    window_blocks: u32,
    longest_block: u64,
    /// The last window, and the one that everything is measured from.
    last: Option<Late>,
    base: Option<Late>,
    base_ns: u64,
    xruns: u64,
    /// Windows for which the last xrun still makes a small step count.
    told_windows: u32,
}

impl LossClock {
    pub(super) fn new(sample_rate_hz: u32) -> Self {
        Self {
            sample_rate_hz,
            frames: 0,
            origin: None,
            window: Late::MAX,
            window_end_ns: 0,
            window_blocks: 0,
            longest_block: 0,
            last: None,
            base: None,
            base_ns: 0,
            xruns: 0,
            told_windows: 0,
        }
    }

    /// A block of `frames` came at `came_ns`; its first frame was captured at `captured_ns` of any
    /// clock of the same speed. `xruns` is the backend's count so far. Returns frames found lost.
    ///
    /// # Real-time
    /// Safe.
    pub(super) fn block(&mut self, frames: u64, came_ns: u64, captured_ns: u64, xruns: u64) -> u64 {
        let &mut (came_origin, captured_origin) = self.origin.get_or_insert((came_ns, captured_ns));
        if self.window_end_ns == 0 {
            self.window_end_ns = came_ns + WINDOW_NS;
        }
        let due = ns_of(self.frames, self.sample_rate_hz).cast_signed();
        let late = Late {
            // A block comes when its last frame is there.
            came: came_ns.wrapping_sub(came_origin).cast_signed()
                - due
                - ns_of(frames, self.sample_rate_hz).cast_signed(),
            captured: captured_ns.wrapping_sub(captured_origin).cast_signed() - due,
        };
        self.frames += frames;
        self.longest_block = self.longest_block.max(frames);
        self.window = self.window.min(late);
        self.window_blocks += 1;
        if came_ns < self.window_end_ns || self.window_blocks < WINDOW_BLOCKS {
            return 0;
        }
        self.close(came_ns, xruns)
    }

    /// An output asks for `frames`, has no answer until `now_ns`, and holds `held` at most: returns
    /// the frames of silence that it has played since, beside those already found. Called before
    /// [`block`](Self::block) for the same frames, which came when they were answered.
    ///
    /// # Real-time
    /// Safe.
    pub(super) fn dry(&mut self, frames: u64, now_ns: u64, held: u64) -> u64 {
        let (Some((origin_ns, _)), Some(last)) = (self.origin, self.last) else {
            return 0;
        };
        // All that it has room for it may still ask for at once.
        let due_frames = self.frames + frames.max(held);
        let due_ns = ns_of(due_frames, self.sample_rate_hz).cast_signed();
        let late_ns = now_ns.wrapping_sub(origin_ns).cast_signed() - due_ns - last.came;
        if late_ns <= DRY_NS.max(ns_of(frames, self.sample_rate_hz).cast_signed()) {
            return 0;
        }
        let lost = frames_in(late_ns.unsigned_abs(), self.sample_rate_hz);
        self.frames += lost;
        lost
    }

    /// Ends a window.
    fn close(&mut self, now_ns: u64, xruns: u64) -> u64 {
        let window = core::mem::replace(&mut self.window, Late::MAX);
        self.window_end_ns = now_ns + WINDOW_NS;
        self.window_blocks = 0;
        let block_ns = ns_of(self.longest_block, self.sample_rate_hz).cast_signed();
        let last = self.last.replace(window);
        let (Some(base), Some(last)) = (self.base, last) else {
            (self.base, self.base_ns) = (Some(window), now_ns);
            return 0;
        };
        if core::mem::replace(&mut self.xruns, xruns) != xruns {
            self.told_windows = TOLD_WINDOWS;
        }
        let told = self.told_windows > 0;
        self.told_windows = self.told_windows.saturating_sub(1);
        let bound = if told {
            TOLD_NS.max(block_ns)
        } else {
            UNTOLD_NS.max(2 * block_ns)
        };
        let bound = bound + (now_ns.saturating_sub(self.base_ns) / WANDER).cast_signed();
        let step = window.beyond(base);
        if step <= bound {
            // In time: from here on, so that the device's clock may wander.
            (self.base, self.base_ns) = (Some(window), now_ns);
            return 0;
        }
        let steady = (window.came - last.came).abs() < STEADY_NS
            && (window.captured - last.captured).abs() < STEADY_NS;
        if last.beyond(base) <= bound || !steady {
            return 0;
        }
        let lost = frames_in(step.unsigned_abs(), self.sample_rate_hz);
        self.frames += lost;
        let step = ns_of(lost, self.sample_rate_hz).cast_signed();
        let now = Late {
            came: window.came - step,
            captured: window.captured - step,
        };
        (self.base, self.last, self.base_ns) = (Some(now), Some(now), now_ns);
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 48_000;
    const MS: f64 = 1e6;

    /// A device that captures by its own clock and delivers blocks.
    struct Device {
        clock: LossClock,
        /// Device's frames so far, lost ones included, and nanoseconds per frame of its clock.
        frames: f64,
        ns_per_frame: f64,
        latency_ns: f64,
        seed: u64,
        found: u64,
        /// Time before which nothing is delivered.
        blocked_until_ns: f64,
        /// Least time between blocks, of the time their frames take.
        pace: f64,
        came_ns: f64,
        /// Whether it says when frames were captured; otherwise it is reckoned from their coming.
        stamps: bool,
    }

    impl Device {
        fn new(error_ppm: f64) -> Self {
            Self {
                clock: LossClock::new(RATE),
                frames: 0.0,
                ns_per_frame: 1e9 / f64::from(RATE) * (1.0 + error_ppm * 1e-6),
                latency_ns: 2.0 * MS,
                seed: 1,
                found: 0,
                blocked_until_ns: 0.0,
                pace: 0.0,
                came_ns: 0.0,
                stamps: true,
            }
        }

        fn random(&mut self) -> f64 {
            self.seed = self
                .seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (self.seed >> 40) as f64 / (1u64 << 24) as f64
        }

        /// Delivers `seconds` in blocks of up to `block` frames with jitter up to `jitter_ns`.
        fn run(&mut self, seconds: f64, block: u64, jitter_ns: f64, xruns: u64) {
            let end = self.frames + seconds * f64::from(RATE);
            while self.frames < end {
                let frames = 1 + (self.random() * block as f64) as u64;
                let captured = 1e12 + self.frames * self.ns_per_frame;
                self.frames += frames as f64;
                let jitter = self.random() * jitter_ns;
                let ready = 1e12 + self.frames * self.ns_per_frame + self.latency_ns + jitter;
                let paced = self.came_ns + frames as f64 * self.ns_per_frame * self.pace;
                let came = ready.max(self.blocked_until_ns).max(paced);
                self.came_ns = came;
                let reckoned = came - frames as f64 * self.ns_per_frame;
                let captured = if self.stamps { captured } else { reckoned };
                self.found += self
                    .clock
                    .block(frames, came as u64, captured as u64, xruns);
            }
        }

        fn now_ns(&self) -> f64 {
            1e12 + self.frames * self.ns_per_frame
        }
    }

    /// An output that holds two periods and asks for one as soon as one is played; who answers stands
    /// still for `stall_ms` after 3 s, from an answer on. What it is found to have lost, each
    /// finding by itself.
    fn found_dry(stall_ms: f64) -> Vec<u64> {
        const PERIOD: u64 = 256;
        let period_ns = PERIOD as f64 / f64::from(RATE) * 1e9;
        let mut clock = LossClock::new(RATE);
        let mut found = Vec::new();
        // Both periods that it holds are asked for first.
        let mut asks_ns = vec![0.0];
        asks_ns.extend((0..2_000).map(|ask| f64::from(ask) * period_ns));
        let (last_ns, awake_ns) = (asks_ns[562], asks_ns[562] + stall_ms * MS);
        // It asks twice more, has nothing left, and begins anew with what comes then.
        let silence_ns = (awake_ns - last_ns - 2.0 * period_ns).max(0.0);
        for (ask, ask_ns) in asks_ns.into_iter().enumerate() {
            let asked_ns = match ask {
                0..=562 => ask_ns,
                563 | 564 => ask_ns.max(awake_ns),
                _ => (ask_ns + silence_ns).max(awake_ns),
            };
            // A thread wakes up to 0.3 ms late.
            let now_ns = (1e12 + asked_ns + (ask * 7_919 % 100) as f64 * 3e3) as u64;
            let lost = clock.dry(PERIOD, now_ns, 2 * PERIOD);
            let late = clock.block(PERIOD, now_ns, now_ns, 0);
            found.extend([lost, late].into_iter().filter(|&frames| frames > 0));
        }
        found
    }

    #[test]
    fn an_output_that_ran_dry_is_told_at_once_and_once() {
        for stall_ms in [0.0, 4.0, 10.0, 15.0] {
            assert_eq!(
                found_dry(stall_ms),
                [0; 0],
                "two periods last {stall_ms} ms"
            );
        }
        for stall_ms in [40.0, 100.0, 300.0, 3_000.0] {
            let found = found_dry(stall_ms);
            let expected = (stall_ms / 1e3 * f64::from(RATE)) as i64 - 512;
            assert_eq!(found.len(), 1, "{stall_ms} ms: {found:?}");
            let error = found[0].cast_signed() - expected;
            // 0.3 ms are 14 frames.
            assert!(error.abs() <= 15, "{stall_ms} ms: {found:?} of {expected}");
        }
    }

    #[test]
    fn jitter_batches_and_a_wrong_clock_are_no_loss() {
        for error_ppm in [-1_000.0, 0.0, 1_000.0] {
            let mut device = Device::new(error_ppm);
            device.run(600.0, 512, 15.0 * MS, 0);
            device.run(60.0, 4_800, 2.0 * MS, 0);
            assert_eq!(device.found, 0, "{error_ppm} ppm");
        }
    }

    #[test]
    fn late_but_complete_is_no_loss() {
        for stall_s in [0.05, 0.5, 3.0, 30.0] {
            // What was held up comes at once, or at up to nine tenths of its own pace.
            for pace in [0.0, 0.1, 0.5, 0.9] {
                let mut device = Device::new(100.0);
                (device.pace, device.stamps) = (pace, false);
                device.run(5.0, 256, 2.0 * MS, 0);
                device.blocked_until_ns = device.now_ns() + stall_s * 1e9;
                device.run(stall_s + 20.0, 256, 2.0 * MS, 1);
                device.run(15.0 * stall_s, 256, 2.0 * MS, 1);
                assert_eq!(device.found, 0, "after {stall_s} s at {pace}");
            }
        }
    }

    #[test]
    fn a_latency_that_grows_for_good_is_no_loss() {
        let mut device = Device::new(0.0);
        device.run(5.0, 256, 2.0 * MS, 0);
        device.latency_ns += 200.0 * MS;
        device.run(20.0, 256, 2.0 * MS, 0);
        assert_eq!(device.found, 0);
    }

    #[test]
    fn lost_frames_are_found_to_within_the_jitter() {
        for (lost, xruns) in [(48_000.0, 0), (144_000.0, 0), (4_800.0, 0), (1_000.0, 1)] {
            let mut device = Device::new(200.0);
            device.run(10.0, 256, 1.0 * MS, 0);
            device.frames += lost;
            device.run(5.0, 256, 1.0 * MS, xruns);
            let error = device.found as f64 - lost;
            // The clock's error over the loss and three windows, and the least of jitter up to 48.
            let bound = 200e-6 * (lost + 0.75 * 48_000.0) + 17.0;
            assert!(error.abs() < bound, "{} of {lost} found", device.found);
            device.run(60.0, 256, 1.0 * MS, xruns);
            let error = device.found as f64 - lost;
            assert!(
                error.abs() < bound,
                "{} of {lost} found at last",
                device.found
            );
        }
    }
}
