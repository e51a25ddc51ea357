//! Whether what befalls the devices is told, once each, when it happens.
//!
//! What nobody can see is not asked for: callbacks that come late, double, merged or in other blocks,
//! another floor of their lateness, a stall that is shorter than what is noticed, a rate that is off
//! what the device claims (the bridge's ratio tells it), and a refusal while nobody opens. Lost frames
//! are counted and have no event of their own.

use ossicle::io::device::sim::{FaultKind, Schedule, SimDevice};
use ossicle::session::{DeviceEvent, DeviceEventKind};

use super::trouble::{NOTICED_NS, longest};

const MS: f64 = 1e6;
const SECOND: f64 = 1e9;
/// The session looks at its devices this often, and what it tells is looked at after so long again.
const LOOKS_NS: f64 = 40.0 * MS;
pub const ASKS_NS: f64 = 50.0 * MS;
/// A device that was away, or stopped, may take so long until it is called as usual.
const RETURNS_NS: f64 = 200.0 * MS;
/// Frames that are lost so soon behind one another may be told as one loss.
const AS_ONE_NS: f64 = 300.0 * MS;

/// What is told of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Lost,
    Stalled,
}

/// A fault that is told, or may be.
struct Due {
    word: Word,
    from_ns: f64,
    until_ns: f64,
    must: bool,
    text: String,
}

/// An event and when it was seen.
struct Told {
    at_ns: f64,
    event: DeviceEvent,
}

/// All that is to be told, and what was.
#[derive(Default)]
pub struct Reports {
    devices: Vec<(String, Vec<Due>)>,
    told: Vec<Told>,
    /// Losses of frames: that must, and may, be counted.
    losses: (u64, u64),
}

impl Reports {
    pub fn new(schedule: &Schedule, devices: &[SimDevice], until_ns: f64) -> Self {
        let mut losses = (0, 0);
        let of = |device: &SimDevice| {
            let due = of_device(schedule, device, until_ns, &mut losses);
            (device.name.clone(), due)
        };
        Self {
            devices: devices.iter().map(of).collect(),
            told: Vec::new(),
            losses,
        }
    }

    /// All events that were told by now.
    pub fn hear(&mut self, events: &[DeviceEvent], now_ns: u64) {
        for event in events.iter().skip(self.told.len()) {
            self.told.push(Told {
                at_ns: now_ns as f64,
                event: event.clone(),
            });
        }
    }

    /// What was told twice, without a cause, out of order or not at all, in a line each; `xruns` were
    /// counted.
    pub fn wrong(mut self, xruns: u64) -> Vec<String> {
        let mut wrong = Vec::new();
        for (device, due) in &mut self.devices {
            let told = self.told.iter().filter(|told| told.event.device == *device);
            wrong.extend(out_of_order(told.clone()));
            for told in told {
                let word = match told.event.kind {
                    DeviceEventKind::Lost { .. } => Word::Lost,
                    DeviceEventKind::Stalled => Word::Stalled,
                    _ => continue,
                };
                let fits = |due: &Due| {
                    due.word == word && (due.from_ns..=due.until_ns).contains(&told.at_ns)
                };
                let place = (due.iter().position(|due| due.must && fits(due)))
                    .or_else(|| due.iter().position(fits));
                match place {
                    Some(place) => drop(due.remove(place)),
                    None => wrong.push(format!("no fault explains: {}", line(told))),
                }
            }
            let missing = due.iter().filter(|due| due.must);
            wrong.extend(missing.map(|due| format!("\"{device}\" {} is not told", due.text)));
        }
        let positions = self.told.iter().map(|told| told.event.position);
        if !positions.is_sorted() {
            wrong.push("positions of what was told go back".to_owned());
        }
        let (least, most) = self.losses;
        if !(least..=most).contains(&xruns) {
            wrong.push(format!(
                "{xruns} losses of frames counted, {least} to {most} there"
            ));
        }
        wrong
    }
}

fn line(told: &Told) -> String {
    format!("{} (at {:.3} s)", told.event, told.at_ns / SECOND)
}

/// A device is lost, or stops, and is back before the next.
fn out_of_order<'a>(told: impl Iterator<Item = &'a Told>) -> Vec<String> {
    let (mut is_up, mut is_lost, mut wrong) = (true, false, Vec::new());
    for told in told {
        let fits = match told.event.kind {
            DeviceEventKind::Lost { .. } => !std::mem::replace(&mut is_lost, true),
            DeviceEventKind::Stalled => is_up,
            DeviceEventKind::Resumed { .. } => !is_up && !is_lost,
            DeviceEventKind::Back { .. } => !is_up,
            _ => false,
        };
        let goes = matches!(
            told.event.kind,
            DeviceEventKind::Lost { .. } | DeviceEventKind::Stalled
        );
        is_up = !goes;
        is_lost &= goes;
        if !fits {
            wrong.push(format!("out of order: {}", line(told)));
        }
    }
    wrong
}

/// A time without calls, of one fault or of several that meet.
#[derive(Clone, Copy, Debug, Default)]
struct Quiet {
    from_ns: f64,
    until_ns: f64,
}

impl Quiet {
    fn add(&mut self, at_ns: f64, for_ns: f64, block_ns: f64) {
        if at_ns > self.until_ns + 2.0 * block_ns {
            *self = Self {
                from_ns: at_ns,
                until_ns: at_ns,
            };
        }
        self.until_ns = self.until_ns.max(at_ns) + for_ns;
    }

    /// Whether it may be taken for a device that has stopped, with what comes at a time.
    fn may_be_noticed(&mut self, at_ns: f64, for_ns: f64, block_ns: f64) -> bool {
        self.add(at_ns, for_ns, block_ns);
        self.until_ns - self.from_ns + 2.0 * block_ns + LOOKS_NS > NOTICED_NS
    }
}

fn of_device(
    schedule: &Schedule,
    device: &SimDevice,
    end_ns: f64,
    losses: &mut (u64, u64),
) -> Vec<Due> {
    let mut faults = schedule.faults(&device.name);
    faults.sort_by_key(|fault| fault.at_ns);
    faults.retain(|fault| (fault.at_ns as f64) < end_ns);
    let (mut frames, mut rate_hz) = (longest(&device.blocks), f64::from(device.sample_rate_hz));
    let (mut away_until_ns, mut stopped_until_ns) = (0.0_f64, 0.0_f64);
    let mut lost_ns = f64::NEG_INFINITY;
    let mut quiet = Quiet::default();
    let mut all: Vec<Due> = Vec::new();
    for (number, fault) in faults.iter().enumerate() {
        let at = fault.at_ns as f64;
        // Blocks get longer, or shorter, with the next one.
        let before_ns = frames as f64 * SECOND / rate_hz;
        match fault.kind {
            FaultKind::Period { frames: next } => frames = next,
            FaultKind::Return { sample_rate_hz, .. } => rate_hz = f64::from(sample_rate_hz),
            _ => {}
        }
        let block_ns = before_ns.max(frames as f64 * SECOND / rate_hz);
        let noticed_ns = NOTICED_NS.max(4.0 * block_ns) + 2.0 * block_ns + LOOKS_NS;
        let is_there = at >= away_until_ns;
        let is_calling = is_there && at >= stopped_until_ns;
        let goes = |within_ns: f64| {
            faults[number + 1..]
                .iter()
                .take_while(|next| next.at_ns as f64 <= at + within_ns)
                .any(|next| {
                    matches!(
                        next.kind,
                        FaultKind::Unplug { .. } | FaultKind::Return { .. } | FaultKind::Silence
                    )
                })
        };
        let mut due = |word, until_ns: f64, must| {
            all.push(Due {
                word,
                from_ns: at,
                until_ns: until_ns + ASKS_NS,
                must: must && until_ns < end_ns,
                text: fault.to_string(),
            });
        };
        match fault.kind {
            FaultKind::Unplug { for_ns } | FaultKind::Return { for_ns, .. } => {
                due(Word::Lost, at + LOOKS_NS, is_there);
                away_until_ns = away_until_ns.max(at + for_ns as f64 + RETURNS_NS);
            }
            FaultKind::Refuse { for_ns, .. } => {
                away_until_ns = away_until_ns.max(at + for_ns as f64 + RETURNS_NS);
            }
            FaultKind::Silence => {
                let must = is_calling && !goes(noticed_ns);
                due(Word::Stalled, at + noticed_ns, must);
                stopped_until_ns = stopped_until_ns.max(at + noticed_ns + RETURNS_NS);
            }
            FaultKind::Stall { for_ns } => {
                let for_ns = for_ns as f64;
                let must = is_calling && for_ns > noticed_ns && !goes(noticed_ns);
                if must || quiet.may_be_noticed(at, for_ns, block_ns) {
                    due(Word::Stalled, at + noticed_ns, must);
                }
                stopped_until_ns = stopped_until_ns.max(at + for_ns + RETURNS_NS);
            }
            FaultKind::Errors { count } if count > 5 => {
                due(Word::Lost, at + NOTICED_NS + noticed_ns, false);
                stopped_until_ns = stopped_until_ns.max(at + noticed_ns + RETURNS_NS);
            }
            FaultKind::Double | FaultKind::Merge => quiet.add(at, block_ns, block_ns),
            FaultKind::Xrun { .. } | FaultKind::Miss => {
                let frames = match fault.kind {
                    FaultKind::Xrun { lost_frames } => lost_frames as f64,
                    _ => block_ns * 1e-9 * rate_hz,
                };
                if quiet.may_be_noticed(at, frames * SECOND / rate_hz, block_ns) {
                    due(Word::Stalled, at + noticed_ns, false);
                }
                losses.1 += 1;
                let is_one = at - lost_ns > AS_ONE_NS;
                let is_seen = is_calling && !goes(AS_ONE_NS) && at + AS_ONE_NS < end_ns;
                losses.0 += u64::from(is_one && is_seen);
                lost_ns = at;
            }
            _ => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use ossicle::io::device::LostCause;

    fn wrong(faults: &str, told: &[(f64, DeviceEventKind)]) -> Vec<String> {
        let schedule: Schedule = faults.parse().unwrap();
        let mic = SimDevice::new("mic", 1, 0);
        let mut reports = Reports::new(&schedule, &[mic], 100.0 * SECOND);
        let mut events = Vec::new();
        for (seconds, kind) in told {
            events.push(DeviceEvent {
                position: (48_000.0 * seconds) as u64,
                device: "mic".to_owned(),
                kind: kind.clone(),
            });
            reports.hear(&events, (seconds * SECOND) as u64);
        }
        reports.wrong(0)
    }

    #[test]
    fn each_fault_is_told_once_and_nothing_else_is() {
        let lost = DeviceEventKind::Lost {
            cause: LostCause::DeviceGone,
        };
        let back = DeviceEventKind::Back {
            after_s: 1.0,
            sample_rate_hz: 48_000,
        };
        let faults = "10s mic unplug 1s\n20s mic silence\n30s mic stall 100ms\n";
        let stalled = DeviceEventKind::Stalled;
        let right = [
            (10.05, lost.clone()),
            (11.05, back.clone()),
            (20.3, stalled.clone()),
            (20.4, back.clone()),
        ];
        assert_eq!(wrong(faults, &right), Vec::<String>::new());
        assert_eq!(
            wrong(faults, &right[..2]).len(),
            1,
            "the silence is not told"
        );
        let without_cause = [&right[..], &[(50.0, stalled), (50.1, back.clone())]].concat();
        assert_eq!(wrong(faults, &without_cause).len(), 1);
        let mut twice = right.to_vec();
        twice.insert(1, (10.07, lost));
        // Without a cause, and out of order.
        assert_eq!(wrong(faults, &twice).len(), 2);
        let mut twice = right.to_vec();
        twice.insert(2, (11.06, back));
        assert_eq!(wrong(faults, &twice).len(), 1);
    }
}
