//! Whether the state of a chain outlives all that befalls its devices.
//!
//! A node of the chain runs a delay with feedback beside the sound, which passes as it is. What went
//! into that delay and what came out is kept, and rendered again, block by block, by one of its own
//! that knows of no device: both have to be the same to the last bit. A node that was reset, made anew,
//! or given a block twice or not at all differs from then on.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ossicle::chain::Chain;
use ossicle::dsp::block::{Block, Planes};
use ossicle::dsp::node::{Node, PrepareError, Shape, Spec, Tail};
use ossicle::dsp::parameter::Parameter;
use ossicle::dsp::registry;
use ossicle::dsp::settings::Settings;

/// Its echoes are heard for longer than a device is away.
const DELAY: [(&str, &str); 3] = [("time", "700ms"), ("feedback", "80%"), ("mix", "50%")];

/// What the chain's delay was given, and what it gave.
#[derive(Default)]
struct Heard {
    blocks: VecDeque<Rendered>,
    prepared: Option<Spec>,
}

struct Rendered {
    since_reset: u64,
    frames: usize,
    /// Planes, one behind the other.
    given: Vec<f32>,
    gave: Vec<f32>,
}

/// The delay in the chain.
struct Witness {
    delay: Box<dyn Node>,
    heard: Arc<Mutex<Heard>>,
}

/// The delay outside of it.
pub struct State {
    delay: Box<dyn Node>,
    heard: Arc<Mutex<Heard>>,
    is_prepared: bool,
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
        let heard = Arc::<Mutex<Heard>>::default();
        chain.push_node(Box::new(Witness {
            delay: delay()?,
            heard: heard.clone(),
        }));
        Some(Self {
            delay: delay()?,
            heard,
            is_prepared: false,
            frames: 0,
            blocks: 0,
        })
    }

    /// Renders what was heard since the last time; the frame from which on the two differ.
    pub fn differs(&mut self) -> Option<u64> {
        let mut heard = lock(&self.heard);
        if !self.is_prepared {
            self.is_prepared = self.delay.prepare(&heard.prepared?).is_ok();
        }
        while let Some(block) = heard.blocks.pop_front() {
            let mut planes = block.given;
            self.delay.process(&mut Block {
                planes: Planes::new(&mut planes, block.frames, block.frames),
                side_chain: None,
                since_reset: self.frames,
            });
            let same = planes
                .iter()
                .zip(&block.gave)
                .all(|(ours, theirs)| ours.to_bits() == theirs.to_bits());
            if !same || block.since_reset != self.frames {
                return Some(self.frames);
            }
            self.frames += block.frames as u64;
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
        lock(&self.heard).prepared = Some(*spec);
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
        let given: Vec<f32> = block.planes.iter().flatten().copied().collect();
        let mut gave = given.clone();
        self.delay.process(&mut Block {
            planes: Planes::new(&mut gave, frames, frames),
            side_chain: None,
            since_reset: block.since_reset,
        });
        lock(&self.heard).blocks.push_back(Rendered {
            since_reset: block.since_reset,
            frames,
            given,
            gave,
        });
    }

    fn set(&mut self, _: usize, _: f64) {}

    fn latency_frames(&self) -> u64 {
        0
    }

    fn tail(&self) -> Tail {
        Tail::Frames(0)
    }
}

fn lock(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}
