//! A device that stands still and goes on without a part of its frames, and nobody tells so yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ossicle::io::device::sim::{Fault, FaultKind, Sim, SimDevice};
use ossicle::io::device::{
    Call, Callback, DeviceError, HostKind, PendingStream, Stream, StreamInfo, StreamRequest,
};
use ossicle::record::{RecordConfig, Tap};
use ossicle::session::{Session, SessionConfig, World};

use crate::rig::{counting, folder, joined, port, recording};

const MS: u64 = 1_000_000;
/// What may be on its way as a take ends, in frames: a block or two.
const SLACK: f64 = 256.0;

/// A simulated world whose streams hand over nothing for a while, and whose frames of that time are lost.
struct Forgetful {
    sim: Sim,
    forgets: Arc<AtomicBool>,
}

impl World for Forgetful {
    fn open(
        &self,
        host: HostKind,
        request: &StreamRequest,
    ) -> Result<Box<dyn PendingStream>, DeviceError> {
        let stream = World::open(&self.sim, host, request)?;
        let forgets = self.forgets.clone();
        Ok(Box::new(Pending { stream, forgets }))
    }

    fn open_clock(&self, rate_hz: u32, frames: u32) -> Result<Box<dyn PendingStream>, DeviceError> {
        World::open_clock(&self.sim, rate_hz, frames)
    }

    fn default_devices(&self, host: HostKind) -> [Option<String>; 2] {
        World::default_devices(&self.sim, host)
    }

    fn now_ns(&self) -> u64 {
        self.sim.now_ns()
    }

    fn is_virtual(&self) -> bool {
        true
    }
}

struct Pending {
    stream: Box<dyn PendingStream>,
    forgets: Arc<AtomicBool>,
}

impl PendingStream for Pending {
    fn info(&self) -> &StreamInfo {
        self.stream.info()
    }

    fn start(self: Box<Self>, mut callback: Callback) -> Result<Box<dyn Stream>, DeviceError> {
        let (forgets, mut forgotten) = (self.forgets, 0);
        self.stream.start(Box::new(move |call| {
            if forgets.load(Ordering::Relaxed) {
                forgotten += call.frames as u64;
                return;
            }
            callback(&mut Call {
                input: call.input,
                output: &mut *call.output,
                position: call.position - forgotten,
                ..*call
            });
        }))
    }
}

/// Records a device that hands over nothing for two seconds, and goes on for `more_ms`: every take is as long
/// as what passed, and what is lost of it is told. The device is the one that calls, or there is a speaker.
fn is_as_long_as_what_passed(with_speaker: bool, faults: Vec<Fault>, more_ms: u64) {
    let folder = folder();
    let sim = Sim::new(5);
    let mic = SimDevice {
        faults,
        ..SimDevice::new("mic", 1, 0)
    };
    sim.plug(counting(mic)).unwrap();
    sim.plug(SimDevice::new("speaker", 0, 1)).unwrap();
    let take = |tap| RecordConfig {
        tap,
        ..RecordConfig::new(folder.path().join(format!("{tap:?}.wav")))
    };
    let config = if with_speaker {
        SessionConfig {
            output: port("speaker"),
            ..recording("mic", vec![take(Tap::Input)])
        }
    } else {
        recording("mic", vec![take(Tap::Pre), take(Tap::Input)])
    };
    let forgets = Arc::new(AtomicBool::new(false));
    let world = Forgetful {
        sim: sim.clone(),
        forgets: forgets.clone(),
    };
    let mut session = Session::start_in(config, Arc::new(world)).unwrap();
    let mut run = |ms: u64| {
        for _ in 0..ms / 10 {
            sim.run_for(Duration::from_millis(10));
            session.report();
        }
    };
    run(1_000);
    forgets.store(true, Ordering::Relaxed);
    run(2_000);
    forgets.store(false, Ordering::Relaxed);
    run(more_ms);
    let passed = sim.device_frame("mic", sim.now_ns() as f64).unwrap();
    let ended = session.stop().unwrap();
    for recorded in &ended.recorded {
        let (frames, gaps) = (recorded.frames, &recorded.gaps);
        assert_eq!(joined(recorded).len() as u64, frames);
        let off = frames as f64 - passed;
        assert!(off.abs() <= SLACK, "{off} frames too many: {gaps:?}");
        let lost: u64 = gaps.iter().map(|gap| gap.frames).sum();
        assert!(lost as f64 >= 96_000.0 - SLACK, "{gaps:?}");
    }
}

#[test]
fn what_is_owed_when_a_take_ends_is_lost() {
    for with_speaker in [false, true] {
        is_as_long_as_what_passed(with_speaker, Vec::new(), 100);
    }
}

#[test]
fn what_is_owed_when_a_device_goes_is_lost() {
    for with_speaker in [false, true] {
        let kind = FaultKind::Unplug { for_ns: 300 * MS };
        let at_ns = 3_100 * MS;
        is_as_long_as_what_passed(with_speaker, vec![Fault { at_ns, kind }], 1_500);
    }
}
