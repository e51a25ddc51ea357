//! Every effect in a great many callbacks of random lengths, while its parameters are moved about:
//! nothing is allocated, no system call is made, no page is touched for the first time and nothing
//! is waited for.
//!
//! `OSSICLE_CALLBACKS` says how many callbacks; `cargo xtask realtime` sets it.

use ossicle::chain::Chain;
use ossicle::controller::Controller;
use ossicle::dsp::registry;
use ossicle::dsp::settings::{Effect, Settings};
use ossicle::io::realtime::usage::ThreadUsage;
use ossicle::io::realtime::{self, AllocatorGuard, system_calls};
use ossicle::processor::{Processor, ProcessorSpec};
use xtask::bar;

#[global_allocator]
static ALLOCATOR: AllocatorGuard = AllocatorGuard::new();

/// Callbacks in all where the environment says nothing.
const CALLBACKS: u64 = 10_000;
const CHANNELS: usize = 2;
const LONGEST: usize = 8192;
/// Callbacks before page faults count, so that all code has run once.
const WARM_UP_CALLBACKS: usize = 300;

/// SplitMix64.
struct Random(u64);

impl Random {
    /// The next number from 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^= bits >> 31;
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From 1 to `most`, short ones as often as long ones.
    fn frames(&mut self, most: usize) -> usize {
        ((most as f64).powf(self.next()) as usize).clamp(1, most)
    }

    fn below(&mut self, count: usize) -> usize {
        (self.next() * count as f64) as usize
    }
}

/// A running effect and the sound it gets.
struct Rig {
    effect: &'static Effect,
    controller: Controller,
    processor: Processor,
    input: Vec<f32>,
    output: Vec<f32>,
    random: Random,
}

impl Rig {
    fn new(effect: &'static Effect, seed: u64) -> Self {
        let mut chain = Chain::new();
        chain.push_effect(Settings::new(effect)).unwrap();
        let spec = ProcessorSpec {
            sample_rate_hz: 48_000,
            max_block_frames: 1024,
            channels_in: CHANNELS,
            channels_out: None,
            latency_budget_frames: 0,
        };
        let (controller, processor) = Controller::new(chain, spec).unwrap();
        let mut random = Random(seed);
        let input = (0..LONGEST * CHANNELS).map(|_| (random.next() * 2.0 - 1.0) as f32);
        Self {
            effect,
            controller,
            processor,
            input: input.collect(),
            output: vec![1.0; LONGEST * CHANNELS],
            random,
        }
    }

    /// Moves a parameter, on the side where that may allocate.
    fn disturb(&mut self) {
        let number = self.random.below(self.effect.parameters.len());
        let row = &self.effect.parameters[number];
        let value = row.min + (row.max - row.min) * self.random.next();
        let node = self.controller.nodes().next().map(|(node, _)| node);
        if let (Some(node), false) = (node, row.is_structural()) {
            // What does not fit the others is refused, and that is as good.
            let position = self.processor.position();
            let _ = self.controller.set_value(node, number, value, position);
        }
        while self.controller.answer().is_some() {}
    }

    fn call(&mut self) {
        let samples = self.random.frames(LONGEST) * CHANNELS;
        let (processor, input) = (&mut self.processor, &self.input[..samples]);
        let output = &mut self.output[..samples];
        realtime::callback(|| processor.process(input, output));
    }
}

#[test]
fn every_effect_keeps_to_what_a_callback_may_do() {
    let callbacks = std::env::var("OSSICLE_CALLBACKS");
    let callbacks = callbacks.map_or(CALLBACKS, |text| text.parse().unwrap());
    if let Err(error) = system_calls::watch() {
        println!("system calls are not watched: {error}");
    }
    let each = callbacks.div_ceil(registry::EFFECTS.len() as u64);
    let (allocations, calls) = (realtime::allocations(), system_calls::caught());
    let mut total = ThreadUsage::default();
    for (seed, &effect) in (1..).zip(registry::EFFECTS) {
        let mut rig = Rig::new(effect, seed);
        for _ in 0..WARM_UP_CALLBACKS {
            rig.disturb();
            rig.call();
        }
        for _ in 0..each {
            if rig.random.below(4) == 0 {
                rig.disturb();
            }
            let before = ThreadUsage::now().unwrap();
            rig.call();
            let used = ThreadUsage::now().unwrap().since(&before);
            total.minor_faults += used.minor_faults;
            total.major_faults += used.major_faults;
            total.waits += used.waits;
            total.preemptions += used.preemptions;
        }
    }
    let told = |name: &str, measured: u64| {
        let name = format!(
            "{name} in {} callbacks of all effects, 0",
            each * registry::EFFECTS.len() as u64
        );
        bar::tell(&name, &measured.to_string(), measured == 0);
        measured == 0
    };
    let holds = [
        told("allocations", realtime::allocations() - allocations),
        told("system calls", system_calls::caught() - calls),
        told("page faults", total.minor_faults + total.major_faults),
        told("waits", total.waits),
    ];
    println!(
        "the machine took the processor away {} times",
        total.preemptions
    );
    assert!(
        holds.iter().all(|&holds| holds),
        "{:?}",
        system_calls::calls()
    );
}
