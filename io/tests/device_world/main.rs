//! Worlds of simulated devices: what befalls them is seen once, and their true clocks are known.

mod clocks;
mod faults;
mod repeat;
mod text;

use std::sync::{Arc, Mutex};

use ossicle_io::device::sim::{Schedule, Sim, SimDevice};
use ossicle_io::device::{Callback, Port, Stream, StreamRequest};
use ossicle_io::realtime::{self, AllocatorGuard};

#[global_allocator]
static ALLOCATOR: AllocatorGuard = AllocatorGuard::new();

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

/// What a callback saw of a call, and when it truly came.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Seen {
    position: u64,
    frames: usize,
    lost: u64,
    xrun: bool,
    stamp_ns: u64,
    /// Number of the device's frame that came first, as the sample says.
    first: f64,
}

/// What was seen, in order.
type Log = Arc<Mutex<Vec<Seen>>>;

fn on(device: &str) -> StreamRequest {
    StreamRequest {
        input: Some(Port {
            device: Some(device.to_owned()),
            channels: None,
        }),
        ..Default::default()
    }
}

/// A microphone whose two samples of a frame, together, are its number: an `f32` holds 24 bits.
fn counting(name: &str) -> SimDevice {
    let source = |first: u64, channels: usize, block: &mut [f32]| {
        for (frame, samples) in (first..).zip(block.chunks_exact_mut(channels)) {
            if let [high, low] = samples {
                (*high, *low) = ((frame >> 20) as f32, (frame & 0xF_FFFF) as f32);
            }
        }
    };
    SimDevice::new(name, 2, 0).with_block_source(source)
}

fn note(log: &Log) -> Callback {
    let log = log.clone();
    Box::new(move |call| {
        let seen = Seen {
            position: call.position,
            frames: call.frames,
            lost: call.lost_frames,
            xrun: call.xrun,
            stamp_ns: call.stamp_ns,
            first: f64::from(call.input[0]) * 1_048_576.0
                + call.input.get(1).map_or(0.0, |&low| f64::from(low)),
        };
        realtime::permit(|| log.lock().unwrap().push(seen));
    })
}

/// Opens a microphone that notes what it sees.
fn listen(sim: &Sim, device: &str) -> (Box<dyn Stream>, Log) {
    let log = Log::default();
    let stream = sim.open(&on(device)).unwrap().start(note(&log)).unwrap();
    (stream, log)
}

/// A world with a microphone to which happens what the lines say.
fn with_faults(device: SimDevice, lines: &str) -> Sim {
    let schedule: Schedule = lines.parse().unwrap();
    let sim = Sim::new(1);
    let faults = schedule.faults(&device.name);
    assert_eq!(faults.len(), schedule.entries.len());
    sim.plug(SimDevice { faults, ..device }).unwrap();
    sim
}
