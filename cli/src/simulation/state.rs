//! Whether the state of a chain outlives all that befalls its devices.
//!
//! A node of the chain runs a delay with feedback beside the sound, which passes as it is. What went
//! into that delay and what came out is kept, and rendered again, block by block, by one of its own
//! that knows of no device: both have to be the same to the last bit. A node that was reset, made anew,
//! or given a block twice or not at all differs from then on.

use std::sync::{Arc, OnceLock};

use ossicle::chain::Chain;
use ossicle::dsp::block::{Block, Planes};
use ossicle::dsp::node::{Node, PrepareError, Shape, Spec, Tail};
use ossicle::dsp::parameter::Parameter;
use ossicle::dsp::registry;
use ossicle::dsp::settings::Settings;
use ossicle::io::ring::touched;
use rtrb::{Consumer, Producer};

/// Its echoes are heard for longer than a device is away.
const DELAY: [(&str, &str); 3] = [("time", "700ms"), ("feedback", "80%"), ("mix", "50%")];

/// Samples that wait to be rendered again, at most: seconds of them.
const SAMPLES: usize = 1 << 20;
/// Blocks that wait, at most.
const BLOCKS: usize = 1 << 16;

/// A block that was heard: where it began, and its frames.
type Heard = (u64, usize);

/// The delay in the chain. It notes each block; one that finds no room is missing, and is told as a
/// difference.
struct Witness {
    delay: Box<dyn Node>,
    prepared: Arc<OnceLock<Spec>>,
    blocks: Producer<Heard>,
    /// Of each block what was given and what came of it, plane by plane.
    samples: Producer<f32>,
    planes: Vec<f32>,
}

/// The delay outside of it.
pub struct State {
    delay: Box<dyn Node>,
    prepared: Arc<OnceLock<Spec>>,
    is_prepared: bool,
    heard: Consumer<Heard>,
    samples: Consumer<f32>,
    frames: u64,
    blocks: u64,
}

fn delay() -> Option<Box<dyn Node>> {
    let mut settings = Settings::new(registry::effect("delay")?);
    for (parameter, text) in DELAY {
        settings.set_text(parameter, text).ok()?;
    }
    settings.create().ok()
}

impl State {
    /// Puts a delay into a chain, to be watched.
    pub fn watch(chain: &mut Chain) -> Option<Self> {
        let prepared = Arc::<OnceLock<Spec>>::default();
        let (blocks, heard) = touched(BLOCKS, || (0, 0));
        let (given, samples) = touched(SAMPLES, || 0.0);
        chain.push_node(Box::new(Witness {
            delay: delay()?,
            prepared: prepared.clone(),
            blocks,
            samples: given,
            planes: Vec::new(),
        }));
        Some(Self {
            delay: delay()?,
            prepared,
            is_prepared: false,
            heard,
            samples,
            frames: 0,
            blocks: 0,
        })
    }

    /// Renders what was heard since the last time; the frame from which on the two differ.
    pub fn differs(&mut self) -> Option<u64> {
        let spec = self.prepared.get()?;
        if !self.is_prepared {
            self.is_prepared = self.delay.prepare(spec).is_ok();
        }
        while let Ok((since_reset, frames)) = self.heard.pop() {
            let length = frames * spec.channels;
            let mut take = || (0..length).map_while(|_| self.samples.pop().ok()).collect();
            let (mut planes, gave): (Vec<f32>, Vec<f32>) = (take(), take());
            self.delay.process(&mut Block {
                planes: Planes::new(&mut planes, frames, frames),
                side_chain: None,
                since_reset: self.frames,
            });
            let same = planes
                .iter()
                .zip(&gave)
                .all(|(ours, theirs)| ours.to_bits() == theirs.to_bits());
            if !same || gave.len() < length || since_reset != self.frames {
                return Some(self.frames);
            }
            self.frames += frames as u64;
            self.blocks += 1;
        }
        None
    }

    /// Blocks that were the same.
    pub fn blocks(&self) -> u64 {
        self.blocks
    }
}

impl Node for Witness {
    fn parameters(&self) -> &'static [Parameter] {
        &[]
    }

    fn prepare(&mut self, spec: &Spec) -> Result<Shape, PrepareError> {
        self.delay.prepare(spec)?;
        self.planes = vec![0.0; spec.max_block_frames * spec.channels];
        let _ = self.prepared.set(*spec);
        Ok(Shape {
            channels: spec.channels,
            latency_frames: 0,
        })
    }

    fn reset(&mut self) {
        self.delay.reset();
    }

    fn process(&mut self, block: &mut Block<'_>) {
        let frames = block.frames();
        let length = frames * block.planes.channels();
        let Some(planes) = self.planes.get_mut(..length) else {
            return;
        };
        for (kept, given) in planes.iter_mut().zip(block.planes.iter().flatten()) {
            *kept = *given;
        }
        if self.blocks.slots() == 0 || self.samples.slots() < 2 * length {
            return;
        }
        for sample in &*planes {
            let _ = self.samples.push(*sample);
        }
        self.delay.process(&mut Block {
            planes: Planes::new(planes, frames, frames),
            side_chain: None,
            since_reset: block.since_reset,
        });
        for sample in &*planes {
            let _ = self.samples.push(*sample);
        }
        let _ = self.blocks.push((block.since_reset, frames));
    }

    fn set(&mut self, _: usize, _: f64) {}

    fn latency_frames(&self) -> u64 {
        0
    }

    fn tail(&self) -> Tail {
        Tail::Frames(0)
    }
}
