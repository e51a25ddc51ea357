//! A session on simulated devices, judged from outside.
//!
//! All devices but the last capture one tone, which is a function of true virtual time: so the phase
//! of each channel that is played tells its delay, and two channels are in step when their phases
//! are. What is heard is looked at sample by sample: no step may be larger than those of the tone and
//! of a fade.

mod devices;
mod ear;
mod fades;
mod floors;
mod judge;
mod pace;
mod reports;
mod state;
mod trouble;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ossicle::chain::Chain;
use ossicle::io::device::sim::{FaultKind, Level, Schedule, Sim};
use ossicle::io::device::{HostKind, Port};
use ossicle::session::{Session, SessionConfig};
use serde::Serialize;

use crate::exit::Failure;
use crate::summary::BridgeObject;
use devices::{SPEAKER, name};
use ear::Ear;
use floors::Floors;
use judge::{Expected, Judge};
use pace::Pace;
use reports::{ASKS_NS, Reports};
use state::State;
use trouble::Troubles;

/// Virtual time between two looks of the session at its devices, and between two of the judge.
const LOOK: Duration = Duration::from_millis(10);
const LOOKS_A_CHECK: u64 = 100;
/// Looks until it is asked what was told of the devices.
const LOOKS_AN_ASK: u64 = ASKS_NS as u64 / LOOK.as_nanos() as u64;

/// What is simulated.
#[derive(Debug)]
pub struct Setting {
    pub seed: u64,
    pub hours: f64,
    pub level: Level,
    /// One plays, the others capture.
    pub devices: usize,
    /// In place of one drawn for the level.
    pub schedule: Option<Schedule>,
}

impl Setting {
    /// The faults that were given, or are drawn.
    pub fn drawn(&self) -> Schedule {
        let draw = || {
            let devices = devices::draw(self.seed, self.devices - 1);
            Schedule::random(self.seed, self.hours, &devices, self.level)
        };
        self.schedule.clone().unwrap_or_else(draw)
    }
}

/// Names of so many devices.
pub fn names(devices: usize) -> Vec<String> {
    let captures = (0..devices - 1).map(name);
    captures.chain([SPEAKER.to_owned()]).collect()
}

/// What came of it.
#[derive(Debug, Default, Serialize)]
pub struct Outcome {
    pub seed: u64,
    pub hours: f64,
    pub devices: usize,
    /// Faults that were thrown.
    pub faults: usize,
    pub wall_seconds: f64,
    /// Time of a processor that it took, where the system tells it.
    pub cpu_seconds: Option<f64>,
    /// Virtual time over the processor's, else over wall time.
    pub speed: f64,
    pub frames: u64,
    pub overrun_frames: u64,
    pub underrun_frames: u64,
    pub skipped_frames: u64,
    pub latency_frames: u64,
    /// Steps in the sound that are larger than those of the tone and a fade.
    pub discontinuities: u64,
    pub silences: usize,
    pub unexplained_silences: usize,
    /// The longest silence behind each kind of fault, in milliseconds.
    pub longest_silence_ms: BTreeMap<String, f64>,
    /// The longest time from a device being there again until it is heard, behind each kind of fault,
    /// in milliseconds. It includes the delay of the bridges.
    pub back_ms: BTreeMap<String, f64>,
    /// The longest fade that was heard, in milliseconds.
    pub longest_fade_ms: f64,
    /// The longest time behind a stall or lost frames until the delay is what is told, in milliseconds.
    pub latency_back_ms: f64,
    /// Moves of a bridge's position, each with a fade.
    pub jumps: u64,
    pub lock_checks: u64,
    pub lock_lost: u64,
    /// Most of what was seen at the looks.
    pub delay_off_frames: f64,
    pub alignment_frames: f64,
    pub ppm_off: f64,
    /// The same of what would be kept for the next session.
    pub memory_ppm_off: f64,
    pub events: usize,
    /// Blocks of a chain with a state that were rendered again, the same to the last bit.
    pub state_blocks: u64,
    pub bridges: Vec<BridgeObject>,
    /// What must not be, in a line each.
    pub broken: Vec<String>,
    /// The faults, where something broke: what `--schedule` takes.
    pub schedule: Option<String>,
}

/// Runs a simulation.
///
/// # Errors
/// The session cannot begin.
pub fn run(setting: &Setting) -> Result<Outcome, Failure> {
    let (began, cpu_before) = (Instant::now(), cpu_seconds());
    let captures = setting.devices - 1;
    let mut devices = devices::draw(setting.seed, captures);
    let schedule = setting.drawn();
    for device in &mut devices {
        device.faults = schedule.faults(&device.name);
    }
    let troubles = Troubles::new(&schedule, &devices);
    let floors = Floors::new(&schedule, &devices);
    let reports = Reports::new(&schedule, &devices, setting.hours * 3600e9);
    let mut chain = Chain::new();
    // Where devices come and go the chain has a state that must not.
    let goes = |kind: &FaultKind| {
        use FaultKind::{Return, Silence, Unplug};
        matches!(kind, Unplug { .. } | Return { .. } | Silence)
    };
    let state = schedule
        .entries
        .iter()
        .any(|entry| goes(&entry.fault.kind))
        .then(|| State::watch(&mut chain))
        .flatten();
    let sim = Sim::new(setting.seed);
    let ear = Arc::new(Mutex::new(Ear::new(sim.clone(), captures)));
    for device in devices {
        sim.plug(devices::with_sound(device, &sim, &ear))?;
    }
    let outcome = Outcome {
        seed: setting.seed,
        hours: setting.hours,
        devices: setting.devices,
        ..Outcome::default()
    };
    let mut judge = Judge::new(
        outcome,
        Expected {
            troubles,
            floors,
            reports,
            pace: Pace::new(&schedule),
            state,
        },
        sim.clone(),
        ear,
        captures,
    );
    let mut session = Session::start_in(config(captures, chain), Arc::new(sim.clone()))?;
    let looks = (setting.hours * 3600.0 / LOOK.as_secs_f64()).round() as u64;
    let mut jumps = Jumps::default();
    for look in 1..=looks {
        sim.run_for(LOOK);
        session.look();
        judge.hear(&session);
        if look % LOOKS_AN_ASK == 0 {
            judge.ask(&mut session);
        }
        if look % LOOKS_A_CHECK == 0 {
            judge.check(&session);
            jumps.note(&session);
        }
        if look % (60 * LOOKS_A_CHECK) == 0 && session.report().ended {
            break;
        }
    }
    let mut outcome = judge.end(session, jumps.all());
    outcome.wall_seconds = began.elapsed().as_secs_f64();
    outcome.cpu_seconds = cpu_seconds().zip(cpu_before).map(|(now, then)| now - then);
    let taken = outcome.cpu_seconds.unwrap_or(outcome.wall_seconds);
    outcome.speed = outcome.hours * 3600.0 / taken;
    if !outcome.broken.is_empty() {
        outcome.schedule = Some(schedule.to_string());
    }
    Ok(outcome)
}

/// Time that this thread has had of a processor: all of a simulation runs on it.
fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let ns: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some(ns * 1e-9)
}

fn config(captures: usize, chain: Chain) -> SessionConfig {
    let port = |name: String| Port {
        device: Some(name),
        channels: None,
    };
    let mut inputs = (0..captures).map(|number| port(name(number)));
    SessionConfig {
        host: Some(HostKind::Sim),
        input: inputs.next(),
        more_inputs: inputs.collect(),
        output: Some(port(SPEAKER.to_owned())),
        ..SessionConfig::live(chain)
    }
}

/// Moves of bridges, which begin anew whenever a device comes back.
#[derive(Default)]
struct Jumps {
    before: u64,
    now: u64,
}

impl Jumps {
    fn note(&mut self, session: &Session) {
        let now = session.bridges().iter().map(|bridge| bridge.jumps).sum();
        if now < self.now {
            self.before += self.now;
        }
        self.now = now;
    }

    fn all(&self) -> u64 {
        self.before + self.now
    }
}
