//! A device's clock: which of its frames begins at which virtual time.
//!
//! The frame count is the integral of the actual rate, and the rate that of the converter times one
//! plus the drifts' error. Both are known in closed form, so that a day holds as exactly as a
//! second: to the last digits of an `f64`, 16 ps of 24 h.

use super::drift::Drifts;

/// Newton's steps until a time is found. Two are usual; more where the error changes much meanwhile.
const STEPS: usize = 64;
/// A step of Newton's behind which the time is known, in nanoseconds: the next would be smaller by the
/// change of the error meanwhile, 0.2 at the very most.
const SMALL_NS: f64 = 0.1;
/// Part of a frame that is lost in the last digits.
const FRAME_DIGITS: f64 = 1e-5;

/// Frames against virtual time, from frame 0 at time 0.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    /// By time; the first is at 0.
    stretches: Vec<Stretch>,
    drifts: Drifts,
}

/// A time over which the converter's rate is one number.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    from_ns: f64,
    /// What has passed until then: frames, and nanoseconds the drifts are ahead.
    frame: f64,
    ahead_ns: f64,
    frames_per_ns: f64,
}

impl Clock {
    /// A clock at a rate, and the rates it changes to, each with its virtual time.
    pub(super) fn new(sample_rate_hz: u32, changes: &[(u64, u32)], mut drifts: Drifts) -> Self {
        let mut changes = changes.to_vec();
        changes.sort_by_key(|&(at_ns, _)| at_ns);
        let mut stretches = vec![Stretch {
            from_ns: 0.0,
            frame: 0.0,
            ahead_ns: 0.0,
            frames_per_ns: f64::from(sample_rate_hz) * 1e-9,
        }];
        for (at_ns, hz) in changes {
            let from_ns = at_ns as f64;
            let ahead_ns = drifts.at(from_ns).0;
            let last = stretches[stretches.len() - 1];
            stretches.push(Stretch {
                from_ns,
                frame: last.frame(from_ns, ahead_ns),
                ahead_ns,
                frames_per_ns: f64::from(hz) * 1e-9,
            });
        }
        Self { stretches, drifts }
    }

    /// The frame, with its part, that the device is at.
    pub(super) fn frame(&mut self, time_ns: f64) -> f64 {
        let passed = self.stretches.partition_point(|s| s.from_ns <= time_ns);
        let stretch = self.stretches[passed.max(1) - 1];
        stretch.frame(time_ns, self.drifts.at(time_ns).0)
    }

    /// The first frame that begins at `time_ns` or later.
    pub(super) fn frame_from(&mut self, time_ns: u64) -> u64 {
        (self.frame(time_ns as f64) - FRAME_DIGITS).ceil() as u64
    }

    /// Virtual time in nanoseconds at which a frame begins; `near_ns` is a guess.
    pub(super) fn time_ns(&mut self, frame: f64, near_ns: f64) -> f64 {
        let stretch = match &self.stretches[..] {
            [only] => *only,
            many => many[many.partition_point(|s| s.frame <= frame).max(1) - 1],
        };
        let own_ns = (frame - stretch.frame) / stretch.frames_per_ns;
        let mut time_ns = near_ns;
        for _ in 0..STEPS {
            let (ahead_ns, error) = self.drifts.at(time_ns);
            let passed_ns = time_ns - stretch.from_ns + (ahead_ns - stretch.ahead_ns);
            let step_ns = (own_ns - passed_ns) / (1.0 + error);
            time_ns += step_ns;
            if step_ns.abs() <= SMALL_NS + time_ns.abs() * 2.0 * f64::EPSILON {
                break;
            }
        }
        time_ns
    }
}

impl Stretch {
    fn frame(&self, time_ns: f64, ahead_ns: f64) -> f64 {
        let own_ns = time_ns - self.from_ns + (ahead_ns - self.ahead_ns);
        self.frame + own_ns * self.frames_per_ns
    }
}

#[cfg(test)]
mod tests {
    use super::super::Drift;
    use super::*;

    const SECOND_NS: u64 = 1_000_000_000;
    const DAY_NS: f64 = 86_400e9;

    fn wild() -> Clock {
        let drifts = [
            Drift::Step {
                at_ns: 7 * SECOND_NS,
                ppm: 400.0,
            },
            Drift::Ramp {
                from_ns: SECOND_NS,
                until_ns: 3_000 * SECOND_NS,
                ppm_per_s: 0.3,
            },
            Drift::Sine { ppm: 90.0, hz: 0.7 },
            Drift::Walk {
                ppm_per_sqrt_s: 0.1,
                seed: 3,
            },
        ];
        let changes = [(50_000 * SECOND_NS, 48_000), (100 * SECOND_NS, 44_100)];
        Clock::new(48_000, &changes, Drifts::new(-250.0, &drifts))
    }

    #[test]
    fn frames_and_times_are_each_others_inverse_over_a_day() {
        let mut clock = wild();
        for part in 0..10_000 {
            let time_ns = DAY_NS / 9_999.0 * f64::from(part);
            let frame = clock.frame(time_ns);
            for near_ns in [0.0, time_ns, time_ns + 1e6] {
                let back_ns = clock.time_ns(frame, near_ns);
                // A frame of 4e9 is known to 5e-7, which is 10 ps.
                assert!(
                    (back_ns - time_ns).abs() < 0.1,
                    "{time_ns}: {back_ns} from {near_ns}"
                );
            }
        }
    }

    #[test]
    fn a_day_at_a_constant_error_is_exact() {
        // 86,400 s of 48 kHz and 100 ppm more are 4,147,614,720 frames.
        let mut clock = Clock::new(48_000, &[], Drifts::new(100.0, &[]));
        assert!((clock.frame(DAY_NS) - 4_147_614_720.0).abs() < 1e-5);
        assert!((clock.time_ns(4_147_614_720.0, 0.0) - DAY_NS).abs() < 0.1);
        assert_eq!(clock.frame_from(86_400 * SECOND_NS), 4_147_614_720);
    }

    #[test]
    fn rates_hold_from_their_times_on() {
        let mut clock = Clock::new(
            48_000,
            &[(10 * SECOND_NS, 44_100), (20 * SECOND_NS, 96_000)],
            Drifts::new(0.0, &[]),
        );
        assert!((clock.frame(10e9) - 480_000.0).abs() < 1e-6);
        assert!((clock.frame(15e9) - 700_500.0).abs() < 1e-6);
        assert!((clock.frame(21e9) - 1_017_000.0).abs() < 1e-6);
        assert!((clock.time_ns(700_500.0, 0.0) - 15e9).abs() < 1e-3);
    }
}
