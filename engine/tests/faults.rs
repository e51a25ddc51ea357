//! Nodes that do what they must not: found, told once, and kept from the sound.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, ThreadId};

use ossicle::chain::Chain;
use ossicle::controller::Controller;
use ossicle::dsp::block::Block;
use ossicle::dsp::node::{Node, PrepareError, Shape, Spec, Tail};
use ossicle::dsp::parameter::Parameter;
use ossicle::edit::FaultKind;
use ossicle::io::realtime::{self, AllocatorGuard};
use ossicle::processor::{Processor, ProcessorSpec};

#[global_allocator]
static ALLOCATOR: AllocatorGuard = AllocatorGuard::new();

/// What a panic carries; it notes where it is freed.
struct Payload(std::sync::mpsc::Sender<ThreadId>);

impl Drop for Payload {
    fn drop(&mut self) {
        let _ = self.0.send(thread::current().id());
    }
}

/// Halves the sound, until it misbehaves at a frame.
struct Halves {
    frames: u64,
    at: u64,
    misbehave: Box<dyn FnMut() -> f32 + Send>,
    /// Stays once it is not finite, until a reset.
    state: f32,
}

static RESETS: AtomicU64 = AtomicU64::new(0);

impl Node for Halves {
    fn parameters(&self) -> &'static [Parameter] {
        &[]
    }
    fn prepare(&mut self, spec: &Spec) -> Result<Shape, PrepareError> {
        Ok(Shape {
            channels: spec.channels,
            latency_frames: 0,
        })
    }
    fn reset(&mut self) {
        RESETS.fetch_add(1, Ordering::Relaxed);
        self.state = 0.0;
    }
    fn process(&mut self, block: &mut Block<'_>) {
        let end = self.frames + block.frames() as u64;
        if (self.frames..end).contains(&self.at) {
            self.state = (self.misbehave)();
        }
        self.frames = end;
        for plane in block.planes.iter_mut() {
            for sample in plane {
                *sample = *sample * 0.5 + self.state;
            }
        }
    }
    fn set(&mut self, _number: usize, _value: f64) {}
    fn latency_frames(&self) -> u64 {
        0
    }
    fn tail(&self) -> Tail {
        Tail::Frames(0)
    }
}

fn start(at: u64, misbehave: impl FnMut() -> f32 + Send + 'static) -> (Controller, Processor) {
    let mut chain = Chain::new();
    chain.push_node(Box::new(Halves {
        frames: 0,
        at,
        misbehave: Box::new(misbehave),
        state: 0.0,
    }));
    let spec = ProcessorSpec {
        sample_rate_hz: 48_000,
        max_block_frames: 64,
        channels_in: 1,
        channels_out: None,
        latency_budget_frames: 0,
    };
    Controller::new(chain, spec).unwrap()
}

fn run(processor: &mut Processor, frames: usize) -> Vec<f32> {
    let (input, mut output) = (vec![1.0; frames], vec![0.0; frames]);
    for (input, output) in input.chunks(64).zip(output.chunks_mut(64)) {
        realtime::callback(|| processor.process(input, output));
    }
    output
}

#[test]
#[cfg_attr(feature = "rtsan", ignore = "a panic allocates")]
fn a_node_that_panics_is_cut_out_with_a_fade_and_freed_elsewhere() {
    let (freed, heard) = std::sync::mpsc::channel();
    let (mut controller, mut processor) = start(1000, move || {
        let payload = Payload(freed.clone());
        std::panic::panic_any(payload);
    });
    let callbacks = thread::spawn(move || {
        let before = realtime::violations();
        let calm = run(&mut processor, 960);
        let clean = realtime::violations() == before;
        // What a panic allocates is not to be had without.
        let broken = run(&mut processor, 64);
        let before = realtime::violations();
        let after = run(&mut processor, 4000);
        let clean = clean && realtime::violations() == before;
        (
            thread::current().id(),
            [calm, broken, after].concat(),
            clean,
        )
    });
    let (real_time, output, clean) = callbacks.join().unwrap();
    assert!(clean, "allocations outside of the call that panicked");
    assert!(heard.try_recv().is_err(), "freed before it was asked for");
    let fault = controller.fault().unwrap();
    assert_eq!((fault.kind, fault.position), (FaultKind::Panicked, 960));
    assert_eq!(fault.node, controller.nodes().next().unwrap().0);
    assert_eq!(controller.fault(), None, "told twice");
    assert_ne!(heard.try_recv().unwrap(), real_time);
    // Half before; then from the last frame to the sound without the node, over 10 ms.
    assert!(output[..960].iter().all(|&sample| sample == 0.5));
    assert!(output[1024 + 480..].iter().all(|&sample| sample == 1.0));
    let steps = output.windows(2).map(|pair| (pair[1] - pair[0]).abs());
    // The block it broke in is silence under the beginning of the fade.
    let largest = steps.fold(0.0f32, f32::max);
    assert!(largest < 0.05, "a step of {largest}");
}

#[test]
fn a_node_that_stays_not_finite_is_silenced_and_reset() {
    let (mut controller, mut processor) = start(1000, || f32::NAN);
    let output = run(&mut processor, 20_000);
    assert!(output.iter().all(|sample| sample.is_finite()));
    let fault = controller.fault().unwrap();
    assert_eq!(fault.kind, FaultKind::NotFinite);
    assert!((960..2000).contains(&fault.position), "{fault:?}");
    assert_eq!(controller.fault(), None, "told twice");
    assert_eq!(RESETS.load(Ordering::Relaxed), 1);
    assert_eq!(output.last(), Some(&0.5));
}

#[test]
fn what_nodes_take_is_told_in_per_cent_of_the_sound() {
    let chain = Chain::parse("gain:gain=-6dB | parametric_eq:b1_type=peak,b1_gain=6dB").unwrap();
    let spec = ProcessorSpec {
        sample_rate_hz: 48_000,
        max_block_frames: 64,
        channels_in: 1,
        channels_out: None,
        latency_budget_frames: 0,
    };
    let (controller, mut processor) = Controller::new(chain, spec).unwrap();
    let ids: Vec<_> = controller.nodes().map(|(id, _)| id).collect();
    assert_eq!(controller.load_percent(ids[0]), None);
    run(&mut processor, 64 * 65);
    let loads: Vec<f64> = ids
        .iter()
        .map(|&id| controller.load_percent(id).unwrap())
        .collect();
    assert!(
        loads.iter().all(|load| (0.0..100.0).contains(load)),
        "{loads:?}"
    );
}
