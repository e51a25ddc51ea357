//! What the faults of a simulation explain: when a device could not be heard, and when its bridge had
//! to find itself again.

use ossicle::io::device::sim::{Blocks, Fault, FaultKind, Schedule, SimDevice};

const MS: f64 = 1e6;
const SECOND: f64 = 1e9;
/// Silence behind a fault that is over: what is played in 50 ms; behind a device that is there again
/// in 100 ms and its first block.
const RECOVERS_NS: f64 = 50.0 * MS;
const RETURNS_NS: f64 = 100.0 * MS;
const LOOK_NS: f64 = 20.0 * MS;
/// A silence begins with the fade of what was there before, so much before its fault.
const FADES_NS: f64 = 10.0 * MS;
/// A fault says nothing any more so long behind the end of all that it explains.
const FORGOTTEN_NS: f64 = 60.0 * SECOND;
/// A device that does not call is noticed after so long, or after four blocks.
pub const NOTICED_NS: f64 = 250.0 * MS;
/// A new session, or device, may take so long until it is heard.
pub const BEGINS_NS: f64 = 3.0 * SECOND;
/// The delay is where it is told to be so long behind a stall or lost frames; and so long behind what
/// changes a clock, a lateness or a block.
pub const BACK_NS: f64 = 1.0 * SECOND;
/// A recovery is watched for so long beyond.
const RECOVERY_NS: f64 = 3.0 * SECOND;
const SETTLES_NS: f64 = 30.0 * SECOND;

/// A fault of a device, in nanoseconds.
struct Trouble {
    device: String,
    /// What it is, in a word.
    word: String,
    at_ns: f64,
    /// What it silences may be as old: frames of the block that was due.
    from_ns: f64,
    /// No sound need come before, beyond the bridge's delay.
    silent_until_ns: f64,
    /// The delay need not be right before.
    off_until_ns: f64,
    /// When the device is there again.
    there_ns: Option<f64>,
    /// When it is over, where the delay has to be right again soon behind.
    recovers_from_ns: Option<f64>,
    /// The device is away.
    away_ns: f64,
    /// It may be lost, or stop.
    is_loss: bool,
    /// It runs at another rate than it claims.
    is_off_rate: bool,
}

/// All faults of a run, by time.
pub struct Troubles {
    all: Vec<Trouble>,
    /// Those before say nothing any more.
    first: usize,
}

impl Troubles {
    pub fn new(schedule: &Schedule, devices: &[SimDevice]) -> Self {
        let mut all = Vec::new();
        for device in devices {
            let mut faults = schedule.faults(&device.name);
            faults.sort_by_key(|fault| fault.at_ns);
            all.extend(of_device(device, &faults));
        }
        all.sort_by(|a: &Trouble, b| a.at_ns.total_cmp(&b.at_ns));
        Self { all, first: 0 }
    }

    /// Whether there are none.
    pub fn none(&self) -> bool {
        self.all.is_empty()
    }

    /// How many have begun.
    pub fn begun(&self, now_ns: u64) -> usize {
        self.all
            .partition_point(|trouble| trouble.at_ns <= now_ns as f64)
    }

    /// Passes over those that say nothing any more.
    pub fn pass(&mut self, now_ns: u64) {
        let until = now_ns as f64 - FORGOTTEN_NS;
        let is_over = |trouble: &Trouble| trouble.off_until_ns.max(trouble.silent_until_ns) < until;
        while self.all.get(self.first).is_some_and(is_over) {
            self.first += 1;
        }
    }

    /// Whether no fault of these devices is near.
    pub fn is_calm(&self, now_ns: u64, devices: &[&str]) -> bool {
        let now = now_ns as f64;
        now > 15.0 * SECOND
            && !self.all[self.first..]
                .iter()
                .take_while(|trouble| trouble.at_ns <= now)
                .any(|trouble| {
                    trouble.off_until_ns >= now && devices.contains(&trouble.device.as_str())
                })
    }

    /// When the only fault ended that is near and from which these devices recover at once: a stall
    /// that is not noticed, or lost frames.
    pub fn recovering_from(&self, now_ns: u64, devices: &[&str]) -> Option<f64> {
        let now = now_ns as f64;
        let mut near = self.all[self.first..]
            .iter()
            .take_while(|trouble| trouble.at_ns <= now)
            .filter(|trouble| devices.contains(&trouble.device.as_str()))
            .filter(|trouble| trouble.off_until_ns + RECOVERY_NS >= now);
        match (near.next(), near.next()) {
            (Some(only), None) if now > 15.0 * SECOND => {
                only.recovers_from_ns.filter(|&ended| ended <= now)
            }
            _ => None,
        }
    }

    /// Whether faults of these devices cover a time without sound, heard `delay_ns` late.
    pub fn explain(&self, from_ns: f64, to_ns: f64, delay_ns: f64, devices: &[&str]) -> bool {
        let mut covered = from_ns.max(BEGINS_NS);
        for trouble in &self.all[self.first..] {
            if covered >= to_ns || trouble.at_ns > to_ns + SECOND {
                break;
            }
            if trouble.from_ns <= covered && devices.contains(&trouble.device.as_str()) {
                covered = covered.max(trouble.silent_until_ns + delay_ns);
            }
        }
        covered >= to_ns
    }

    /// The fault of these devices that a silence, heard `delay_ns` late, outlived, in a word, and when
    /// its device was there again, in nanoseconds: of several the last. A device that is off its rate
    /// is there all the time: its silence counts from its own beginning, where nothing else explains it.
    pub fn back(
        &self,
        from_ns: f64,
        to_ns: f64,
        delay_ns: f64,
        devices: &[&str],
    ) -> Option<(&str, f64)> {
        let over = self.all[self.first..]
            .iter()
            .take_while(|trouble| trouble.at_ns <= to_ns)
            .filter(|trouble| devices.contains(&trouble.device.as_str()))
            .filter(|trouble| from_ns <= trouble.silent_until_ns + delay_ns)
            .filter_map(|trouble| Some((trouble, trouble.there_ns?)));
        let (last, there_ns) = over.clone().max_by(|a, b| a.1.total_cmp(&b.1))?;
        if there_ns > to_ns {
            return None;
        }
        let mut off_rate = over.filter(|(trouble, _)| trouble.is_off_rate);
        match off_rate.next() {
            None => Some((&last.word, there_ns)),
            Some(_) if last.is_off_rate => Some((&last.word, from_ns.max(there_ns))),
            Some(_) => None,
        }
    }

    /// The last fault of these devices before a time, in a word: `stall`.
    pub fn last_before(&self, ns: f64, devices: &[&str]) -> Option<&str> {
        let before = self.all[self.first..]
            .iter()
            .take_while(|trouble| trouble.from_ns <= ns);
        let of_these = before.filter(|trouble| devices.contains(&trouble.device.as_str()));
        of_these.last().map(|trouble| trouble.word.as_str())
    }

    /// How long a device is away in all, in nanoseconds.
    pub fn away_ns(&self, device: &str) -> f64 {
        self.of(device).map(|trouble| trouble.away_ns).sum()
    }

    /// Losses of a device.
    pub fn losses(&self, device: &str) -> usize {
        self.of(device).filter(|trouble| trouble.is_loss).count()
    }

    fn of<'a>(&'a self, device: &'a str) -> impl Iterator<Item = &'a Trouble> {
        self.all
            .iter()
            .filter(move |trouble| trouble.device == device)
    }
}

/// The longest block of a device to begin with, in frames.
pub fn longest(blocks: &Blocks) -> usize {
    match blocks {
        Blocks::Fixed(frames) => *frames,
        Blocks::List(list) => list.iter().copied().max().unwrap_or(1),
        Blocks::Random { max } => *max,
    }
}

fn word(kind: &FaultKind) -> String {
    let text = kind.to_string();
    text.split(' ').next().unwrap_or_default().to_owned()
}

fn of_device(device: &SimDevice, faults: &[Fault]) -> Vec<Trouble> {
    let mut troubles: Vec<Trouble> = Vec::new();
    let (mut frames, mut rate_hz) = (longest(&device.blocks), f64::from(device.sample_rate_hz));
    let mut rate_back_ns = 0.0_f64;
    for fault in faults {
        let at = fault.at_ns as f64;
        // Blocks are as long as their device's rate makes them, then: the longer of before and behind.
        let (before_ns, before_hz) = (frames as f64 * SECOND / rate_hz, rate_hz);
        match fault.kind {
            FaultKind::Period { frames: next } => frames = next,
            FaultKind::Return { sample_rate_hz, .. } => rate_hz = f64::from(sample_rate_hz),
            _ => {}
        }
        let block_ns = before_ns.max(frames as f64 * SECOND / rate_hz);
        // What is not noticed at once is noticed at a look; both sides have called by then, and call
        // once more.
        let recovers = RECOVERS_NS + 2.0 * block_ns;
        let returns = RETURNS_NS + block_ns;
        let mut trouble = Trouble {
            device: device.name.clone(),
            word: word(&fault.kind),
            at_ns: at,
            // The block that was due may be one of two that became one.
            from_ns: at - 2.0 * block_ns - FADES_NS,
            silent_until_ns: at + recovers,
            off_until_ns: at + SETTLES_NS,
            recovers_from_ns: None,
            there_ns: None,
            away_ns: 0.0,
            is_loss: false,
            is_off_rate: false,
        };
        match fault.kind {
            FaultKind::Stall { for_ns } => {
                let end = at + for_ns as f64;
                trouble.there_ns = Some(end);
                trouble.silent_until_ns = end + recovers.max(returns);
                trouble.off_until_ns = end + BACK_NS;
                trouble.recovers_from_ns = Some(end);
                if for_ns as f64 > NOTICED_NS {
                    // It is opened again, and what was learned in the last calls with it.
                    trouble.silent_until_ns = end + returns;
                    trouble.off_until_ns = end + SETTLES_NS;
                    trouble.recovers_from_ns = None;
                    trouble.is_loss = true;
                }
            }
            FaultKind::Xrun { lost_frames } => {
                // Its clock may be off by a hundredth for a while.
                let lost_ns = 1.02 * lost_frames as f64 * SECOND / rate_hz;
                trouble.there_ns = Some(at + lost_ns / 1.02);
                trouble.silent_until_ns = at + lost_ns + recovers;
                trouble.off_until_ns = at + lost_ns + BACK_NS;
                trouble.recovers_from_ns = Some(at + lost_ns);
            }
            FaultKind::Unplug { for_ns }
            | FaultKind::Return { for_ns, .. }
            | FaultKind::Refuse { for_ns, .. } => {
                let end = at + for_ns as f64;
                trouble.there_ns = Some(end);
                trouble.silent_until_ns = end + returns;
                trouble.off_until_ns = end + SETTLES_NS;
                if !matches!(fault.kind, FaultKind::Refuse { .. }) {
                    trouble.is_loss = true;
                    trouble.away_ns = for_ns as f64;
                }
                if rate_hz != before_hz {
                    trouble.word = "return at another rate".to_owned();
                }
            }
            FaultKind::Silence => {
                // It may be opened again at once; nobody knows before.
                let noticed = at + NOTICED_NS.max(4.0 * block_ns);
                trouble.there_ns = Some(noticed);
                trouble.silent_until_ns = noticed + LOOK_NS + returns;
            }
            FaultKind::Errors { count } if count > 5 => {
                // It is opened again at once.
                trouble.is_loss = true;
                trouble.silent_until_ns = at + LOOK_NS + returns;
            }
            FaultKind::Errors { .. } => trouble.silent_until_ns = at,
            FaultKind::Rate { sample_rate_hz } => {
                // As long as it is off, and until the clock is known again.
                let _ = sample_rate_hz;
                trouble.is_off_rate = true;
                trouble.there_ns = Some(at);
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
