//! A world of simulated devices and a session in it.

use std::sync::Arc;
use std::time::Duration;

use ossicle::chain::Chain;
use ossicle::io::device::sim::{Fault, FaultKind, Lateness, Sim, SimDevice};
use ossicle::io::device::{DeviceError, HostKind, PendingStream, Port, StreamRequest};
use ossicle::session::{Session, SessionConfig, World};

/// Frames a second of every device unless told.
pub const RATE: f64 = 48_000.0;
/// A millisecond in nanoseconds.
pub const MS: u64 = 1_000_000;
/// Virtual time between two looks of a session at its devices.
const LOOK: Duration = Duration::from_millis(10);

/// A device of this name.
pub fn port(name: &str) -> Option<Port> {
    Some(Port {
        device: Some(name.to_owned()),
        channels: None,
    })
}

/// Live from one device to another, through nothing.
pub fn live(input: &str, output: &str) -> SessionConfig {
    SessionConfig {
        host: Some(HostKind::Sim),
        input: port(input),
        output: port(output),
        ..SessionConfig::live(Chain::new())
    }
}

pub fn start(sim: &Sim, config: SessionConfig) -> Session {
    Session::start_in(config, Arc::new(sim.clone())).unwrap()
}

/// Lets time pass, and the session look after its devices.
pub fn run(sim: &Sim, session: &mut Session, seconds: f64) {
    let looks = (seconds / LOOK.as_secs_f64()).round() as usize;
    for _ in 0..looks {
        sim.run_for(LOOK);
        session.report();
    }
}

/// A simulation whose devices are opened in a way of their own.
pub struct Opened<F> {
    pub sim: Sim,
    pub open: F,
    /// Whether the session looks after its devices in virtual time; else in ours.
    pub is_virtual: bool,
}

type Settled = Result<Box<dyn PendingStream>, DeviceError>;

impl<F: Fn(&Sim, &StreamRequest) -> Settled + Send + Sync> World for Opened<F> {
    fn open(&self, _: HostKind, request: &StreamRequest) -> Settled {
        (self.open)(&self.sim, request)
    }

    fn open_clock(&self, sample_rate_hz: u32, buffer_frames: u32) -> Settled {
        self.sim.open_clock(sample_rate_hz, buffer_frames)
    }

    fn default_devices(&self, _: HostKind) -> [Option<String>; 2] {
        self.sim.default_devices()
    }

    fn now_ns(&self) -> u64 {
        self.sim.now_ns()
    }

    fn is_virtual(&self) -> bool {
        self.is_virtual
    }
}

/// A device whose calls are up to so many microseconds late, and whose clock is off.
pub fn device(name: &str, inputs: usize, outputs: usize, ppm: f64, late_us: u64) -> SimDevice {
    SimDevice {
        rate_error_ppm: ppm,
        lateness: vec![Lateness::Uniform {
            max_ns: late_us * 1_000,
        }],
        ..SimDevice::new(name, inputs, outputs)
    }
}

/// A sine of so many hertz by the device's own nominal rate.
pub fn sine(device: SimDevice, hz: f64) -> SimDevice {
    let step = std::f64::consts::TAU * hz / f64::from(device.sample_rate_hz);
    device.with_source(move |frame, _| (0.5 * (step * frame as f64).sin()) as f32)
}

/// Samples that are the numbers of their frames.
pub fn counting(device: SimDevice) -> SimDevice {
    device.with_source(|frame, _| frame as f32)
}

/// Frames of `from` by which what `to` played at its frame `at`, a number of `from`'s, is behind.
pub fn delay(sim: &Sim, from: &str, to: &str, at: usize, number: f32) -> f64 {
    let time_ns = sim.device_time_ns(to, at as f64).unwrap();
    sim.device_frame(from, time_ns).unwrap() - f64::from(number)
}

/// The largest step between two samples, and where it is.
pub fn largest_step(samples: &[f32]) -> (f32, usize) {
    let steps = samples.windows(2).enumerate();
    let steps = steps.map(|(at, pair)| ((pair[1] - pair[0]).abs(), at));
    steps.fold(
        (0.0, 0),
        |most, step| if step.0 > most.0 { step } else { most },
    )
}

/// The same device that is befallen by faults, each from a time in milliseconds on.
pub fn with(device: SimDevice, faults: &[(u64, FaultKind)]) -> SimDevice {
    let faults = faults.iter().map(|(at_ms, kind)| Fault {
        at_ns: at_ms * MS,
        kind: kind.clone(),
    });
    SimDevice {
        faults: faults.collect(),
        ..device
    }
}
