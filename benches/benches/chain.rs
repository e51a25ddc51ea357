//! What the engine itself costs: chains of nodes that do nothing, stereo, by block length.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ossicle::chain::Chain;
use ossicle::controller::Controller;
use ossicle::dsp::block::Block;
use ossicle::dsp::node::{Node, PrepareError, Shape, Spec, Tail};
use ossicle::dsp::parameter::Parameter;
use ossicle::processor::ProcessorSpec;

const CHANNELS: usize = 2;

/// Leaves its planes as they are.
struct Nothing;

impl Node for Nothing {
    fn parameters(&self) -> &'static [Parameter] {
        &[]
    }

    fn prepare(&mut self, spec: &Spec) -> Result<Shape, PrepareError> {
        Ok(Shape {
            channels: spec.channels,
            latency_frames: 0,
        })
    }

    fn reset(&mut self) {}

    fn process(&mut self, block: &mut Block<'_>) {
        black_box(block);
    }

    fn set(&mut self, _number: usize, _value: f64) {}

    fn latency_frames(&self) -> u64 {
        0
    }

    fn tail(&self) -> Tail {
        Tail::Frames(0)
    }
}

fn chain(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("chain of nodes that do nothing");
    for nodes in [0, 1, 8, 64] {
        for block_frames in [2, 64, 1024] {
            let mut chain = Chain::new();
            for _ in 0..nodes {
                chain.push_node(Box::new(Nothing));
            }
            let spec = ProcessorSpec {
                sample_rate_hz: 48_000,
                max_block_frames: 1024,
                channels_in: CHANNELS,
                channels_out: Some(CHANNELS),
                latency_budget_frames: 0,
            };
            let made = Controller::new(chain, spec);
            let (_controller, mut processor) = made.expect("a chain without effects");
            let input: Vec<f32> = (0..block_frames * CHANNELS).map(|at| at as f32).collect();
            let mut output = vec![0.0; input.len()];
            group.throughput(Throughput::Elements(block_frames as u64));
            let id = BenchmarkId::new(format!("{nodes} nodes"), block_frames);
            group.bench_function(id, |bencher| {
                bencher.iter(|| processor.process(black_box(&input), &mut output));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, chain);
criterion_main!(benches);
