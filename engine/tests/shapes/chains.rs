//! Chains of random shapes, and running them.

use ossicle::chain::{Branch, BusLink, Chain, Link, NodeLink, SendLink};
use ossicle::controller::Controller;
use ossicle::io::realtime;
use ossicle::processor::{Processor, ProcessorSpec};

use crate::nodes::Late;

pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }
}

/// What is drawn: at most so deep, with so many links in a row.
pub struct Shapes<'a> {
    pub random: &'a mut Random,
    /// Buses that were sent to.
    pub buses: Vec<String>,
    pub next_bus: usize,
    /// Latencies drawn are below this.
    pub latency: usize,
}

impl Shapes<'_> {
    pub fn chain(&mut self, depth: usize) -> Chain {
        let mut chain = Chain::new();
        for _ in 0..self.random.below(4) {
            let link = self.link(depth);
            chain.push(link).unwrap();
        }
        chain
    }

    fn link(&mut self, depth: usize) -> Link {
        match self.random.below(8) {
            0 | 1 if depth > 0 => {
                let branches = (0..1 + self.random.below(3)).map(|_| Branch {
                    chain: self.chain(depth - 1),
                    level_db: -(self.random.below(12) as f64),
                });
                Link::Parallel(branches.collect())
            }
            2 => {
                let bus = format!("bus{}", self.next_bus);
                self.next_bus += 1;
                self.buses.push(bus.clone());
                Link::Send(SendLink { bus, level_db: 0.0 })
            }
            3 if depth > 0 && !self.buses.is_empty() => {
                let place = self.random.below(self.buses.len());
                let name = self.buses.swap_remove(place);
                let chain = self.chain(depth - 1);
                Link::Bus(BusLink { name, chain })
            }
            4 if !self.buses.is_empty() => {
                let place = self.random.below(self.buses.len());
                let key = self.buses.swap_remove(place);
                let frames = self.random.below(self.latency);
                Link::Node(NodeLink {
                    side_chain: Some(key),
                    ..Late::with_side(frames, 1).into()
                })
            }
            5 => Link::Node(NodeLink {
                wet: self.random.below(101) as f64 / 100.0,
                bypassed: self.random.below(4) == 0,
                ..Late::link(self.random.below(self.latency)).into()
            }),
            _ => Link::Node(Late::link(self.random.below(self.latency)).into()),
        }
    }
}

/// A chain of a random shape in which every bus is heard.
pub fn random_chain(random: &mut Random, latency: usize) -> Chain {
    let mut shapes = Shapes {
        random,
        buses: Vec::new(),
        next_bus: 0,
        latency,
    };
    let mut chain = shapes.chain(3);
    for name in core::mem::take(&mut shapes.buses) {
        let chain_of_bus = Chain::new();
        chain
            .push(Link::Bus(BusLink {
                name,
                chain: chain_of_bus,
            }))
            .unwrap();
    }
    chain
}

pub fn spec(budget: u64) -> ProcessorSpec {
    ProcessorSpec {
        sample_rate_hz: 48_000,
        max_block_frames: 64,
        channels_in: 1,
        channels_out: None,
        latency_budget_frames: budget,
    }
}

pub fn start(chain: Chain, budget: u64) -> (Controller, Processor) {
    Controller::new(chain, spec(budget)).unwrap()
}

/// Runs a mono signal through in calls of `block` frames.
pub fn run(processor: &mut Processor, input: &[f32], block: usize) -> Vec<f32> {
    let mut output = vec![0.0; input.len()];
    for (input, output) in input.chunks(block).zip(output.chunks_mut(block)) {
        realtime::callback(|| processor.process(input, output));
    }
    output
}

/// A signal that has every sample of its own.
pub fn noise(frames: usize) -> Vec<f32> {
    let mut random = Random(7);
    (0..frames)
        .map(|_| random.below(1 << 24) as f32 / (1 << 23) as f32 - 1.0)
        .collect()
}
