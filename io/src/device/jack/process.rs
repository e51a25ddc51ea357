//! What runs in the server's cycle.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use std::sync::Arc;

use jack::{AudioIn, AudioOut, Client, Control, Port, ProcessHandler, ProcessScope};

use super::door::Door;
use super::frame_clock::{Cycle, FrameClock};
use crate::device::caller::Caller;
use crate::device::clock::{now_ns, ns_of};
use crate::device::interleave::{deinterleave, interleave};

/// Cycles up to this length are one call.
const SCRATCH_FRAMES: usize = 8192;

/// Runs in the server's cycle.
pub(super) struct Process {
    /// Open from when what could be connected is, until the stream ends.
    door: Arc<Door>,
    work: Work,
}

/// What is done behind the door.
struct Work {
    inputs: Vec<Port<AudioIn>>,
    outputs: Vec<Port<AudioOut>>,
    scratch_in: Vec<f32>,
    scratch_out: Vec<f32>,
    caller: Caller,
    clock: FrameClock,
    sample_rate_hz: u32,
}

impl Process {
    pub(super) fn new(
        caller: Caller,
        inputs: Vec<Port<AudioIn>>,
        outputs: Vec<Port<AudioOut>>,
        sample_rate_hz: u32,
        door: Arc<Door>,
    ) -> Self {
        let work = Work {
            scratch_in: vec![0.0; SCRATCH_FRAMES * inputs.len()],
            scratch_out: vec![0.0; SCRATCH_FRAMES * outputs.len()],
            inputs,
            outputs,
            caller,
            clock: FrameClock::default(),
            sample_rate_hz,
        };
        Self { door, work }
    }
}

impl ProcessHandler for Process {
    fn process(&mut self, _: &Client, scope: &ProcessScope) -> Control {
        // A server connects only clients that already run, one port after the other: sound that
        // began before would reach some of them alone, and be silence of some alone.
        let Self { door, work } = self;
        if door.pass(|| work.cycle(scope)).is_none() {
            for port in &mut work.outputs {
                port.as_mut_slice(scope).fill(0.0);
            }
        }
        Control::Continue
    }
}

impl Work {
    fn cycle(&mut self, scope: &ProcessScope) {
        let time_ns = now_ns();
        let Self {
            inputs,
            outputs,
            scratch_in,
            scratch_out,
            caller,
            clock,
            sample_rate_hz,
        } = self;
        caller.enter(time_ns, |caller| {
            let frames = scope.n_frames() as usize;
            let cycle = Cycle {
                begin: scope.last_frame_time(),
                frames: scope.n_frames(),
                began_ns: began_ns(scope, *sample_rate_hz),
            };
            caller.lose(clock.lost(cycle, *sample_rate_hz));
            let mut done = 0;
            while done < frames {
                let now = (frames - done).min(SCRATCH_FRAMES);
                let input = &mut scratch_in[..now * inputs.len()];
                for (channel, port) in inputs.iter().enumerate() {
                    let plane = &port.as_slice(scope)[done..done + now];
                    interleave(plane, channel, inputs.len(), input);
                }
                let output = &mut scratch_out[..now * outputs.len()];
                caller.call(input, output, now, time_ns);
                let channels = outputs.len();
                for (channel, port) in outputs.iter_mut().enumerate() {
                    let plane = &mut port.as_mut_slice(scope)[done..done + now];
                    deinterleave(output, channel, channels, plane);
                }
                done += now;
            }
        });
    }
}

/// When the server began the cycle, by the own clock: a client may be called late.
fn began_ns(scope: &ProcessScope, sample_rate_hz: u32) -> u64 {
    let since = u64::from(scope.frames_since_cycle_start());
    now_ns().saturating_sub(ns_of(since, sample_rate_hz))
}
