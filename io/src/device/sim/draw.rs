//! Schedules by chance.

use super::random::Random;
use super::{FaultKind, Refusal, Schedule, SimDevice};

const US: u64 = 1_000;
const MS: u64 = 1_000 * US;
const SECOND: u64 = 1_000 * MS;
/// An hour in nanoseconds.
const HOUR: f64 = 3_600e9;

/// Stalls an hour of a light schedule, of all devices together, and their length.
const STALLS: f64 = 60.0;
const STALL_NS: u64 = 20 * MS;
/// Changes an hour of the length of its blocks, for each device.
const PERIODS: f64 = 6.0;
/// Blocks that a device changes to, in frames.
const BLOCKS: [usize; 6] = [64, 128, 256, 441, 480, 512];
/// Mean time between two faults of a heavy schedule, for each device, in nanoseconds.
const HEAVY_NS: f64 = 6e9;
/// Rates at which a device comes back, in hertz.
const RATES: [u32; 4] = [32_000, 44_100, 48_000, 96_000];

/// How much befalls the devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// Nothing.
    None,
    /// What a healthy machine does: about one stall of 20 ms a minute, at any of the devices, and for
    /// each device and hour about six changes of its blocks' length, to 64 to 512 frames.
    Light,
    /// All kinds, about every six seconds. Stalls last for up to 300 ms, some for up to 5 s; one fault in
    /// a hundred makes a stream silent; what depends on the device's format fits it.
    Heavy,
}

pub(super) fn schedule(seed: u64, hours: f64, devices: &[SimDevice], level: Level) -> Schedule {
    let mut schedule = Schedule::default();
    for (number, device) in (0..).zip(devices) {
        let mut draw = Draw {
            random: Random::new(seed, number),
            until_ns: hours * HOUR,
            stalls: STALLS / devices.len() as f64,
            sample_rate_hz: device.sample_rate_hz,
            device,
            schedule: &mut schedule,
        };
        match level {
            Level::None => {}
            Level::Light => draw.light(),
            Level::Heavy => draw.heavy(),
        }
    }
    schedule.entries.sort_by_key(|entry| entry.fault.at_ns);
    schedule
}

/// What is drawn for one device.
struct Draw<'a> {
    random: Random,
    until_ns: f64,
    /// Stalls an hour of a light schedule.
    stalls: f64,
    /// What it claims by then.
    sample_rate_hz: u32,
    device: &'a SimDevice,
    schedule: &'a mut Schedule,
}

impl Draw<'_> {
    fn light(&mut self) {
        for (is_stall, an_hour) in [(true, self.stalls), (false, PERIODS)] {
            let mut time_ns = self.random.exponential(HOUR / an_hour);
            while time_ns < self.until_ns {
                let fault = if is_stall {
                    FaultKind::Stall { for_ns: STALL_NS }
                } else {
                    let block = self.random.whole(0, BLOCKS.len() as u64 - 1);
                    FaultKind::Period {
                        frames: BLOCKS[block as usize],
                    }
                };
                self.push(time_ns as u64, fault);
                time_ns += self.random.exponential(HOUR / an_hour);
            }
        }
    }

    fn heavy(&mut self) {
        let mut time_ns = self.random.exponential(HEAVY_NS);
        while time_ns < self.until_ns {
            let lasted_ns = self.heavy_one(time_ns as u64);
            time_ns += lasted_ns as f64 + self.random.exponential(HEAVY_NS);
        }
    }

    /// One fault, or two that belong together; returns how long it takes until all is said.
    fn heavy_one(&mut self, at_ns: u64) -> u64 {
        let fault = match self.random.whole(0, 99) {
            0..=16 => FaultKind::Stall {
                for_ns: self.time(MS, 300 * MS),
            },
            // So long that it is opened again, and silent still.
            17..=19 => FaultKind::Stall {
                for_ns: self.time(300 * MS, 5 * SECOND),
            },
            20..=34 => self.xrun(8_192),
            35..=44 => FaultKind::Double,
            45..=54 => FaultKind::Merge,
            55..=62 => FaultKind::Miss,
            63..=70 => self.floor(8 * MS),
            71..=76 => FaultKind::Period {
                frames: self.random.whole(16, 2_048) as usize,
            },
            77..=82 => FaultKind::Errors {
                count: self.random.whole(1, 5) as u32,
            },
            83..=86 => return self.other_rate(at_ns),
            87..=91 => FaultKind::Unplug {
                for_ns: self.time(10 * MS, 5 * SECOND),
            },
            92..=94 => return self.back_otherwise(at_ns),
            95..=97 => {
                // Nobody sees a refusal who need not open.
                let for_ns = self.time(10 * MS, 500 * MS);
                self.push(at_ns, FaultKind::Unplug { for_ns });
                self.refusal()
            }
            98 => FaultKind::Silence,
            _ => return self.storm(at_ns),
        };
        self.push(at_ns, fault);
        0
    }

    /// The rate is off by up to 1 percent for a while.
    fn other_rate(&mut self, at_ns: u64) -> u64 {
        let rate = u64::from(self.sample_rate_hz);
        let sample_rate_hz = self.random.whole(rate * 99 / 100, rate * 101 / 100) as u32;
        let lasts_ns = self.time(SECOND, 20 * SECOND);
        self.push(at_ns, FaultKind::Rate { sample_rate_hz });
        let sample_rate_hz = self.sample_rate_hz;
        self.push(at_ns + lasts_ns, FaultKind::Rate { sample_rate_hz });
        lasts_ns
    }

    /// Errors for longer than a stall, and no callback meanwhile.
    fn storm(&mut self, at_ns: u64) -> u64 {
        let for_ns = 400 * MS;
        self.push(at_ns, FaultKind::Stall { for_ns });
        for after_ns in [0, 350 * MS] {
            self.push(at_ns + after_ns, FaultKind::Errors { count: 60 });
        }
        for_ns
    }

    fn back_otherwise(&mut self, at_ns: u64) -> u64 {
        let channels = |random: &mut Random, had: usize| match had {
            0 => 0,
            // What is routed to its channels has to be heard again.
            _ => random.whole(had as u64, had as u64 + 1) as usize,
        };
        self.sample_rate_hz = RATES[self.random.whole(0, RATES.len() as u64 - 1) as usize];
        let for_ns = match self.random.whole(0, 2) {
            0 => 0,
            _ => self.time(10 * MS, 3 * SECOND),
        };
        let back = FaultKind::Return {
            for_ns,
            sample_rate_hz: self.sample_rate_hz,
            input_channels: channels(&mut self.random, self.device.input_channels),
            output_channels: channels(&mut self.random, self.device.output_channels),
        };
        self.push(at_ns, back);
        for_ns
    }

    fn refusal(&mut self) -> FaultKind {
        FaultKind::Refuse {
            for_ns: self.time(500 * MS, 3 * SECOND),
            answer: match self.random.whole(0, 2) {
                0 => Refusal::Busy,
                1 => Refusal::Denied,
                _ => Refusal::Broken,
            },
        }
    }

    fn xrun(&mut self, most: u64) -> FaultKind {
        FaultKind::Xrun {
            lost_frames: self.random.whole(1, most),
        }
    }

    fn floor(&mut self, most_ns: u64) -> FaultKind {
        FaultKind::Floor {
            late_ns: self.time(0, most_ns),
        }
    }

    fn time(&mut self, least_ns: u64, most_ns: u64) -> u64 {
        self.random.whole(least_ns / US, most_ns / US) * US
    }

    fn push(&mut self, at_ns: u64, kind: FaultKind) {
        self.schedule.push(&self.device.name, at_ns / US * US, kind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn devices() -> [SimDevice; 2] {
        [SimDevice::new("mic", 1, 0), SimDevice::new("speaker", 0, 2)]
    }

    fn is(schedule: &Schedule, wanted: impl Fn(&FaultKind) -> bool) -> usize {
        let kinds = schedule.entries.iter().map(|entry| &entry.fault.kind);
        kinds.filter(|kind| wanted(kind)).count()
    }

    #[test]
    fn a_light_day_has_as_many_faults_as_said() {
        let schedule = Schedule::random(4, 24.0, &devices(), Level::Light);
        // 24 h: 1440 stalls are expected, and of 2 devices 288 changes, give or take the root of each.
        let near = |found: usize, mean: f64| (found as f64 - mean).abs() < 4.0 * mean.sqrt();
        let stalls = is(&schedule, |kind| {
            *kind == FaultKind::Stall { for_ns: STALL_NS }
        });
        let periods = is(
            &schedule,
            |kind| matches!(kind, FaultKind::Period { frames } if BLOCKS.contains(frames)),
        );
        assert!(near(stalls, 1_440.0), "{stalls}");
        assert!(near(periods, 288.0), "{periods}");
        assert_eq!(stalls + periods, schedule.entries.len());
        assert!(near(schedule.faults("mic").len(), 864.0));
        // However many they are, they stall once a minute in all.
        let many: Vec<SimDevice> = (0..5)
            .map(|number| SimDevice::new(&format!("mic{number}"), 1, 0))
            .collect();
        let schedule = Schedule::random(4, 24.0, &many, Level::Light);
        let stalls = is(&schedule, |kind| matches!(kind, FaultKind::Stall { .. }));
        assert!(near(stalls, 1_440.0), "{stalls}");
        let late = |entry: &super::super::Scheduled| entry.fault.at_ns as f64 > 24.0 * HOUR;
        assert!(!schedule.entries.iter().any(late));
        let nothing = Schedule::random(4, 24.0, &devices(), Level::None);
        assert_eq!(nothing, Schedule::default());
    }

    #[test]
    fn a_heavy_day_has_every_kind_and_fits_the_devices() {
        let schedule = Schedule::random(4, 24.0, &devices(), Level::Heavy);
        let kinds: std::collections::BTreeSet<String> = schedule
            .entries
            .iter()
            .map(|entry| entry.fault.kind.to_string())
            .map(|text| text.split(' ').next().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(kinds.len(), 13, "{kinds:?}");
        for entry in &schedule.entries {
            if let FaultKind::Return {
                input_channels,
                output_channels,
                ..
            } = entry.fault.kind
            {
                assert_eq!(input_channels == 0, entry.device == "speaker");
                assert_eq!(output_channels == 0, entry.device == "mic");
            }
        }
    }

    #[test]
    fn a_device_never_runs_far_from_the_rate_it_claims() {
        let [device, _] = devices();
        let schedule = Schedule::random(6, 4.0, &devices(), Level::Heavy);
        let mut faults = schedule.faults("mic");
        // The others say nothing of rates.
        faults.retain(|fault| {
            matches!(
                fault.kind,
                FaultKind::Return { .. } | FaultKind::Rate { .. }
            )
        });
        let device = SimDevice { faults, ..device };
        let (mut clock, mut rates) = (device.clock(), Vec::new());
        for second in 0..4 * 3_600 {
            let (from_ns, until_ns) = (second * SECOND, (second + 1) * SECOND);
            let claims = [from_ns, until_ns].map(|ns| device.format(ns).sample_rate_hz);
            if claims[0] == claims[1] {
                let rate = clock.frame(until_ns as f64) - clock.frame(from_ns as f64);
                let claimed = f64::from(claims[0]);
                assert!(
                    (rate / claimed - 1.0).abs() < 0.011,
                    "{from_ns}: {rate} {claimed}"
                );
                rates.push(claims[0]);
            }
        }
        rates.sort_unstable();
        rates.dedup();
        assert_eq!(rates, RATES);
    }

    #[test]
    fn nothing_happens_to_a_device_that_comes_back_as_another_until_it_is_back() {
        let mut away = 0;
        for seed in 0..10 {
            let schedule = Schedule::random(seed, 24.0, &devices(), Level::Heavy);
            for pair in schedule.faults("mic").windows(2) {
                if let FaultKind::Return { for_ns, .. } = pair[0].kind {
                    assert!(pair[1].at_ns >= pair[0].at_ns + for_ns, "{pair:?}");
                    away += usize::from(for_ns > SECOND);
                }
            }
        }
        assert!(away > 1_000, "{away}");
    }

    #[test]
    fn a_seed_gives_one_schedule_on_every_machine() {
        let schedule = |seed| Schedule::random(seed, 0.02, &devices(), Level::Heavy);
        assert_eq!(schedule(1), schedule(1));
        assert_ne!(schedule(1), schedule(2));
        // By the same arithmetic in another language (Python). A machine that draws otherwise could
        // not replay another's seed.
        let text = schedule(1).to_string();
        let first: Vec<&str> = text.lines().take(2).collect();
        let expected = [
            "1001968us mic stall 279377us",
            "4542054us speaker unplug 49846us",
        ];
        assert_eq!(first, expected);
    }
}
