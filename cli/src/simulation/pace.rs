//! How many frames a session takes: by the clock of its speaker while that calls, by the world's while
//! it is away, or there at another rate.

use ossicle::io::device::sim::{FaultKind, Schedule, Sim};

use super::devices::{RATE_HZ, SPEAKER};

/// From when on, in nanoseconds, the speaker calls, and from when on it does not; by time.
#[derive(Debug, PartialEq)]
pub struct Pace(Vec<(f64, bool)>);

impl Pace {
    pub fn new(schedule: &Schedule) -> Self {
        let mut faults = schedule.faults(SPEAKER);
        faults.sort_by_key(|fault| fault.at_ns);
        let (mut changes, mut back_ns, mut rate_hz) = (vec![(0.0, true)], 0.0_f64, RATE_HZ);
        for fault in faults {
            let at = fault.at_ns as f64;
            let (for_ns, hz) = match fault.kind {
                FaultKind::Unplug { for_ns } => (for_ns, rate_hz),
                FaultKind::Return {
                    for_ns,
                    sample_rate_hz,
                    ..
                } => (for_ns, sample_rate_hz),
                _ => continue,
            };
            if at >= back_ns {
                changes.push((back_ns, rate_hz == RATE_HZ));
                changes.push((at, false));
            }
            back_ns = back_ns.max(at + for_ns as f64);
            rate_hz = hz;
        }
        changes.push((back_ns, rate_hz == RATE_HZ));
        Self(changes)
    }

    /// Frames from the beginning until now.
    pub fn frames(&self, sim: &Sim) -> f64 {
        let now = sim.now_ns() as f64;
        let ends = self.0.iter().skip(1).map(|change| change.0);
        let stretches = self.0.iter().zip(ends.chain([f64::INFINITY]));
        let frames = |(&(from_ns, calls), until_ns): (&(f64, bool), f64)| {
            let (from_ns, until_ns) = (from_ns.min(now), until_ns.min(now));
            let of_speaker = |ns| sim.device_frame(SPEAKER, ns).unwrap_or(0.0);
            match calls {
                true => of_speaker(until_ns) - of_speaker(from_ns),
                false => (until_ns - from_ns) * 1e-9 * f64::from(RATE_HZ),
            }
        };
        stretches.map(frames).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ossicle::io::device::sim::SimDevice;
    use std::time::Duration;

    #[test]
    fn frames_are_those_of_whoever_calls() {
        let text = "10s speaker unplug 5s\n20s speaker return 0s 44100hz 0in 1out\n\
                    30s speaker return 1s 48000hz 0in 1out\n";
        let schedule: Schedule = text.parse().unwrap();
        let sim = Sim::new(1);
        sim.plug(SimDevice {
            rate_error_ppm: 1_000.0,
            faults: schedule.faults(SPEAKER),
            ..SimDevice::new(SPEAKER, 0, 1)
        })
        .unwrap();
        sim.run_for(Duration::from_secs(41));
        // Of 41 s it calls for 10, 5 and 10, a thousandth too fast.
        let frames = Pace::new(&schedule).frames(&sim);
        assert!((frames - 48_000.0 * 41.025).abs() < 1.0, "{frames}");
    }
}
