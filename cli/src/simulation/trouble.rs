//! What the faults of a simulation explain: when a device could not be heard, and when its bridge had
//! to find itself again.

use ossicle::io::device::sim::{Fault, FaultKind, Schedule, SimDevice};

use super::devices::RATE_HZ;

const MS: f64 = 1e6;
const SECOND: f64 = 1e9;
/// Silence behind a fault that is over: what is played in 50 ms; behind a device that is there again
/// in 100 ms, and as long as the session may take until it looks.
const RECOVERS_NS: f64 = 50.0 * MS;
const RETURNS_NS: f64 = 100.0 * MS;
const LOOK_NS: f64 = 20.0 * MS;
/// What is missing is heard to be missing so much later, and blocks: the most lateness that a bridge
/// waits for.
const LATENCY_NS: f64 = 80.0 * MS;
/// A device that does not call is noticed after so long, or after four blocks.
const NOTICED_NS: f64 = 250.0 * MS;
/// A new session, or device, may take so long until it is heard.
const BEGINS_NS: f64 = 3.0 * SECOND;
/// The delay is where it is told to be so long behind a stall or lost frames; and so long behind what
/// changes a clock, a lateness or a block.
const BACK_NS: f64 = 1.0 * SECOND;
const SETTLES_NS: f64 = 30.0 * SECOND;

/// A fault of a device, in nanoseconds.
struct Trouble {
    device: String,
    from_ns: f64,
    /// No sound need come before.
    silent_until_ns: f64,
    /// The delay need not be right before.
    off_until_ns: f64,
    /// The device is away.
    away_ns: f64,
    is_loss: bool,
    /// It may be told as a loss, or as a stall.
    may_be_loss: bool,
    changes_rate: bool,
}

/// All faults of a run, by time.
pub struct Troubles(Vec<Trouble>);

impl Troubles {
    pub fn new(schedule: &Schedule, devices: &[SimDevice]) -> Self {
        let mut troubles = Vec::new();
        for device in devices {
            let mut faults = schedule.faults(&device.name);
            faults.sort_by_key(|fault| fault.at_ns);
            let period = device.blocks_longest(&faults);
            let block_ns = period as f64 * SECOND / f64::from(RATE_HZ);
            troubles.extend(of_device(&device.name, &faults, block_ns));
        }
        troubles.sort_by(|a, b| a.from_ns.total_cmp(&b.from_ns));
        Self(troubles)
    }

    /// Whether there are none.
    pub fn none(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether no fault of these devices is near.
    pub fn is_calm(&self, now_ns: u64, devices: &[&str]) -> bool {
        let now = now_ns as f64;
        now > 15.0 * SECOND
            && !self
                .0
                .iter()
                .take_while(|trouble| trouble.from_ns <= now)
                .any(|trouble| {
                    trouble.off_until_ns >= now && devices.contains(&trouble.device.as_str())
                })
    }

    /// Whether faults of these devices cover a time without sound.
    pub fn explain(&self, from_ns: f64, to_ns: f64, devices: &[&str]) -> bool {
        // A silence begins with the fade of what was there before, so a little before its fault may
        // it begin where blocks are long.
        let mut covered = if from_ns < BEGINS_NS {
            BEGINS_NS
        } else {
            from_ns
        };
        for trouble in &self.0 {
            if trouble.from_ns - 60.0 * MS <= covered && devices.contains(&trouble.device.as_str())
            {
                covered = covered.max(trouble.silent_until_ns);
            }
            if covered >= to_ns {
                return true;
            }
        }
        covered >= to_ns
    }

    /// How long a device is away in all, in nanoseconds.
    pub fn away_ns(&self, device: &str) -> f64 {
        self.of(device).map(|trouble| trouble.away_ns).sum()
    }

    /// Whether a device runs at another rate for a while.
    pub fn changes_rate(&self, device: &str) -> bool {
        self.of(device).any(|trouble| trouble.changes_rate)
    }

    /// Losses of a device.
    pub fn losses(&self, device: &str) -> usize {
        self.of(device)
            .filter(|trouble| trouble.is_loss || trouble.may_be_loss)
            .count()
    }

    /// How many losses of a device must, and may, be told.
    pub fn losses_told(&self, device: &str) -> (usize, usize) {
        let sure = self.of(device).filter(|trouble| trouble.is_loss).count();
        (sure, self.losses(device))
    }

    fn of<'a>(&'a self, device: &'a str) -> impl Iterator<Item = &'a Trouble> {
        self.0
            .iter()
            .filter(move |trouble| trouble.device == device)
    }
}

/// The longest block of a device.
trait Longest {
    fn blocks_longest(&self, faults: &[Fault]) -> usize;
}

impl Longest for SimDevice {
    fn blocks_longest(&self, faults: &[Fault]) -> usize {
        let own = match &self.blocks {
            ossicle::io::device::sim::Blocks::Fixed(frames) => *frames,
            ossicle::io::device::sim::Blocks::List(list) => list.iter().copied().max().unwrap_or(1),
            ossicle::io::device::sim::Blocks::Random { max } => *max,
        };
        let later = faults.iter().filter_map(|fault| match fault.kind {
            FaultKind::Period { frames } => Some(frames),
            _ => None,
        });
        later.fold(own, usize::max)
    }
}

fn of_device(name: &str, faults: &[Fault], block_ns: f64) -> Vec<Trouble> {
    let mut troubles: Vec<Trouble> = Vec::new();
    let mut away_until_ns = 0.0_f64;
    let mut rate_back_ns = 0.0_f64;
    for fault in faults {
        let at = fault.at_ns as f64;
        let is_there = at >= away_until_ns;
        // What is not noticed at once is noticed at a look; a block later it is heard.
        let recovers = RECOVERS_NS + LATENCY_NS + 4.0 * block_ns;
        let returns = RETURNS_NS + LOOK_NS + LATENCY_NS + 4.0 * block_ns;
        let noticed = NOTICED_NS.max(4.0 * block_ns) + LOOK_NS;
        let mut trouble = Trouble {
            device: name.to_owned(),
            from_ns: at,
            silent_until_ns: at + recovers,
            off_until_ns: at + SETTLES_NS,
            away_ns: 0.0,
            is_loss: false,
            may_be_loss: false,
            changes_rate: false,
        };
        match fault.kind {
            FaultKind::Stall { for_ns } => {
                let end = at + for_ns as f64;
                trouble.silent_until_ns = end + recovers.max(returns);
                trouble.off_until_ns = end + BACK_NS;
                if for_ns as f64 > NOTICED_NS {
                    // It is opened again, and what was learned in the last calls with it.
                    trouble.silent_until_ns = end + noticed + returns;
                    trouble.off_until_ns = end + SETTLES_NS;
                    trouble.may_be_loss = true;
                }
            }
            FaultKind::Xrun { lost_frames } => {
                // It may have come back at another rate.
                let lost_ns = lost_frames as f64 * SECOND / 32_000.0;
                trouble.silent_until_ns = at + lost_ns + recovers;
                trouble.off_until_ns = at + lost_ns + BACK_NS;
            }
            FaultKind::Unplug { for_ns } | FaultKind::Return { for_ns, .. } => {
                let end = at + for_ns as f64;
                trouble.is_loss = is_there;
                trouble.may_be_loss = true;
                trouble.away_ns = for_ns as f64;
                away_until_ns = away_until_ns.max(end + LOOK_NS + 40.0 * MS);
                trouble.silent_until_ns = end + returns;
                trouble.off_until_ns = end + SETTLES_NS;
                if let FaultKind::Return { .. } = fault.kind {
                    // At another rate nothing is known of its clock.
                    trouble.silent_until_ns = end + BEGINS_NS;
                    trouble.changes_rate = true;
                }
            }
            FaultKind::Refuse { for_ns, .. } => {
                let end = at + for_ns as f64;
                away_until_ns = away_until_ns.max(end + LOOK_NS + 40.0 * MS);
                trouble.silent_until_ns = end + returns;
                trouble.off_until_ns = end + SETTLES_NS;
            }
            FaultKind::Silence => trouble.silent_until_ns = at + noticed + returns,
            FaultKind::Errors { count } if count > 5 => {
                trouble.may_be_loss = true;
                trouble.silent_until_ns = at + 400.0 * MS + noticed + returns;
            }
            FaultKind::Errors { .. } => trouble.silent_until_ns = at,
            FaultKind::Rate { sample_rate_hz } => {
                trouble.changes_rate = true;
                // As long as it is off, and until the clock is known again.
                let _ = sample_rate_hz;
                trouble.silent_until_ns = at + 25.0 * SECOND;
                trouble.off_until_ns = at + 60.0 * SECOND;
                rate_back_ns = rate_back_ns.max(trouble.off_until_ns);
            }
            _ => {}
        }
        trouble.off_until_ns = trouble.off_until_ns.max(rate_back_ns);
        troubles.push(trouble);
    }
    troubles
}
